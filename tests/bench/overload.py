#!/usr/bin/env python3
"""More load than the pool can carry, in an open loop: 4 workers, PostgreSQL 20 ms away, Poisson arrivals.

Median of five rounds. Each finds the peak (a closed loop that keeps all workers busy) and what is normal (half of the peak),
offers three and ten times the peak, each followed by half again, and holds them against that round's own peak and normal:

  - at least 90 % of the peak is done: answers 2xx a second where all requests are reads; where they are mixed, work, each
    answer weighed with the time its kind takes of a worker. For writes are let in before reads and take twice as long: a
    mixed overload has fewer answers, of more work;
  - p99 of what is accepted is at most twice the normal one and AGROBRIDGE_QUEUE_TIMEOUT_MS;
  - what is not accepted is refused with 503, Retry-After and a problem document: no other status, nothing lost;
  - what can be asked for again goes first: of writes more are accepted than of reads, of reads more than of lists;
  - within 5 s of its end everything is answered again, and as fast as before;
  - a write is in the database once if it was answered 201, and not at all if it was refused.

Where processors bind instead of workers nothing is measured: the load runs on the same cores and would be the bottleneck.
`--plot DIR` draws DIR/overload.svg from one pass over many rates instead.
"""
import argparse
import sys
from collections import Counter
from pathlib import Path

from bench import FarWorld, good, http_text, judge, median, open_loop, percentile
from plot import Line, Panel, draw

ROUNDS, WORKERS, DELAY_MS, QUEUE_TIMEOUT_MS = 5, 4, 20, 250
CONF = {"WORKERS": str(WORKERS), "QUEUE_TIMEOUT_MS": str(QUEUE_TIMEOUT_MS)}
FULL = f"{2 * WORKERS}c"  # a closed loop with two clients a worker
RECOVERY_S = 5
LATE_MS = 20  # of the generator, p99: beyond that it does not offer what it says


def reads(world, _run):
    return {"read": (1, http_text("GET", f"/v1/lots/{world.LOT}##", world.client.token))}


def mixed(world, run):
    """70 % reads, 15 % lists, 15 % events: their notes tell them apart in the database."""
    token, event = world.client.token, {"kind": "PROCESSING", "at": "2026-01-02T03:04:05Z", "notes": f"{run}-########"}
    return {"read": (70, reads(world, run)["read"][1]),
            "list": (15, http_text("GET", "/v1/lots?limit=20", token)),
            "write": (15, http_text("POST", f"/v1/lots/{world.LOT}##/events", token, event))}


class Level:
    """What one phase of a load came to. Goodput and work are of what was answered in it, the rest of what started in it."""

    def __init__(self, load, phase, begin, seconds):
        self.requests = [r for r in load if r.phase == phase]
        self.begin, self.seconds = begin, seconds
        self.done = [r for r in load if good(r) and begin <= r.at + r.took < begin + seconds]
        self.offered = len(self.requests) / seconds
        self.goodput = len(self.done) / seconds
        self.refused = sum(r.what == "refused" for r in self.requests) / seconds
        self.p99_ms = percentile([1000 * r.took for r in self.requests if good(r)], 99)
        self.late_ms = percentile([1000 * r.late for r in self.requests], 99)

    def cost(self):
        """Seconds a request of each kind takes of a worker: the median, because at half load most do not queue."""
        return {kind: median(r.took for r in self.requests if r.kind == kind) for kind in {r.kind for r in self.requests}}

    def work(self, cost):
        """Workers that were busy with good answers."""
        return sum(cost[r.kind] for r in self.done) / self.seconds

    def share(self, kind):
        """Of this kind, how much was accepted."""
        asked = [good(r) for r in self.requests if r.kind == kind]
        return sum(asked) / len(asked)

    def recovered(self, normal):
        """Seconds until all is answered again, and as fast: the end of the last second that is not so."""
        for second in reversed(range(self.seconds)):
            part = [r for r in self.requests if second <= r.at - self.begin < second + 1]
            if not all(map(good, part)) or percentile([1000 * r.took for r in part], 99) > 2 * normal.p99_ms:
                return second + 1
        return 0


class Drill:
    """Runs loads and keeps the book of writes: note and answer."""

    def __init__(self, world):
        self.world, self.runs, self.writes = world, 0, {}

    def run(self, mix, *phases):
        """A level for each (rate, seconds), one after another without a gap."""
        self.runs += 1
        load = open_loop(self.world, mix(self.world, self.runs), *(f"{rate}:{s}" for rate, s in phases), seed=self.runs)
        self.writes |= {f"{self.runs}-{r.number}": r.what for r in load if r.kind == "write"}
        return [Level(load, i, sum(s for _, s in phases[:i]), phases[i][1]) for i in range(len(phases))]

    def round(self):
        """Levels by name."""
        peak, = self.run(mixed, (FULL, 3))
        after = (peak.goodput / 2, RECOVERY_S + 1)
        rest = self.run(mixed, (peak.goodput / 2, 3), (3 * peak.goodput, 3), after, (10 * peak.goodput, 3), after)
        levels = dict(zip(("peak", "half", "3x", "after 3x", "10x", "after 10x"), (peak, *rest)))
        peak, = self.run(reads, (FULL, 2))
        rest = self.run(reads, (peak.goodput / 2, 3), (3 * peak.goodput, 3), (10 * peak.goodput, 3))
        return levels | dict(zip(("reads peak", "reads half", "reads 3x", "reads 10x"), (peak, *rest)))

    def wrong_writes(self):
        """Writes that are not in the database as often as their answer says."""
        stored = Counter(self.world.rows("SELECT notes FROM event"))
        wanted = {"201": (1,), "refused": (0,)}
        strangers = stored.keys() - self.writes.keys()
        return [n for n, what in self.writes.items() if stored[n] not in wanted.get(what, (0, 1))] + list(strangers)


