"""A VPC with three availability zones, in network namespaces.

Stands for: one subnet a zone, tasks and stores each with an address of their own (awsvpc), the loss of a zone. The
zones are bridges in namespaces of their own, each joined to the bridge `vpc` by one link; that link down is a zone cut
off: inside, everything lives on and still reaches its neighbours.
Leaves out: routing, security groups, latency between zones (about 1 ms on AWS), several kinds of partial loss.

Everything belongs to a sandbox: a process started by `sandboxed()` has a network, mounts and processes of its own, and
nothing of them outlives it, except control groups without a process (cpu.sweep).
"""

import itertools
import os
import subprocess
import threading
from pathlib import Path

from services import Failure

CORE = "10.0.0.1"
PREFIX = 16
ZONES = ("a", "b", "c")
NETNS = Path("/run/netns")
OWN = {NETNS: 755, "/dev/shm": 1777}  # the latter holds podman's locks
SANDBOX = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")

# For every process of the sandbox: names come from our server and from nowhere else.
FILES = {
    "/etc/resolv.conf": f"nameserver {CORE}\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def sandboxed(argv):
    """The shell is its first process: it takes the exit status of all that lost their parents."""
    return [*SANDBOX, "sh", "-c", '"$@"; exit $?', "sh", *map(str, argv)]


def why_no_sandbox():
    """Why none can be made here, or None."""
    if os.geteuid() != 0:
        return "a network of its own needs root"
    done = subprocess.run(sandboxed(["ip", "link", "add", "probe", "type", "bridge"]), capture_output=True, text=True,
                          check=False)
    return done.stderr.strip() or None


def _run(argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")


def _ip(*lines, netns=None):
    """Commands of ip(8), in order, by one process."""
    _run(["ip", *(["-n", netns] if netns else []), "-batch", "-"], "\n".join(lines))


class Host:
    """A network namespace with one address. `enter` is a command that runs another one in it."""

    def __init__(self, zone, label, address):
        self.zone, self.name, self.address = zone, label, address
        self.netns = NETNS / label
        self.enter = ("nsenter", f"--net={self.netns}")
        _ip(f"netns add {label}")
        _ip(f"link add eth0 netns {label} type veth peer name {self._port}", f"link set {self._port} master zone up",
            netns=zone.netns)
        _ip("link set lo up", f"address add {address}/{PREFIX} dev eth0", "link set eth0 up", netns=label)

    @property
    def _port(self):
        return "t" + self.address.replace(".", "-")  # at most 15 characters

    def close(self):
        """The link is gone at once, the namespace when its last process is."""
        _ip(f"link delete {self._port}", netns=self.zone.netns)
        _ip(f"netns delete {self.name}")
        self.zone.release(self.address)


class Zone:
    def __init__(self, name, number):
        self.name, self.lost = name, False
        self.netns, self._uplink = f"zone-{name}", f"up-{name}"
        self._used, self._lock = set(), threading.Lock()
        # An address comes back last: who still talks to its former owner must not reach the next one.
        self._addresses = itertools.cycle(f"10.0.{number}.{host}" for host in range(10, 250))
        _ip(f"netns add {self.netns}",
            f"link add {self._uplink} type veth peer name uplink netns {self.netns}",
            f"link set {self._uplink} master vpc up")
        _ip("link set lo up", "link add zone type bridge", "link set zone up", "link set uplink master zone up",
            netns=self.netns)

    def cut(self):
        self.lost = True
        _ip(f"link set {self._uplink} down")

    def mend(self):
        _ip(f"link set {self._uplink} up")
        self.lost = False

    def host(self, label):
        with self._lock:
            address = next(a for a in itertools.islice(self._addresses, 240) if a not in self._used)
            self._used.add(address)
        return Host(self, label, address)

    def close(self):
        _ip(f"link delete {self._uplink}", f"netns delete {self.netns}")

    def release(self, address):
        with self._lock:
            self._used.discard(address)


class Net:
    def __init__(self):
        if len(Path("/proc/net/route").read_text().splitlines()) > 1:
            raise Failure("this network is in use: the rehearsal makes one of its own", hint="scripts/rehearse run")
        NETNS.mkdir(parents=True, exist_ok=True)
        for folder, mode in OWN.items():
            _run(["mount", "-t", "tmpfs", "-o", f"mode={mode}", "rehearsal", folder])
        for name, text in FILES.items():
            new = NETNS / Path(name).name
            new.write_text(text)
            _run(["mount", "--bind", new, os.path.realpath(name)])
        _ip("link set lo up", "link add vpc type bridge", f"address add {CORE}/{PREFIX} dev vpc", "link set vpc up")
        self.zones = {name: Zone(name, number) for number, name in enumerate(ZONES, 1)}

    def host(self, zone, label):
        return self.zones[zone].host(label)

    def close(self):
        _ip("link delete vpc")
        for zone in self.zones.values():
            zone.close()
        for name in (*FILES, *OWN):
            _run(["umount", "--lazy", os.path.realpath(name)])
