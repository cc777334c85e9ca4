"""The load balancer's stand-in, with a real haproxy and small servers: no request is lost where AWS loses none."""

import contextlib
import http.client
import re
import socket
import sys
import tempfile
import threading
import time
import unittest
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal import balancer  # noqa: E402
from rehearsal.balancer import Answer, Balancer, Count, Target, parse  # noqa: E402
from rehearsal.clock import Clock  # noqa: E402
from service import Failure, free_port  # noqa: E402

LOOPBACK = "127.0.0.1"
SPEED = 200  # a health check every 50 ms, deregistered after 100


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        if self.path == balancer.PATH:
            return self.answer(server.ready)
        server.requests += 1
        if server.hang_up:
            self.close_connection = True
            return None
        time.sleep(server.takes)
        return self.answer(server.status)

    def answer(self, status):
        body = self.server.name.encode()
        self.wfile.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, name):
        super().__init__((LOOPBACK, 0), Handler)
        self.name, self.ready, self.status, self.takes, self.hang_up, self.requests = name, 200, 200, 0, False, 0
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        """Connections that haproxy cuts."""

    def end(self):
        self.shutdown()
        self.server_close()


def eventually(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not become so")
        time.sleep(0.005)


class Client:
    """One connection that stays open: it fails rather than open another."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        self.connection.connect()
        self.connection.auto_open = 0

    def get(self):
        """(status, who answered)"""
        self.connection.request("GET", "/")
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def close(self):
        self.connection.close()


class BalancerTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.balancer = Balancer(Clock(SPEED), directory, LOOPBACK, free_port(), free_port(), least=0.05)
        self.balancer.timeout = 1  # the machine may be busy
        self.addCleanup(self.balancer.close)

    def target(self, group, name):
        server = Server(name)
        self.addCleanup(server.end)
        self.balancer.register(group, name, LOOPBACK, server.server_port)
        return server

    def healthy_target(self, group, name):
        server = self.target(group, name)
        eventually(lambda: name in self.balancer.healthy(group))
        return server

    def client(self, port=None):
        client = Client(port or self.balancer.port)
        self.addCleanup(client.close)
        return client

    def get(self, port=None):
        with contextlib.closing(Client(port or self.balancer.port)) as client:
            return client.get()

    def names(self, number=20):
        """Who answered how often."""
        return Counter(self.get()[1] for _ in range(number))


class Rules(BalancerTest):
    def test_production_and_test_listener_lead_to_their_groups(self):
        self.healthy_target("blue", "b1")
        self.healthy_target("green", "g1")
        self.assertEqual((self.get(), self.get(self.balancer.test_port)), ((200, "b1"), (200, "b1")))
        self.balancer.test = "green"
        self.assertEqual((self.get(), self.get(self.balancer.test_port)), ((200, "b1"), (200, "g1")))
        self.balancer.production = {"blue": 0, "green": 100}
        self.balancer.test = "blue"
        self.assertEqual((self.get(), self.get(self.balancer.test_port)), ((200, "g1"), (200, "b1")))
        self.assertEqual((self.balancer.production, self.balancer.test), ({"blue": 0, "green": 100}, "blue"))

    def test_weights_split_requests(self):
        self.healthy_target("blue", "b1")
        self.healthy_target("green", "g1")
        self.balancer.production = {"blue": 30, "green": 10}
        client = self.client()
        green = Counter(client.get()[1] for _ in range(400))["g1"]
        self.assertTrue(50 <= green <= 150, green)  # 100 expected; six standard deviations are 52

    def test_a_group_shares_its_requests_evenly(self):
        for name in ("b1", "b2", "b3"):
            self.healthy_target("blue", name)
        client = self.client()
        self.assertEqual(Counter(client.get()[1] for _ in range(30)), {"b1": 10, "b2": 10, "b3": 10})

    def test_switching_under_load_loses_no_request_of_open_connections(self):
        for name in ("b1", "b2"):
            self.healthy_target("blue", name)
        for name in ("g1", "g2"):
            self.healthy_target("green", name)
        ended, answers, failures = threading.Event(), Counter(), []

        def load(client):
            try:
                while not ended.is_set():
                    status, name = client.get()
                    answers[status, name[0]] += 1
            except (OSError, http.client.HTTPException) as failure:
                failures.append(failure)

        threads = [threading.Thread(target=load, args=(self.client(),)) for _ in range(4)]
        probe = self.client()
        for thread in threads:
            thread.start()
        for turn in range(20):
            to_green = turn % 2 == 0
            self.balancer.production = {"blue": 0, "green": 100} if to_green else {"blue": 100, "green": 0}
            # From the moment it is set, on a connection that led to the other group.
            self.assertEqual([probe.get()[1][0] for _ in range(5)], ["g" if to_green else "b"] * 5)
            time.sleep(0.02)
        ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(set(answers), {(200, "b"), (200, "g")})
        self.assertGreater(min(answers.values()), 20)


class Health(BalancerTest):
    def test_a_new_target_gets_requests_after_its_first_good_check(self):
        server = Server("b1")
        self.addCleanup(server.end)
        server.ready = 503
        self.balancer.register("blue", "b1", LOOPBACK, server.server_port)
        self.assertEqual(self.balancer.health("blue"), {"b1": "initial"})
        self.assertEqual(self.get()[0], 503)
        self.assertEqual(server.requests, 0)
        server.ready = 200
        eventually(lambda: self.balancer.health("blue") == {"b1": "healthy"})
        self.assertEqual(self.get(), (200, "b1"))

    def test_an_unhealthy_target_gets_none_until_it_is_healthy_again(self):
        bad, _ = self.healthy_target("blue", "b1"), self.healthy_target("blue", "b2")
        client = self.client()
        self.assertEqual({client.get()[1] for _ in range(2)}, {"b1", "b2"})
        bad.ready = 503
        eventually(lambda: self.balancer.healthy("blue") == {"b2"})
        self.assertEqual({client.get()[1] for _ in range(10)}, {"b2"})
        bad.ready = 200
        eventually(lambda: self.balancer.healthy("blue") == {"b1", "b2"})
        self.assertEqual({client.get()[1] for _ in range(2)}, {"b1", "b2"})

    def test_a_target_that_does_not_answer_is_unhealthy(self):
        self.healthy_target("blue", "b1")
        self.balancer.timeout = 0.3
        with socket.create_server((LOOPBACK, 0)) as silent:
            self.balancer.register("blue", "silent", LOOPBACK, silent.getsockname()[1])
            eventually(lambda: self.balancer.health("blue")["silent"] == "unhealthy")
        with socket.create_server((LOOPBACK, 0)) as closed:
            port = closed.getsockname()[1]
        self.balancer.register("blue", "closed", LOOPBACK, port)
        eventually(lambda: self.balancer.health("blue")["closed"] == "unhealthy")
        self.assertEqual(self.names(), {"b1": 20})

    def test_it_fails_open_when_all_targets_of_a_group_are_unhealthy(self):
        servers = [self.healthy_target("blue", "b1"), self.healthy_target("blue", "b2")]
        for server in servers:
            server.ready = 503
        eventually(lambda: set(self.balancer.health("blue").values()) == {"unhealthy"})
        self.assertEqual(self.names(), {"b1": 10, "b2": 10})
        servers[0].ready = 200
        eventually(lambda: self.balancer.healthy("blue") == {"b1"})
        self.assertEqual(self.names(), {"b1": 20})

    def test_thresholds(self):
        for checks, states in (
                ("+", "healthy"), ("-", "initial"), ("--", "unhealthy"), ("-+", "healthy"),
                ("+-", "healthy"), ("+--", "unhealthy"), ("+-+-", "healthy"),
                ("--+", "unhealthy"), ("--++", "healthy"), ("--+-+", "unhealthy")):
            with self.subTest(checks):
                target = Target(1, LOOPBACK, 1)
                for check in checks:
                    target.judge(check == "+")
                self.assertEqual(target.state, states)


class Deregistration(BalancerTest):
    def test_no_new_requests_but_those_in_flight_end(self):
        self.balancer.delay = 1
        leaving, _ = self.healthy_target("blue", "b1"), self.healthy_target("blue", "b2")
        kept, slow, answer = self.client(), self.client(), []
        while slow.get()[1] != "b2":  # b1 has the next request
            pass
        leaving.takes = 0.3
        thread = threading.Thread(target=lambda: answer.append(slow.get()))
        before = leaving.requests
        thread.start()
        eventually(lambda: leaving.requests == before + 1)
        self.balancer.deregister("blue", "b1")
        self.assertEqual(self.balancer.health("blue"), {"b1": "draining", "b2": "healthy"})
        self.assertEqual({kept.get()[1] for _ in range(10)} | set(self.names()), {"b2"})
        thread.join()
        self.assertEqual(answer, [(200, "b1")])
        self.assertEqual(slow.get(), (200, "b2"))
        eventually(lambda: self.balancer.health("blue") == {"b2": "healthy"})

    def test_what_is_in_flight_after_the_delay_is_cut(self):
        server = self.healthy_target("blue", "b1")
        server.takes = 3
        client, failures = self.client(), []

        def get():
            try:
                failures.append(client.get()[0])
            except http.client.HTTPException as failure:
                failures.append(type(failure))

        thread = threading.Thread(target=get)
        thread.start()
        eventually(lambda: server.requests == 1)
        before = time.monotonic()
        self.balancer.deregister("blue", "b1")
        thread.join()
        self.assertTrue(self.balancer.delay <= time.monotonic() - before < 1.5)
        self.assertNotEqual(failures, [200])

    def test_it_lasts_its_delay(self):
        self.healthy_target("blue", "b1")
        self.balancer.delay = 0.2
        before = time.monotonic()
        self.balancer.deregister("blue", "b1")
        eventually(lambda: not self.balancer.health("blue"))
        self.assertGreaterEqual(time.monotonic() - before, 0.2)

    def test_its_place_is_given_to_the_next(self):
        for turn in range(3):
            self.healthy_target("blue", f"b{turn}")
            self.assertEqual(self.get(), (200, f"b{turn}"))
            self.balancer.deregister("blue", f"b{turn}")
            eventually(lambda: not self.balancer.health("blue"))
        self.assertEqual(self.get()[0], 503)


class Figures(BalancerTest):
    def count(self, group):
        """After haproxy has logged what was answered."""
        time.sleep(0.05)
        return self.balancer.counts()[group]

    def test_answers_and_errors_by_group_and_by_who_made_them(self):
        blue, green = self.healthy_target("blue", "b1"), self.healthy_target("green", "g1")
        self.get()
        green.status = 500
        self.balancer.test = "green"
        self.assertEqual(self.get(self.balancer.test_port)[0], 500)
        self.assertEqual((self.count("blue"), self.count("green")), (Count(1, 0, 0), Count(1, 1, 0)))
        blue.hang_up = True
        self.assertEqual(self.get()[0], 502)
        self.assertEqual(self.count("blue"), Count(2, 0, 1))

    def test_a_request_is_never_sent_twice(self):
        servers = [self.healthy_target("blue", "b1"), self.healthy_target("blue", "b2")]
        for server in servers:
            server.hang_up = True
        self.assertEqual(self.get()[0], 502)
        self.assertEqual(sum(server.requests for server in servers), 1)

    def test_without_targets_it_answers_itself_and_counts_no_request(self):
        self.assertEqual(self.get()[0], 503)
        self.assertEqual(self.count("blue"), Count(0, 0, 1))

    def test_each_reader_gets_what_came_since_it_last_read(self):
        server = self.healthy_target("blue", "b1")
        self.get()
        time.sleep(0.05)
        reader = self.balancer.reader()
        self.addCleanup(reader.close)
        self.assertEqual(reader.read(), [])
        server.takes = 0.1
        self.get()
        time.sleep(0.05)
        (answer,) = reader.read()
        self.assertEqual(answer._replace(seconds=None), Answer("production", "blue", True, 200, None))
        self.assertTrue(0.1 <= answer.seconds < 1, answer.seconds)
        self.assertEqual(reader.read(), [])
        self.assertEqual(self.count("blue").requests, 2)

    def test_lines_of_the_log(self):
        self.assertEqual(parse("production blue slot-1 200 12"), Answer("production", "blue", True, 200, 0.012))
        self.assertEqual(parse("test green <NOSRV> 503 -1"), Answer("test", "green", False, 503, None))
        self.assertIsNone(parse("Server blue/slot-1 is UP (leaving forced drain)."))
        self.assertIsNone(parse(""))


class Start(BalancerTest):
    def test_a_port_that_is_taken_is_said(self):
        with tempfile.TemporaryDirectory() as other, self.assertRaisesRegex(Failure, str(self.balancer.port)):
            Balancer(Clock(SPEED), other, LOOPBACK, self.balancer.port, free_port())


class Template(unittest.TestCase):
    def test_the_numbers_are_those_of_the_template(self):
        text = (SOURCE / "container/aws/edge.yaml").read_text()
        for pattern, value in (
                (r"HealthCheckIntervalSeconds: (\d+)", balancer.INTERVAL),
                (r"HealthCheckTimeoutSeconds: (\d+)", balancer.TIMEOUT),
                (r"HealthyThresholdCount: (\d+)", balancer.GOOD),
                (r"UnhealthyThresholdCount: (\d+)", balancer.BAD),
                (r"deregistration_delay.timeout_seconds, Value: '(\d+)'", balancer.DELAY)):
            self.assertEqual(re.findall(pattern, text), [str(value)] * 2, pattern)
        self.assertEqual(re.findall(r"HealthCheckPath: (\S+)", text), [balancer.PATH] * 2)
        self.assertIn("idle_timeout.timeout_seconds, Value: '60'", text)


if __name__ == "__main__":
    unittest.main()
