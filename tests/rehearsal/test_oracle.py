"""The oracle: silent after a load the service carried, and not silent about any one wrong row."""

import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest.mock import Mock

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "scripts/lib"), str(SOURCE / "tests/faults")]

from rehearsal import load, oracle  # noqa: E402
from rehearsal.load import Account, Load, Request, Visitor, note  # noqa: E402
from world import PASSWORD, World  # noqa: E402


class Clock:
    now = staticmethod(time.monotonic)

    @staticmethod
    def real(seconds):
        return seconds


def asked(number, what, code="-", kind="event"):
    return Request("rush", 0, kind, number, 0, 0, 0, what, code)


class CountsTest(unittest.TestCase):
    def faults(self, journal, *stored, others=()):
        return list(oracle.wrong_counts(journal, oracle.Counter(stored), set(others)))

    def test_how_often_each_outcome_may_be_in_the_table(self):
        for what, code, right in (("201", "-", (1,)), ("409", "lot_held", (0,)), ("422", "invalid", (0,)),
                                  ("401", "unauthenticated", (0,)), ("refused", "overloaded", (0,)),
                                  ("refused", "unavailable", (0, 1)), ("503", "-", (0, 1)), ("500", "internal", (0, 1)),
                                  ("504", "-", (0, 1)), ("lost", "-", (0, 1)), ("timeout", "-", (0, 1))):
            for times in range(3):
                with self.subTest(what=what, code=code, times=times):
                    faults = self.faults([asked("1", what, code)], *["rush-1"] * times)
                    self.assertEqual(not faults, times in right, faults)

    def test_what_nobody_sent(self):
        self.assertEqual(self.faults([asked("1", "201")], "rush-1", "rush-2"),
                         ["rush-2: in the table, and nobody sent it"])
        self.assertEqual(len(self.faults([], None)), 1, "without a note")
        self.assertEqual(self.faults([], None, "smoke", "smoke", others=[None, "smoke"]), [])
        self.assertEqual(len(self.faults([asked("1", "200", kind="lot")], "rush-1")), 1, "reads write nothing")


class TablesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ab-"))
        address = f"127.0.0.1:{cls.world.nginx.port}"
        account, another = (Account(address, "p@faults.example", PASSWORD) for _ in range(2))
        account.login()
        looked_at, recorded_on = load.prepare(account, 3)
        mix = load.mix_for("rush", looked_at, recorded_on, [account], load.SHARES | {"event": 80})
        with Load(Clock, address, "rush", mix, [(150, 1)], directory) as running, \
                Visitor(Clock, another, "rush", every=0.1) as visitor:
            cls.journal = running.wait()
        cls.visits = visitor.journal
        cls.lot = recorded_on[0].id
        cls.done = [r for r in cls.journal if r.kind == "event" and r.what == "201"]

    def faults(self, journal=None, **rest):
        return oracle.check(self.journal if journal is None else journal, self.world.postgres, **rest)

    def after(self, change):
        """The faults if the tables were changed so."""
        changed = Mock()
        changed.psql = lambda sql: self.world.postgres.psql(f"BEGIN; {change}; {sql}; ROLLBACK")
        return oracle.check(self.journal, changed)

    def test_every_kind_of_the_mix_is_answered_well(self):
        self.assertEqual({(r.kind, r.what) for r in self.journal},
                         {("trace", "200"), ("lot", "200"), ("list", "200"), ("event", "201")})

    def test_a_session_lives_through_the_load(self):
        self.assertGreater(len(self.visits), 3)
        self.assertEqual([(v.kind, v.what) for v in self.visits],
                         [("refresh" if n else "login", "200") for n in range(len(self.visits))])

    def test_a_load_that_was_carried_has_no_fault(self):
        self.assertGreater(len(self.done), 50)
        self.assertEqual(self.faults(), [])

    def test_a_write_that_is_not_in_the_journal(self):
        first = note(self.done[0])
        self.assertEqual(self.faults([r for r in self.journal if r != self.done[0]]),
                         [f"{first}: in the table, and nobody sent it"])
        self.assertEqual(self.faults([r for r in self.journal if r != self.done[0]], others={first}), [])

    def test_an_acknowledged_write_that_is_lost(self):
        faults = self.after(f"DELETE FROM event WHERE notes = '{note(self.done[-1])}'")
        self.assertIn(f"{note(self.done[-1])}: 201 -, and 0 times in the table", faults)

    def test_every_change_breaks_a_chain(self):
        second, last = (f"WHERE lot_id = '{self.lot}' AND position = {position}" for position in (
            2, f"(SELECT max(position) FROM event WHERE lot_id = '{self.lot}')"))
        for what, sql in (
                ("content", f"UPDATE event SET content = replace(content, 'PROC', 'proc') {second}"),
                ("time", f"UPDATE event SET recorded_at = recorded_at + interval '1 us' {second}"),
                ("link", f"UPDATE event SET hash = sha256(hash) {second}"),
                ("position", f"UPDATE event SET position = position + 1 {last}"),
                ("last", f"DELETE FROM event {last}"),
                ("head", f"UPDATE lot SET chain_head = sha256(chain_head) WHERE id = '{self.lot}'"),
                ("count", f"UPDATE lot SET event_count = event_count + 1 WHERE id = '{self.lot}'")):
            with self.subTest(what):
                faults = [fault for fault in self.after(sql) if fault.startswith(f"lot {self.lot}: ")]
                self.assertTrue(faults)


if __name__ == "__main__":
    unittest.main()
