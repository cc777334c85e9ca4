"""How scripts/test counts: nothing that failed, or did not run, may pass for a pass."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

import run_tests  # noqa: E402


class Summaries(unittest.TestCase):
    def test_each_summary_is_read(self):
        for text, expected in {
                b"100%: Checks: 5, Failures: 0, Errors: 0\n": (5, 0, 0),
                b"Running suite(s): x\n40%: Checks: 5, Failures: 1, Errors: 2\nx.c:1:F: no\n": (2, 3, 0),
                b"100%: Checks: 5, Failures: 0, Errors: 0\n50%: Checks: 2, Failures: 1, Errors: 0\n": (6, 1, 0),
                b"....\nRan 4 tests in 0.1s\n\nOK\n": (4, 0, 0),
                b"Ran 1 test in 0.1s\n\nOK\n": (1, 0, 0),
                b"Ran 9 tests in 0.1s\n\nFAILED (failures=2, errors=1, skipped=1)\n": (5, 3, 1),
                b"Ran 9 tests in 0.1s\n\nOK (skipped=9)\n": (0, 0, 9),
                b"Ran 1 test in 0.1s\n\nFAILED (failures=3)\n": (0, 3, 0),  # three subtests of one
                b"Ran 2 tests in 0.1s\n\nFAILED (unexpected successes=1)\n": (1, 1, 0),
                b"Ran 0 tests in 0.0s\n\nFAILED (errors=1)\n": (0, 1, 0),
                b"": None, b"Segmentation fault\n": None, b"Checks: 5\n": None}.items():
            with self.subTest(text):
                self.assertEqual(run_tests.summary(text), expected)


class Counting(unittest.TestCase):
    def setUp(self):
        self.count = run_tests.Count()
        self.said = io.StringIO()
        self.enterContext(contextlib.redirect_stdout(self.said))
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def counted(self):
        return self.count.passed, self.count.failed

    def log(self, name, text, result):
        path = self.directory / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".log").write_text(text)
        path.with_suffix(".trs").write_text(f":test-result: {result}\n:recheck: no\n")

    def test_programs_are_counted_by_their_logs(self):
        self.log("unit/check_a", "100%: Checks: 5, Failures: 0, Errors: 0\n", "PASS")
        self.log("api/check_b", "66%: Checks: 3, Failures: 1, Errors: 0\n", "FAIL")
        self.log("nginx/test_c", "Ran 4 tests in 0.1s\n\nOK\n", "PASS")
        self.assertEqual(run_tests.count_logs(self.count, self.directory),
                         ["tests/api/check_b", "tests/nginx/test_c", "tests/unit/check_a"])
        self.assertEqual(self.counted(), (5 + 2 + 4, 1))

    def test_a_program_without_a_summary_failed(self):
        for result in ("PASS", "FAIL", "SKIP"):
            self.log(f"unit/check_{result.lower()}", "nothing to say\n", result)
        run_tests.count_logs(self.count, self.directory)
        self.assertEqual(self.counted(), (0, 3))

    def test_a_program_with_a_good_summary_and_a_bad_status_failed(self):
        self.log("unit/check_a", "100%: Checks: 5, Failures: 0, Errors: 0\ndouble free\n", "FAIL")
        run_tests.count_logs(self.count, self.directory)
        self.assertEqual(self.counted(), (5, 1))

    def test_a_program_that_ran_no_test_failed(self):
        run_tests.count_program(self.count, "empty", b"100%: Checks: 0, Failures: 0, Errors: 0\n", True)
        self.assertEqual(self.counted(), (0, 1))

    def test_a_check_that_made_no_log_failed(self):
        (self.directory / "Makefile").write_text("check:\n\t@echo broken; exit 2\n")
        self.assertEqual(run_tests.check(self.count, self.directory), [])
        self.assertEqual(self.counted(), (0, 1))

    def test_a_check_that_fails_beside_its_programs_failed(self):
        (self.directory / "Makefile").write_text(
            "check:\n\t@printf ':test-result: PASS\\n' >tests/a.trs\n"
            "\t@echo '100%: Checks: 1, Failures: 0, Errors: 0' >tests/a.log; exit 2\n")
        (self.directory / "tests").mkdir()
        run_tests.check(self.count, self.directory)
        self.assertEqual(self.counted(), (1, 1))

    def test_each_lint_counts_and_a_silent_one_failed(self):
        for recipe, expected in (("echo ok format; echo ok tidy", (2, 0)),
                                 ("echo ok format; echo FAILED tidy; exit 1", (1, 1)),
                                 ("echo ok format; exit 1", (1, 1)), ("true", (0, 1))):
            with self.subTest(recipe):
                self.count = run_tests.Count()
                (self.directory / "Makefile").write_text(f"lint:\n\t@{recipe}\n")
                run_tests.lint(self.count, self.directory)
                self.assertEqual(self.counted(), expected)

    def test_what_takes_too_long_is_stopped_and_failed(self):
        status, text = run_tests.run(["sh", "-c", "echo begun; sleep 100"], self.directory / "log", self.directory,
                                     minutes=0.005)
        self.assertNotEqual(status, 0)
        self.assertIn(b"begun", text)


if __name__ == "__main__":
    unittest.main()
