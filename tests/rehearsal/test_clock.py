"""The rehearsal's time: how it is compressed, and steps at their times."""

import sys
import threading
import time
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal.clock import Clock, Ticker  # noqa: E402


class ClockTest(unittest.TestCase):
    def test_a_minute_lasts_a_minute_over_the_speed(self):
        clock = Clock(600)
        self.assertAlmostEqual(clock.real(60), 0.1)
        before = time.monotonic()
        first = clock.now()
        clock.sleep(60)
        self.assertGreaterEqual(time.monotonic() - before, 0.1)
        self.assertGreaterEqual(clock.now() - first, 60)

    def test_what_runs_in_real_time_gets_the_least_it_needs(self):
        clock = Clock(60)
        self.assertEqual(clock.real(10, least=0.5), 0.5)
        self.assertEqual(clock.real(120, least=0.5), 2)
        self.assertEqual(clock.stretched(10, least=0.5), 30)
        self.assertEqual(clock.stretched(120, least=0.5), 120)


class TickerTest(unittest.TestCase):
    def steps(self, number, step=lambda: None):
        """The times of the first steps of one every 10 AWS seconds, 0.02 real ones."""
        times, enough = [], threading.Event()

        def one(at):
            times.append(at)
            if len(times) == number:
                enough.set()
            step()

        ticker = Ticker(Clock(500), 10, one)
        self.assertTrue(enough.wait(5))
        ticker.close()
        after = len(times)
        time.sleep(0.05)
        self.assertEqual(len(times), after, "it stepped on after close()")
        return times

    def test_steps_lie_a_period_apart(self):
        times = self.steps(5)
        gaps = [b - a for a, b in zip(times, times[1:])]
        for gap in gaps:
            self.assertAlmostEqual(gap % 10, 0, places=5)
        self.assertIn(10, map(round, gaps))

    def test_a_long_step_leaves_steps_out(self):
        times = self.steps(2, step=lambda: time.sleep(0.09))
        self.assertGreaterEqual(times[1] - times[0], 40)

    def test_what_a_step_raises_is_not_lost(self):
        failed = threading.Event()

        def fail(_):
            failed.set()
            raise ValueError("broken")

        ticker = Ticker(Clock(500), 10, fail)
        self.assertTrue(failed.wait(5))
        with self.assertRaisesRegex(ValueError, "broken"):
            ticker.close()


if __name__ == "__main__":
    unittest.main()