def table(rounds):
    print(f"{'':>10} {'offered/s':>9} {'2xx/s':>7} {'busy':>5} {'refused/s':>9} {'p99 ms':>7} {'late ms':>7}   accepted")
    for name in rounds[0]:
        levels = [levels[name] for levels in rounds]
        offered, goodput, refused, p99, late = (median(getattr(level, figure) for level in levels)
                                                for figure in ("offered", "goodput", "refused", "p99_ms", "late_ms"))
        work = median(level.work(levels["half"].cost()) for level, levels in zip(levels, rounds))
        kinds = sorted({r.kind for r in levels[0].requests})
        shares = ", ".join(f"{kind} {100 * median(level.share(kind) for level in levels):.0f} %" for kind in kinds)
        print(f"{name:>10} {offered:>9.0f} {goodput:>7.1f} {work:>5.2f} {refused:>9.0f} {p99:>7.1f} {late:>7.2f}   {shares}")


def promises(rounds, drill):
    """(what, measured, holds)."""
    everything = [level for levels in rounds for level in levels.values()]
    for times in ("3x", "10x"):
        share = median(levels[f"reads {times}"].goodput / levels["reads peak"].goodput for levels in rounds)
        yield f"reads at {times}: 90 % of the peak's answers a second", f"{100 * share:.0f} %", share >= 0.9
        share = median(levels[times].work(cost) / levels["peak"].work(cost)
                       for levels in rounds for cost in [levels["half"].cost()])
        yield f"mixed at {times}: 90 % of the peak's work", f"{100 * share:.0f} %", share >= 0.9
        for name, normal in ((times, "half"), (f"reads {times}", "reads half")):
            p99 = median(levels[name].p99_ms for levels in rounds)
            limit = median(2 * levels[normal].p99_ms + QUEUE_TIMEOUT_MS for levels in rounds)
            yield f"{name}: p99 of what is accepted below {limit:.0f} ms", f"{p99:.0f} ms", p99 <= limit
        back = median(levels[f"after {times}"].recovered(levels["half"]) for levels in rounds)
        yield f"after {times}: normal within {RECOVERY_S} s", f"{back:.0f} s", back <= RECOVERY_S
    shares = [median(levels["3x"].share(kind) for levels in rounds) for kind in ("write", "read", "list")]
    yield "3x: accepted of writes, reads, lists in this order", ", ".join(f"{100 * share:.0f} %" for share in shares), \
        shares[0] > shares[1] > shares[2]
    other = Counter(r.what for level in everything for r in level.requests if not good(r) and r.what != "refused")
    yield "nothing but 2xx and 503 with Retry-After", f"{dict(other) or 'nothing'}", not other
    wrong = drill.wrong_writes()
    made = sum(what == "201" for what in drill.writes.values())
    yield f"{made} writes answered 201, {len(drill.writes) - made} refused: once in the database or not at all", \
        f"{len(wrong)} wrong {wrong[:3] or ''}", not wrong and made
    late = median(max(level.late_ms for level in levels.values()) for levels in rounds)
    yield f"the load was offered in time: p99 of the worst phase below {LATE_MS} ms", f"{late:.1f} ms", late <= LATE_MS


def plot(world, directory):
    drill = Drill(world)
    times = (0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2, 3, 5, 7, 10)
    peak, = drill.run(reads, (FULL, 3))
    alike = [drill.run(reads, (n * peak.goodput, 3))[0] for n in times]
    mixed_peak, = drill.run(mixed, (FULL, 3))
    mix = [drill.run(mixed, (n * mixed_peak.goodput, 3))[0] for n in times]
    points = lambda values: list(zip(times, values))  # noqa: E731
    draw(directory / "overload.svg", f"{WORKERS} workers, {DELAY_MS} ms, AGROBRIDGE_QUEUE_TIMEOUT_MS={QUEUE_TIMEOUT_MS}", [
        Panel("GET: answers/s", "offered / peak", [Line("200", points(a.goodput for a in alike)),
                                                   Line("503", points(a.refused for a in alike))],
              log_x=True, top=2 * peak.goodput),
        Panel("GET: p99, ms", "offered / peak", [Line("200", points(a.p99_ms for a in alike))], log_x=True),
        Panel("mix: accepted, %", "offered / peak", [Line(kind, points(100 * m.share(kind) for m in mix))
                                                     for kind in ("write", "read", "list")], log_x=True)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, metavar="DIR")
    options = parser.parse_args()
    with FarWorld(DELAY_MS, conf=CONF) as world:
        if options.plot:
            plot(world, options.plot)
            return 0
        drill = Drill(world)
        rounds = [drill.round() for _ in range(ROUNDS)]
        table(rounds)
        return judge(promises(rounds, drill))


if __name__ == "__main__":
    sys.exit(main())
