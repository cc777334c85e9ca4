"""`agrobridge maintain`: what is over goes, what is not stays, one process at a time."""

import subprocess
import unittest

from world import World, processes

OLD, BATCH = 2500, 1000


class Maintain(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.sql = self.world.postgres.psql
        user = self.sql("SELECT id FROM app_user LIMIT 1").strip()
        self.sql(f"""
            INSERT INTO session (id, user_id, access_hash, access_expires_at, refresh_hash, refresh_expires_at, created_at, refreshed_at)
            SELECT gen_random_uuid(), '{user}', sha256(('a' || n)::bytea), over, sha256(('r' || n)::bytea), over, now() - interval '9 days',
                   now() FROM generate_series(1, {OLD}) n, LATERAL (SELECT now() - n * interval '1 second' AS over) s;
            INSERT INTO session_spent SELECT sha256(('s' || id)::bytea), id FROM session WHERE refresh_expires_at < now();
            UPDATE session SET revoked_at = now() WHERE refresh_expires_at > now();
            INSERT INTO idempotency_key (user_id, key, fingerprint, status, body, created_at)
            SELECT '{user}', 'old-' || n, '', 201, '', now() - interval '30 days' - n * interval '1 second' FROM generate_series(1, 7) n;
            INSERT INTO idempotency_key (user_id, key, fingerprint, status, body, created_at)
            VALUES ('{user}', 'young', '', 201, '', now() - interval '29 days 23 hours');
            INSERT INTO audit (id, at, user_id, request_id, action)
            SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid,
                   at, '{user}', 'r', 'old' FROM generate_series(1, 5) n, LATERAL (SELECT now() - interval '1 day' * (394 + n) AS at) s;""")

    def maintain(self):
        done = subprocess.run(processes.command([self.world.binary, "maintain"]), env=self.world.pool.env(), capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def hold(self, sql):
        """A session that has run `sql` and stays until communicate()."""
        holder = subprocess.Popen(["psql", "-Xq", "-d", self.world.postgres.url("postgres")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.stdout.close)
        holder.stdin.write(f"{sql}\n\\echo held\n")
        holder.stdin.flush()
        while "held" not in holder.stdout.readline():
            pass
        return holder

    def left(self):
        return self.world.rows("""SELECT 'session', count(*) FROM session WHERE refresh_expires_at < now()
                                  UNION ALL SELECT 'spent', count(*) FROM session_spent
                                  UNION ALL SELECT 'key', count(*) FROM idempotency_key WHERE key LIKE 'old-%'""")

    def test_what_is_over_goes_and_nothing_else(self):
        live = self.sql("SELECT count(*) FROM session WHERE refresh_expires_at > now()")
        keys = self.sql("SELECT count(*) FROM idempotency_key WHERE key NOT LIKE 'old-%'")
        self.assertEqual(self.maintain(), (0, f"pruned {OLD} expired sessions\npruned 7 idempotency keys\npruned 4 audit rows\n"))
        self.assertEqual(self.left(), ["session|0", "spent|0", "key|0"])
        self.assertEqual(self.sql("SELECT count(*) FROM session"), live, "a revoked session went before its time")
        self.assertEqual(self.sql("SELECT count(*) FROM idempotency_key"), keys)
        self.assertEqual(self.sql("SELECT count(*) FROM audit WHERE action = 'old'"), "1")
        self.assertEqual(self.maintain(), (0, "pruned 0 expired sessions\npruned 0 idempotency keys\npruned 0 audit rows\n"))

    def test_one_at_a_time(self):
        holder = self.hold("SELECT pg_advisory_lock(280369450);")
        self.assertEqual(self.maintain(), (0, "another maintain is at it\n"))
        self.assertEqual(self.left(), [f"session|{OLD}", f"spent|{OLD}", "key|7"])
        holder.communicate()
        self.assertEqual(self.maintain()[0], 0)

    def test_what_a_request_holds_is_left_for_the_next_time(self):
        holder = self.hold("BEGIN; SELECT 1 FROM idempotency_key WHERE key = 'old-3' FOR UPDATE;")
        self.assertEqual(self.maintain(), (0, f"pruned {OLD} expired sessions\npruned 6 idempotency keys\npruned 4 audit rows\n"))
        holder.communicate()
        self.assertEqual(self.maintain(), (0, "pruned 0 expired sessions\npruned 1 idempotency keys\npruned 0 audit rows\n"))

    def test_without_postgres_it_says_so(self):
        self.world.postgres.stop()
        status, said = self.maintain()
        self.assertEqual(status, 1)
        self.assertIn("agrobridge: could not reach PostgreSQL", said)


if __name__ == "__main__":
    unittest.main()
