"""What the scenes judge by. The scenes themselves: tests/long/rehearsal."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/lib"))

from rehearsal.load import Request  # noqa: E402
from rehearsal.scenes import refused_at_most  # noqa: E402


def journal(*answers):
    """{what, code} a hundred times, and these."""
    return [Request("load", 0, "lot", number, number, 0, 0.01, *answer)
            for number, answer in enumerate([("200", "-")] * (100 - len(answers)) + list(answers))]


class JudgeTest(unittest.TestCase):
    def holds(self, *answers):
        return refused_at_most(1, "it passes", journal(*answers))[2]

    def test_as_many_may_be_refused(self):
        self.assertTrue(self.holds())
        self.assertTrue(self.holds(("refused", "overloaded")))
        self.assertFalse(self.holds(("refused", "overloaded"), ("refused", "overloaded")))

    def test_nothing_else_may_happen(self):
        for answer in (("refused", "unavailable"), ("500", "internal"), ("timeout", "-"), ("lost", "-"), ("401", "-")):
            self.assertFalse(self.holds(answer), answer)

    def test_it_says_what_was_seen(self):
        self.assertEqual(refused_at_most(1, "it passes", journal(("refused", "overloaded"), ("lost", "-")))[:2],
                         ("it passes: at most 1 %", "2.000 % refused; 1 × lost else"))


if __name__ == "__main__":
    unittest.main()
