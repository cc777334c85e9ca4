"""One daemon of a stack: started on a free port, waited for until it serves, stopped with all its children.

`tether=True` ends it with the thread that started it: for tests, so that a killed one leaves nothing behind.
`address` is where it listens; `enter` is a command that runs another one elsewhere, in a namespace or a cgroup.
Every service has .process (pid), .log, stop(), freeze() and thaw(), and can be started again after stop().
"""

import random
import signal
import socket
import time
from pathlib import Path

import processes

SOURCE = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"

# Unix socket paths end at 107 bytes; the longest name below a directory of ours is /.s.PGSQL.65535.lock
DIRECTORY_MAX = 107 - len("/.s.PGSQL.65535.lock")


class Failure(Exception):
    """What went wrong, the log that tells more, and how to mend it."""

    def __init__(self, what, log=None, hint=None):
        super().__init__(what)
        self.log, self.hint = log, hint

    def __str__(self):
        lines = [super().__str__()]
        if self.log and Path(self.log).exists():
            tail = Path(self.log).read_text(errors="replace").splitlines()[-15:]
            lines += [f"    {line}" for line in tail] + [f"log:  {self.log}"]
        if self.hint:
            lines.append(f"mend: {self.hint}")
        return "\n".join(lines)


def port_is_free(port, address=LOOPBACK):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError):
            return False
    return True


def free_port():
    """Below the range the kernel gives to clients (32768 up), so that none takes it before the service does."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if port_is_free(port):
            return port
    raise Failure("no free port between 20000 and 32000")


class Service:
    """One daemon: start() returns when it serves, stop() when it and its children are gone."""

    name = "service"
    stop_signal = signal.SIGTERM
    stop_seconds = 10
    start_seconds = 30

    def __init__(self, directory, log=None, tether=False, address=LOOPBACK, enter=()):
        self.directory = Path(directory)
        self.log = Path(log) if log else self.directory / f"{self.name}.log"
        self.tether, self.address, self.enter = tether, address, enter
        self.process = None

    # What each service says about itself.
    def prepare(self):
        """Files it needs; made once, kept over a restart."""

    def argv(self):
        raise NotImplementedError

    def env(self):
        return None

    def is_ready(self):
        raise NotImplementedError

    def another_port(self):
        """Takes other ports after these were lost to somebody else; False if they are not ours to choose."""
        return False

    def launch(self):
        """Starts it, and does not wait until it serves."""
        if len(str(self.directory)) > DIRECTORY_MAX:
            raise Failure(f"{self.directory} is too long for Unix sockets in it: at most {DIRECTORY_MAX} characters",
                          hint="choose a shorter directory (AGROBRIDGE_VAR, TMPDIR)")
        processes.identity().make_directory(self.directory)
        self.prepare()
        self.process = processes.spawn(self.argv(), self.log, env=self.env(), tether=self.tether, enter=self.enter)

    def start(self):
        for _ in range(5):
            said = self.log.stat().st_size if self.log.exists() else 0
            self.launch()
            try:
                self._wait_ready()
                return self
            except Failure:
                self.stop()
                if b"in use" not in self.log.read_bytes()[said:] or not self.another_port():
                    raise
            except BaseException:
                self.stop()
                raise
        raise Failure(f"{self.name} found no free port", self.log)

    def _wait_ready(self):
        """Asks until it serves: none of these daemons offers an event for that."""
        deadline = time.monotonic() + self.start_seconds
        while not self.is_ready():
            if not self.process.alive():
                raise Failure(f"{self.name} ended at once (status {processes.reap(self.process.pid)})", self.log)
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} does not serve after {self.start_seconds} s", self.log)
            time.sleep(0.01)

    def stop(self):
        """True if it went when asked; it is gone either way."""
        went = self.process is None or self.process.stop(self.stop_signal, self.stop_seconds)
        self.process = None
        return went

    def kill(self):
        self.process.kill()
        self.process = None

    def freeze(self):
        """Stops it in the middle of whatever it does, children too, as a hung host would."""
        for process in self.process.family():
            process.signal(signal.SIGSTOP)

    def thaw(self):
        for process in self.process.family():
            process.signal(signal.SIGCONT)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def answers(address, send=b"", expect=b"", wrap=None):
    """True if a TCP server there takes `send` and its answer holds `expect`."""
    try:
        with socket.create_connection(address, timeout=1) as plain, (wrap(plain) if wrap else plain) as s:
            s.sendall(send)
            got = b""
            while expect not in got:
                chunk = s.recv(4096)
                if not chunk:
                    return False
                got += chunk
            return True
    except OSError:
        return False
