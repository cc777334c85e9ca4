#!/usr/bin/env python3
"""What a request costs: processor time of nginx, worker and stores, memory of a worker.

From /proc. First all that the machine can do, by wrk on loopback, median of five: to compare with its own earlier figures.
Then each kind of request alone, 300 a second at random times, as a task is used, median of three: waking up costs, so a
request is dearer. docs/scaling.md plans with these.
Absolute figures, of one machine; PostgreSQL without fsync.
"""
import itertools
import json
import sys
import time

from bench import FarWorld, Shot, cpu_seconds, family, http_text, median, open_loop, private_kib, pss_kib

ROUNDS, ROUNDS_USED, RATE, SECONDS, LOGINS, REFRESHES = 5, 3, 300, 4, 80, 1000
KINDS = ("HARVEST", "PROCESSING", "PACKAGING", "HARVEST", "PROCESSING", "PACKAGING")
PLENTY = "1000000"  # requests a minute that a user may make: counted, never refused


def services(world):
    return {"nginx": world.nginx, "worker": world.pool, "postgres": world.postgres, "redis": world.redis}


def all_it_can(world, paths):
    print(f"{'us a request':>24} {'req/s':>8} {'p99 ms':>7} " + " ".join(f"{part:>9}" for part in services(world)))
    for name, (path, headers) in paths.items():
        shots = [Shot(world.nginx.url + path, 32, headers=headers, watched=services(world)) for _ in range(ROUNDS)]
        assert not any(s.other for s in shots), "not every answer was 2xx"
        print(f"{name:>24} {median(s.rate for s in shots):>8.0f} {median(s.p99_ms for s in shots):>7.1f} " + " ".join(
            f"{median(s.cpu_us[part] for s in shots):>9.1f}" for part in services(world)), flush=True)


def at_random(world, text, run=None):
    """A load by open_loop.c: `text` is a request, or makes one for the number of this run. Returns how many were made."""
    answers = open_loop(world, {"x": (1, text(next(run)) if run else text)}, f"{RATE}:{SECONDS}")
    assert sum(a.what[0] == "2" for a in answers) > 0.99 * len(answers), {a.what for a in answers}
    return len(answers)


def logins(world):
    world.client.close()  # nginx did, while others were measured
    for _ in range(LOGINS):
        world.client.login()
    return LOGINS


def refreshes(world):
    world.client.close()
    for _ in range(REFRESHES):
        tokens = world.client.post("/v1/auth/refresh", {"refresh_token": world.client.refresh}).json()
        world.client.token, world.client.refresh = tokens["access_token"], tokens["refresh_token"]
    return REFRESHES


def loads(world, paths):
    token, run = world.client.token, itertools.count(1)
    event = {"kind": "PROCESSING", "at": "2026-01-02T03:04:05Z", "temperature_c": "5.5"}
    made = {name: lambda path=path, headers=headers: at_random(world, http_text("GET", path, headers=headers))
            for name, (path, headers) in paths.items()}
    made["POST event, with a key"] = lambda: at_random(world, lambda n: http_text(
        "POST", f"/v1/lots/{world.LOT}##/events", token, event, [f"Idempotency-Key: {n}-########"]), run)
    return made | {"POST login": lambda: logins(world), "POST refresh": lambda: refreshes(world)}


def cost(world, load):
    """Processor us a request of each part, and bytes of WAL."""
    watched = {part: family(service.process) for part, service in services(world).items()}
    wal = "SELECT pg_current_wal_insert_lsn() - '0/0'"
    before, written = {name: cpu_seconds(who) for name, who in watched.items()}, int(world.postgres.psql(wal))
    requests = load()
    spent = {name: (cpu_seconds(who) - before[name]) * 1e6 / requests for name, who in watched.items()}
    return spent | {"WAL bytes": (int(world.postgres.psql(wal)) - written) / requests}


def as_it_is_used(world, paths):
    columns = (*services(world), "WAL bytes")
    print(f"\n{'us a request':>24} " + " ".join(f"{c:>9}" for c in columns) + f" {'answer bytes':>13}")
    for name, load in loads(world, paths).items():
        load()  # connections and plans are there
        log = world.nginx.log.stat().st_size
        shots = [cost(world, load) for _ in range(ROUNDS_USED)]
        time.sleep(0.2)
        lines = world.nginx.log.read_text(encoding="utf-8")[log:].splitlines()
        sizes = [json.loads(line)["bytes"] for line in lines if line.startswith('{"time"')]
        print(f"{name:>24} " + " ".join(f"{median(s[c] for s in shots):>9.0f}" for c in columns) + f" {median(sizes):>13.0f}",
              flush=True)


def main():
    with FarWorld(0, conf={"RATE_API_PER_MINUTE": PLENTY}) as world:
        lot = world.client.post("/v1/lots", world.lot_body()).json()
        for kind in KINDS:
            world.client.post(f"/v1/lots/{lot['id']}/events", {"kind": kind, "at": "2026-01-02T03:04:05Z", "temperature_c": "5.5"})
        bearer = (f"Authorization: Bearer {world.client.token}",)
        paths = {"public trace, 6 events": (f"/t/{lot['public_code']}", ()),
                 "GET /v1/lots/{id}": (f"/v1/lots/{lot['id']}", bearer),
                 "GET /v1/lots?limit=20": ("/v1/lots?limit=20", bearer),
                 "GET /v1/me": ("/v1/me", bearer)}
        idle = world.workers()
        print(f"an idle main worker: private {median(map(private_kib, idle)):.0f} KiB, PSS {median(map(pss_kib, idle)):.0f} KiB")
        all_it_can(world, paths)
        as_it_is_used(world, paths)
        print(f"\nafter the load: PSS {median(map(pss_kib, world.workers())):.0f} KiB a worker")
    return 0


if __name__ == "__main__":
    sys.exit(main())
