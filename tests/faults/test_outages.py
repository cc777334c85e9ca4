"""PostgreSQL and Redis go away, freeze and come back: 503 or served, never a 401, nothing lost, nothing twice."""

import time
import unittest

from world import Client, Journal, Load, World, eventually

# The budgets of the pool under test, so that a frozen store is told from a slow machine: read 800 ms, write 1200 ms.
CONF = {"READ_TIMEOUT_MS": "800", "WRITE_TIMEOUT_MS": "1200"}
SLACK = 1.5  # seconds a busy machine may add


class Outages(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World(conf=CONF))
        self.client = self.world.client

    def assert_only_503(self, journal):
        """Whatever failed was told so properly, and may be repeated."""
        for _, _, answer in journal.failures():
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("Retry-After", answer.headers)
            self.assertEqual(answer.json()["code"], "unavailable")

    def well_again(self, seconds=10):
        eventually(self, lambda: self.world.write(self.client, Journal()).status == 201, seconds, "writes do not come back")
        self.assertEqual(self.client.get("/v1/me").status, 200)

    def test_without_redis_everything_is_served(self):
        with Load(self.world) as load:
            load.wait_for(20)
            self.world.redis.kill()
            load.wait_for(60)
            self.world.redis.start()
            load.wait_for(60)
        self.assertEqual([a for _, _, a in load.journal.failures() + load.reads.failures()], [])
        self.world.judge(self, load.journal)
        fresh = Client(self.world.nginx.url).login()
        self.assertEqual(fresh.get("/v1/me").status, 200)

    def test_a_login_and_a_logout_work_without_redis(self):
        self.world.redis.stop()
        client = Client(self.world.nginx.url).login()
        self.assertEqual(client.get("/v1/me").status, 200)
        self.assertEqual(client.request("POST", "/v1/auth/logout").status, 204)
        self.assertEqual(client.get("/v1/me").status, 401)

    def test_a_frozen_redis_delays_a_few_requests_and_logs_nobody_out(self):
        self.client.get("/v1/me")
        self.world.redis.freeze()
        self.addCleanup(self.world.redis.thaw)
        answers = [self.client.get("/v1/me") for _ in range(60)]
        self.assertEqual({a.status for a in answers}, {200})
        # 4 workers, each waiting 50 ms twice before its breaker opens, and now and then for a probe.
        waited = [a for a in answers if a.took > 0.045]
        self.assertLess(len(waited), 30, "the breaker does not open")
        self.world.redis.thaw()
        self.assertEqual(self.client.get("/v1/me").status, 200)

    def test_flushed_or_spoilt_copies_give_nobody_a_right(self):
        self.client.get("/v1/me")
        redis = self.world.redis_says
        self.assertTrue(copies := redis("KEYS", "s:*").split())
        for key in copies:
            redis("DEL", key)
            redis("LPUSH", key, "not a session")
        self.assertEqual(self.client.get("/v1/me").status, 200)
        for key in redis("KEYS", "s:*").split():
            redis("SET", key, "018f0000-0000-7000-8000-00000000ffff 0 1")
        self.assertEqual(self.client.get("/v1/me").json()["role"], "PRODUCER")
        redis("FLUSHALL")
        self.assertEqual(self.client.get("/v1/me").status, 200)
        self.assertEqual(Client(self.world.nginx.url, "A" * 43).get("/v1/me").status, 401)

    def test_a_restart_of_postgres_loses_and_doubles_nothing(self):
        with Load(self.world) as load:
            for _ in range(3):
                load.wait_for(30)
                self.world.postgres.kill()
                time.sleep(0.3)
                self.world.postgres.start()
            load.wait_for(30)
        self.assertGreater(len(load.journal.failures()), 0, "the outage was not noticed: this test tests nothing")
        self.assert_only_503(load.journal)
        self.assert_only_503(load.reads)
        self.world.settle(load.journal, self.client)
        self.world.judge(self, load.journal)

    def test_a_frozen_postgres_is_answered_within_the_budget(self):
        self.client.get("/v1/me")
        self.world.postgres.freeze()
        self.addCleanup(self.world.postgres.thaw)
        read = self.client.get("/v1/products")
        write = self.world.write(self.client, Journal())
        self.assertEqual((read.status, write.status), (503, 503))
        self.assertLess(read.took, 0.8 + SLACK)
        self.assertLess(write.took, 1.2 + SLACK)
        ops = Client(self.world.nginx.ops_url)
        for path in ("/livez", "/readyz", "/status"):
            self.assertEqual(ops.get(path).status, 200, f"{path} depends on PostgreSQL")
        self.world.postgres.thaw()
        self.well_again()

    def test_a_task_that_starts_without_stores_is_up_and_recovers(self):
        self.world.postgres.stop()
        self.world.redis.stop()
        _, nginx = self.world.start_pool(name="b")
        client = Client(nginx.url, self.client.token)
        self.assertEqual(client.get("/readyz").status, 200)
        answer = client.get("/v1/me")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("Retry-After", answer.headers)
        self.world.redis.start()
        self.world.postgres.start()
        eventually(self, lambda: client.get("/v1/me").status == 200, 10, "it does not recover")

    def test_a_read_only_postgres_serves_reads_and_refuses_writes(self):
        owner = self.world.postgres
        owner.psql("ALTER ROLE agrobridge_app SET default_transaction_read_only = on")
        owner.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'agrobridge_app'")
        self.assertEqual(self.client.get("/v1/products").status, 200)
        journal = Journal()
        self.assertEqual(self.world.write(self.client, journal).status, 503)
        owner.psql("ALTER ROLE agrobridge_app SET default_transaction_read_only = off")
        owner.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'agrobridge_app'")
        self.world.settle(journal, self.client)
        self.world.judge(self, journal)


if __name__ == "__main__":
    unittest.main()
