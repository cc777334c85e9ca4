"""A real browser for tests of pages, over the DevTools protocol, and the contrast of two colours."""

import fcntl
import json
import os
import re
import select
import subprocess
import tempfile

OPTIONS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
           " --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe").split()


class Browser:
    """Chromium with one page. It reads commands from descriptor 3, answers on 4, and ends when they are closed: with us."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="ab-browser-", ignore_cleanup_errors=True)
        theirs_in, self.to = os.pipe()
        self.answers, theirs_out = os.pipe()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out)]  # out of the way of 3 and 4
        self.child = subprocess.Popen(["chromium", *OPTIONS, f"--user-data-dir={self.directory.name}"], close_fds=False,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      preexec_fn=lambda: (os.dup2(high[0], 3), os.dup2(high[1], 4)))
        for fd in (theirs_in, theirs_out, *high):
            os.close(fd)
        self.unread, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.to)
        self.child.wait(20)
        os.close(self.answers)
        self.directory.cleanup()

    def _next(self, seconds=30):
        while b"\0" not in self.unread:
            if not select.select([self.answers], [], [], seconds)[0]:
                raise TimeoutError("the browser does not answer")
            chunk = os.read(self.answers, 1 << 16)
            if not chunk:
                raise EOFError("the browser is gone")
            self.unread += chunk
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''")

    def texts(self, selector):
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map((n) => n.textContent)")

    def open(self, url, language="en-US", scheme="light", width=1280):
        self.call("Emulation.setUserAgentOverride", userAgent="Mozilla/5.0", acceptLanguage=language)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.call("Page.navigate", url=url)

    def key(self, name, code):
        for kind in ("rawKeyDown", "char", "keyUp") if name == "Enter" else ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **({"text": "\r"} if kind == "char" else {}))

    def complaints(self):
        """Exceptions and errors in the console, by their text."""
        self.evaluate("0")  # what came before this answer is in the events
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"]))
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            if event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(json.dumps(params["args"]))
        return found

    def named(self, role):
        """The names a screen reader says of everything with this role."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [n.get("name", {}).get("value", "") for n in nodes if n.get("role", {}).get("value") == role]


def contrast(one, other):
    """WCAG 2.2, contrast ratio of two colours as CSS computes them: "rgb(1, 2, 3)"."""
    def luminance(colour):
        parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
