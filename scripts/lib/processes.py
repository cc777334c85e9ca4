"""Processes of a stack: started as the right user, known by pid and start time, stopped to the last child.

A pid alone may belong to somebody else by the time it is used; pid and start time (field 22 of /proc/PID/stat) do not.
"""

import functools
import os
import select
import signal
import subprocess
import time
from pathlib import Path

# Both must have a name, or initdb refuses them; these two are in every Debian's base-passwd.
DAEMON = 1  # whom root is mapped to in a user namespace; outside, the files are still root's
NOBODY = 65534  # whom root becomes where user namespaces are closed: he owns nothing else


def _stat(pid):
    """(state, parent, session, start time) of a process, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold blanks and brackets
    return fields[0], int(fields[1]), int(fields[3]), int(fields[19])


def _living():
    """(pid, parent, session, start time) of every process."""
    for entry in os.listdir("/proc"):
        stat = _stat(entry) if entry.isdigit() else None
        if stat and stat[0] not in "ZX":
            yield int(entry), *stat[1:]


def start_time(pid):
    """When a living process started, in ticks since boot; None for one that is gone or only waits to be reaped."""
    stat = _stat(pid)
    return stat[3] if stat and stat[0] not in "ZX" else None


class Process:
    """One process, for as long as it is that one."""

    def __init__(self, pid, start=None):
        self.pid = pid
        self.start = start_time(pid) if start is None else start

    def alive(self):
        return self.start is not None and start_time(self.pid) == self.start

    def open(self):
        """A pidfd of exactly this process, or None when it is gone."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():
            return fd
        os.close(fd)
        return None

    def signal(self, number):
        """True when it was delivered to this process and no other."""
        fd = self.open()
        if fd is None:
            return False
        try:
            signal.pidfd_send_signal(fd, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(fd)

    def descendants(self):
        """Children, their children, and so on, as they are now."""
        if not self.alive():
            return []
        children = {}
        for pid, parent, _, start in _living():
            children.setdefault(parent, []).append(Process(pid, start))
        found, queue = [], [self.pid]
        while queue:
            for child in children.get(queue.pop(), []):
                found.append(child)
                queue.append(child.pid)
        return found

    def orphans(self):
        """What a dead session leader left: while they live, the kernel gives its number to nobody else."""
        if start_time(self.pid) is not None or self.start is None:
            return []
        return [Process(pid, start) for pid, _, session, start in _living() if session == self.pid and start >= self.start]

    def family(self):
        return [*([self] if self.alive() else []), *self.descendants(), *self.orphans()]

    def stop(self, number, seconds):
        """Asks with `number`, waits, then kills what is left, children included. True if asking was enough."""
        family = self.family()
        if not self.signal(number):
            for orphan in family:
                orphan.signal(number)
        left = wait_gone(family, seconds)
        self.kill(left)
        return not left

    def kill(self, more=()):
        """Ends it and all its children at once."""
        family = {p.pid: p for p in [*self.family(), *more]}.values()
        for process in family:
            process.signal(signal.SIGKILL)
        wait_gone(family, 5)
        reap(self.pid)


def wait_gone(processes, seconds):
    """Waits until all are gone; returns those that still live after `seconds`."""
    deadline = time.monotonic() + seconds
    left = {fd: p for p in processes if (fd := p.open()) is not None}
    poll = select.poll()
    for fd in left:
        poll.register(fd, select.POLLIN)
    while left and (rest := deadline - time.monotonic()) > 0:
        for fd, _ in poll.poll(rest * 1000):
            poll.unregister(fd)
            os.close(fd)
            del left[fd]
    for fd in left:
        os.close(fd)
    return list(left.values())


def reap(pid):
    """Takes the exit status of a child, so that no zombie stays; None if it runs or is not ours."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if done else None


class Identity:
    """As whom the processes of a stack run, all alike: PostgreSQL refuses root."""

    def __init__(self, prefix, uid, description):
        self.prefix, self.uid, self.description = prefix, uid, description

    def own(self, path):
        """Makes a file or directory of ours theirs."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.uid)

    def make_directory(self, path):
        path = Path(path)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.own(path)
        return path


@functools.cache
def identity():
    if os.geteuid() != 0:
        return Identity([], os.geteuid(), f"as user {os.geteuid()}")
    namespace = ["unshare", "-U", f"--map-user={DAEMON}", f"--map-group={DAEMON}"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return Identity(namespace, 0, f"in a user namespace, as user {DAEMON} there")
    dropped = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return Identity(dropped, NOBODY, f"as user {NOBODY} (user namespaces are closed here)")


def command(argv, tether=False):
    """`argv` as the stack's user; tethered, it is told to end when the thread that started it does."""
    tie = ["setpriv", "--pdeathsig", "TERM"] if tether else []
    return [*identity().prefix, *tie, *map(str, argv)]


def spawn(argv, log, env=None, tether=False, enter=()):
    """Starts a daemon in its own session, output appended to `log`. Returns its Process. `enter`, a command that runs
    another one elsewhere, still has our rights."""
    with open(log, "ab") as output:
        identity().own(log)  # nginx opens /dev/stdout again, by name
        child = subprocess.Popen(
            [*map(str, enter), *command(argv, tether)], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=env, start_new_session=True, umask=0o077)
    child.returncode = 0  # ours to reap(), not Popen's: it would warn about a child it has not waited for
    return Process(child.pid)


def run(argv, log, env=None, cwd=None, seconds=300):
    """Runs a command of ours to its end, output appended to `log`. Returns its exit status. If we are interrupted or
    it takes too long, it ends with all its children."""
    with open(log, "ab") as output:
        child = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=output, cwd=cwd, env=env,
                                 stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return child.wait(seconds)
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        raise
