"""The answers nginx makes itself say what the worker would have said: the rows of src/base/err.def."""

import json
import re
import unittest

from front import SOURCE, FrontTest

ROW = re.compile(r'^ERR\((\w+), (\d+), "(\w+)", "([^"]*)", "([^"]*)"\)', re.MULTILINE)
ROWS = {name: {"status": int(status), "code": code, "en": en, "es": es}
        for name, status, code, en, es in ROW.findall((SOURCE / "src/base/err.def").read_text())}
PHRASES = {int(status): phrase for status, phrase in
           re.findall(r'\{ (\d{3}), "([^"]+)" \}', (SOURCE / "src/http/status.c").read_text())}

HOST = b"Host: localhost\r\n"
CASES = {
    "no HTTP at all": (b"nonsense\r\n\r\n", "BAD_REQUEST"),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "BAD_REQUEST"),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", "BAD_REQUEST"),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "BAD_REQUEST"),
    "a NUL in a header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\0b\r\n\r\n", "BAD_REQUEST"),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\r\n b\r\n\r\n", "BAD_REQUEST"),
    "a blank before the colon": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A : a\r\n\r\n", "BAD_REQUEST"),
    "two Authorizations": (b"GET / HTTP/1.1\r\n" + HOST + b"Authorization: a\r\nAuthorization: b\r\n\r\n", "BAD_REQUEST"),
    "two lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "BAD_REQUEST"),
    "a length that is none": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", "BAD_REQUEST"),
    "length and chunks": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"0\r\n\r\n", "BAD_REQUEST"),
    "a bad chunk": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "BAD_REQUEST"),
    "a NUL in the path": (b"GET /a%00b HTTP/1.1\r\n" + HOST + b"\r\n", "BAD_REQUEST"),
    "a path above the root": (b"GET /../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", "BAD_REQUEST"),
    "a bad escape": (b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n", "BAD_REQUEST"),
    "TRACE": (b"TRACE /x HTTP/1.1\r\n" + HOST + b"\r\n", "METHOD_NOT_ALLOWED"),
    "CONNECT": (b"CONNECT /x HTTP/1.1\r\n" + HOST + b"\r\n", "METHOD_NOT_ALLOWED"),
    "CONNECT to a host": (b"CONNECT db:5432 HTTP/1.1\r\n" + HOST + b"\r\n", "BAD_REQUEST"),
    "a body announced too large": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1048577\r\n\r\n", "BODY_TOO_LARGE"),
    "chunks too large": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n100001\r\na", "BODY_TOO_LARGE"),
    "a long address": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "URI_TOO_LONG"),
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 9000 + b"\r\n\r\n", "HEADERS_TOO_LARGE"),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + (b"X-A: " + b"a" * 7000 + b"\r\n") * 6 + b"\r\n",
                     "HEADERS_TOO_LARGE"),
    "an unknown coding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", "NOT_SUPPORTED"),
    "HTTP from elsewhere": (b"GET / HTTP/3.7\r\n" + HOST + b"\r\n", "NOT_SUPPORTED"),
    "an address of nginx's own": (b"GET /_problem HTTP/1.1\r\n" + HOST + b"\r\n", "NOT_FOUND"),
}


