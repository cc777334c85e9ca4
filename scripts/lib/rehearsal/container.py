"""The containers of a task, by podman, from the images as scripts/image makes them.

Stands for: the two containers of container/aws/service.yaml: user, read-only root, no capabilities, memory, a tmpfs at
/tmp for nginx, the sockets' volume in both.
Leaves out: the memory of the task as a whole; logs go to files. More than Fargate does: no new privileges, limits for
processes and files.

Containers, locks and logs are in `directory` and end with the sandbox; of the machine's storage only the images are
used, and those are only read.
"""

import functools
import os

import processes
from image import LIMITS, PODMAN, output
from processes import Process

USER = 10001  # the images'
MEMORY_MB = {"app": 640, "nginx": 256}
TMPFS = {"app": [], "nginx": ["--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=128m"]}
HARDENED = (
    "--read-only", f"--user={USER}:{USER}", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=256",
    "--read-only-tmpfs=false", *LIMITS)
NICE = ("nice", "-n", "10")  # on AWS the engine has other processors than the stores
END_SECONDS = 30  # for podman to take a container's remains away; longer with many at a time


@functools.cache
def storage():
    """(directory, driver) of the machine's images."""
    return output(*PODMAN, "info", "--format={{.Store.GraphRoot}} {{.Store.GraphDriverName}}").split()


class Engine:
    """`directory` is for one run."""

    def __init__(self, directory):
        images, driver = storage()
        folders = [word for name in ("root", "runroot", "tmpdir") for word in (f"--{name}", directory / name)]
        self._podman = [*NICE, *PODMAN, "--cgroup-manager=cgroupfs", "--events-backend=none", *folders,
                        f"--storage-driver={driver}", f"--storage-opt={driver}.imagestore={images}"]

    def run(self, image, words, options):
        """Starts a container, which is forgotten when it has ended."""
        output(*self._podman, "run", "--detach", "--rm", *HARDENED, *options, image, *words)


class Container:
    """"app" or "nginx" of a task; `.process` is its first one."""

    def __init__(self, kind, image, directory, host, group, sockets, words, conf):
        self._kind, self._image, self._directory, self._words, self._conf = kind, image, directory, words, conf
        self._options = [
            f"--memory={MEMORY_MB[kind]}m", *TMPFS[kind], f"--network=ns:{host.netns}", "--no-hosts",
            f"--volume={sockets}:/run/agrobridge", f"--cgroup-parent={group.path}", "--cgroups=no-conmon"]
        self.process = self._monitor = None

    def _file(self, what):
        return self._directory / f"{self._kind}.{what}"

    def start(self, engine):
        env = self._file("env")
        env.touch(mode=0o600)
        env.write_text("".join(f"AGROBRIDGE_{name}={value}\n" for name, value in self._conf.items()))
        engine.run(self._image, self._words, [
            *self._options, f"--env-file={env}", f"--pidfile={self._file('pid')}", "--log-driver=k8s-file",
            f"--conmon-pidfile={self._file('monitor')}", f"--log-opt=path={self._file('log')}"])
        self._monitor, self.process = (Process(int(self._file(what).read_text())) for what in ("monitor", "pid"))

    def close(self):
        """Waits until nothing of it is left."""
        if self._monitor:
            processes.wait_gone([self._monitor], END_SECONDS)


def make_volume(path):
    """The sockets' directory, with the owner and mode that the images give theirs."""
    path.mkdir(mode=0o750, parents=True)
    os.chown(path, USER, USER)
