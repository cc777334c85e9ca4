#!/usr/bin/env python3
"""The formula behind `agrobridge size` against measured runs: Poisson arrivals, PostgreSQL 12 ms away on average.

The delays are exponential, so that service times vary as Erlang's C takes them to; with a constant delay waits would be half
as long. Each prediction takes the rate and the mean service time of the very run it is held against,
and the middle one of three runs counts. Promised:

  - share of requests that wait at all, 2 ms or more, with 2, 4 and 8 workers 50, 70 and 80 % busy: as predicted, give or take
    8 in 100;
  - their mean wait: on average over the settings 75 to 125 % of the prediction. A single one is a matter of chance in so short
    a run, one standard deviation is up to 40 %, so it has to be within half and double, and 1 ms, for nginx's clock ticks in ms;
  - the fewest workers with which 99 of 100 requests wait less than 32.768 ms (an edge of the measured histogram) at a load
    that keeps 4 busy: as `agrobridge size` advises, give or take one.

The last is the trap of docs/workers.md as well: answers, times and processor by workers. `--plot DIR` draws both.
"""
import argparse
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from bench import FarWorld, cpu_seconds, family, http_text, median, open_loop, percentile
from plot import Line, Panel, draw
from world import Client

DELAY_MS, ROUNDS, SECONDS = 12, 3, 4
WORKERS, BUSY = (2, 4, 8), (0.5, 0.7, 0.8)
SWEEP, SWEEP_BUSY, SWEEP_SECONDS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12), 4, 6
SOME_WAIT, BUDGET = 0.002048, 0.032768  # seconds, edges of agrobridge_queue_seconds
PATIENT, USUAL = {"QUEUE_TIMEOUT_MS": "10000", "READ_TIMEOUT_MS": "20000"}, {"QUEUE_TIMEOUT_MS": "250", "READ_TIMEOUT_MS": "2000"}


def erlang_c(workers, load):
    """That all are busy, as src/pool/advice.c has it."""
    if load >= workers:
        return 1
    b = 1
    for n in range(1, workers + 1):
        b = load * b / (n + load * b)
    return b / (1 - load / workers * (1 - b))


def predicted_wait(workers, load, service):
    return erlang_c(workers, load) * service / (workers - load) if load < workers else math.inf


def predicted_beyond(workers, load, service, wait):
    return erlang_c(workers, load) * math.exp(-(workers - load) * wait / service)


class Metrics:
    """The main group's counters at this moment."""

    def __init__(self, world):
        self.text = Client(world.nginx.ops_url).get("/metrics").body.decode()

    def __call__(self, name, more=""):
        return float(re.search(rf'^agrobridge_{name}{{group="main"{more}}} (\S+)$', self.text, re.M)[1])

    def within(self, seconds):
        return self("queue_seconds_bucket", f',le="{seconds}"')


class Run:
    """One load and what the pool's own figures say of it."""

    def __init__(self, world, phase, seconds, seed=1):
        watched = family(world.pool.process) + family(world.nginx.process)
        cpu, before = cpu_seconds(watched), Metrics(world)
        self.requests = open_loop(world, {"read": (1, http_text("GET", f"/v1/lots/{world.LOT}##", world.client.token))},
                                  f"{phase}:{seconds}", seed=seed)
        after = Metrics(world)
        self.cpu_percent = 100 * (cpu_seconds(watched) - cpu) / seconds / os.cpu_count()
        count = after("queue_seconds_count") - before("queue_seconds_count")
        self.service = (after("service_seconds_sum") - before("service_seconds_sum")) / count
        self.wait = (after("queue_seconds_sum") - before("queue_seconds_sum")) / count
        self.waited = 1 - (after.within(SOME_WAIT) - before.within(SOME_WAIT)) / count
        # What was refused has not been within the budget either.
        self.beyond = 1 - (after.within(BUDGET) - before.within(BUDGET)) / len(self.requests)
        self.load = count / seconds * self.service
        done = [r for r in self.requests if r.what == "200"]
        self.answered, self.refused = len(done) / seconds, (len(self.requests) - len(done)) / seconds
        self.p99_ms = percentile([1000 * r.took for r in done], 99)


class Setting(Run):
    """A run with so many workers, so busy, and its prediction. `clock` is what is measured of a wait when nobody waits."""

    def __init__(self, world, workers, rate, clock, seed):
        super().__init__(world, f"{rate:.2f}", SECONDS, seed)
        self.workers, self.busy_percent, self.wait_ms = workers, 100 * self.load / workers, 1000 * (self.wait - clock)
        self.predicted_ms = 1000 * predicted_wait(workers, self.load, self.service)
        self.predicted_waited = predicted_beyond(workers, self.load, self.service, SOME_WAIT - clock)
        self.ratio = self.wait_ms / self.predicted_ms
        self.holds = (self.predicted_ms / 2 - 1 <= self.wait_ms <= 2 * self.predicted_ms + 1
                      and abs(self.waited - self.predicted_waited) <= 0.08)

    def __str__(self):
        return (f"{self.workers:>7} {self.busy_percent:>5.0f} % {self.wait_ms:>9.2f} {self.predicted_ms:>9.2f} "
                f"{100 * self.waited:>9.0f} % {100 * self.predicted_waited:>7.0f} %  {'ok' if self.holds else 'FAILED'}")


