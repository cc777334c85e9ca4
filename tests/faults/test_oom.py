"""The kernel kills a worker for lack of memory: a request is lost, its worker replaced, and the reason is told.

In a memory cgroup of its own, which needs the right to make one (version 1 or 2); skipped elsewhere.
"""

import contextlib
import os
import unittest
from pathlib import Path

from world import PASSWORD, Client, World, eventually, processes

ROOM = 8 << 20  # beside what the idle pool needs: a password's hash takes 19 MiB


def memory_cgroup():
    """(an own folder, the name of its limit, the name of its usage), or None where none can be made."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    v1 = next((path for _, names, path in lines if "memory" in names.split(",")), None)
    v2 = next((path for number, _, path in lines if number == "0"), "/")
    parent = Path(f"/sys/fs/cgroup/memory{v1}") if v1 is not None else Path(f"/sys/fs/cgroup{v2}")
    if not parent.is_dir():
        parent = Path("/sys/fs/cgroup/memory" if v1 is not None else "/sys/fs/cgroup")
    folder = parent / f"agrobridge-{os.getpid()}"
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if v1 is not None else ("memory.max", "memory.current")
    try:
        folder.mkdir()
    except OSError:
        return None
    if not all((folder / name).exists() for name in names):
        folder.rmdir()
        return None
    return folder, *names


class OutOfMemory(unittest.TestCase):
    def setUp(self):
        cgroup = memory_cgroup()
        if not cgroup:
            self.skipTest("no memory cgroup can be made here")
        self.folder, self.limit, self.usage = cgroup
        self.addCleanup(lambda: eventually(self, self.removed, 10, "the cgroup stays busy"))
        self.world = self.enterContext(World())

    def removed(self):
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        return not self.folder.exists()

    def start_inside(self):
        """A pool that puts itself into the cgroup before it forks."""
        processes.identity().own(self.folder / "cgroup.procs")
        wrapper = self.world.path / "inside"
        wrapper.write_text(f'#!/bin/sh\necho $$ > {self.folder}/cgroup.procs\nexec {self.world.binary} "$@"\n')
        wrapper.chmod(0o755)
        return self.world.start_pool(binary=wrapper, name="b")

    def groups(self, front):
        return {g["name"]: g for g in Client(front.ops_url).get("/status").json()["groups"]}

    def test_the_worker_that_took_too_much_is_killed_and_the_reason_told(self):
        pool, front = self.start_inside()
        self.assertIn(str(pool.process.pid), (self.folder / "cgroup.procs").read_text().split())
        before = self.groups(front)
        used = int((self.folder / self.usage).read_text())
        (self.folder / self.limit).write_text(str(used + ROOM))
        answer = Client(front.url).post("/v1/auth/login", {"email": "p@faults.example", "password": PASSWORD})
        self.assertEqual(answer.status, 503, answer)
        (self.folder / self.limit).write_text(str(used + (256 << 20)))
        eventually(self, lambda: self.groups(front)["login"]["idle"] == 1, 10, "the login worker is not replaced")
        after = self.groups(front)
        self.assertGreaterEqual(after["login"]["restarts"]["oom"], 1)
        self.assertEqual(sum(after["login"]["restarts"].values()), after["login"]["restarts"]["oom"])
        self.assertEqual([w["pid"] for w in after["main"]["workers"]], [w["pid"] for w in before["main"]["workers"]],
                         "another worker than the one that took the memory was killed")
        self.assertIn("died (oom)", pool.log.read_text())
        self.assertEqual(Client(front.url).post("/v1/auth/login", {"email": "p@faults.example", "password": PASSWORD}).status, 200)


if __name__ == "__main__":
    unittest.main()
