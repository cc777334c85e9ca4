#!/usr/bin/env python3
"""How much longer another organization's id takes than one of nobody's, beside how much two of nobody's differ.

The three take turns, one request at a time, so that whatever else the machine does falls on all alike. A ratio of medians a
round; the median of five rounds lies within 5 % of 1, or twice as far as the control where the machine is restless. The
statements are the same (tests/faults/test_foreign_ids.py): what is left is an index probe.
"""

import random
import sys
import time
import uuid

from bench import FarWorld, judge, median

ROUNDS, TURNS = 5, 400
OTHERS = "018f0000-0000-7000-8000-000000000002"
EVENT = {"kind": "HARVEST", "at": "2026-01-02T03:04:05Z"}


def took(world, path, lot):
    begin = time.perf_counter()
    answer = world.client.post(path.format(lot), EVENT) if "events" in path else world.client.get(path.format(lot))
    assert answer.status == 404, answer
    return time.perf_counter() - begin


def one_round(world, path):
    """(foreign, control): each a ratio to the missing ids that took turns with them."""
    times = {"missing": [], "foreign": [], "control": []}
    for _ in range(TURNS):
        for kind in random.sample(list(times), 3):
            lot = f"{world.LOT}{random.randrange(100):02}" if kind == "foreign" else uuid.uuid4()
            times[kind].append(took(world, path, lot))
    missing = median(times["missing"])
    return median(times["foreign"]) / missing, median(times["control"]) / missing


def promises(world):
    for path in ("/v1/lots/{}", "/v1/lots/{}/events", "/v1/lots/{}/verify"):
        method = "POST" if "events" in path else "GET"
        rounds = [one_round(world, path) for _ in range(ROUNDS)]
        foreign, control = (median(ratios) for ratios in zip(*rounds))
        limit = max(0.05, 2 * abs(control - 1))
        yield (f"{method} {path.format('{id}')}: a foreign id takes what a missing one takes, within {100 * limit:.0f} %",
               f"{100 * (foreign - 1):+.1f} % (control {100 * (control - 1):+.1f} %)", abs(foreign - 1) <= limit)


def main():
    with FarWorld(0, conf={"WORKERS": "1"}) as world:
        world.postgres.psql(f"""
            INSERT INTO organization (id, name, kind, approved, created_at)
                VALUES ('{OTHERS}', 'La Vecina', 'PRODUCER', true, now());
            UPDATE lot SET organization_id = '{OTHERS}'""")
        return judge(promises(world))


if __name__ == "__main__":
    sys.exit(main())
