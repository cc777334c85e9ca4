"""Bytes that no client library would send, through nginx and the workers to the tables: what is not one honest request is
refused, carries no second one along, and leaves one line of the log that is still one line."""

import collections
import contextlib
import json
import re
import socket
import sys
import unittest
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "nginx"))

from front import SOURCE  # noqa: E402
from front import Client as Raw  # noqa: E402
from world import World, eventually

# All that an error may say.
TEXTS = set(re.findall(r'"([^"]*)", "[^"]*"\)$', (SOURCE / "src/base/err.def").read_text(encoding="utf-8"), re.MULTILINE))

# What would tell a stranger how the service is made.
INSIDES = re.compile(rb"(?i)\b(?:select|insert|update|delete)\s+\w|libpq|postgres|redis|hiredis|argon|cjson|fastcgi|SQLSTATE|"
                     rb"\.c:\d|/src/|/usr/|/tmp/|/run/|nginx/\d|0x[0-9a-f]{6}|stack trace")

LAST = b"GET /livez HTTP/1.1\r\nHost: h\r\nX-Request-Id: the-last\r\nConnection: close\r\n\r\n"


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(conf={"QUEUE_TIMEOUT_MS": "5000", "READ_TIMEOUT_MS": "10000",
                                                      "WRITE_TIMEOUT_MS": "10000"}))
        cls.token = cls.world.client.token.encode()

    def setUp(self):
        self.name = "p-" + uuid.uuid4().hex

    # --- sending ---

    def product(self, name, *lines):
        """A whole request that makes a product of this name."""
        body = b'{"name":"%s","commodity":"mango"}' % name.encode()
        return b"\r\n".join([b"POST /v1/products HTTP/1.1", *self.head(), b"Content-Type: application/json",
                             b"Content-Length: %d" % len(body), *lines, b"", body])

    def head(self):
        return [b"Host: h", b"Authorization: Bearer " + self.token]

    def exchange(self, data, last=LAST):
        """Every answer to these bytes. After them comes a request whose answer ends the connection; it is not among them."""
        client = Raw(self.world.nginx.port)
        self.addCleanup(client.close)
        client.send(data + last)
        if not last:
            client.socket.shutdown(socket.SHUT_WR)
        text = bytearray()
        with contextlib.suppress(ConnectionResetError):  # it need not read to the end what it refuses
            while chunk := client.socket.recv(1 << 16):
                text += chunk
                if b"\r\nConnection: close\r\n" in chunk:
                    client.socket.shutdown(socket.SHUT_WR)  # it waits for that, so that its answer is not lost
        found = re.split(rb"(?=HTTP/1\.1 \d{3} )", bytes(text))
        return [answer for answer in found if answer and b"X-Request-Id: the-last\r\n" not in answer]

    def statuses(self, data, **how):
        return [int(answer.split()[1]) for answer in self.exchange(data, **how)]

    def made(self, name):
        return int(self.world.rows(f"SELECT count(*) FROM product WHERE name = '{name}'")[0])

    # --- one request, or none ---

    def test_no_ambiguous_length_carries_a_second_request_along(self):
        chunked = b"Transfer-Encoding: chunked"
        cases = {
            "length and chunks": [b"Content-Length: 5", chunked],
            "chunks and length": [chunked, b"Content-Length: 5"],
            "two lengths": [b"Content-Length: 5", b"Content-Length: 0"],
            "the same length twice": [b"Content-Length: 5", b"Content-Length: 5"],
            "a list of lengths": [b"Content-Length: 5, 5"],
            "a signed length": [b"Content-Length: +5"],
            "a hexadecimal length": [b"Content-Length: 0x5"],
            "a length of 2^64 and 5": [b"Content-Length: 18446744073709551621"],
            "chunks twice": [chunked, chunked],
            "chunks within a list": [b"Transfer-Encoding: identity, chunked"],
            "a coding that looks like chunks": [b"Transfer-Encoding: xchunked"],
            "chunks after a vertical tab": [b"Transfer-Encoding: \x0bchunked"],
            "a blank before the colon": [b"Transfer-Encoding : chunked"],
            "a folded coding": [b"Transfer-Encoding:", b" chunked"],
            "a bare CR in a header": [b"X-A: a\rTransfer-Encoding: chunked"],
        }
        for what, lines in cases.items():
            with self.subTest(what):
                first = b"\r\n".join([b"POST /v1/products HTTP/1.1", *self.head(), *lines, b"", b""])
                found = self.statuses(first + b"0\r\n\r\n" + self.product(self.name))
                self.assertIn(found, ([400], [501]))
                self.assertEqual(self.made(self.name), 0)

    def test_no_bad_chunk_carries_one_along(self):
        for chunk in (b"-1\r\n", b"0x0\r\n", b" 0\r\n", b"\r\n", b"g\r\n", b"ffffffffffffffff0\r\n", b"3\r\nabcd\r\n0\r\n\r\n",
                      b"0\n\n\r\n\x00", b"1\r\na0\r\n\r\n"):
            with self.subTest(chunk):
                first = b"\r\n".join([b"POST /v1/products HTTP/1.1", *self.head(), b"Transfer-Encoding: chunked", b"", chunk])
                self.assertIn(self.statuses(first + self.product(self.name))[-1], (400, 413))
                self.assertEqual(self.made(self.name), 0)

    def test_old_http_has_no_chunks(self):
        first = b"\r\n".join([b"POST /v1/products HTTP/1.0", *self.head(), b"Transfer-Encoding: chunked", b"", b"0\r\n\r\n"])
        self.assertEqual(self.statuses(first + self.product(self.name)), [400])
        [answer] = self.exchange(b"GET /v1/me\r\n" + self.product(self.name))
        self.assertEqual(json.loads(answer)["code"], "bad_request")  # 0.9 has a body alone
        self.assertEqual(self.made(self.name), 0)

    def test_a_body_is_as_long_as_it_says_and_what_follows_is_the_next(self):
        one, two = self.name + "-1", self.name + "-2"
        self.assertEqual(self.statuses(self.product(one) + self.product(two)), [201, 201])
        self.assertEqual((self.made(one), self.made(two)), (1, 1))
        bare = self.product(self.name).replace(b"\r\n", b"\n")  # RFC 9112 section 2.2: a lone LF may end a line
        self.assertEqual(self.statuses(bare), [201])
        self.assertEqual(self.made(self.name), 1)

    def test_a_body_cut_short_is_none(self):
        self.assertEqual(self.statuses(self.product(self.name)[:-1], last=b""), [])
        self.assertEqual(self.made(self.name), 0)

    # --- where to ---

    def test_an_absolute_address_is_its_path_and_no_other_authority(self):
        for target, status in ((b"http://h/v1/me", 200), (b"http://169.254.169.254/v1/me", 200), (b"https://h:1/v1/me", 200),
                               (b"http://h/v1//me", 400), (b"http://h/v1/nothing", 404),
                               (b"http://h/v1/%6de", 404), (b"http://h@x/v1/me", 400), (b"h/v1/me", 400), (b"*", 400),
                               (b"file:///etc/passwd", 400), (b"//h/v1/me", 400), (b"http:/v1/me", 400)):
            with self.subTest(target):
                found = self.statuses(b"\r\n".join([b"GET " + target + b" HTTP/1.1", *self.head(), b"", b""]))
                self.assertEqual(found, [status])

    def test_a_host_is_neither_believed_nor_repeated(self):
        for host in (b"evil.example", b"evil.example:99999", b"h\"'<script>", b"a/b", b"a b", b"..", b"[::1", b"",
                     b"h\xff", b"localhost:8080@evil.example"):
            with self.subTest(host):
                for request in (b"GET /v1/me", b"GET /v1/nothing", b"GET /v1//me"):
                    [answer] = self.exchange(b"\r\n".join([request + b" HTTP/1.1", b"Host: " + host, self.head()[1], b"", b""]))
                    self.assertIn(int(answer.split()[1]), (200, 400, 404))
                    self.assertNotIn(b"evil", answer)
                    self.assertNotIn(b"script", answer)

    def test_nothing_from_a_path_gets_into_a_header(self):
        lot = self.world.client.post("/v1/lots", self.world.lot_body()).json()["id"].encode()
        body = b'{"kind":"HARVEST","at":"2026-05-01T10:00:00Z"}'
        for more in (b"%0d%0aSet-Cookie:%20a=b", b"%0aX-Evil:1", b"%e5%98%8a%e5%98%8dX-Evil:1"):
            with self.subTest(more):
                [answer] = self.exchange(b"\r\n".join([
                    b"POST /v1/lots/" + lot + more + b"/events HTTP/1.1", *self.head(), b"Content-Type: application/json",
                    b"X-Request-Id: a" + more, b"Content-Length: %d" % len(body), b"", body]))
                self.assertEqual(int(answer.split()[1]), 404)
                self.assertNotRegex(answer, rb"(?mi)^(?:set-cookie|x-evil|location)")

    # --- a header twice ---

    def test_what_stands_twice_opens_nothing(self):
        other = b"Authorization: Bearer " + b"A" * 43
        for lines in ([other, *self.head()], [*self.head(), other], [*self.head(), self.head()[1]]):
            data = b"\r\n".join([b"GET /v1/me HTTP/1.1", *lines, b"", b""])
            self.assertEqual(self.statuses(data), [400])

    def test_two_keys_or_types_make_nothing_twice(self):
        """nginx joins what stands twice, or takes the first (before 1.23): either way one thing is made, or none."""
        first, second = self.name + "-a", self.name + "-b"
        twice = self.product(self.name, b"Idempotency-Key: " + first.encode(), b"Idempotency-Key: " + second.encode())
        [answer] = self.exchange(twice)
        if int(answer.split()[1]) == 400:
            self.assertIn(b'"bad_idempotency_key"', answer)
        [again] = self.statuses(self.product(self.name, b"Idempotency-Key: " + first.encode()))
        self.assertEqual((again, self.made(self.name)), (201, 1))
        types = self.product(self.name + "-t", b"Content-Type: text/plain")
        self.assertIn(self.statuses(types), ([201], [400], [415]))
        types = self.product(self.name + "-u").replace(b"Content-Type:", b"Content-Type: text/plain\r\nContent-Type:")
        self.assertIn(self.statuses(types), ([400], [415]))
        self.assertEqual(self.made(self.name + "-u"), 0)

    # --- what is left behind ---

    def logged(self):
        """How many lines each request has; each must be one, of plain JSON."""
        ids = collections.Counter()
        for line in self.world.nginx.log.read_bytes().split(b"\n")[:-1]:
            if line.startswith(b"{"):
                self.assertNotRegex(line, rb"[\x00-\x1f\x7f-\xff]")
                ids[json.loads(line)["request_id"]] += 1
        return ids

    def test_every_line_of_the_log_is_one(self):
        requests = [
            b"GET /v1/\x1b[31mred HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /v1/%0a%1b%5b31m%22,%22status%22:200 HTTP/1.1\r\nHost: h\r\n\r\n",
            b'GET /"},{"status":200 HTTP/1.1\r\nHost: h\r\n\r\n', b"GET /v1/\\u0000\\ HTTP/1.1\r\nHost: h\r\n\r\n",
            b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /v1/me HTTP/1.1\r\nHost: h\r\nX-Request-Id: a\x1b[0m\r\n\r\n",
            b"GET /v1/me HTTP/1.1\r\nHost: h\r\nUser-Agent: \x1b]0;owned\x07\r\nReferer: {\"\r\n\r\n",
            b"BREW /v1/me?\"} HTTP/1.1\r\nHost: h\r\n\r\n", b"\"}{\" /v1/me HTTP/1.1\r\nHost: h\r\n\r\n",
        ]
        ids = {re.search(rb"X-Request-Id: (\S+)", answer)[1].decode() for data in requests for answer in self.exchange(data)}
        self.assertEqual(len(ids), len(requests))
        logged = eventually(self, lambda: ids <= (found := self.logged()).keys() and found, why="a request left no line")
        self.assertEqual({logged[one] for one in ids}, {1})
        for line in self.world.pool.log.read_bytes().splitlines():
            self.assertNotRegex(line, rb"[\x00-\x1f\x7f]")

    def corpus(self):
        """An answer of every kind: the worker's and nginx's, good and bad."""
        me = b"\r\n".join([b"GET /v1/me HTTP/1.1", *self.head(), b"", b""])
        yield me
        yield self.product(self.name)
        yield self.product(self.name).replace(b'"name"', b'"nome"')
        yield self.product(self.name).replace(b'{"name"', b'["name"')
        yield self.product(self.name).replace(b"application/json", b"text/plain")
        yield me.replace(b"/v1/me", b"/v1/lots/7")
        yield me.replace(b"/v1/me", b"/v1/nothing")
        yield me.replace(b"/v1/me", b"/v1/products?limit=x")
        yield me.replace(b"/v1/me", b"/" + b"a" * 9000)
        yield me.replace(b"GET", b"DELETE")
        yield me.replace(b"GET", b"TRACE")
        yield me.replace(b"GET", b"OPTIONS")
        yield me.replace(b"GET", b"HEAD")
        yield me.replace(b"Bearer", b"Basic")
        yield me.replace(b"\r\n\r\n", b"\r\nX-A: " + b"a" * 9000 + b"\r\n\r\n")
        yield me.replace(b"\r\n\r\n", b"\r\nContent-Length: 9999999\r\n\r\n")
        yield me.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: gzip\r\n\r\n")
        yield me.replace(b"\r\n\r\n", b"\r\nIf-Match: \"1\"\r\n\r\n")
        yield b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
        yield b"GET /t/AAAAAAAAAA HTTP/1.1\r\nHost: h\r\n\r\n"
        yield b"nonsense\r\n\r\n"

    def assert_harmless(self, answer):
        head, _, body = answer.partition(b"\r\n\r\n")
        for line in (b"X-Content-Type-Options: nosniff", b"Strict-Transport-Security: max-age=31536000", b"Server: nginx",
                     b"Referrer-Policy: no-referrer", b"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"):
            self.assertEqual(head.count(b"\r\n" + line), 1, (line, answer))
        self.assertNotRegex(head, rb"(?mi)^(?:x-powered-by|x-log-|via|access-control-)")
        self.assertNotRegex(body, INSIDES)
        self.assertNotRegex(head, INSIDES)
        if body and b"application/problem+json" in head:
            problem = json.loads(body)
            self.assertLessEqual({fault["detail"] for fault in [problem, *problem.get("errors", [])]}, TEXTS)

    def test_every_answer_is_guarded_and_tells_nothing_of_the_insides(self):
        seen = set()
        for data in self.corpus():
            for answer in self.exchange(data):
                seen.add(int(answer.split()[1]))
                self.assert_harmless(answer)
        self.assertLessEqual({200, 201, 204, 400, 401, 404, 405, 413, 414, 415, 422, 431, 501}, seen)

    def test_nor_do_the_answers_of_an_outage(self):
        self.world.postgres.stop()
        try:
            for data in (self.product(self.name), b"GET /t/AAAAAAAAAA HTTP/1.1\r\nHost: h\r\n\r\n"):
                [answer] = self.exchange(data)
                self.assertEqual(int(answer.split()[1]), 503)
                self.assert_harmless(answer)
        finally:
            self.world.postgres.start()
        eventually(self, lambda: self.world.client.get("/v1/me").status == 200, why="it does not come back")


if __name__ == "__main__":
    unittest.main()
