"""The Application Load Balancer of container/aws/edge.yaml: haproxy in front of two target groups, blue and green.

Stands for: a production and a test listener; a rule that splits requests over the groups by weight, request by request,
on connections that stay open; health checks (GET /readyz every 5 s, 3 s for the answer, 2 good or 2 bad; of a new
target the first good one counts); all targets of a group unhealthy: it fails open, all of them get requests;
deregistration (20 s: no new requests, those in flight go on, then connections are cut); never a second try; 10 s to
connect, 60 s for an answer; an access log, which the metrics are made from.

Leaves out: weighted_random and anomaly mitigation (here it is round robin), TLS, its own scaling and zones, ending a
deregistration early when nothing is in flight. A target that refuses connections makes haproxy answer 503, where AWS
says 502.
"""

import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections import namedtuple
from pathlib import Path

from services import Failure

GROUPS = ("blue", "green")
PORT = 8080
SLOTS = 40  # targets a group can have: MaxTasks, as many again while a task is replaced, and those that drain
START_SECONDS = 10
LEAST = 0.5  # real seconds that an interval, a time for an answer and a deregistration last however fast AWS' time goes

INTERVAL, TIMEOUT, GOOD, BAD, DELAY = 5, 3, 2, 2, 20  # of edge.yaml: health checks, deregistration
PATH = "/readyz"

# One request. listener: production or test; chosen: whether there was a target for it; seconds: until the target began
# to answer, None if it never did and the status is the load balancer's own.
Answer = namedtuple("Answer", "listener group chosen status seconds")

# Of a group, since the beginning. requests: those for which there was a target, as RequestCount has them.
Count = namedtuple("Count", "requests target_5xx own_5xx")

# %f and %b name the two, %s is <NOSRV> without a target, %Tr is -1 without an answer.
LOG = "%f %b %s %ST %Tr"

CONFIGURATION = """\
global
    stats socket {socket} mode 600 level admin
    stats timeout 1h
    log stdout format raw daemon
    nbthread 1
    noreuseport
    maxconn 4000
defaults
    mode http
    log global
    log-format "{log}"
    option http-keep-alive
    retries 0
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout http-request 60s
    timeout http-keep-alive 60s
frontend production
    bind {address}:{port}
    http-request set-var(txn.share) str(green),map_str_int({weights},0)
    http-request set-var(txn.beyond) rand(100),sub(txn.share)
    use_backend green if {{ var(txn.beyond) -m int lt 0 }}
    default_backend blue
frontend test
    bind {address}:{test_port}
    use_backend %[str(group),map({test},blue)]
"""
BACKEND = """\
backend {group}
    balance roundrobin
    server-template slot- {slots} 127.0.0.1:1 disabled
"""


class AccessLog:
    """The answers since the last read(). Every reader starts with the answers that are still to come."""

    def __init__(self, path):
        self._file = open(path, encoding="ascii", errors="replace")
        self._file.seek(0, 2)
        self._rest = ""

    def read(self):
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        return [answer for line in lines if (answer := parse(line))]

    def close(self):
        self._file.close()


def parse(line):
    """The answer of a line of the access log; None of any other line that haproxy writes."""
    words = line.split(" ")
    if len(words) != 5 or words[1] not in GROUPS:
        return None
    listener, group, server, status, milliseconds = words
    seconds = int(milliseconds) / 1000
    return Answer(listener, group, server != "<NOSRV>", int(status), seconds if seconds >= 0 else None)


class Target:
    """One registered address and its state: initial, healthy, unhealthy or draining."""

    def __init__(self, slot, address, port):
        self.slot, self.address, self.port = slot, address, port
        self.state, self.against = "initial", 0  # checks in a row that speak against the state
        self.leaving = threading.Event()

    def judge(self, good):
        """Takes the result of a health check."""
        if self.state == "draining":
            return
        if self.state == ("healthy" if good else "unhealthy"):
            self.against = 0
            return
        self.against += 1
        if self.against >= (1 if good and self.state == "initial" else GOOD if good else BAD):
            self.state, self.against = "healthy" if good else "unhealthy", 0

    def leave(self):
        self.state, self.left = "draining", time.monotonic()
        self.leaving.set()


