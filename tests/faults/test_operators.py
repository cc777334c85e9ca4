"""What operators ask of a running pool, above all when it is in trouble: status, metrics, advice, the slow-request log."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time
import unittest

from world import Client, World, eventually, processes


class Operators(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World(conf={"SLOW_MS": "200", "READ_TIMEOUT_MS": "4000", "QUEUE_TIMEOUT_MS": "3000"}))
        self.ops = Client(self.world.nginx.ops_url)

    def program(self, *words):
        """(exit status, output) of a subcommand that looks at the same pool."""
        done = subprocess.run(processes.command([self.world.binary, *words]), env=self.world.pool.env(), capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def main_group(self):
        return self.ops.get("/status").json()["groups"][0]

    def stuck(self, requests):
        """Every main worker waits for a PostgreSQL that is frozen, and the rest of the requests wait for them."""
        clients = [Client(self.world.nginx.url, self.world.client.token) for _ in range(requests)]
        for client in clients:
            client.get("/v1/me")
        self.world.postgres.freeze()
        self.addCleanup(self.world.postgres.thaw)
        threads = [threading.Thread(target=client.get, args=("/v1/products",)) for client in clients]
        for thread in threads:
            thread.start()
            self.addCleanup(thread.join)

    def test_everything_answers_while_every_main_worker_is_stuck(self):
        self.stuck(9)
        eventually(self, lambda: self.main_group()["queue"]["depth"] == 5, 3, "4 workers busy and 5 requests waiting are not seen")
        group = self.main_group()
        self.assertEqual((group["busy"], group["idle"]), (4, 0))
        self.assertEqual({w["route"] for w in group["workers"]}, {"GET /v1/products"})
        self.assertEqual({w["query"] for w in group["workers"]}, {"PRODUCT_LIST"})
        self.assertGreater(group["queue"]["age_ms"], 0)
        self.assertIn('agrobridge_queue_depth{group="main"} 5\n', self.ops.get("/metrics").body.decode())
        self.assertEqual(json.loads(self.program("status", "--json")[1])["groups"][0]["busy"], 4)
        self.assertEqual(self.program("status", "--ready")[0], 0, "a store's outage makes the task unready")
        for path in ("/livez", "/readyz"):
            self.assertEqual(Client(self.world.nginx.url).get(path).status, 200)

    def fill_the_queue(self):
        """Connects to main's socket until it takes no more. Returns how many it took."""
        for taken in range(100000):
            connection = socket.socket(socket.AF_UNIX)
            self.addCleanup(connection.close)
            connection.setblocking(False)
            try:
                connection.connect(str(self.world.pool.directory / "main.sock"))
            except BlockingIOError:
                return taken
        self.fail("the queue has no end")

    def test_everything_answers_while_the_queue_is_full_too(self):
        self.stuck(4)
        eventually(self, lambda: self.main_group()["busy"] == 4, 3, "not every worker is busy")
        taken = self.fill_the_queue()
        queue = self.main_group()["queue"]
        self.assertEqual((queue["depth"], queue["limit"] + 1), (taken, taken))
        self.assertEqual(Client(self.world.nginx.url).get("/v1/me").status, 503)
        for path in ("/metrics", "/", "/page.js"):
            self.assertEqual(self.ops.get(path).status, 200, path)
        for path in ("/livez", "/readyz"):
            self.assertEqual(Client(self.world.nginx.url).get(path).status, 200, path)
        self.assertIn(f"{taken}/{queue['limit']}", self.program("status")[1])
        self.assertEqual(self.program("status", "--ready")[0], 0)

    def test_a_slow_request_is_logged_with_its_stages(self):
        self.stuck(1)
        time.sleep(0.4)
        self.world.postgres.thaw()
        log = self.world.pool.log
        eventually(self, lambda: "slow: GET /v1/products took" in log.read_text(), 5, "no line about the slow request")
        line = next(json.loads(l) for l in log.read_text().splitlines() if "slow: " in l)
        self.assertEqual(line["level"], "warning")
        self.assertRegex(line["message"], r"took [2-9]\d\d ms: queue \d+ ms, read [\d.]+ ms, session [\d.]+ ms, handler [\d.]+ ms, "
                                          r"reply [\d.]+ ms; request [0-9a-f]{16}-\d+-\d+")

    def test_size_advises_from_the_running_pool(self):
        self.assertEqual(self.program("size")[0], 1, "advice from no requests")
        for _ in range(150):
            self.world.client.get("/v1/me")
        status, said = self.program("size", "--json")
        self.assertEqual(status, 0, said)
        advice = json.loads(said)
        self.assertEqual(advice["now"]["workers"], 4)
        self.assertGreater(advice["cpu_ms"], 0)
        self.assertGreaterEqual(advice["service_ms"], advice["cpu_ms"])
        # Ten times the wait for the stores, and the workers that run are too few.
        slow = self.program("size", "--service-ms", str(round(advice["cpu_ms"] * 20, 3)), "--cpu-ms", str(advice["cpu_ms"]))[1]
        self.assertIn("workers bind: 4 are full", slow)
        self.assertRegex(slow, r"use AGROBRIDGE_WORKERS=\d+")
        self.assertLessEqual(max(map(len, slow.splitlines())), 80)

    def test_size_refuses_what_is_no_figure(self):
        for words in (("--rate", "-1"), ("--rate", "x"), ("--cpu-ms", "0"), ("--cpu-ms", "1e3"), ("more",), ("--nothing",)):
            self.assertEqual(self.program("size", *words)[0], 2, words)

    def test_watch_is_plain_without_a_terminal(self):
        child = subprocess.Popen(processes.command([self.world.binary, "status", "--watch"]), env=self.world.pool.env(),
                                 stdout=subprocess.PIPE, text=True)
        text = ""
        while text.count("agrobridge ") < 2:
            text += child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        text += child.communicate(timeout=5)[0]
        self.assertEqual(child.returncode, 0)
        self.assertNotIn("\033", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_watch_takes_the_terminal_and_gives_it_back(self):
        master, slave = pty.openpty()
        child = subprocess.Popen(processes.command([self.world.binary, "status", "--watch"]), env=self.world.pool.env(),
                                 stdin=slave, stdout=slave, start_new_session=True)
        os.close(slave)
        text, end = b"", time.monotonic() + 10
        while text.count(b"\033[H") < 2 and time.monotonic() < end:
            if select.select([master], [], [], 1)[0]:
                text += os.read(master, 65536)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(5), 0)
        text += os.read(master, 65536)
        os.close(master)
        self.assertTrue(text.startswith(b"\033[?1049h"), text[:20])
        self.assertTrue(text.endswith(b"\033[?1049l"), text[-20:])
        self.assertGreaterEqual(text.count(b"\033[H"), 2)

    def test_the_programs_pages_name_every_metric_once(self):
        text = self.ops.get("/metrics").body.decode()
        families = re.findall(r"^# TYPE (\w+)", text, re.M)
        self.assertEqual(len(families), len(set(families)))
        self.assertEqual({f for f in families if not f.startswith("agrobridge_")}, set())
        self.assertEqual(Client(self.world.nginx.url).get("/metrics").status, 404, "metrics are open to the public")


if __name__ == "__main__":
    unittest.main()