class Problems(FrontTest):
    def assert_problem(self, answer, name, language="en"):
        row = ROWS[name]
        self.assertEqual(answer.status, row["status"])
        self.assertEqual(answer.one("Content-Type"), "application/problem+json")
        self.assertEqual(list(answer.json), ["type", "title", "status", "code", "detail", "request_id"])
        self.assertEqual(answer.json, {
            "type": f"/problems/{row['code']}", "title": PHRASES[row["status"]], "status": row["status"],
            "code": row["code"], "detail": row[language], "request_id": answer.one("X-Request-Id")})

    def test_each_refusal_is_a_problem_and_reaches_no_worker(self):
        for what, (raw, name) in CASES.items():
            with self.subTest(what):
                answer = self.raw(raw)
                self.assert_problem(answer, name)
                self.assertEqual(self.responder.take_all(), [])
                if name == "METHOD_NOT_ALLOWED":
                    self.assertIn("GET", answer.one("Allow"))

    def test_a_pool_that_does_not_answer_is_unavailable(self):
        self.responder.answer = lambda received: None
        self.assert_problem(self.ask("/x"), "UNAVAILABLE")
        self.assert_problem(self.ask("/x", headers=["Accept-Language: es"]), "UNAVAILABLE", "es")

    def test_every_text_exists_in_spanish(self):
        spanish = b"Accept-Language: es-PE, es;q=0.9, en;q=0.5\r\n"
        unread = ("a long address", "HTTP from elsewhere")  # refused before any header
        for what, (raw, name) in CASES.items():
            if HOST in raw and name != "BAD_REQUEST" and what not in unread:
                with self.subTest(what):
                    self.assert_problem(self.raw(raw.replace(HOST, HOST + spanish)), name, "es")
        self.assert_problem(self.raw(b"GET / HTTP/1.1\r\n" + spanish + b"\r\n"), "BAD_REQUEST", "es")

    def test_the_texts_are_those_of_the_one_list(self):
        template = (SOURCE / "nginx/nginx.conf.in").read_text()
        codes = dict(re.findall(r"^\t\t(\d{3}) ([a-z_]+);$", template, re.MULTILINE))
        titles = dict(re.findall(r'^\t\t(\d{3}) "([^"]+)";$', template, re.MULTILINE))
        details = dict(re.findall(r'^\t\t"(\d{3} (?:en|es))" "([^"]+)";$', template, re.MULTILINE))
        by_code = {row["code"]: row for row in ROWS.values()}
        self.assertGreaterEqual(len(codes), 10)
        self.assertEqual(len(details), 2 * len(codes))
        for status, code in codes.items():
            self.assertEqual(by_code[code]["status"], int(status))
            self.assertEqual(titles[status], PHRASES[int(status)])
            for language in ("en", "es"):
                self.assertEqual(details[f"{status} {language}"], by_code[code][language])

    def test_the_client_s_id_is_in_the_problem(self):
        answer = self.raw(b"TRACE / HTTP/1.1\r\n" + HOST + b"X-Request-Id: mine-1\r\n\r\n")
        self.assertEqual((answer.json["request_id"], answer.one("X-Request-Id")), ("mine-1", "mine-1"))

    def test_head_gets_the_headers_alone(self):
        self.responder.answer = lambda received: None
        answer = self.ask("/x", method="HEAD")
        self.assertEqual((answer.status, answer.one("Content-Type")), (503, "application/problem+json"))

    def test_http_0_9_is_refused(self):
        client = self.client()
        client.send(b"GET /v1/lots\r\n")
        self.assertEqual(json.loads(client.stream.read())["code"], "bad_request")
        self.assertEqual(self.responder.take_all(), [])

    def test_a_connection_survives_an_outage_but_not_bad_framing(self):
        self.responder.answer = lambda received: None
        client = self.client()
        for _ in range(2):
            client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            self.assertEqual(client.read_answer().status, 503)
        self.responder.take_all()
        client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        self.assertEqual(client.read_answer().status, 400)
        self.assertEqual(client.stream.read(), b"")
        self.assertEqual(self.responder.take_all(), [], "what followed the bad request was not one")

    def test_the_language_that_weighs_more_is_spoken(self):
        self.responder.answer = lambda received: None
        tenths = {f"en;q=0.{e}, es;q=0.{s}": "es" if s > e else "en" for e in range(10) for s in range(10)}
        for header, language in tenths.items() | {
                "": "en", "fr": "en", "en": "en", "es": "es", "ES-mx": "es", "es-419": "es", "est": "en", "fr, es": "es",
                "en, es;q=0.8": "en", "es, en;q=0.8": "es", "en;q=0.5, es": "es", "es;q=0.1, en;q=0.9": "en",
                "fr, en;q=0.3, es;q=0.7": "es", "es;q=0": "en", "es;q=0.000": "en", "en;q=0, es;q=0.1": "es",
                "es;q=0.8,en;q=0.3": "es", "es ; q=0.9": "es", "es;q=1.0, en;q=0.9": "es", "*": "en",
                "es, en": "es", "en, es": "en", "es-PE,en-US;q=1": "es", "fr;q=0.4, es;q=0.5, en;q=0.5": "es",
                "es;q=0, en;q=0": "en"}.items():
            with self.subTest(header):
                detail = self.ask("/x", headers=[f"Accept-Language: {header}"]).json["detail"]
                self.assertEqual(detail, ROWS["UNAVAILABLE"][language])


if __name__ == "__main__":
    unittest.main()