class Balancer:
    """Runs from its making to close(), and not longer than the thread that made it."""

    def __init__(self, clock, directory, address="10.0.0.1", port=80, test_port=81, least=LEAST):
        self.address, self.port, self.test_port = address, port, test_port
        self.interval, self.delay = clock.real(INTERVAL, least), clock.real(DELAY, least)
        self.timeout = min(clock.real(TIMEOUT, least), self.interval)
        self._directory = Path(directory)
        self._socket = self._directory / "haproxy.sock"
        self._lock = threading.Lock()
        self._targets = {group: {} for group in GROUPS}
        self._slots = {group: dict.fromkeys(range(1, SLOTS + 1), "maint") for group in GROUPS}
        self._production, self._test = {"blue": 100, "green": 0}, "blue"
        self._threads, self._closed = [], threading.Event()
        self._counts = dict.fromkeys(GROUPS, Count(0, 0, 0))
        self._start()
        self._counting = self.reader()

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    @property
    def test_url(self):
        return f"http://{self.address}:{self.test_port}"

    # --- rules ---

    @property
    def production(self):
        """Weights by group."""
        return dict(self._production)

    @production.setter
    def production(self, weights):
        share = round(100 * weights["green"] / sum(weights.values()))
        self._tell(f"set map {self._map('weights')} green {share}")
        self._production = dict(weights)

    @property
    def test(self):
        """The group behind the test listener."""
        return self._test

    @test.setter
    def test(self, group):
        self._tell(f"set map {self._map('test')} group {group}")
        self._test = group

    # --- targets ---

    def register(self, group, task_id, address, port=PORT):
        with self._lock:
            slot = next(slot for slot, state in self._slots[group].items() if state == "maint")
            target = self._targets[group][task_id] = Target(slot, address, port)
            self._tell(f"set server {group}/slot-{slot} addr {address} port {port}")
            self._route(group)
        thread = threading.Thread(target=self._attend, args=(group, task_id, target), daemon=True)
        self._threads.append(thread)
        thread.start()

    def deregister(self, group, task_id):
        """Begins it; when it is done, the target is no longer in health()."""
        with self._lock:
            self._targets[group][task_id].leave()
            self._route(group)

    def health(self, group):
        """{task id: initial, healthy, unhealthy or draining}"""
        with self._lock:
            return {task_id: target.state for task_id, target in self._targets[group].items()}

    def healthy(self, group):
        return {task_id for task_id, state in self.health(group).items() if state == "healthy"}

    def _attend(self, group, task_id, target):
        """Checks a target until it leaves, lets it drain, gives its slot back."""
        due = time.monotonic()
        while not target.leaving.wait(due - time.monotonic()):
            due = max(due, time.monotonic() - self.interval) + self.interval
            good = self._check(target)
            with self._lock:
                target.judge(good)
                self._route(group)
        if self._closed.wait(target.left + self.delay - time.monotonic()):
            return
        with self._lock:
            del self._targets[group][task_id]
            self._route(group)
            self._tell(f"shutdown sessions server {group}/slot-{target.slot}")

    def _check(self, target):
        connection = http.client.HTTPConnection(target.address, target.port, timeout=self.timeout)
        try:
            connection.request("GET", PATH)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _route(self, group):
        """Tells haproxy which targets get requests: the healthy ones; where there are none, the unhealthy ones."""
        targets = self._targets[group].values()
        serving = "healthy" if any(target.state == "healthy" for target in targets) else "unhealthy"
        states = dict.fromkeys(self._slots[group], "maint")
        states |= {target.slot: "ready" if target.state == serving else "drain" for target in targets}
        changes = [(slot, state) for slot, state in states.items() if state != self._slots[group][slot]]
        changes.sort(key=lambda change: change[1] != "ready")  # so that at no moment there is none
        if changes:
            self._tell(*(f"set server {group}/slot-{slot} state {state}" for slot, state in changes))
        self._slots[group] = states

    # --- figures ---

    def reader(self):
        return AccessLog(self._directory / "access.log")

    def counts(self):
        """{group: Count}"""
        for answer in self._counting.read():
            bad, count = answer.status >= 500, self._counts[answer.group]
            self._counts[answer.group] = Count(count.requests + answer.chosen,
                                               count.target_5xx + (bad and answer.seconds is not None),
                                               count.own_5xx + (bad and answer.seconds is None))
        return dict(self._counts)

    # --- haproxy ---

    def _map(self, name):
        return self._directory / f"{name}.map"

    def _start(self):
        program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if not program:
            raise Failure("haproxy is not installed", hint="apt-get install haproxy")
        self._map("weights").write_text("green 0\n")
        self._map("test").write_text("group blue\n")
        configuration = self._directory / "haproxy.cfg"
        configuration.write_text(CONFIGURATION.format(
            socket=self._socket, log=LOG, address=self.address, port=self.port, test_port=self.test_port,
            weights=self._map("weights"), test=self._map("test"),
        ) + "".join(BACKEND.format(group=group, slots=SLOTS) for group in GROUPS))
        log = self._directory / "haproxy.log"
        with open(self._directory / "access.log", "ab") as access, open(log, "ab") as errors:
            self._haproxy = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", program, "-db", "-f", configuration],
                                             stdin=subprocess.DEVNULL, stdout=access, stderr=errors)
        deadline = time.monotonic() + START_SECONDS
        while not self._serves():
            if self._haproxy.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise Failure("haproxy does not start", log)
            time.sleep(0.01)

    def _serves(self):
        """It answers only when all its ports are open."""
        try:
            return bool(self._ask("show version"))
        except OSError:
            return False

    def _ask(self, *commands):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(START_SECONDS)
            control.connect(str(self._socket))
            control.sendall("; ".join(commands).encode() + b"\n")
            return b"".join(iter(lambda: control.recv(65536), b"")).decode().strip()

    def _tell(self, *commands):
        said = self._ask(*commands)
        if said and " changed from " not in said and not said.startswith("no need to change"):
            raise Failure(f"haproxy, told {'; '.join(commands)}: {said.splitlines()[0]}")

    def close(self):
        self._closed.set()
        for targets in self._targets.values():
            for target in targets.values():
                target.leave()
        for thread in self._threads:
            thread.join()
        self._stop()
        self._counting.close()

    def _stop(self):
        self._haproxy.terminate()
        self._haproxy.wait()
