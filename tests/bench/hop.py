#!/usr/bin/env python3
"""The FastCGI hop: our worker's 404 for an unknown path against the plainest libfcgi accept loop that says the same.

Median of five, the two taken in turn. Fails when ours is dearer than the plain loop at 4, 32 or 128 clients, or has less
than 1.2 times its throughput at 32. Each nginx writes its access log: ours JSON with our headers, the plain one Debian's.
"""
import sys

from bench import ExitStack, Plain, Shot, StockNginx, median, workspace
from world import World

ROUNDS, WORKERS = 5, 4


def main():
    bad = 0
    with ExitStack() as stack:
        world = stack.enter_context(World(conf={"MAX_REQUESTS": "0"}))
        directory = workspace(stack)
        plain = stack.enter_context(Plain(directory / "x", WORKERS, tether=True))
        front = stack.enter_context(StockNginx(directory / "y", directory / "x", tether=True))
        print(f"{'clients':>8} {'ours req/s':>11} {'plain req/s':>11} {'ratio':>6}   "
              f"{'ours us: nginx + worker':>24} {'plain us: nginx + worker':>25} {'ratio':>6}")
        for clients in (4, 32, 128):
            shots = [(Shot(f"{world.nginx.url}/nope", clients, watched={"nginx": world.nginx, "worker": world.pool}),
                      Shot(f"{front.url}/nope", clients, watched={"nginx": front, "worker": plain})) for _ in range(ROUNDS)]
            rate = median(a.rate / b.rate for a, b in shots)
            worker = median(a.cpu_us["worker"] / b.cpu_us["worker"] for a, b in shots)
            figures = [[median(s[i].cpu_us[name] for s in shots) for name in ("nginx", "worker")] for i in (0, 1)]
            total = median(sum(a.cpu_us.values()) / sum(b.cpu_us.values()) for a, b in shots)
            print(f"{clients:>8} {median(a.rate for a, _ in shots):>11.0f} {median(b.rate for _, b in shots):>11.0f} {rate:>6.2f}   "
                  f"{figures[0][0]:>15.1f} + {figures[0][1]:>6.1f} {figures[1][0]:>16.1f} + {figures[1][1]:>6.1f} {total:>6.2f}"
                  f"  (worker alone {worker:.2f})", flush=True)
            bad += total > 1 or (clients == 32 and rate < 1.2)
    print("holds" if not bad else f"{bad} of the promises do not hold")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
