"""The time of the whole host is set, forwards and backwards, while requests are queued: nobody is killed, replaced, shed or
refused."""

import os
import subprocess
import time
import unittest
from datetime import datetime
from pathlib import Path
from unittest import mock

import world
from world import Client, Load, World

STEPS = (3600, -7200, 90, 89, -86400)  # seconds from the true time; each backwards or longer than any queue lasts


class Clock(unittest.TestCase):
    def setUp(self):
        # One worker and eight clients: seven always wait, with stamps of before the step. And whoever measured age or
        # deadlines by the wall clock would replace or kill the worker at the first.
        stack = World(conf={"WORKERS": "1", "MAX_AGE_MS": "1800000", "ACCESS_TTL_MS": "86400000", "QUEUE_TIMEOUT_MS": "2000"})
        shim, self.step = stack.path / "clock_step.so", stack.path / "step"
        subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-D_GNU_SOURCE", "-fPIC", "-O2", "-o", shim,
                        Path(__file__).with_name("clock_step.c"), "-ldl"], check=True)
        self.set_clock(0)
        for file in (shim, self.step):
            world.processes.identity().own(file)
        sanitizers = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
        with mock.patch.dict(os.environ, LD_PRELOAD=str(shim), CLOCK_STEP_FILE=str(self.step), ASAN_OPTIONS=sanitizers):
            self.world = self.enterContext(stack)

    def set_clock(self, seconds):
        with open(self.step, "r+b" if self.step.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))

    def group(self):
        return next(g for g in Client(self.world.nginx.ops_url).get("/status").json()["groups"] if g["name"] == "main")

    def test_steps_of_the_wall_clock_disturb_nobody(self):
        before = self.world.workers()
        with Load(self.world, threads=8) as load:
            for seconds in STEPS:
                self.set_clock(seconds)
                load.wait_for(40)
                told = datetime.fromisoformat(load.journal.lines[-1][2].json()["created_at"]).timestamp()
                self.assertAlmostEqual(told - time.time(), seconds, delta=30, msg="the step did not reach the workers")
        self.assertEqual(load.journal.failures() + load.reads.failures(), [])
        self.assertEqual(sorted(self.world.workers()), sorted(before))
        group = self.group()
        self.assertEqual((group["shed_total"], set(group["restarts"].values())), (0, {0}))
        self.world.judge(self, load.journal)


if __name__ == "__main__":
    unittest.main()
