"""scripts/demo trap: that it sees the trap and its cure, does nothing to the stack it runs beside, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "scripts/lib"), str(SOURCE / "tests/faults")]

import trap  # noqa: E402
from trap import Step  # noqa: E402
from world import Client, World, eventually  # noqa: E402

DEMO = SOURCE / "scripts/demo"
STEP = re.compile(r"^ +(\d+)/s +(\d+)/s +(\d+)(?:/s)? +([\d.]+) of (\d+) +(\d+) %  \S+$", re.MULTILINE)


def demo(*words, var):
    return subprocess.run([DEMO, *words], env=os.environ | {"AGROBRIDGE_VAR": str(var)}, capture_output=True, text=True,
                          check=False)


class TrapTest(unittest.TestCase):
    """One stack for all, as scripts/up would describe it in stack.json."""

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())
        lot = cls.world.client.post("/v1/lots", cls.world.lot_body(), key="lot").json()
        cls.var = cls.world.path / "var"
        (cls.var / "build").mkdir(parents=True)
        (cls.var / "build/agrobridge").symlink_to(Path(cls.world.binary).absolute())
        (cls.var / "stack.json").write_text(json.dumps({
            "url": cls.world.nginx.url, "ops_url": cls.world.nginx.ops_url, "database_url": cls.world.postgres.app_url,
            "redis_url": cls.world.redis.url, "demo": {"public_code": lot["public_code"]}}))
        # It is to read only: connections from now on cannot write.
        cls.world.postgres.psql("ALTER ROLE agrobridge_app SET default_transaction_read_only = on")
        cls.tmp = cls.world.path / "tmp"
        cls.tmp.mkdir(mode=0o711)

    def start(self, *words):
        env = os.environ | {"AGROBRIDGE_VAR": str(self.var), "TMPDIR": str(self.tmp)}
        return subprocess.Popen([DEMO, "trap", *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def served(self):
        """What the stack's own main workers have served, and by whom."""
        group = Client(self.world.nginx.ops_url).get("/status").json()["groups"][0]
        return group["requests_total"], [worker["pid"] for worker in group["workers"]]

    def connections(self):
        return int(self.world.postgres.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"))

    def assert_nothing_left(self, served, connections):
        self.assertEqual(list(self.tmp.iterdir()), [])
        eventually(self, lambda: self.connections() == connections, why="somebody is still connected to PostgreSQL")
        self.assertEqual(self.served(), served)

    def test_the_trap_and_its_cure_are_seen(self):
        if b"__asan_init" in Path(self.world.binary).read_bytes():
            self.skipTest("with sanitizers a request costs five times the processor: 4 workers do not leave it idle")
        served, connections = self.served(), self.connections()
        with self.start("--quick") as child:
            said = child.communicate()[0]
        self.assertEqual(child.returncode, 0, said)
        steps = [tuple(map(float, step)) for step in STEP.findall(said)]
        self.assertEqual(len(steps), 5, said)
        offered, answered, refused, busy, workers, cpu = steps[1]
        self.assertEqual(workers, trap.WORKERS)
        self.assertGreater(busy, 0.9 * workers)
        self.assertGreater(refused, 0)
        self.assertLess(cpu, 50)
        for step in steps[2:]:
            self.assertEqual((step[2], step[4]), (0, steps[-1][4]), said)
        self.assertGreater(steps[-1][5], cpu)
        self.assertIn(f"use AGROBRIDGE_WORKERS={steps[-1][4]:.0f}.", said)
        self.assertIn("workers bind: 4 are full", said)
        self.assertEqual([line for line in said.splitlines() if len(line) > 80], [])
        self.assertNotIn("\033", said, "colour is for terminals")
        self.assert_nothing_left(served, connections)

    def test_demo_data_must_be_there(self):
        bare = self.world.path / "bare"
        bare.mkdir()
        (bare / "stack.json").write_text(json.dumps({"url": self.world.nginx.url, "demo": {}}))
        done = demo("trap", var=bare)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no demo data", done.stderr)

    def test_interrupted_it_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                served, connections = self.served(), self.connections()
                with self.start("--quick") as child:
                    for line in child.stdout:
                        if STEP.match(line):
                            break
                    child.send_signal(number)
                    rest = child.stdout.read()
                self.assertEqual(child.returncode, 128 + number)
                self.assertNotIn("Traceback", rest)
                self.assert_nothing_left(served, connections)


class WordsTest(unittest.TestCase):
    def test_a_stack_must_run(self):
        with tempfile.TemporaryDirectory() as var:
            done = demo("trap", var=var)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("run scripts/up", done.stderr)
            (Path(var) / "stack.json").write_text('{"url": "http://127.0.0.1:1", "demo": {"public_code": "x"}}')
            done = demo("trap", var=var)
            self.assertEqual((done.returncode, done.stdout), (1, ""), "one that has died")
            self.assertIn("run scripts/up", done.stderr)

    def test_usage(self):
        for words in ((), ("trip",), ("trap", "--fast")):
            done = demo(*words, var="/nonexistent")
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn("usage: scripts/demo", done.stderr)
        for words in (("--help",), ("trap", "--help")):
            done = demo(*words, var="/nonexistent")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("trap", done.stdout)


class VerdictTest(unittest.TestCase):
    """Each thing that must have been seen: without it the verdict is no."""

    full = Step(offered=400, answered=150, refused=250, failed=0, busy=3.9, workers=4, cpu=0.3, cpu_each=0, front_each=0)
    cured = Step(offered=400, answered=400, refused=0, failed=0, busy=10, workers=14, cpu=0.6, cpu_each=0, front_each=0)

    def test_seen(self):
        self.assertTrue(trap.verdict([self.full], [self.cured])[0])

    def test_not_seen(self):
        for before, after, why in (
                (self.full._replace(busy=2), self.cured, "only 2.0 of 4"),
                (self.full._replace(refused=0), self.cured, "nothing was refused"),
                (self.full._replace(cpu=0.5), self.cured, "CPU was at 50 %"),
                (self.full, self.cured._replace(refused=0.1), "failed"),
                (self.full, self.cured._replace(failed=1), "failed"),
                (self.full, self.cured._replace(cpu=0.3), "30 % only")):
            seen, sentence = trap.verdict([before], [after])
            self.assertFalse(seen)
            self.assertIn(why, sentence)


if __name__ == "__main__":
    unittest.main()
