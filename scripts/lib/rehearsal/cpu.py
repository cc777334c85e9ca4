"""A task's share of the processors: a control group that everything of the task runs in.

Stands for: the size of a Fargate task. There, too, the limit sits on the parent of the containers' groups, where none
of them sees it. Version 1 of control groups (cpu, cpuacct) and version 2.
Leaves out: memory (containers have limits of their own), and that shares smaller than a processor's are given in
periods of 10 ms, not of 100: a task of a twelfth of a core would otherwise stop for 90 ms at a time.
"""

import contextlib
import errno
import fcntl
import os
import signal
import time
import uuid
from pathlib import Path

from services import Failure

ROOT = Path("/sys/fs/cgroup")
PREFIX = "agrobridge-rehearsal-"
PERIOD_US = 10_000
QUOTA_LEAST_US = 1_000  # the kernel's
# Of what is usual. A task has its machine: what else starts on ours must not slow it down, nor the stores.
WEIGHT, BOOT_WEIGHT = 10, 0.1
BUSY_SECONDS = 1

# A command that runs another one in the group; it still has our rights.
JOIN = 'for group in $1; do echo $$ >"$group/cgroup.procs"; done; shift; exec "$@"'


def bandwidth(cores):
    """(quota, period) in microseconds."""
    period = max(PERIOD_US, round(QUOTA_LEAST_US / cores))
    return round(cores * period), period


class Group:
    """`path`, below the mount point, is what podman takes as --cgroup-parent."""

    def __init__(self, cores, root=ROOT):
        self.cores = cores
        self._root, self._name = root, PREFIX + uuid.uuid4().hex[:12]
        self.path = f"/{self._name}"
        self._unified = (root / "cgroup.controllers").exists()
        if self._unified:
            self._counted = self._limited = root / self._name
            _enable_cpu(root)
        else:
            self._counted, self._limited = root / "cpuacct" / self._name, root / "cpu" / self._name
        for folder in (self._counted, self._limited):
            folder.mkdir(exist_ok=True)  # cpu and cpuacct may be one
        self._lock = _locked(self._counted)
        self.enter = ("sh", "-c", JOIN, "sh", f"{self._counted} {self._limited}")
        self._before = 0.0
        self._weigh(BOOT_WEIGHT)

    def limit(self):
        """From now on it has its share, and what it used before does not count: putting a container together takes the
        engine longer, in a twelfth of a core, than all that comes after until it serves."""
        quota, period = bandwidth(self.cores)
        self._set({"cpu.max": f"{quota} {period}"} if self._unified
                  else {"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota})
        self._weigh(WEIGHT)
        self._before = self._counter()

    def _weigh(self, weight):
        file, usual = ("cpu.weight", 100) if self._unified else ("cpu.shares", 1024)
        self._set({file: round(weight * usual)})

    def _set(self, values):
        for file, value in values.items():
            (self._limited / file).write_text(str(value))

    def cpu_seconds(self):
        """What its processes have used, those that are gone included."""
        return self._counter() - self._before

    def _counter(self):
        if self._unified:
            usage = dict(line.split() for line in (self._counted / "cpu.stat").read_text().splitlines())
            return int(usage["usage_usec"]) / 1e6
        return int((self._counted / "cpuacct.usage").read_text()) / 1e9

    def processes(self):
        found = set()
        for folder, _, _ in os.walk(self._counted):
            with contextlib.suppress(FileNotFoundError):  # a container's, gone meanwhile
                found |= {int(pid) for pid in Path(folder, "cgroup.procs").read_text().split()}
        return found - {0}  # 0: of a sandbox around ours

    def kill(self):
        """Ends all of it at once, what it forks meanwhile included."""
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    def close(self):
        os.close(self._lock)
        _remove(self._name, self._root)


def _enable_cpu(root):
    control = root / "cgroup.subtree_control"
    if "cpu" not in control.read_text().split():
        try:
            control.write_text("+cpu")
        except OSError as why:
            raise Failure(f"control groups of this machine give no share of its processors: {why}") from why


def _locked(folder):
    """While the descriptor is open, sweep() leaves the group alone."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _folders(name, root):
    """The group's folders: in version 1, podman makes one below every controller. Some of these have two names."""
    return {folder.resolve() for folder in [*root.glob(name), *root.glob(f"*/{name}")]}


def _remove(name, root):
    for top in _folders(name, root):
        for folder, _, _ in os.walk(top, topdown=False):
            _remove_empty(folder)


def _remove_empty(folder):
    """A process still counts for a moment after it has left the list."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return os.rmdir(folder)
        except OSError as why:
            if why.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.005)


def sweep(root=ROOT):
    """Removes the groups of rehearsals that were killed."""
    for folder in [*root.glob(f"{PREFIX}*"), *root.glob(f"cpuacct/{PREFIX}*")]:
        with contextlib.suppress(OSError):  # in use, or gone meanwhile
            os.close(_locked(folder))
            _remove(folder.name, root)
