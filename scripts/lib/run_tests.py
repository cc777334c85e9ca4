"""scripts/test: installs, builds, runs every test, counts. The last line is `N passed, N failed`.

A test program that says nothing of how many tests it ran counts as failed, and so does a part that could not run.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import packages
from services import SOURCE, Failure
from stack import build

LIBCHECK = re.compile(rb"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.MULTILINE)
UNITTEST = re.compile(rb"^Ran (\d+) tests? in .*\n+(OK|FAILED)(?: \((.*)\))?", re.MULTILINE)
VERDICT = re.compile(rb"(PASS|FAIL|SKIP|ERROR): ")  # automake, program by program
SKIPPED = re.compile(rb"^skipped: .*", re.MULTILINE)  # said by a script of tests/long that cannot run here
LINT = re.compile(rb"^(ok|FAILED) \w+", re.MULTILINE)


class Count:
    """What passed and what failed, said as it comes."""

    def __init__(self):
        self.passed = self.failed = 0

    def add(self, what, passed, failed, note=""):
        self.passed += passed
        self.failed += failed
        mark = "ok    " if not failed else "FAILED"
        print(f"  {mark} {what}: {passed} passed" + (f", {failed} failed" if failed else "") + note, flush=True)


def summary(text):
    """(passed, failed, skipped) of all summaries in a test program's output; None if it holds none."""
    found = []
    for checks, failures, errors in LIBCHECK.findall(text):
        failed = int(failures) + int(errors)
        found.append((int(checks) - failed, failed, 0))
    for ran, verdict, details in UNITTEST.findall(text):
        numbers = {name: int(n) for name, n in re.findall(r"([a-z][a-z ]*)=(\d+)", details.decode())}
        skipped = numbers.get("skipped", 0)
        failed = sum(numbers.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
        failed = max(failed, int(verdict == b"FAILED"))
        # a test with subtests may fail more often than it ran
        found.append((max(int(ran) - failed - skipped, 0), failed, skipped))
    return tuple(map(sum, zip(*found))) if found else None


def count_program(count, what, text, passed):
    """Adds one test program, judged by its output and by its exit status (`passed`)."""
    counted = summary(text)
    if counted is None or counted[:2] == (0, 0) and not counted[2]:
        count.add(what, 0, 1, " (it ran no test)")
        return
    good, failed, skipped = counted
    if not passed and not failed:
        count.add(what, good, 1, " (its exit status says failed)")
    else:
        count.add(what, good, failed, f", {skipped} skipped" if skipped else "")


def count_logs(count, directory):
    """The automake logs under `directory`: NAME.log is the output, NAME.trs the verdict. Returns what ran."""
    ran = []
    for trs in sorted(directory.glob("tests/**/*.trs")):
        text = trs.with_suffix(".log").read_bytes()
        passed = re.search(r"^:test-result: PASS", trs.read_text(), re.MULTILINE) is not None
        ran.append(str(trs.relative_to(directory).with_suffix("")))
        count_program(count, ran[-1], text, passed)
        if not passed:
            print(text.decode(errors="replace"), flush=True)
    return ran


def say(what):
    print(f"[{time.strftime('%H:%M:%S')}] {what}", flush=True)


def run(argv, log, directory, env=None, minutes=15, show=None):
    """(exit status, output); the output is in `log` as well. Lines that match `show` are printed as they come."""
    child = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=directory,
                             stderr=subprocess.STDOUT, env=os.environ | (env or {}), start_new_session=True)
    timer = threading.Timer(minutes * 60, os.killpg, (child.pid, signal.SIGTERM))
    timer.start()
    try:
        with open(log, "wb") as copy:
            for line in child.stdout:
                copy.write(line)
                if show and show.match(line):
                    print("   ", line.decode(errors="replace").rstrip(), flush=True)
        return child.wait(), Path(log).read_bytes()
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        raise
    finally:
        timer.cancel()
        child.wait()


def check(count, directory):
    """make check, counted by its logs. Returns the programs that ran."""
    for old in directory.glob("tests/**/*.trs"):
        old.unlink()
    status, text = run(["make", "check"], directory / "check.log", directory, minutes=45, show=VERDICT)
    ran = count_logs(count, directory)
    if not ran or status and not count.failed:
        print(text.decode(errors="replace")[-4000:])
        count.add("make check", 0, 1, f" (status {status})")
    return ran


def python_tests(count, directory, already):
    """Those Python tests that `make check` has not run."""
    env = {"AGROBRIDGE_SOURCE": str(SOURCE), "AGROBRIDGE_BIN": str(directory / "agrobridge"),
           "PYTHONDONTWRITEBYTECODE": "1"}
    for test in sorted(SOURCE.glob("tests/*/test_*.py")):
        name = str(test.relative_to(SOURCE).with_suffix(""))
        if name in already:
            continue
        status, text = run([sys.executable, test], directory / "python.log", test.parent, env)
        count_program(count, name, text, status == 0)
        if status:
            print(text.decode(errors="replace"), flush=True)


def lint(count, directory):
    status, text = run(["make", "lint"], directory / "lint.log", directory)
    verdicts = LINT.findall(text)
    good = verdicts.count(b"ok")
    bad = max(len(verdicts) - good, int(status != 0 or not verdicts))
    count.add("make lint", good, bad)
    if bad:
        print(text.decode(errors="replace"), flush=True)


def configured_build(name, *options):
    """A build directory of its own for each way of building."""
    directory = SOURCE / name
    directory.mkdir(exist_ok=True)
    say(f"building in {name} ({' '.join(options)})")
    build(directory, directory / "build.log", ["all"], options)
    return directory


def core(count):
    directory = configured_build("build-test", "--enable-werror")
    say("make check")
    ran = check(count, directory)
    say("Python tests")
    python_tests(count, directory, ran)
    say("make lint")
    lint(count, directory)
    return directory


def longer(count, directory):
    say("make check with the sanitizers")
    check(count, configured_build("build-sanitizers", "--enable-sanitizers"))
    say("valgrind")
    status, text = run(["make", "valgrind"], directory / "valgrind.log", directory, minutes=60)
    count.add("make valgrind", int(status == 0), int(status != 0))
    if status:
        print(text.decode(errors="replace")[-8000:])
    env = {"AGROBRIDGE_SOURCE": str(SOURCE), "AGROBRIDGE_BIN": str(directory / "agrobridge")}
    for script in sorted(p for p in SOURCE.glob("tests/long/*") if p.is_file() and os.access(p, os.X_OK)):
        say(f"{script.name}")
        status, text = run([script], directory / f"long-{script.name}.log", SOURCE, env, minutes=120)
        skipped = SKIPPED.search(text)
        note = f" ({skipped[0].decode(errors='replace')})" if skipped else ""
        count.add(f"tests/long/{script.name}", int(status == 0 and not skipped), int(status != 0), note)
        if status:
            print(text.decode(errors="replace")[-8000:])


def main(argv):
    parser = argparse.ArgumentParser(prog="scripts/test", description="Builds and tests; ends with `N passed, N failed`.")
    parser.add_argument("--all", action="store_true", help="sanitizers, valgrind and tests/long as well")
    everything = parser.parse_args(argv).all
    # A shell that starts us in the background has these ignored, and so would be what tests start and stop by them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    count = Count()
    try:
        say("looking for missing packages")
        packages.install(*(["run", "test", "long"] if everything else ["run", "test"]), SOURCE / "build-packages.log")
        directory = core(count)
        if everything:
            longer(count, directory)
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"scripts/test: {failure}", flush=True)
        count.failed += 1
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 0 if count.passed and not count.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
