"""A whole local stack in one directory: `stack.py up` and `stack.py down` are scripts/up and scripts/down.

Tests use the parts: Postgres, Redis, Pool, Nginx and migrate() come from services.py.
"""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import packages
import processes
from processes import Process, identity
from services import (  # noqa: F401  (tests take all of them from here)
    LOOPBACK, ROLES, SOURCE, Certificates, Failure, Nginx, Pool, Postgres, Redis, Service, free_port, migrate,
    port_is_free)

MARKER = ".agrobridge-stack"
STOP_ORDER = ("nginx", "master", "redis", "postgres")  # those who call before those who are called


def say(text, end="\n"):
    """Prints; when nobody reads on (scripts/up | head), the work goes on in silence."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (until the end)


class Steps:
    """Says what is being done: `[3/9] starting PostgreSQL ... ok 1.2 s`."""

    def __init__(self, total):
        self.total, self.number = total, 0

    @contextlib.contextmanager
    def step(self, what):
        self.number += 1
        begun = time.monotonic()
        say(f"[{self.number}/{self.total}] {what} ... ", end="")
        try:
            yield
        except BaseException:
            say("failed")
            raise
        say(f"ok {time.monotonic() - begun:.1f} s")

    def skip(self, what):
        self.number += 1
        say(f"[{self.number}/{self.total}] {what}")


def write_private(path, value):
    """JSON for this user only; whoever reads sees the old text or the new, never half."""
    new = Path(f"{path}.new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(value, indent=1) + "\n")
    new.replace(path)


def read_json(path):
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        return {}


class Stack:
    """What stands in `var`: settings (ports, passwords), the data, logs, and who runs."""

    def __init__(self, var):
        self.var = Path(var).absolute()
        self.log_dir, self.run, self.build = self.var / "log", self.var / "run", self.var / "build"
        self.settings = read_json(self.var / "settings.json")
        self.started = []  # by this call, to be stopped again if it fails

    # --- who runs --------------------------------------------------------------------------------------------------

    def recorded(self):
        return {n: Process(r["pid"], r["start"]) for n, r in read_json(self.var / "processes.json").items()}

    def running(self):
        """{name: Process} of those recorded that live."""
        return {name: process for name, process in self.recorded().items() if process.alive()}

    def _record(self, alive):
        write_private(self.var / "processes.json", {n: {"pid": p.pid, "start": p.start} for n, p in alive.items()})

    @contextlib.contextmanager
    def locked(self):
        """One up or down at a time."""
        fd = os.open(self.var / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another scripts/up or scripts/down is at work in {self.var}", hint="wait for it") from None
        else:
            yield
        finally:
            os.close(fd)

    # --- up ----------------------------------------------------------------------------------------------------------

    def make_directories(self):
        if self.var.exists() and any(self.var.iterdir()) and not (self.var / MARKER).exists():
            raise Failure(f"{self.var} holds something else", hint="set AGROBRIDGE_VAR to a directory of its own")
        # With a user of its own the stack's user must get through; what is inside stays private either way.
        self.var.mkdir(parents=True, exist_ok=True)
        self.var.chmod(0o700 if identity().uid == os.geteuid() else 0o711)
        (self.var / MARKER).touch()
        for directory in (self.log_dir, self.run):
            identity().make_directory(directory)

    def choose(self, options):
        """Ports and passwords: those of the last time where they still fit."""
        s = self.settings
        s.setdefault("passwords", {role: secrets.token_hex(16) for role in ROLES} | {"redis": secrets.token_hex(16)})
        alive = self.running()
        if "master" in alive and options.workers not in (None, s["workers"]):
            raise Failure(f"the pool runs already, with {s['workers'] or 'as many workers as it found right'}",
                          hint="scripts/down first, then scripts/up with the other number")
        s["workers"] = options.workers or s.get("workers")
        port = s.get("port")
        self._choose_ports(options)
        if "master" in alive and s["port"] != port:
            self.stop(["master"])  # it tells clients the address
        for name in ("postgres", "redis"):
            port = s.get(f"{name}_port")
            if port is None or not (name in alive or "master" in alive or port_is_free(port)):
                s[f"{name}_port"] = free_port()
        write_private(self.var / "settings.json", s)

    def _choose_ports(self, options):
        s = self.settings
        if "nginx" in self.running():
            if options.port not in (None, s["port"]) or options.ops_port not in (None, s["ops_port"]):
                raise Failure(f"this stack already serves on ports {s['port']} and {s['ops_port']}",
                              hint="scripts/down first, then scripts/up with the other port")
            return
        both_free = lambda port: port_is_free(port, "") and port_is_free(options.ops_port or port + 1)  # noqa: E731
        if options.port:
            s["port"] = options.port
        elif "port" not in s or not both_free(s["port"]):
            s["port"] = next((port for port in range(8080, 8980, 2) if both_free(port)), 0)
        s["ops_port"] = options.ops_port or s["port"] + 1
        for port, address, name in ((s["port"], "", "--port"), (s["ops_port"], LOOPBACK, "--ops-port")):
            if not port_is_free(port, address):
                raise Failure(f"port {port} is in use", hint=f"choose another: scripts/up {name} N")

    def compile(self):
        if not (SOURCE / "configure.ac").exists():
            raise Failure(f"{SOURCE} holds no configure.ac: nothing to build")
        self.build.mkdir(exist_ok=True)
        build(self.build, self.log_dir / "build.log", ["all"])

    def services(self):
        s, log = self.settings, self.log_dir
        postgres = Postgres(self.var / "postgres", port=s["postgres_port"], passwords=s["passwords"],
                            log=log / "postgres.log")
        redis = Redis(self.var / "redis", port=s["redis_port"], password=s["passwords"]["redis"], log=log / "redis.log")
        conf = {"WORKERS": s["workers"],
                "RATE_API_PER_MINUTE": os.environ.get("AGROBRIDGE_RATE_API_PER_MINUTE", "0"),
                "CORS_ORIGINS": os.environ.get("AGROBRIDGE_CORS_ORIGINS", ""),
                "PUBLIC_URL": os.environ.get("AGROBRIDGE_PUBLIC_URL", f"http://{LOOPBACK}:{s['port']}")}
        pool = Pool(self.run, self.build / "agrobridge", postgres.app_url, redis.url, conf=conf, log=log / "pool.log")
        nginx = Nginx(self.var / "nginx", self.run, port=s["port"], ops_port=s["ops_port"], log=log / "nginx.log",
                      trusted_proxies=os.environ.get("AGROBRIDGE_TRUSTED_PROXIES", ""), cors_origins=conf["CORS_ORIGINS"])
        return {"postgres": postgres, "redis": redis, "master": pool, "nginx": nginx}

    def up(self, options, steps):
        with steps.step("looking for missing packages"):
            packages.install("run", self.log_dir / "packages.log")
        with steps.step("building (log/build.log)"):
            self.compile()
        self.stop([name for name in self.recorded() if name not in self.running()])  # what dead ones left behind
        self.choose(options)
        parts = self.services()
        self._start(steps, "PostgreSQL", "postgres", parts)
        self._start(steps, "Redis", "redis", parts)
        with steps.step("bringing the schema up to date"):
            migrate(self.build / "agrobridge", parts["postgres"].owner_url, self.log_dir / "migrate.log",
                    app_url=parts["postgres"].app_url)
        self._start(steps, "the pool", "master", parts)
        self._start(steps, "nginx", "nginx", parts)
        with steps.step("waiting until it is ready"):
            wait_ready(f"{parts['nginx'].url}/readyz", self.log_dir / "pool.log")
        self._write_stack(parts)
        self._load_demo(options, steps)

    def _start(self, steps, title, name, parts):
        alive = self.running()
        if name in alive:
            steps.skip(f"{title} runs already")
            return
        with steps.step(f"starting {title}"):
            parts[name].start()
            self.started.append(name)
            self._record(alive | {name: parts[name].process})

    def _write_stack(self, parts):
        write_private(self.var / "stack.json", {
            "url": parts["nginx"].url, "ops_url": parts["nginx"].ops_url,
            "database_url": parts["postgres"].app_url, "owner_database_url": parts["postgres"].owner_url,
            "redis_url": parts["redis"].url,
            "pids": {name: process.pid for name, process in self.running().items()},
            "accounts": self.settings.get("accounts", []), "demo": self.settings.get("demo", {})})

    def _load_demo(self, options, steps):
        """Once per database; its accounts are kept with the settings, so that a later up can name them again."""
        script = SOURCE / "scripts/demo_data.py"
        why_not = "already there" if self.settings.get("demo") else "not wanted" if options.no_demo else \
            None if script.exists() else "not in this tree"
        if why_not:
            steps.skip(f"demo data: {why_not}")
            return
        with steps.step("loading demo data"):
            log = self.log_dir / "demo.log"
            if processes.run([sys.executable, "-B", script, "--stack", self.var / "stack.json"], log):
                raise Failure("the demo data could not be loaded", log, "scripts/down --purge, then scripts/up")
            stack = read_json(self.var / "stack.json")
            self.settings |= {"accounts": stack["accounts"], "demo": stack["demo"]}
            write_private(self.var / "settings.json", self.settings)

    # --- down --------------------------------------------------------------------------------------------------------

    def stop(self, names=STOP_ORDER, say=say):
        """Stops those recorded, in order, and what dead ones left; True if each went when asked."""
        recorded, clean = self.recorded(), True
        kinds = {"nginx": Nginx, "master": Pool, "redis": Redis, "postgres": Postgres}
        for name in (n for n in STOP_ORDER if n in names and n in recorded):
            process = recorded.pop(name)
            if process.family():
                went = process.stop(kinds[name].stop_signal, kinds[name].stop_seconds)
                say(f"{name} (pid {process.pid}) " + ("stopped" if went else "did not stop when asked: killed"))
                clean = clean and went
            self._record(recorded)
        return clean

    def down(self):
        said = []
        clean = self.stop(say=lambda line: said.append(line) or say(line))
        if not said:
            say(f"nothing runs in {self.var}")
        (self.var / "stack.json").unlink(missing_ok=True)
        return 0 if clean else 1


def build(directory, log, targets, configure_options=()):
    """autoreconf where configure is missing or older than what makes it, configure where there is no Makefile, make."""
    made_from = [SOURCE / "configure.ac", SOURCE / "Makefile.am"]
    configure = SOURCE / "configure"
    steps = []
    if not configure.exists() or any(f.stat().st_mtime > configure.stat().st_mtime for f in made_from):
        steps.append((["autoreconf", "-i", SOURCE], "autoreconf"))
    if not (directory / "Makefile").exists():
        steps.append(([configure, *configure_options], "configure"))
    steps.append((["make", f"-j{os.cpu_count()}", *targets], "make"))
    for argv, name in steps:
        if status := processes.run(argv, log, cwd=directory, seconds=1800):
            raise Failure(f"{name} failed (status {status})", log,
                          f"correct what the log says; if that helps not, remove {directory} and try again")


def wait_ready(url, log, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise Failure(f"{url} does not say 200 after {seconds} s: {error}", log) from None
        time.sleep(0.05)


def describe(stack):
    """What a person wants to know of a running stack."""
    what = read_json(stack.var / "stack.json")
    say(f"\n  API        {what['url']}")
    say(f"  operators  {what['ops_url']}")
    for account in what["accounts"]:
        say(f"  account    {account['role']:<10} {account['email']}  password {account['password']}")
    if what["demo"]:
        say(f"  demo lot   {what['url']}/t/{what['demo']['public_code']}")
    if not what["accounts"]:
        say("  no account yet: agrobridge user add EMAIL --role ADMIN")
    say(f"  details    {stack.var}/stack.json; logs in {stack.var}/log\n  stop       scripts/down")


def parse(argv):
    parser = argparse.ArgumentParser(prog="scripts/up", description=(
        "Builds AgroBridge and runs it with a private PostgreSQL, Redis and nginx in var/, or in $AGROBRIDGE_VAR."))
    port = lambda text: int(text) if 0 < int(text) < 65536 else parser.error(f"not a port: {text}")  # noqa: E731
    parser.add_argument("--port", type=port, help="of the API (default: the first free one from 8080)")
    parser.add_argument("--ops-port", type=port, help="of the operators' pages (default: port + 1)")
    parser.add_argument("--workers", type=int, help="workers of the main group (default: sized by the program)")
    parser.add_argument("--no-demo", action="store_true", help="without demo data and its accounts")
    return parser.parse_args(argv)


def up(argv, var):
    options = parse(argv)
    stack = Stack(var)
    try:
        stack.make_directories()
        with stack.locked():
            if set(stack.running()) == set(STOP_ORDER):
                stack.choose(options)
                say("the stack is up already")
            else:
                say(f"a stack in {stack.var}; its processes run {identity().description}")
                stack.up(options, Steps(9))
    except (Failure, subprocess.SubprocessError, OSError, KeyboardInterrupt) as failure:
        print(f"scripts/up: {str(failure) or 'interrupted'}", file=sys.stderr)
        if stack.started:
            stack.stop(stack.started, say=lambda line: print(line, file=sys.stderr))
        return 1
    describe(stack)
    return 0


def down(argv, var):
    parser = argparse.ArgumentParser(prog="scripts/down", description="Stops what scripts/up started.")
    parser.add_argument("--purge", action="store_true", help="delete the directory too: data, logs, build")
    purge = parser.parse_args(argv).purge
    stack = Stack(var)
    try:
        if not (stack.var / MARKER).exists():
            if stack.var.exists() and purge:
                raise Failure(f"{stack.var} was not made by scripts/up: left as it is")
            print(f"there is no stack in {stack.var}")
            return 0
        with stack.locked():
            status = stack.down()
            if purge:
                shutil.rmtree(stack.var)
                print(f"{stack.var} deleted")
            return status
    except Failure as failure:
        print(f"scripts/down: {failure}", file=sys.stderr)
        return 1


def main(argv):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    var = os.environ.get("AGROBRIDGE_VAR") or SOURCE / "var"
    return {"up": up, "down": down}[argv[0]](argv[1:], var)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
