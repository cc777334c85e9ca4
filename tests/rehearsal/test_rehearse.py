"""scripts/rehearse as a person meets it, and what a scene's promises become. The scenes: tests/long/rehearsal."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

import rehearse  # noqa: E402
from rehearsal import series  # noqa: E402
from rehearsal.clock import Clock  # noqa: E402
from rehearsal.scenes import SCENES  # noqa: E402
from services import Failure  # noqa: E402


class Command(unittest.TestCase):
    def setUp(self):
        self.var = self.enterContext(tempfile.TemporaryDirectory(prefix="ab-"))

    def say(self, *words, before=()):
        """(exit status, everything it said)"""
        env = os.environ | {"AGROBRIDGE_VAR": self.var}
        done = subprocess.run([*before, SOURCE / "scripts/rehearse", *words], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def test_help_names_every_scene(self):
        status, said = self.say("--help")
        self.assertEqual(status, 0)
        for name, scene in SCENES.items():
            self.assertIn(f"\n  {name} ", said)
            self.assertIn(scene.about.split(":")[0][:30], said)

    def test_wrong_usage_does_nothing(self):
        for words in ((), ("run", "no-such-scene"), ("rn",), ("run", "--fast")):
            self.assertEqual(self.say(*words)[0], 2, words)
        self.assertEqual(os.listdir(self.var), [])

    def test_without_root_it_says_what_for(self):
        before = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
        status, said = self.say("run", before=before)
        self.assertEqual(status, 1)
        self.assertIn("root", said)
        self.assertIn("mend: sudo scripts/rehearse run", said)

    def test_a_report_needs_a_rehearsal(self):
        status, said = self.say("report")
        self.assertEqual(status, 1)
        self.assertIn("nothing was rehearsed yet", said)


class Play(unittest.TestCase):
    """One scene, of a made-up world."""

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ab-"))
        self.path = Path(directory) / "scene.jsonl"
        self.settled = 0
        clock = Clock(10)
        self.world = types.SimpleNamespace(clock=clock, record=rehearse.Records(clock), settle=self.settle)

    def settle(self):
        self.settled += 1

    def play(self, *steps):
        """Whether the promises of a scene held, and what was recorded; a step is a promise, or raised."""
        def scene(world):
            world.record.event("loss", "something happens")
            for step in steps:
                if isinstance(step, Exception):
                    raise step
                yield step
        scene.about = "a scene"
        with mock.patch.dict(SCENES, {"made-up": scene}), contextlib.redirect_stdout(io.StringIO()) as said:
            held = rehearse.play(self.world, "made-up", self.path, "nothing")
        return held, series.read(self.path), said.getvalue()

    def test_all_hold(self):
        held, recording, said = self.play(("one", "1 s", True), ("two", "2 s", 5))
        self.assertTrue(held)
        self.assertEqual([p.holds for p in recording.promises], [True, True])
        self.assertEqual([e.text for e in recording.events], ["something happens"])
        self.assertTrue(recording.ended)
        self.assertEqual(said.count("held"), 2)
        self.assertEqual(self.settled, 1)

    def test_one_is_broken(self):
        held, recording, said = self.play(("one", "1 s", False), ("two", "2 s", True))
        self.assertFalse(held)
        self.assertEqual([p.holds for p in recording.promises], [False, True])
        self.assertIn("BROKEN one: 1 s", said)

    def test_a_scene_that_does_not_end_is_broken(self):
        held, recording, said = self.play(("one", "1 s", True), Failure("a task never came"))
        self.assertFalse(held)
        self.assertIn("a task never came", said)
        self.assertEqual([p.holds for p in recording.promises], [True, False])

    def test_nothing_is_kept_between_scenes(self):
        self.play(("one", "1 s", True))
        with contextlib.redirect_stdout(io.StringIO()):
            self.world.record.event("task", "later")
        self.assertEqual(len(series.read(self.path).events), 1)


if __name__ == "__main__":
    unittest.main()
