"""The rehearsal's load: what it offers, how it counts what comes, and that its journal misses nothing."""

import json
import random
import re
import socket
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal import load  # noqa: E402
from rehearsal.load import Account, Load, Request, http_text  # noqa: E402
from service import Failure  # noqa: E402

SPEED = 4
OVERLOADED = (503, "application/problem+json", {"title": "busy", "status": 503, "code": "overloaded"})


class Clock:
    def __init__(self):
        self.begun = time.monotonic()

    def now(self):
        return (time.monotonic() - self.begun) * SPEED

    def real(self, seconds):
        return seconds / SPEED


class Handler(BaseHTTPRequestHandler):
    """Answers by path: /STATUS, /overloaded, /slowly, /cut, /never; everything that was asked is kept."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked_by.append(self.client_address[1])
        self.server.asked.append((self.path, self.headers.get("Idempotency-Key"), body.decode()))
        word = self.path.rpartition("/")[2]
        if word == "never":
            self.server.ending.wait(10)
        if word in ("never", "cut"):
            self.close_connection = True
            return
        status, kind, document = OVERLOADED if word == "overloaded" else self.server.answers.get(
            self.path, (int(word) if word.isdigit() else 200, "application/json", {"path": self.path}))
        text = json.dumps(document, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        if status == 503 and kind == OVERLOADED[1]:
            self.send_header("Retry-After", "1")
        self.end_headers()
        if word == "slowly":  # in pieces, the body long after the head
            time.sleep(0.05)
        self.wfile.write(text[:40])  # in the middle of the code
        time.sleep(0.01)
        self.wfile.write(text[40:])

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ab-")))
        self.server = ThreadingHTTPServer(("127.0.0.2", 0), Handler)
        self.server.asked, self.server.answers, self.server.ending = [], {}, threading.Event()
        self.server.asked_by = []  # their ports
        self.server.daemon_threads = True
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.ending.set)
        self.address = f"127.0.0.2:{self.server.server_port}"
        self.clock = Clock()


class LoadTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        kept = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ab-"))
        program = load.build(kept)
        cls.enterClassContext(unittest.mock.patch.object(load, "build", lambda _: program))

    def load(self, mix, *phases, **rest):
        return Load(self.clock, rest.pop("address", self.address), "rush", mix, phases, self.directory, **rest)

    def run_load(self, mix, *phases, **rest):
        with self.load(mix, *phases, **rest) as running:
            return running.wait()

    def test_it_offers_what_the_phases_say(self):
        begun = self.clock.now()
        journal = self.run_load([("read", 1, http_text("GET", "/x"))], (200, 2), (400, 2))
        for phase, expected in ((0, 100), (1, 200)):
            self.assertAlmostEqual(sum(r.phase == phase for r in journal), expected, delta=4 * expected ** 0.5)
        self.assertEqual([r.phase for r in journal], sorted(r.phase for r in journal))
        second = next(r.at for r in journal if r.phase)
        self.assertAlmostEqual(second - begun, 2, delta=0.2, msg="times are the clock's")
        self.assertAlmostEqual(journal[-1].at - begun, 4, delta=0.2)
        gaps = [b.at - a.at for a, b in zip(journal, journal[1:]) if a.phase == b.phase == 1]
        mean = sum(gaps) / len(gaps)
        spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
        self.assertAlmostEqual(spread / mean, 1, delta=0.35, msg="Poisson arrivals")

    def test_every_request_is_in_the_journal_and_was_sent_once(self):
        event = http_text("POST", "/e", "token", {"notes": "rush-########"}, ["Idempotency-Key: rush-########"])
        journal = self.run_load([("event", 1, event), ("read", 1, http_text("GET", "/a")),
                                 ("read", 1, http_text("GET", "/b"))], (300, 2))
        self.assertEqual(len({r.number for r in journal}), len(journal))
        sent = Counter(key for _, key, _ in self.server.asked if key)
        self.assertEqual(sent, Counter(load.note(r) for r in journal if r.kind == "event"))
        for _, key, body in self.server.asked:
            self.assertEqual(json.loads(body)["notes"] if key else body, key or "")
        paths = Counter(path for path, *_ in self.server.asked)
        self.assertEqual(paths.total(), len(journal))
        self.assertTrue(all(paths[p] > 0.2 * paths.total() for p in ("/e", "/a", "/b")), paths)

    def test_outcomes(self):
        expected = {"/x": ("200", "-", "200"), "/slowly": ("200", "-", "200"), "/404": ("404", "-", "404"),
                    "/503": ("503", "-", "503"), "/overloaded": ("refused", "overloaded", "503 overloaded"),
                    "/cut": ("lost", "-", "lost")}
        journal = self.run_load([(path, 1, http_text("GET", path)) for path in expected], (150, 2))
        for path, outcome in expected.items():
            self.assertEqual({(r.what, r.code, load.label(r)) for r in journal if r.kind == path}, {outcome}, path)
        self.assertEqual({r.kind for r in journal if load.good(r)}, {"/x", "/slowly"})

    def test_a_client_has_patience_and_no_more(self):
        self.enterContext(unittest.mock.patch.object(load, "PATIENCE", 0.3))
        journal = self.run_load([("read", 1, http_text("GET", "/never"))], (40, 1))
        self.assertEqual({r.what for r in journal}, {"timeout"})
        for request in journal:
            self.assertAlmostEqual(request.took, 0.4, delta=0.2)

    def test_a_connection_that_was_idle_for_long_is_not_used_again(self):
        """The server may be closing it at that moment."""
        for patience, connections in ((0.05, range(5, 100)), (5, range(1, 2))):
            with self.subTest(patience=patience), unittest.mock.patch.object(load, "PATIENCE", patience):
                self.server.asked_by.clear()
                journal = self.run_load([("read", 1, http_text("GET", "/x"))], (5, 8))
                self.assertEqual({r.what for r in journal}, {"200"})
                self.assertIn(len(set(self.server.asked_by)), connections)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = f"127.0.0.1:{closed.getsockname()[1]}"
        journal = self.run_load([("read", 1, http_text("GET", "/x"))], (50, 1), address=address)
        self.assertGreater(len(journal), 5)
        self.assertEqual({r.what for r in journal}, {"lost"})

    def test_tail_tells_while_it_runs_and_stop_ends_it(self):
        with self.load([("read", 1, http_text("GET", "/slowly"))], (20, 60)) as running:
            seen, deadline = [], time.monotonic() + 3
            while len(seen) < 5 and time.monotonic() < deadline:
                seen += running.tail()
                time.sleep(0.02)
            self.assertGreaterEqual(len(seen), 5)
            journal = running.stop()
        self.assertLess(self.clock.now(), 50)
        self.assertEqual(len(journal), len(self.server.asked))
        self.assertEqual({r.what for r in journal}, {"200"}, "what had started was waited for")
        self.assertEqual(set(seen) - set(journal), set())

    def test_a_load_that_cannot_run_says_why(self):
        with self.load([], (10, 1)) as running, self.assertRaisesRegex(Failure, "no mix"):
            running.wait()


class SamplesTest(unittest.TestCase):
    def request(self, at, took, what="200", code="-"):
        return Request("rush", 0, "read", "1", at, 0, took, what, code)

    def test_rates_percentiles_and_errors(self):
        journal = [self.request(at=at / 10, took=0.001 * (at + 1)) for at in range(100)]  # 10 AWS s
        journal += [self.request(9.5, 0.01, "refused", "overloaded"), self.request(3, 2, "lost")]  # ends 8 AWS s later
        found = {}
        for name, value, at in load.samples(journal, Clock(), 10):
            found.setdefault(name, []).append((at, round(value, 6)))
        seconds = 10 / SPEED
        self.assertEqual(found["offered"], [(5, 102 / seconds)])
        ended = [r for r in journal if r.what == "200" and r.at + r.took * SPEED < 10]
        self.assertEqual(found["answered"], [(5, len(ended) / seconds)])
        self.assertEqual(found["p99"][0], (5, load.percentile([1000 * r.took for r in ended], 99)))
        self.assertEqual(found["p50"][0], (5, load.percentile([1000 * r.took for r in ended], 50)))
        self.assertEqual(found["errors.503 overloaded"], [(5, 1 / seconds)])
        self.assertEqual(found["errors.lost"], [(5, 0)])

    def test_percentiles_are_by_nearest_rank(self):
        values = list(range(1, 201))
        random.shuffle(values)
        self.assertEqual([load.percentile(values, percent) for percent in (50, 99, 100)], [100, 198, 200])
        self.assertEqual(load.percentile([], 99), 0)

    def test_nothing_comes_of_nothing(self):
        self.assertEqual(list(load.samples([], Clock(), 10)), [])


class UsersTest(ServerTest):
    def account(self):
        return Account(self.address, "p@rehearsal.test", "secret word")

    def test_outcomes(self):
        for path, expected in (("/x", ("200", "-", {"path": "/x"})), ("/404", ("404", "-", {"path": "/404"})),
                               ("/overloaded", ("refused", "overloaded", OVERLOADED[2])),
                               ("/cut", ("lost", "-", None))):
            with self.subTest(path):
                self.assertEqual(self.account().ask("GET", path), expected)

    def test_a_session_is_refreshed_with_the_token_of_the_last_answer(self):
        tokens = lambda n: (200, "application/json", {"access_token": f"a{n}", "refresh_token": f"r{n}"})  # noqa: E731
        self.server.answers = {"/v1/auth/login": tokens(1), "/v1/auth/refresh": tokens(2)}
        with load.Visitor(self.clock, self.account(), "rush", every=0.01) as visitor:
            deadline = time.monotonic() + 3
            while len(visitor.journal) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            self.server.answers["/v1/auth/refresh"] = OVERLOADED
            while "refused" not in {r.what for r in visitor.journal} and time.monotonic() < deadline:
                time.sleep(0.01)
            failed = len(visitor.journal)
            while len(visitor.journal) < failed + 2 and time.monotonic() < deadline:
                time.sleep(0.01)
        kinds = [r.kind for r in visitor.journal]
        self.assertEqual(kinds[:3], ["login", "refresh", "refresh"])
        spent = [json.loads(body)["refresh_token"] for path, _, body in self.server.asked if path == "/v1/auth/refresh"]
        self.assertEqual(spent[:2], ["r1", "r2"])
        first = next(n for n, r in enumerate(visitor.journal) if r.what == "refused")
        self.assertEqual(kinds[first + 1], "login", "whether the token is spent is not known")

    def test_the_mix_gives_each_kind_its_share(self):
        accounts = [self.account(), self.account()]
        accounts[0].token, accounts[1].token = "t0", "t1"
        mix = load.mix_for("rush", [load.Lot("l0", "c0")], [load.Lot(f"l{n}", f"c{n}") for n in (1, 2, 3)], accounts)
        shares = Counter()
        for kind, weight, _ in mix:
            shares[kind] += weight
        self.assertEqual({kind: round(share, 6) for kind, share in shares.items()}, load.SHARES)
        events = [text for kind, _, text in mix if kind == "event"]
        self.assertEqual([re.search("/v1/lots/(l.)/events .*Bearer (t.)", t, re.DOTALL).groups() for t in events],
                         [("l1", "t1"), ("l2", "t0"), ("l3", "t1")])
        self.assertEqual([re.search("GET (.*) HTTP", text)[1] for kind, _, text in mix if kind in ("trace", "lot")],
                         ["/t/c0", "/v1/lots/l0"])
        for text in events:
            self.assertEqual(text.count("rush-########"), 2)


if __name__ == "__main__":
    unittest.main()
