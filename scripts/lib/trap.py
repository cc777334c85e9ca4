"""Shows the trap of every prefork service, and its way out, on the stores of a running stack: scripts/demo trap.

A task of its own, of a quarter of a core, asks PostgreSQL through a relay that lets answers wait; load rises until its few
workers are all busy while its processors idle, and it refuses. Then `agrobridge size` is asked, its advice is taken, and
the same load comes again. Reads only; the stack's own pool is left alone.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections import Counter, namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import processes
from services import LOOPBACK, SOURCE, Delay, Failure, Nginx, Pool
from stack import read_json, say
from with_stack import end

CORES = 0.25
WORKERS = 4
FAR_MS = 50  # how long answers of PostgreSQL wait, on average
TARGET = 0.65  # of the task's CPU, where target tracking adds a task
FULL, IDLE = 0.9, 0.5  # the trap: more of the workers busy, less of the CPU
SHARES = (0.2, 0.4, 0.6, 0.8)  # of the load at TARGET
FIRST_GUESS = 0.0006  # CPU seconds a request, until the first step has measured it
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # to end early
BAR = 26  # characters
WIDTH = 80

# What a task has used so far, in seconds: of processor by nginx and by the pool, of workers by requests.
Usage = namedtuple("Usage", "at front pool workers")
# Rates a second; busy of workers; cpu as a share of the task's; *_each in seconds a request.
Step = namedtuple("Step", "offered answered refused failed busy workers cpu cpu_each front_each")


# --- load -----------------------------------------------------------------------------------------------------------

class Load:
    """Requests at random times, at a given rate whatever the answers: users do not wait for each other."""

    def __init__(self, port, path):
        self.port, self.idle = port, []
        self.request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n\r\n".encode()

    async def ask(self):
        """The status; 0 if no answer came."""
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(LOOPBACK, self.port)
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"\nContent-Length: (\d+)", head)[1]))
        except (OSError, EOFError):
            return 0
        self.idle.append((reader, writer))
        return int(head.split()[1])

    async def offer(self, rate, seconds, usage):
        """({status: number}, usage() before, usage() after)"""
        before, requests = usage(), []
        start = at = time.monotonic()
        while (at := at + random.expovariate(rate)) < start + seconds and not signal.sigpending():
            if (wait := at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            requests.append(asyncio.create_task(self.ask()))
        after = usage()
        statuses = Counter(await asyncio.gather(*requests))
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()
        return statuses, before, after


@contextlib.contextmanager
def signals_held():
    """The event loop cannot be left at any point: signals wait until it has ended, and it ends when there is one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def cpu_seconds(service):
    """Of all its processes. Each has a clock, which clock_getcpuclockid(3) names so; /proc counts in hundredths only."""
    total = 0
    for process in service.process.family():
        with contextlib.suppress(OSError):  # replaced meanwhile
            total += time.clock_gettime(~process.pid << 3 | 2)
    return total


# --- the task -------------------------------------------------------------------------------------------------------

class Task:
    """nginx, a pool and the relay, beside the stack's own."""

    def __init__(self, directory, binary, stack):
        processes.identity().own(directory)
        self.delay = Delay(directory / "d", stack["database_url"], FAR_MS, exponential=True, tether=True)
        self.pool = Pool(directory / "s", binary, self.delay.url, stack["redis_url"], tether=True, conf={
            "WORKERS": WORKERS, "LOGIN_WORKERS": 1, "CPUS": CORES, "MEMORY_MB": 1024, "CONNECTIONS": 120,
            "MAX_TASKS": 1, "QUEUE_TIMEOUT_MS": 500, "RATE_API_PER_MINUTE": 0})
        self.nginx = Nginx(directory / "n", directory / "s", tether=True)
        self.path = f"/t/{stack['demo']['public_code']}"

    def __enter__(self):
        self.services = contextlib.ExitStack()
        with self.services:
            for service in (self.delay, self.pool, self.nginx):
                self.services.enter_context(service)
            self.services = self.services.pop_all()
        return self

    def __exit__(self, *_):
        self.services.close()

    def usage(self):
        with urllib.request.urlopen(f"{self.nginx.ops_url}/metrics", timeout=10) as answer:
            workers = float(re.search(rb'\nagrobridge_service_seconds_sum{group="main"} (\S+)', answer.read())[1])
        return Usage(time.monotonic(), cpu_seconds(self.nginx), cpu_seconds(self.pool), workers)

    def step(self, rate, seconds):
        with signals_held():
            statuses, before, after = asyncio.run(Load(self.nginx.port, self.path).offer(rate, seconds, self.usage))
        used = Usage(*(b - a for a, b in zip(before, after)))
        total, answered, refused = statuses.total(), statuses[200], statuses[503]
        workers, cpu = self.pool.conf["WORKERS"], used.front + used.pool
        return Step(total / used.at, answered / used.at, refused / used.at, total - answered - refused,
                    min(used.workers / used.at, workers), workers, cpu / used.at / CORES, cpu / total, used.front / total)

    def advice(self, *options):
        done = subprocess.run(processes.command([self.pool.binary, "size", *options]), env=self.pool.env(),
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"agrobridge size: {done.stderr.strip()}")
        return done.stdout

    def resize(self, workers):
        self.pool.stop()
        self.pool.conf["WORKERS"] = workers
        self.pool.start()


# --- what one sees --------------------------------------------------------------------------------------------------

