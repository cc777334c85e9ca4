"""ECS tasks: nginx and the program, with an address and a share of the processors of their own.

Stands for: a Fargate task of container/aws/service.yaml: both start at once (DependsOn START), stop in reverse order,
nginx first, each with its StopTimeout; the processor limit is on the task as a whole.
Leaves out: placement and the pull of images (service.py), health checks and restarts of single containers; that the
limit holds from the first moment. The operators' port is open to the rehearsal, not at 127.0.0.1 only.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import threading
import time
import urllib.request
from pathlib import Path

import processes
from services import SOURCE, Pool, Service, program_environment

from . import cpu
from .container import MEMORY_MB, Container, Engine, make_volume
from .net import CORE

PORT, OPS_PORT = 8080, 8081
STOP_SECONDS = {"nginx": 95, "app": 15}  # StopTimeout
STATUS_SECONDS, KILL_SECONDS = 2, 5
BOOT_SECONDS = 10  # real: as long as it may use more of the processors than its share

# As in the image: beside the entrypoint lie the template and what fills it in, and /tmp is the container's own.
ENTRYPOINT = ("container/drain", "nginx/render", "nginx/nginx.conf.in")
OWN_TMP = 'mount --bind "$1" /tmp; shift; exec "$@"'

_numbers = itertools.count(1)


class Release:
    """What a deployment rolls out. `images` are {"app": NAME, "nginx": NAME}; without them `binary` runs as it is."""

    def __init__(self, name, workers, conf=None, images=None, binary=None):
        self.name, self.workers, self.conf, self.images, self.binary = name, workers, conf or {}, images, binary

    def __repr__(self):
        return f"<release {self.name}: {self.workers} workers>"


def front_conf():
    return {"PORT": PORT, "OPS_PORT": OPS_PORT, "TRUSTED_PROXIES": CORE,
            "DRAIN_MS": 110_000}  # the longest there is: stop() says when it ends


class _Front(Service):
    """nginx behind the entrypoint of its container."""

    name = "nginx"

    def __init__(self, directory, enter=(), **rest):
        self.tmp = directory / "tmp"
        self.sockets = self.tmp / "sockets"
        super().__init__(directory, enter=(*enter, "unshare", "--mount", "sh", "-ec", OWN_TMP, "sh", self.tmp), **rest)

    def prepare(self):
        for folder in (self.directory, self.tmp, self.tmp / "lib", self.sockets):
            processes.identity().make_directory(folder)
        for name in ENTRYPOINT:
            copy = self.tmp / "lib" / Path(name).name
            shutil.copy(SOURCE / name, copy)
            processes.identity().own(copy)

    def argv(self):
        return ["/tmp/lib/drain", self.address]

    def env(self):
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        return program_environment(SOCKET_DIR="/tmp/sockets", **front_conf()) | {"PATH": path}


class _Processes:
    """A task without containers: the same programs, group and namespace, but the machine's files around them."""

    def __init__(self, directory, host, group, release, conf):
        enter = (*group.enter, *host.enter)
        self._front = _Front(directory, address=host.address, enter=enter)
        self._pool = Pool(self._front.sockets, release.binary, conf["DATABASE_URL"], conf["REDIS_URL"], conf=conf,
                          log=directory / "app.log", enter=enter)
        self.sockets = self._front.sockets

    def start(self):
        self._front.prepare()
        self._pool.launch()
        self._front.launch()

    def process(self, name):
        return {"nginx": self._front, "app": self._pool}[name].process

    def close(self):
        for service in (self._front, self._pool):
            if service.process:
                processes.reap(service.process.pid)


class _Containers:
    """A task of images."""

    def __init__(self, engine, directory, host, group, release, conf):
        self._engine = engine
        self.sockets = directory / "sockets"
        conf = {"nginx": front_conf(), "app": conf | {"SOCKET_DIR": "/run/agrobridge"}}
        words = {"nginx": [host.address], "app": []}
        self._containers = {name: Container(name, release.images[name], directory, host, group, self.sockets,
                                            words[name], conf[name]) for name in ("app", "nginx")}

    def start(self):
        make_volume(self.sockets)
        for container in self._containers.values():
            container.start(self._engine)

    def process(self, name):
        return self._containers[name].process

    def close(self):
        for container in self._containers.values():
            container.close()


class Task:
    def __init__(self, net, zone, release, conf, directory, cores):
        self.id, self.zone, self.release, self.cores = f"{release.name}-{next(_numbers)}", zone, release, cores
        self._host = net.host(zone, self.id)
        self.address = self._host.address
        self._group, self._used = cpu.Group(cores), 0.0
        self._lock = threading.Lock()
        conf = {"CPUS": cores, "MEMORY_MB": MEMORY_MB["app"], "WORKERS": release.workers, **conf, **release.conf}
        directory = Path(directory)
        what = (directory / self.id, self._host, self._group, release, conf)
        self._way = _Containers(Engine(directory / "podman"), *what) if release.images else _Processes(*what)

    def start(self):
        """Returns when it is ready; one that never is, when it has had time enough. Only then it has its share of the
        processors: dozens of workers that log in at once need a twelfth of a core for seconds, and a whole one not."""
        group = self._group  # kill() may come meanwhile
        try:
            self._way.start()
            self._wait_ready()
            group.limit()
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_ready(self):
        deadline = time.monotonic() + BOOT_SECONDS
        while self.running and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{self.address}:{OPS_PORT}/readyz", timeout=STATUS_SECONDS).close()
                return
            time.sleep(0.05)

    def process(self, name):
        """The main process of "nginx" or "app"."""
        return self._way.process(name)

    @property
    def running(self):
        """Both live: the end of either is the task's, for both are essential."""
        return all((process := self.process(name)) is not None and process.alive() for name in STOP_SECONDS)

    def cpu_seconds(self):
        """What the task has used; after its end, what it had used then."""
        if group := self._group:
            with contextlib.suppress(OSError):  # ended meanwhile
                return group.cpu_seconds()
        return self._used

    def status(self):
        """What the operators' port says; OSError when it does not."""
        with urllib.request.urlopen(f"http://{self.address}:{OPS_PORT}/status", timeout=STATUS_SECONDS) as answer:
            return json.load(answer)

    def stop(self, drain_seconds, turn=contextlib.nullcontext()):
        """As ECS does it: nginx is told first, serves on for so long, ends what it has; then the program. True if both
        went when asked. `turn` is held while they end: taking containers away is work, too."""
        front = self.process("nginx")
        front.signal(signal.SIGTERM)
        self._wait_draining(front)
        processes.wait_gone([front], drain_seconds)
        with turn:
            went = [_ask(self.process(name), seconds) for name, seconds in STOP_SECONDS.items()]
            self.kill()
        return all(went)

    def _wait_draining(self, front):
        """Two signals could be one to it, if the first were still pending."""
        while front.alive() and not (self._way.sockets / "draining").exists():
            time.sleep(0.02)

    def kill(self):
        """Ends all of it at once."""
        with self._lock:
            if not self._group:
                return
            for name in STOP_SECONDS:  # by themselves: they may not have joined the group yet
                if process := self.process(name):
                    process.signal(signal.SIGKILL)
                    processes.wait_gone([process], KILL_SECONDS)
            self._group.kill()
            self._used = self._group.cpu_seconds()
            group, self._group = self._group, None
            self._way.close()
            group.close()
            self._host.close()


def _ask(process, seconds):
    process.signal(signal.SIGTERM)
    return not processes.wait_gone([process], seconds)
