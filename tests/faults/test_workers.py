"""Workers are killed, the pool is stopped, connections are cut: a crash costs one request, a drain none."""

import contextlib
import os
import random
import signal
import socket
import struct
import threading
import time
import unittest

from world import Client, Journal, Load, Process, World, eventually
from services import Delay

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6


def record(kind, content=b"", request=1):
    return struct.pack(">BBHHBx", 1, kind, request, len(content), 0) + content


def pair(name, value):
    lengths = b"".join(struct.pack("B", len(x)) if len(x) < 128 else struct.pack(">I", len(x) | 1 << 31) for x in (name, value))
    return lengths + name + value


def opening(**params):
    """BEGIN (responder, close after) and the whole of PARAMS."""
    text = b"".join(pair(name.encode(), str(value).encode()) for name, value in params.items())
    return record(BEGIN, struct.pack(">HB5x", 1, 0)) + record(PARAMS, text) + record(PARAMS)


def answer_of(connection):
    """Everything on STDOUT until the worker closes; b"" if it just closed."""
    data, out = b"", b""
    connection.settimeout(10)
    try:
        while more := connection.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    while len(data) >= 8:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", data[:8])
        if kind == STDOUT:
            out += data[8:8 + length]
        data = data[8 + length + padding:]
    return out


class Workers(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.client = self.world.client

    def connect(self, group="main"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.world.pool.directory / f"{group}.sock"))
        self.addCleanup(connection.close)
        return connection

    def params(self, body):
        return {"REQUEST_METHOD": "POST", "REQUEST_URI": "/v1/lots", "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": len(body), "REMOTE_ADDR": "127.0.0.1", "REQUEST_ID": "raw",
                "HTTP_AUTHORIZATION": f"Bearer {self.client.token}"}

    def is_warm_from_the_start(self, database_url):
        """PostgreSQL shows each session's newest statement: the last of the warm-up, while nobody has asked anything."""
        since = self.world.postgres.psql("SELECT clock_timestamp()").strip()
        self.world.start_pool(name="b", database_url=database_url)
        sql = ("SELECT count(*), count(*) FILTER (WHERE query LIKE '%FROM lot l WHERE l.id = $1%') FROM pg_stat_activity"
               f" WHERE application_name = 'agrobridge' AND backend_start > '{since}'")
        main, login = 4, 1
        eventually(self, lambda: self.world.postgres.psql(sql).strip() == f"{main + login}|{main}",
                   why="the workers of a pool nobody has asked yet have not asked PostgreSQL for a lot")

    def test_a_worker_has_asked_what_is_asked_most_before_its_first_request(self):
        self.is_warm_from_the_start(self.world.postgres.app_url)

    def test_also_where_a_login_at_postgres_takes_seconds(self):
        """It is five answers, one after another: requests that had to wait for it would fail in a crowd."""
        delay = Delay(self.world.path / "d", self.world.postgres.app_url, 600, tether=True).start()
        self.addCleanup(delay.stop)
        self.is_warm_from_the_start(delay.url)

    def test_a_killed_worker_costs_one_request_at_most(self):
        seed = random.randrange(1 << 32)
        chance, kills = random.Random(seed), 0
        with Load(self.world, threads=6) as load:
            load.wait_for(50)
            for _ in range(15):
                with contextlib.suppress(ProcessLookupError):  # the one killed last may still be listed
                    os.kill(chance.choice(self.world.workers()), signal.SIGKILL)
                    kills += 1
                load.wait_for(20)
        failed = load.journal.failures() + load.reads.failures()
        self.assertLessEqual(len(failed), kills, f"seed {seed}: {[a for _, _, a in failed]}")
        for _, _, answer in failed:
            self.assertEqual(answer.status, 503, answer)
        eventually(self, lambda: len(self.world.workers()) == 4, why="the killed workers are not replaced")
        self.world.settle(load.journal, self.client)
        self.world.judge(self, load.journal)

    def test_sigterm_under_load_serves_all_that_was_accepted(self):
        with Load(self.world, threads=6) as load:
            load.wait_for(100)
            self.world.pool.process.signal(signal.SIGTERM)
            eventually(self, lambda: not self.world.pool.process.alive(), 20, "the pool does not end")
        for _, _, answer in load.journal.failures() + load.reads.failures():
            self.assertEqual(answer.status, 503, answer)
        # Refused are those who found no socket any more; nobody was cut off who had got through.
        said = self.world.nginx.log.read_text()
        self.assertIn("connect() to unix:", said)
        for cut in ("prematurely closed", "reset by peer", "broken pipe"):
            self.assertNotIn(cut, said.lower())
        self.world.start_pool(name="b")
        client = Client(self.world.fronts[-1][1].url, self.client.token)
        self.world.settle(load.journal, client)
        self.world.judge(self, load.journal)

    def test_sigterm_while_the_body_arrives_serves_it_whole(self):
        body = b'{"product_id":"%s","code":"SLOW","quantity":1,"uom":"KGM"}' % self.world.product.encode()
        connection = self.connect()
        connection.sendall(opening(**self.params(body)) + record(STDIN, body[:20]))
        time.sleep(0.1)  # let a worker take it up: nothing outside shows that it has
        self.world.pool.process.signal(signal.SIGTERM)
        time.sleep(0.1)
        connection.sendall(record(STDIN, body[20:]) + record(STDIN))
        self.assertIn(b"Status: 201", answer_of(connection))
        eventually(self, lambda: not self.world.pool.process.alive(), 10, "the pool does not end")

    def test_parameters_cut_short_run_nothing(self):
        body = b'{"product_id":"%s","code":"CUT","quantity":1,"uom":"KGM"}' % self.world.product.encode()
        whole = opening(**self.params(body))
        for cut in (4, 8, 20, len(whole) // 2, len(whole) - 8, len(whole) - 1):
            connection = self.connect()
            connection.sendall(whole[:cut])
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(answer_of(connection), b"", f"cut after {cut} bytes")
        self.assertEqual(self.world.rows("SELECT code FROM lot"), [])

    def test_a_body_cut_short_runs_nothing(self):
        body = b'{"product_id":"%s","code":"CUT","quantity":1,"uom":"KGM"}' % self.world.product.encode()
        for sent in (0, 1, len(body) - 1):
            connection = self.connect()
            connection.sendall(opening(**self.params(body)) + (record(STDIN, body[:sent]) if sent else b""))
            connection.shutdown(socket.SHUT_WR)
            self.assertNotIn(b"Status: 2", answer_of(connection))
        connection = self.connect()
        connection.sendall(opening(**self.params(body)) + record(STDIN, body[:-1]) + record(STDIN))
        self.assertIn(b"Status: 400", answer_of(connection))
        self.assertEqual(self.world.rows("SELECT code FROM lot"), [])

    def test_half_a_request_holds_a_worker_no_longer_than_its_deadline(self):
        held = [self.connect() for _ in range(4)]
        for connection in held:
            connection.sendall(opening(**self.params(b"x"))[:40])
        # Meanwhile requests wait too long and are refused; then the workers are back.
        eventually(self, lambda: self.client.get("/v1/me").status == 200, 5, "half-sent requests hold every worker")
        for connection in held:
            self.assertEqual(answer_of(connection), b"")

    def test_records_that_make_no_sense_hurt_nobody(self):
        chance = random.Random(7)
        whole = opening(**self.params(b"")) + record(STDIN)
        nasty = [b"\0" * 64, b"\xff" * 64, record(99, b"x"), record(BEGIN, b"\0"), record(PARAMS, b"\x80\xff\xff\xff\x80\xff\xff\xff"),
                 record(ABORT), record(STDIN, b"early"), whole[:24] + record(BEGIN, struct.pack(">HB5x", 1, 0), request=2)]
        nasty += [bytes(b ^ (1 << chance.randrange(8)) if chance.random() < 0.02 else b for b in whole) for _ in range(200)]
        for bytes_sent in nasty:
            connection = self.connect()
            connection.sendall(bytes_sent)
            connection.shutdown(socket.SHUT_WR)
            self.assertNotIn(b"Status: 201", answer_of(connection))
        eventually(self, lambda: len(self.world.workers()) == 4)
        self.assertEqual(self.client.get("/v1/me").status, 200)
        self.assertEqual(self.world.rows("SELECT code FROM lot"), [])

    def test_clients_that_leave_cost_no_worker_and_half_no_write(self):
        before = set(self.world.workers())
        journal, threads = Journal(), []

        def leave(i):
            body = self.world.lot_body(f"GONE-{i}")
            client = Client(self.world.nginx.url, self.client.token)
            answer = client.request("POST", "/v1/lots", body, timeout=chance.choice((0.001, 0.002, 0.005)))
            journal.add(None, body, answer)

        chance = random.Random(11)
        for i in range(200):
            threads.append(threading.Thread(target=leave, args=(i,)))
            threads[-1].start()
            if len(threads) >= 20:
                threads.pop(0).join()
        for thread in threads:
            thread.join()
        self.assertEqual(set(self.world.workers()), before, "a worker died")
        self.world.judge(self, journal)

    def test_the_masters_death_takes_its_workers_along(self):
        pids = self.world.workers() + self.world.workers("login") + self.world.workers("ops")
        self.world.pool.process.signal(signal.SIGKILL)
        for pid in pids:
            eventually(self, lambda: not Process(pid).alive(), 3, f"worker {pid} lives on")


if __name__ == "__main__":
    unittest.main()