def colour(code, text):
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def bar(share):
    """CPU from 0 to 100 %, with a mark where target tracking begins to add tasks."""
    filled, mark = min(round(share * BAR), BAR), round(TARGET * BAR)
    drawn = "█" * filled + "·" * (BAR - filled)
    return colour(32, drawn[:mark]) + "│" + colour(31, drawn[mark:])


def percent(share):
    return f"{share * 100:.0f} %"


def say_wrapped(text):
    say("\n" + textwrap.fill(text, WIDTH))


def print_head(workers):
    say(f"\n{colour(1, f'{workers} workers')}, a task of {CORES} cores\n"
        f"{'offered':>9}{'answered':>10}{'refused':>9}{'busy':>13}{'CPU':>8}  {' ' * (round(TARGET * BAR) - 2)}"
        f"{percent(TARGET)}")


def print_step(step):
    full = step.busy > FULL * step.workers
    refused = f"{step.refused:.0f}/s" if step.refused else "0"
    say(f"{step.offered:>7.0f}/s{step.answered:>8.0f}/s{colour(31 if step.refused else 0, f'{refused:>9}')}"
        f"{colour(33 if full else 0, f'{step.busy:.1f} of {step.workers:<2}'.rjust(13))}{percent(step.cpu):>8}  "
        f"{bar(step.cpu)}")


# --- the story ------------------------------------------------------------------------------------------------------

def climb(task, seconds, shares):
    """Steps towards the load that should bring the CPU to TARGET, by what a request was seen to cost."""
    print_head(WORKERS)
    cpu_each, steps = FIRST_GUESS, []
    for share in shares:
        steps.append(task.step(share * TARGET * CORES / cpu_each, seconds))
        print_step(steps[-1])
        if not steps[-1].refused:
            cpu_each = steps[-1].cpu_each
    return steps


def take_advice(task, steps):
    """Shows what `agrobridge size` says, restarts the pool with as many workers, returns the rate they should carry."""
    front_each = sum(step.front_each for step in steps) / len(steps)
    options = ["--front-cpu-ms", f"{front_each * 1000:.2f}"]
    say(colour(36, f"\n$ agrobridge size {' '.join(options)}"))
    say(task.advice(*options).rstrip())
    advice = json.loads(task.advice("--json", *options))
    task.resize(advice["workers"])
    return advice["rate_per_task"]


def climb_again(task, seconds, rates):
    print_head(task.pool.conf["WORKERS"])
    steps = []
    for rate in rates:
        steps.append(task.step(rate, seconds))
        print_step(steps[-1])
    return steps


def verdict(before, after):
    """(seen, sentence)"""
    top, cured = before[-1], after[-1]
    faults = [
        (top.busy <= FULL * top.workers, f"only {top.busy:.1f} of {top.workers} workers were busy"),
        (not top.refused, "nothing was refused"),
        (top.cpu >= IDLE, f"the CPU was at {percent(top.cpu)}"),
        (any(step.refused or step.failed for step in after), f"with {cured.workers} workers requests failed, too"),
        (cured.cpu <= top.cpu, f"then the CPU came to {percent(cured.cpu)} only")]
    if wrong := [why for is_wrong, why in faults if is_wrong]:
        return False, f"not seen: {'; '.join(wrong)}"
    return True, (f"seen: {top.workers} workers, full at {percent(top.cpu)} CPU, refused {percent(top.refused / top.offered)};\n"
                  f"{cured.workers} refuse nothing and come to {percent(cured.cpu)}, where scaling by CPU works.")


def trap(stack, binary, seconds, shares):
    with tempfile.TemporaryDirectory(prefix="ab-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o700 if processes.identity().uid == os.geteuid() else 0o711)
        with Task(directory, binary, stack) as task:
            say(f"A task beside the stack's own. PostgreSQL answers it {FAR_MS} ms late, on average.")
            before = climb(task, seconds, shares)
            say_wrapped(f"All workers wait for PostgreSQL while the CPU idles at {percent(before[-1].cpu)}: scaling at "
                        f"{percent(TARGET)} CPU never adds a task. What to do, by what nginx was seen to take of a request "
                        "and the pool's own figures:")
            rate = take_advice(task, before)
            after = climb_again(task, seconds, [*(step.offered for step in before), rate])
    seen, sentence = verdict(before, after)
    say("\n" + colour(32 if seen else 31, sentence))
    return 0 if seen else 1


def running_stack(var):
    stack = read_json(var / "stack.json")
    try:
        urllib.request.urlopen(f"{stack['url']}/readyz", timeout=10).close()
    except (KeyError, OSError):
        raise Failure(f"no stack is up in {var}: run scripts/up") from None
    if not stack["demo"]:
        raise Failure("the stack has no demo data: scripts/down --purge, then run scripts/up")
    return stack


def parse(argv):
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Shows what a running stack can do.")
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    one = what.add_parser("trap", help="too few workers: full and refusing while the processors idle (about 70 s)",
                          description=__doc__)
    one.add_argument("--quick", action="store_true", help="fewer and shorter steps (about 20 s)")
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    for number in SIGNALS:
        signal.signal(number, end)
    var = Path(os.environ.get("AGROBRIDGE_VAR") or SOURCE / "var")
    try:
        return trap(running_stack(var), var / "build/agrobridge", *((2.5, SHARES[::3]) if options.quick else (6, SHARES)))
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"scripts/demo: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
