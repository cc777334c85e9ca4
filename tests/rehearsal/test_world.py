"""Steps that every scene stands on: what a request costs, a number of tasks that stays, a release."""

import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/lib"))

from rehearsal import world  # noqa: E402


class WorldTest(unittest.TestCase):
    def setUp(self):
        self.said = []
        record = SimpleNamespace(clock=None, event=lambda _kind, text: self.said.append(text))
        self.world = world.World(world.QUICK, None, record, None, {})
        self.world.scaler = SimpleNamespace(suspended=False)
        self.sounding, self.steps = [], []
        self.world.watch = SimpleNamespace(sounding=lambda: self.sounding)
        self.world.wait_calm = lambda: self.steps.append("calm")
        self.world.service = SimpleNamespace(deploy=lambda *words: self.steps.append("deploy"))

    def calibrate(self, *milliseconds):
        """How many of these measurements it took, and what it believes."""
        left = list(milliseconds)

        def measure(_rate):
            self.assertTrue(self.world.scaler.suspended)
            return left.pop(0) / 1000
        self.world.measure = measure
        self.world.calibrate()
        return len(milliseconds) - len(left), round(1000 * self.world.cpu_each, 2)

    def test_a_request_is_measured_until_two_measurements_agree(self):
        self.assertEqual(self.calibrate(1.2, 0.7, 1.1, 0.8, 0.85, 9), (5, 0.85))
        self.assertEqual(self.calibrate(0.9, 9), (1, 0.9))  # the next time it begins with what it knows
        self.assertNotIn("agreed", "".join(self.said))

    def test_or_often_enough_which_is_said(self):
        self.assertEqual(self.calibrate(*[1, 2] * 10), (world.CALIBRATIONS, 2))
        self.assertIn("no two of 8 measurements in a row agreed", self.said[0])

    def test_the_number_of_tasks_stays_no_longer_than_it_must(self):
        with self.assertRaises(ZeroDivisionError), self.world.unscaled():
            self.assertTrue(self.world.scaler.suspended)
            raise ZeroDivisionError
        self.assertFalse(self.world.scaler.suspended)

    def test_a_release_waits_for_what_might_still_sound_and_not_for_what_does(self):
        self.world.start_deployment(None)
        self.sounding = ["errors"]
        self.world.start_deployment(None)
        self.assertEqual(self.steps, ["calm", "deploy", "deploy"])


if __name__ == "__main__":
    unittest.main()