def check_formula(world):
    """The settings, and whether they hold."""
    print(f"{'workers':>7} {'busy':>7} {'wait ms':>9} {'predicted':>9} {'who waits':>11} {'predicted':>9}")
    settings, seeds = [], itertools.count()
    for workers in WORKERS:
        world.restart_pool(WORKERS=str(workers), **PATIENT)
        alone = Run(world, f"{workers}c", 3)  # a client a worker: nobody waits
        for busy in BUSY:
            runs = [Setting(world, workers, busy * workers / alone.service, alone.wait, next(seeds))
                    for _ in range(ROUNDS)]
            settings.append(sorted(runs, key=lambda run: run.ratio)[ROUNDS // 2])
            print(settings[-1], flush=True)
    ratio = statistics.mean(s.ratio for s in settings if s.predicted_ms >= 1)  # below, chance and clock are all
    holds = 0.75 <= ratio <= 1.25
    print(f"{'ok    ' if holds else 'FAILED'} waits are on average {100 * ratio:.0f} % of the predicted")
    return settings, holds and all(s.holds for s in settings)


def advice(world, rate):
    """Workers by `agrobridge size` for so many requests a second: it takes the service time from the pool that runs, and is
    given a processor time with which the rate fills the processors as far as it wants them."""
    cores, front_ms = 2, 0.05
    done = subprocess.run([world.binary, "size", "--json", "--cores", str(cores), "--front-cpu-ms", str(front_ms), "--wait-ms",
                           f"{1000 * BUDGET:.3f}", "--cpu-ms", f"{0.65 * cores * 1000 / rate - front_ms:.6f}"],
                          env=world.pool.env(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["by_cpu"]


def check_advice(world):
    """Runs by workers, their rate, the number advised, and whether it is right."""
    world.restart_pool(WORKERS=str(max(SWEEP)), **USUAL)
    rate = SWEEP_BUSY / Run(world, f"{SWEEP_BUSY}c", 4).service
    advised = advice(world, rate)
    print(f"\n{rate:.0f} requests/s, and who waits over {1000 * BUDGET:.0f} ms\n"
          f"{'workers':>7} {'200/s':>7} {'503/s':>7} {'p99 ms':>7} {'cpu %':>6} {'waits':>8}")
    runs = {}
    for workers in SWEEP:
        world.restart_pool(WORKERS=str(workers))
        run = runs[workers] = Run(world, f"{rate:.2f}", SWEEP_SECONDS)
        print(f"{workers:>7} {run.answered:>7.0f} {run.refused:>7.0f} {run.p99_ms:>7.0f} {run.cpu_percent:>6.1f} "
              f"{100 * run.beyond:>6.2f} %", flush=True)
    fewest = next((n for n in SWEEP if all(runs[m].beyond <= 0.01 for m in SWEEP if m >= n)), math.inf)
    holds = abs(fewest - advised) <= 1
    print(f"{'ok    ' if holds else 'FAILED'} agrobridge size advises {advised}, measured {fewest}")
    return runs, rate, advised, holds


def predicted_and_measured(settings, prediction, measured):
    """For each number of workers a computed line and measured dots, in one colour."""
    lines = []
    for workers in WORKERS:
        curve = [(percent, prediction(workers, percent / 100 * workers)) for percent in range(30, 96)]
        dots = [(s.busy_percent, measured(s)) for s in settings if s.workers == workers]
        lines += [Line(f"{workers} workers", curve, dots=False), Line(f"{workers} workers", dots, joined=False)]
    return lines


def plot(directory, settings, runs, rate, advised):
    service = median(s.service for s in settings)
    waits = predicted_and_measured(settings, lambda n, load: 1000 * predicted_wait(n, load, service), lambda s: s.wait_ms)
    shares = predicted_and_measured(settings, lambda n, load: 100 * predicted_beyond(n, load, service, SOME_WAIT),
                                    lambda s: 100 * s.waited)
    draw(directory / "queueing.svg", f"{DELAY_MS} ms    — Erlang C    ● measured", [
        Panel("mean wait, ms", "workers busy, %", waits, top=50), Panel("who waits, %", "workers busy, %", shares, top=100)])
    points = lambda name: [(n, getattr(run, name)) for n, run in runs.items()]  # noqa: E731
    draw(directory / "workers.svg", f"{rate:.0f}/s, {DELAY_MS} ms    ┆ agrobridge size: {advised} workers", [
        Panel("answers/s", "workers", [Line("200", points("answered")), Line("503", points("refused"))], mark=advised),
        Panel("p99, ms", "workers", [Line("200", points("p99_ms"))], mark=advised),
        Panel("CPU, %", "workers", [Line("CPU", points("cpu_percent")), Line("65 %", [(n, 65) for n in runs], dots=False)],
              top=100, mark=advised)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, metavar="DIR")
    options = parser.parse_args()
    with FarWorld(DELAY_MS, exponential=True) as world:
        settings, formula_holds = check_formula(world)
        runs, rate, advised, advice_holds = check_advice(world)
    if options.plot:
        plot(options.plot, settings, runs, rate, advised)
    return 0 if formula_holds and advice_holds else 1


if __name__ == "__main__":
    sys.exit(main())
