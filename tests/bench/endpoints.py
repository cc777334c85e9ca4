#!/usr/bin/env python3
"""What a request costs: processor time of nginx and of the worker for the public trace and for one lot, memory a worker.

From /proc, wrk on loopback, median of five. Absolute figures: for one machine, to compare with its own earlier ones.
"""
import sys

from bench import ExitStack, Shot, median, private_kib, pss_kib
from world import World

ROUNDS = 5
KINDS = ("HARVEST", "PROCESSING", "PACKAGING", "HARVEST", "PROCESSING", "PACKAGING")


def main():
    with ExitStack() as stack:
        world = stack.enter_context(World(conf={"MAX_REQUESTS": "0"}))
        lot = world.client.post("/v1/lots", world.lot_body()).json()
        for kind in KINDS:
            world.client.post(f"/v1/lots/{lot['id']}/events", {"kind": kind, "at": "2026-01-02T03:04:05Z", "temperature_c": "5.5"})
        paths = {"public trace, 6 events": (f"/t/{lot['public_code']}", ()),
                 "GET /v1/lots/{id}": (f"/v1/lots/{lot['id']}", (f"Authorization: Bearer {world.client.token}",)),
                 "GET /v1/me": ("/v1/me", (f"Authorization: Bearer {world.client.token}",))}
        idle = world.workers()
        print(f"an idle main worker: private {median(map(private_kib, idle)):.0f} KiB, PSS {median(map(pss_kib, idle)):.0f} KiB")
        print(f"{'':>24} {'req/s':>8} {'p99 ms':>7} {'nginx us':>9} {'worker us':>10} {'together':>9}")
        for name, (path, headers) in paths.items():
            shots = [Shot(world.nginx.url + path, 32, headers=headers, watched={"nginx": world.nginx, "worker": world.pool})
                     for _ in range(ROUNDS)]
            assert not any(s.other for s in shots), "not every answer was 2xx"
            nginx, worker = (median(s.cpu_us[who] for s in shots) for who in ("nginx", "worker"))
            print(f"{name:>24} {median(s.rate for s in shots):>8.0f} {median(s.p99_ms for s in shots):>7.1f} {nginx:>9.1f} "
                  f"{worker:>10.1f} {nginx + worker:>9.1f}", flush=True)
        print(f"after the load: PSS {median(map(pss_kib, world.workers())):.0f} KiB a worker")
    return 0


if __name__ == "__main__":
    sys.exit(main())
