"""Limits: the same whichever task answers, exact when everybody asks at once, kept by the workers while Redis is away."""

import functools
import itertools
import re
import threading
import unittest

from world import PASSWORD, Client, World, eventually

LIMIT = 40
CONF = {"RATE_API_PER_MINUTE": str(LIMIT), "LOGIN_WORKERS": "3", "QUEUE_TIMEOUT_MS": "5000", "WRITE_TIMEOUT_MS": "20000"}


def left(answer):
    """What RateLimit says: (remaining, seconds)."""
    found = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.headers.get("RateLimit", ""))
    return tuple(map(int, found.groups()))


def at_once(calls):
    """The answers of all these, asked together."""
    answers, start = [None] * len(calls), threading.Barrier(len(calls))

    def run(place, call):
        start.wait()
        answers[place] = call()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def while_redis_keeps_up(test):
    """A worker that has waited 50 ms for Redis counts by itself, as it should, and connects anew: then the machine was too
    busy for what the test says, and it is run again."""
    @functools.wraps(test)
    def patient(self):
        for _ in range(10):
            self.redis("FLUSHALL")
            before = self.connections()
            try:
                return test(self)
            except AssertionError:
                if self.connections() == before:
                    raise
        return self.fail("Redis does not keep up")
    return patient


class Limits(unittest.TestCase):
    """Two tasks on the same stores. The load balancer's hop is believed, so that a test can be anybody."""

    asked = 0

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(conf=CONF, trusted_proxies="127.0.0.0/8"))
        cls.urls = [cls.world.nginx.url, cls.world.start_pool(name="b")[1].url]

    def redis(self, *words):
        Limits.asked += 1  # each time by a connection of its own
        return self.world.redis_says(*words)

    def connections(self):
        """How many the workers have made."""
        return int(re.search(r"total_connections_received:(\d+)", self.redis("INFO", "stats"))[1]) - Limits.asked

    def setUp(self):
        self.redis("FLUSHALL")

    def get(self, path, n=0, token=None, address="192.0.2.1"):
        return Client(self.urls[n % 2], token).get(path, headers={"X-Forwarded-For": address})

    def log_in(self, n=0, password=PASSWORD, address="192.0.2.1", email="p@faults.example"):
        return Client(self.urls[n % 2]).post(
            "/v1/auth/login", {"email": email, "password": password}, headers={"X-Forwarded-For": address}, timeout=60)

    def assert_refused(self, answer, code="too_many_requests"):
        self.assertEqual((answer.status, answer.json()["code"]), (429, code))
        self.assertTrue(1 <= int(answer.headers["Retry-After"]), answer.headers)

    @while_redis_keeps_up
    def test_a_user_has_one_limit_in_all_tasks(self):
        token = self.world.client.token
        said = []
        for n in range(LIMIT):
            answer = self.get("/v1/me", n, token, f"192.0.2.{n}")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["RateLimit-Policy"], f'"default";q={LIMIT};w=60')
            said.append(left(answer)[0])
        self.assertEqual(said, list(range(LIMIT - 1, -1, -1)))
        for n in (0, 1):
            answer = self.get("/v1/me", n, token)
            self.assert_refused(answer)
            remaining, seconds = left(answer)
            self.assertEqual((remaining, str(seconds)), (0, answer.headers["Retry-After"]))
            self.assertLessEqual(seconds, 60)
        other = self.log_in(address="192.0.2.200").json()["access_token"]
        self.assert_refused(self.get("/v1/me", 0, other))  # another session of the same user

    @while_redis_keeps_up
    def test_a_limit_is_exact_when_all_ask_at_once(self):
        answers = at_once([lambda n=n: self.get("/t/AAAAAAAAAA", n) for n in range(LIMIT + 20)])
        self.assertEqual(sorted(a.status for a in answers), [404] * LIMIT + [429] * 20)
        self.assertEqual(sorted(left(a)[0] for a in answers if a.status == 404), list(range(LIMIT)))

    @while_redis_keeps_up
    def test_whoever_has_no_session_counts_for_the_address_whatever_is_asked(self):
        asked = [
            lambda n: self.get("/v1/me", n),
            lambda n: self.get("/v1/me", n, token="not one"),
            lambda n: self.get("/v1/me", n, token="A" * 43),
            lambda n: self.get("/t/AAAAAAAAAA", n),
            lambda n: Client(self.urls[n % 2]).post("/v1/auth/refresh", {"refresh_token": "A" * 43},
                                                    headers={"X-Forwarded-For": "192.0.2.1"}),
        ]
        for n in range(LIMIT):
            answer = asked[n % len(asked)](n)
            self.assertIn(answer.status, (401, 404))
            self.assertEqual(left(answer)[0], LIMIT - 1 - n)
        for n, ask in enumerate(asked):
            self.assert_refused(ask(n))
        self.assertEqual(self.get("/livez").status, 200)
        self.assertNotIn("RateLimit", self.get("/livez").headers)
        self.assertNotIn("RateLimit", self.get("/nowhere").headers)
        # One who is known, and asks from there, is not refused with them.
        token = self.world.client.token
        self.assertEqual(self.get("/v1/me", address="192.0.2.9", token=token).status, 200)
        self.assertEqual(self.get("/v1/me", token=token).status, 200)

    @while_redis_keeps_up
    def test_a_valid_token_costs_its_address_nothing(self):
        token = self.world.client.token
        for n in range(5):
            self.redis("DEL", *self.redis("KEYS", "s:*").split(), "none")
            self.assertEqual(left(self.get("/v1/me", n, token))[0], LIMIT - 1 - n)
        self.assertEqual(left(self.get("/v1/me", 0))[0], LIMIT - 1)

    def test_an_outage_of_postgres_counts_against_nobody(self):
        strangers = itertools.count()
        self.world.postgres.stop()
        for n in range(LIMIT + 5):
            self.assertEqual(self.get("/v1/me", n, "A" * 43).status, 503)
        for n in range(7):
            self.assertEqual(self.log_in(n).status, 503)
        self.world.postgres.start()
        everywhere = [lambda n=n: self.log_in(n, address=f"2001:db8:1:{next(strangers):x}::1") for n in range(6)]
        everywhere += [lambda n=n: self.get("/t/AAAAAAAAAA", n, address=f"2001:db8:1:{next(strangers):x}::1") for n in range(8)]
        eventually(self, lambda: {a.status for a in at_once(everywhere)} == {200, 404}, why="not every worker is well again")

    @while_redis_keeps_up
    def test_the_window_slides_by_the_clock_of_redis(self):
        seconds, _ = self.redis("TIME").split()
        begun = (int(seconds) - 90) * 1_000_000  # half of the next window is over: half of what was let through counts
        self.redis("SET", "r:a:192.0.2.1", f"{begun} {LIMIT} 0")
        remaining, wait = left(self.get("/v1/me"))
        self.assertTrue(LIMIT // 2 - 1 <= remaining <= LIMIT // 2 + 6, remaining)
        self.assertLessEqual(wait, 2)  # then it is one more
        begun = (int(seconds) - 61) * 1_000_000  # all but one of it counts
        self.redis("SET", "r:a:192.0.2.2", f"{begun} {LIMIT} 0")
        let = [self.get("/v1/me", n, address="192.0.2.2").status for n in range(LIMIT)]
        self.assertEqual(let[0], 401)
        self.assertIn(429, let)

    @while_redis_keeps_up
    def test_a_spoilt_count_is_none_and_no_error(self):
        for command in (("SET", "nonsense"), ("SET", "-1 1 1"), ("LPUSH", "x")):
            self.redis("DEL", "r:a:192.0.2.1")
            self.redis(command[0], "r:a:192.0.2.1", command[1])
            answer = self.get("/v1/me")
            self.assertEqual((answer.status, left(answer)[0]), (401, LIMIT - 1), command)

    @while_redis_keeps_up
    def test_an_ipv6_customer_is_a_whole_block(self):
        for n in range(LIMIT):
            self.assertEqual(self.get("/v1/me", n, address=f"2001:db8:0:1::{n:x}").status, 401)
        self.assert_refused(self.get("/v1/me", address="2001:db8:0:1:ffff::1"))
        self.assertEqual(self.get("/v1/me", address="2001:db8:0:2::1").status, 401)
        for n in range(5):
            self.assertEqual(self.log_in(n, "wrong password", f"2001:db8:0:3:{n}::1").status, 401)
        self.assert_refused(self.log_in(address="2001:db8:0:3::77"), "too_many_logins")
        self.assertEqual(self.log_in(address="2001:db8:0:4::1").status, 200)

    @while_redis_keeps_up
    def test_many_guesses_at_once_are_five(self):
        guesses = LIMIT - 5  # each is a request of the address as well
        answers = at_once([lambda n=n: self.log_in(n, f"wrong password {n}", f"2001:db8:0:9::{n:x}") for n in range(guesses)])
        self.assertEqual(sorted(a.status for a in answers), [401] * 5 + [429] * (guesses - 5))
        for answer in answers:
            if answer.status == 429:
                self.assert_refused(answer, "too_many_logins")
                self.assertTrue(840 <= int(answer.headers["Retry-After"]) <= 900, answer.headers)
        self.assert_refused(self.log_in(1, address="2001:db8:0:9::1"), "too_many_logins")
        self.assertEqual(self.log_in(1, address="2001:db8:0:a::1").status, 200)

    @while_redis_keeps_up
    def test_right_passwords_are_given_back(self):
        for n in range(12):
            self.assertEqual(self.log_in(n).status, 200)
        for n in range(5):
            self.assertEqual(self.log_in(n, "wrong password").status, 401)
        self.assert_refused(self.log_in(), "too_many_logins")

    def test_without_redis_the_workers_limit_and_with_it_the_tasks(self):
        token = self.world.client.token
        self.world.redis.stop()
        answers = [self.get("/v1/me", 0, token) for _ in range(LIMIT)]
        self.assertEqual({a.status for a in answers}, {200})  # at the limit nobody is refused, whichever worker is asked
        most = 4 * LIMIT  # four workers
        answers += [self.get("/v1/me", 0, token) for _ in range(most)]
        self.assertIn(429, {a.status for a in answers})
        self.assertLessEqual(sum(a.status == 200 for a in answers), most)
        for refused in (a for a in answers if a.status == 429):
            self.assert_refused(refused)
            self.assertEqual(left(refused)[0], 0)
        guesses = [self.log_in(0, "wrong password") for _ in range(3 * 5 + 1)]  # three login workers
        self.assertEqual({a.status for a in guesses[:5]}, {401})
        self.assertIn(429, {a.status for a in guesses})
        for refused in (a for a in guesses if a.status == 429):
            self.assert_refused(refused, "too_many_logins")
        self.assertEqual(self.log_in(address="192.0.2.7").status, 200)
        self.world.redis.start()
        eventually(self, lambda: self.get("/v1/me", 0, token) and self.redis("KEYS", "r:u:*"), why="Redis does not count again")
        eventually(self, lambda: {self.get("/v1/me", n, token).status for n in (0, 1)} == {429}, why="the tasks do not share it")


if __name__ == "__main__":
    unittest.main()
