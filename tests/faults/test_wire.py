"""Straight to the pool's socket, real stores behind it: what waited too long is refused before anything is done for it, and
who does not read an answer gives the worker back."""

import re
import socket
import time
import unittest

from test_workers import STDIN, answer_of, opening, record
from world import ORGANIZATION, Client, World, eventually

MANY = 200  # events, each with the longest notes: more than the kernel holds of an unread answer


class Wire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Patience: a machine that runs other tests must not make an honest request look old.
        cls.world = cls.enterClassContext(World(conf={"QUEUE_TIMEOUT_MS": "800"}))

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.connect(str(self.world.pool.directory / "main.sock"))
        return connection

    def send(self, method, target, body=b"", **more):
        connection = self.connect()
        connection.sendall(opening(
            REQUEST_METHOD=method, REQUEST_URI=target, REMOTE_ADDR="127.0.0.1", REQUEST_ID="wire",
            CONTENT_TYPE="application/json", CONTENT_LENGTH=len(body),
            HTTP_AUTHORIZATION=f"Bearer {self.world.client.token}", **more)
            + (record(STDIN, body) if body else b"") + record(STDIN))
        return connection

    def post_lot(self, code, **more):
        body = b'{"product_id":"%s","code":"%s","quantity":1,"uom":"KGM"}' % (self.world.product.encode(), code.encode())
        return answer_of(self.send("POST", "/v1/lots", body, **more)).decode()

    def group(self):
        return next(g for g in Client(self.world.nginx.ops_url).get("/status").json()["groups"] if g["name"] == "main")

    def test_what_waited_too_long_is_refused_and_nothing_done(self):
        shed = self.group()["shed_total"]
        for age in (1, 10, 50):
            answer = self.post_lot(f"OLD-{age}", QUEUE_START=f"{time.time() - age:.3f}")
            self.assertIn("Status: 503", answer)
            self.assertRegex(answer, r"\r\nRetry-After: [1-9]\d*\r\n")
            self.assertIn('"code":"overloaded"', answer)
            for store in ("Postgres", "Redis"):
                self.assertIn(f"\r\nX-Log-{store}-Ms: 0.000\r\n", answer)
        eventually(self, lambda: self.group()["shed_total"] == shed + 3, why="the refused were not counted as shed")
        self.assertEqual(self.world.rows("SELECT code FROM lot WHERE code LIKE 'OLD-%'"), [])
        alive = answer_of(self.send("GET", "/livez", QUEUE_START=f"{time.time() - 10:.3f}"))
        self.assertIn(b"Status: 200", alive)

    def test_a_stamp_nobody_can_believe_counts_as_none(self):
        now = time.time()
        stamps = [f"{now + 5:.3f}", f"{now + 3600:.3f}", f"{now - 61:.3f}", f"{now - 86400:.3f}", "", "0", "0.000", "abc",
                  "-1.000", f"{now - 10:.0f}", f"{now - 10:.0f}.0001", f"{now - 10:.3f}s", f"{now - 10:.1f} 5", "9" * 30 + ".000"]
        for n, stamp in enumerate(stamps):
            with self.subTest(stamp=stamp):
                answer = self.post_lot(f"STAMP-{n}", QUEUE_START=stamp)
                self.assertIn("Status: 201", answer)
                self.assertIn("\r\nX-Log-Queue-Ms: 0.000\r\n", answer)
        self.assertIn("Status: 201", self.post_lot("STAMP-NONE"))
        self.assertEqual(len(self.world.rows("SELECT code FROM lot WHERE code LIKE 'STAMP-%'")), len(stamps) + 1)

    def test_who_does_not_read_the_answer_gives_the_worker_back(self):
        lot = re.search(r'"id":"([^"]+)"', self.post_lot("LONG")).group(1)
        self.world.postgres.psql(f"""
            INSERT INTO event (lot_id, position, id, organization_id, user_id, kind, at, recorded_at, notes, content, hash)
            SELECT '{lot}', n, gen_random_uuid(), '{ORGANIZATION}', u.id, 'HARVEST', now(), now(), repeat('x', 2000), '{{}}',
                   sha256('') FROM generate_series(1, {MANY}) n, app_user u""")
        target = f"/v1/lots/{lot}/events?limit={MANY}"
        self.assertGreater(len(answer_of(self.send("GET", target))), MANY * 2000)
        before = self.world.workers()
        for _ in before:
            self.send("GET", target)  # and never reads
        eventually(self, lambda: self.group()["busy"] == len(before), why="the answers fit into the kernel")
        # A second for the write that waits; without that limit they would stay until the master kills them after ten.
        eventually(self, lambda: self.group()["idle"] == len(before), 6, "the workers are not back")
        self.assertEqual(self.world.client.get("/v1/me").status, 200)
        self.assertEqual(sorted(self.world.workers()), sorted(before))


if __name__ == "__main__":
    unittest.main()
