#!/usr/bin/env python3
"""What a failed login costs its worker: an address nobody has and a user switched off beside a wrong password.

Whoever measures answers must not learn from them which accounts exist. Processor time of the one login worker, not the clock:
what else runs on the machine does not count. Median of nine rounds, the kinds asked in turn, each held against the wrong
password of its own round. For information also a user whose hash is of older, cheaper parameters, who can be told apart until
the next login makes it anew.
"""
import sys

from bench import FarWorld, cpu_seconds, family, judge, median

ROUNDS, LOGINS, WITHIN = 9, 20, 0.05
OLDER = "$argon2id$v=19$m=8192,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Qd/uPU2dNuqz/ljLQKUryhqKULDfO/egRNHbpCY1GDk"
KINDS = ("wrong", "unknown", "inactive", "older")


def make_users(world):
    for kind, column, value in (("wrong", "active", "true"), ("inactive", "active", "false"),
                                ("older", "password_hash", f"'{OLDER}'")):
        world.postgres.psql(f"""
            INSERT INTO app_user (id, organization_id, email, name, role, password_hash, created_at)
            SELECT gen_random_uuid(), organization_id, '{kind}@bench.example', 'x', role, password_hash, now()
            FROM app_user WHERE email = 'p@faults.example';
            UPDATE app_user SET {column} = {value} WHERE email = '{kind}@bench.example'""")


def cost_ms(world, worker, kind):
    begun = cpu_seconds([worker])
    for _ in range(LOGINS):
        answer = world.client.post("/v1/auth/login", {"email": f"{kind}@bench.example", "password": "not the right one"})
        assert answer.status == 401, answer
    return 1000 * (cpu_seconds([worker]) - begun) / LOGINS


def main():
    with FarWorld(0, conf={"RATE_LOGIN": "0"}) as world:
        make_users(world)
        pid, = world.workers("login")
        worker, = (process for process in family(world.pool.process) if process.pid == pid)
        cost_ms(world, worker, "wrong")  # the first also prepares its statements
        rounds = [{kind: cost_ms(world, worker, kind) for kind in KINDS} for _ in range(ROUNDS)]
    ratios = {kind: median(r[kind] / r["wrong"] for r in rounds) for kind in KINDS}
    print(f"wrong password {median(r['wrong'] for r in rounds):.1f} ms of a core; older parameters {ratios['older']:.2f} of it")
    return judge((f"{kind} costs what a wrong password does", f"{ratios[kind]:.3f}", abs(ratios[kind] - 1) <= WITHIN)
                 for kind in ("unknown", "inactive"))


if __name__ == "__main__":
    sys.exit(main())
