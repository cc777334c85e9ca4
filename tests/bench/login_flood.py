#!/usr/bin/env python3
"""A flood of logins, ten times what the login workers can hash, beside a steady moderate load on the main workers.

Each login comes from another address for another account, so that no limit spares Argon2 its work, some 30 ms of a core. All
share these cores, and the login workers are as many as they are by default. Median of five rounds, each with its own control
just before: p99 of the main load stays within twice the control's, all of it is answered 2xx, and the flood's logins are
answered 401 or refused with 503 and Retry-After, nothing else.
"""
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from bench import FarWorld, cpu_seconds, family, http_text, judge, median, open_loop, percentile

ROUNDS, SECONDS, MAIN_RATE, HASH_MS = 5, 4, 100, 30
CORES = os.cpu_count()
FLOOD_RATE = 10 * CORES * 1000 // HASH_MS


def main_load(world):
    token, event = world.client.token, {"kind": "PROCESSING", "at": "2026-01-02T03:04:05Z", "notes": "########"}
    return {"read": (70, http_text("GET", f"/v1/lots/{world.LOT}##", token)),
            "list": (15, http_text("GET", "/v1/lots?limit=20", token)),
            "write": (15, http_text("POST", f"/v1/lots/{world.LOT}##/events", token, event))}


def logins(tag):
    """Of nobody: an unknown user costs what a wrong password costs."""
    who = {"email": f"u{tag}-########@flood.example", "password": "not the right one"}
    return {"login": (1, http_text("POST", "/v1/auth/login", body=who, headers=[f"X-Forwarded-For: 2001:db8:{tag}::####"]))}


class Round:
    """The main load alone, then with the flood beside it."""

    def __init__(self, world, thread, number):
        login_pids = world.workers("login")
        hashing = [process for process in family(world.pool.process) if process.pid in login_pids]
        quiet = open_loop(world, main_load(world), f"{MAIN_RATE}:{SECONDS}", seed=number)
        cpu = cpu_seconds(hashing)
        flood = thread.submit(open_loop, world, logins(number), f"{FLOOD_RATE}:{SECONDS}", seed=number)
        flooded = open_loop(world, main_load(world), f"{MAIN_RATE}:{SECONDS}", seed=number)
        self.workers = len(login_pids)
        self.logins = Counter(request.what for request in flood.result())
        self.cores = (cpu_seconds(hashing) - cpu) / SECONDS
        self.answers = Counter(request.what for request in quiet + flooded)
        self.quiet_ms, self.flooded_ms = (percentile([1000 * r.took for r in load], 99) for load in (quiet, flooded))
        self.ratio = self.flooded_ms / self.quiet_ms

    def __str__(self):
        hashed, refused = self.logins["401"] / SECONDS, self.logins["refused"] / SECONDS
        return (f"{self.quiet_ms:>12.2f} {self.flooded_ms:>15.2f} {self.ratio:>6.2f} {hashed:>9.0f} {refused:>10.0f} "
                f"{self.cores:>14.2f}")


def promises(rounds):
    """(what, measured, holds)."""
    ratio = median(r.ratio for r in rounds)
    yield "p99 of the main load is at most twice the control's", f"{ratio:.2f}", ratio <= 2
    other = sum((r.answers for r in rounds), Counter()) - Counter({"200": sys.maxsize, "201": sys.maxsize})
    yield "all of the main load is answered 2xx", f"{dict(other) or 'all'}", not other
    other = sum((r.logins for r in rounds), Counter()) - Counter({"401": sys.maxsize, "refused": sys.maxsize})
    yield "logins are answered 401, or 503 with Retry-After", f"{dict(other) or 'all'}", not other
    # Half of what they could do if they had a core each to themselves: less would be no flood of hashes.
    hashed = median(r.logins["401"] / r.workers for r in rounds) / SECONDS
    yield "a login worker hashes all the time", f"{hashed:.0f}/s", hashed >= 1000 / HASH_MS / 2


def main():
    with FarWorld(0, conf={"LOGIN_WORKERS": "auto"}) as world, ThreadPoolExecutor(1) as thread:
        world.nginx.stop()
        world.nginx.trusted_proxies = "127.0.0.1"
        world.nginx.start()
        print(f"main {MAIN_RATE}/s, logins {FLOOD_RATE}/s\n{'p99 quiet ms':>12} {'p99 flooded ms':>15} {'ratio':>6} {'hashed/s':>9} "
              f"{'refused/s':>10} {'cores hashing':>14}")
        rounds = []
        for number in range(1, ROUNDS + 1):
            rounds.append(Round(world, thread, number))
            print(rounds[-1], flush=True)
    return judge(promises(rounds))


if __name__ == "__main__":
    sys.exit(main())
