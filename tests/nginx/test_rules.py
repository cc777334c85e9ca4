"""What nginx promises the workers and the clients: nginx.conf.in, rule by rule, against a real nginx."""

import errno
import os
import re
import signal
import socket
import threading
import time
import unittest

from front import Client, FrontTest, Replaced, processes

OWN_ID = re.compile(r"^[0-9a-f]{16}-\d+-\d+$")


class Groups(FrontTest):
    """Which workers get a request depends on the method and the raw path alone."""

    def test_each_path_goes_to_its_group(self):
        for target, group in {
                "/v1/lots": "main", "/": "main", "/v1/auth/login": "login", "/v1/auth/login?next=/": "login",
                "/v1/auth/login#top": "login", "/v1/me/password": "login", "/v1/auth/loginx": "main",
                "/v1/auth/login/": "main", "//v1/auth/login": "main", "/x/../v1/auth/login": "main",
                "/v1/auth/refresh": "main", "/v1/me": "main", "/livez": "ops", "/readyz": "ops", "/readyz?x": "ops",
                "/readyz/x": "main", "/metrics": "main", "/status": "main"}.items():
            with self.subTest(target):
                self.assertEqual(self.ask(target).status, 200)
                received = self.responder.next()
                self.assertEqual((received.group, received.params["LISTENER"]), (group, "public"))

    def test_an_account_is_made_and_changed_by_those_who_hash(self):
        one = "/v1/users/01a20a2f-533e-736c-8768-4e07731ce619"
        for method, target, group in (
                ("POST", "/v1/users", "login"), ("POST", "/v1/users?x", "login"), ("POST", "/v1/users#x", "login"),
                ("PATCH", one, "login"), ("PATCH", one + "?x=/", "login"), ("PATCH", "/v1/users/%37", "login"),
                ("GET", "/v1/users", "main"), ("GET", one, "main"), ("HEAD", one, "main"), ("POST", one + "/x", "main"),
                ("POST", "/v1/usersx", "main"), ("POST", "/v1/lots?/v1/users", "main"),
                ("PUT", "/v1/me/password", "login"), ("POST", "/v1/organizations", "main")):
            with self.subTest(f"{method} {target}"):
                self.assertEqual(self.ask(target, method=method).status, 200)
                self.assertEqual(self.responder.next().group, group)

    def test_the_operators_port_reaches_the_ops_group_only(self):
        for target in ("/", "/status", "/v1/lots", "/v1/auth/login"):
            with self.subTest(target):
                self.assertEqual(self.ask(target, ops=True).status, 200)
                received = self.responder.next()
                self.assertEqual((received.group, received.params["LISTENER"]), ("ops", "ops"))

    def test_the_operators_port_is_on_loopback_only(self):
        with self.assertRaises(ConnectionRefusedError):
            Client(self.nginx.ops_port, address="127.0.0.2")
        Client(self.nginx.port, address="127.0.0.2").close()

    def test_the_operators_port_refuses_foreign_host_names(self):
        for host, status in {"localhost": 200, "127.0.0.1:81": 200, "10.0.0.7": 200, "[::1]:81": 200,
                             "rebound.example": 400, "localhost.rebound.example": 400}.items():
            with self.subTest(host):
                answer = self.raw(f"GET /status HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), ops=True)
                self.assertEqual(answer.status, status)
                if status == 400:
                    self.assertEqual(answer.json["code"], "bad_request")


class Params(FrontTest):
    """What a worker is told, and nothing else."""

    ALWAYS = {"REQUEST_METHOD", "REQUEST_URI", "REMOTE_ADDR", "REQUEST_ID", "QUEUE_START", "LISTENER"}

    def test_a_bare_request_has_the_required_params_only(self):
        self.ask("/v1/lots")
        self.assertEqual(set(self.responder.next().params), self.ALWAYS)

    def test_named_headers_pass_and_no_other(self):
        named = {
            "Content-Type": "CONTENT_TYPE", "Authorization": "HTTP_AUTHORIZATION",
            "Accept-Language": "HTTP_ACCEPT_LANGUAGE", "If-Match": "HTTP_IF_MATCH",
            "If-None-Match": "HTTP_IF_NONE_MATCH", "Idempotency-Key": "HTTP_IDEMPOTENCY_KEY",
            "Origin": "HTTP_ORIGIN", "Access-Control-Request-Method": "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
            "Content-Encoding": "HTTP_CONTENT_ENCODING"}
        others = ["Proxy", "X-User-Id", "X-Real-IP", "X-Forwarded-For", "X_Forwarded_For", "X-HTTP-Method-Override",
                  "Cookie", "User-Agent", "X-Queue-Start", "Forwarded", "Content_Length", "X-Original-URL"]
        lines = [f"{name}: v-{name}" for name in [*named, *others]]
        self.ask("/v1/lots", method="POST", headers=lines, body=b"{}")
        params = self.responder.next().params
        self.assertEqual(set(params), self.ALWAYS | set(named.values()) | {"CONTENT_LENGTH"})
        for header, param in named.items():
            self.assertEqual(params[param], f"v-{header}")
        self.assertEqual(params["REMOTE_ADDR"], "127.0.0.1")

    def test_an_underscore_is_no_hyphen(self):
        self.ask("/x", headers=["If_Match: forged", "Idempotency_Key: forged", "X_Request_Id: forged"])
        params = self.responder.next().params
        self.assertEqual(set(params), self.ALWAYS)
        self.assertNotEqual(params["REQUEST_ID"], "forged")

    def test_the_target_arrives_raw(self):
        for target in ("/a%2f..%2fb//c/../d;x?y=%00&z=%2e#frag", "/%E2%98%83?", "/v1//lots/./x", '/"quoted"'):
            with self.subTest(target):
                self.ask(target)
                self.assertEqual(self.responder.next().params["REQUEST_URI"], target)

    def test_unknown_methods_are_the_workers_to_refuse(self):
        for method in ("PATCH", "PROPFIND", "BREW"):
            self.assertEqual(self.ask("/v1/lots", method=method).status, 200)
            self.assertEqual(self.responder.next().params["REQUEST_METHOD"], method)

    def test_the_largest_body_arrives_whole(self):
        body = os.urandom(1 << 20)
        self.assertEqual(self.ask("/v1/lots", method="POST", body=body).status, 200)
        received = self.responder.next()
        self.assertEqual(received.body, body)
        self.assertEqual(received.params["CONTENT_LENGTH"], str(1 << 20))

    def test_a_chunked_body_arrives_with_its_length(self):
        self.raw(b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        received = self.responder.next()
        self.assertEqual((received.body, received.params["CONTENT_LENGTH"]), (b"abcde", "5"))

    def test_a_slow_upload_holds_no_worker_and_its_queue_begins_when_it_is_in(self):
        client = self.client()
        client.send(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
        self.ask("/other")  # a whole round trip later ...
        self.assertEqual(self.responder.next().params["REQUEST_URI"], "/other")
        self.assertTrue(self.responder.requests.empty())  # ... the worker has not heard of it
        time.sleep(0.3)
        client.send(b"cd")
        self.assertEqual(client.read_answer().status, 200)
        received = self.responder.next()
        self.assertRegex(received.params["QUEUE_START"], r"^\d{10}\.\d{3}$")
        self.assertAlmostEqual(float(received.params["QUEUE_START"]), received.at, delta=0.2)

    def test_a_slow_download_holds_no_worker(self):
        body, sent = b"x" * 8_000_000, threading.Event()

        self.responder.answer = lambda received: sent.set() or b"Status: 200\r\n\r\n" + body
        client = self.client()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)  # the kernel must not hold it all
        client.send(b"GET /big HTTP/1.1\r\nHost: h\r\nX-Request-Id: slow-download\r\n\r\n")
        self.assertTrue(sent.wait(5))
        deadline = time.monotonic() + 5
        while self._worker_connections() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self._worker_connections(), 0, "the worker still waits for the slow client")
        self.assertEqual(client.read_answer().body, body)

    def _worker_connections(self):
        """Connections on main.sock, from the kernel's list: one while a worker still writes."""
        path = self.responder.path("main")
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
            # columns: Num RefCount Protocol Flags Type St Inode Path; St 03 is connected
            return sum(1 for line in table if (f := line.split())[-1] == path and f[5] == "03")


class Delivery(FrontTest):
    """A request is delivered once, and a pool that cannot answer is 503, soon to be tried again."""

    def assert_unavailable(self, answer):
        self.assertEqual((answer.status, answer.json["code"]), (503, "unavailable"))
        self.assertIn(answer.one("Retry-After"), ("1", "2", "3"))

    def test_a_worker_that_dies_is_not_asked_again(self):
        self.responder.answer = lambda received: None
        for method in ("GET", "PUT", "DELETE", "POST"):
            with self.subTest(method):
                self.assert_unavailable(self.ask("/v1/x", method=method, body=b"{}"))
                self.assertEqual(len(self.responder.take_all()), 1)

    def test_an_answer_that_is_not_one_is_503(self):
        for text in (b"", b"no header at all", b"Status: 200\r\nContent-Type"):
            self.responder.answer = lambda received, text=text: text
            self.assert_unavailable(self.ask("/v1/x"))

    def test_dead_workers_do_not_disable_the_group(self):
        self.responder.answer = lambda received: None
        for _ in range(20):
            self.ask("/v1/x")
        self.responder.answer = lambda received: b"Status: 200\r\n\r\nback"
        self.assertEqual(self.ask("/v1/x").body, b"back")

    def test_one_connection_to_a_worker_carries_one_request(self):
        client = self.client()
        for _ in range(3):
            client.send(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(client.read_answer().status, 200)
        self.assertEqual([received.keep for received in self.responder.take_all()], [False] * 3)

    def test_no_listener_is_503_and_other_groups_serve_on(self):
        self.responder.close("login")
        self.addCleanup(self.responder.listen, "login")
        self.assert_unavailable(self.ask("/v1/auth/login", method="POST", body=b"{}"))
        self.assertEqual(self.ask("/v1/lots").status, 200)

    def test_a_full_queue_is_503_at_once(self):
        self.responder.close("login")
        self.responder.listen("login", backlog=1, serve=False)
        self.addCleanup(lambda: (self.responder.close("login"), self.responder.listen("login")))
        for _ in range(100):
            filler = socket.socket(socket.AF_UNIX)
            self.addCleanup(filler.close)
            filler.setblocking(False)
            if filler.connect_ex(self.responder.path("login")) == errno.EAGAIN:
                break
        else:
            self.fail("the queue has no bound")
        begun = time.monotonic()
        self.assert_unavailable(self.ask("/v1/auth/login", method="POST", body=b"{}"))
        self.assertLess(time.monotonic() - begun, 0.5)

    def test_refused_clients_come_back_at_different_times(self):
        self.responder.answer = lambda received: None
        self.assertEqual({self.ask("/x").one("Retry-After") for _ in range(60)}, {"1", "2", "3"})

    def test_the_workers_own_errors_pass_untouched(self):
        for status in (400, 404, 405, 409, 413, 422, 429, 500, 501, 502, 503, 504):
            with self.subTest(status):
                self.responder.answer = lambda received, status=status: (
                    f"Status: {status}\r\nContent-Type: application/problem+json\r\nRetry-After: 77\r\n"
                    "Allow: GET\r\n\r\n{\"mine\":true}").encode()
                answer = self.ask("/x")
                self.assertEqual((answer.status, answer.body), (status, b'{"mine":true}'))
                self.assertEqual((answer.one("Retry-After"), answer.one("Allow")), ("77", "GET"))

    def test_quit_lets_a_request_end(self):
        go = threading.Event()
        self.responder.answer = lambda received: go.wait(5) and b"Status: 200\r\n\r\nwhole"
        nginx = Replaced(self.directory / "quit", self.responder.directory, tether=True)
        with nginx:
            client = Client(nginx.port)
            client.send(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
            self.responder.next()
            nginx.process.signal(signal.SIGQUIT)
            deadline = time.monotonic() + 5
            while not self._refuses(nginx.port) and time.monotonic() < deadline:
                time.sleep(0.01)
            go.set()
            self.assertEqual(client.read_answer().body, b"whole")
            client.close()
            self.assertEqual(processes.wait_gone([nginx.process], 5), [])

    def _refuses(self, port):
        try:
            Client(port).close()
            return False
        except ConnectionRefusedError:
            return True


class Deadlines(FrontTest):
    """Limits that would take too long at their real size: the same rules with small numbers."""

    replace = {"fastcgi_read_timeout 75s": "fastcgi_read_timeout 300ms",
               "client_body_timeout 10s": "client_body_timeout 300ms",
               "client_header_timeout 10s": "client_header_timeout 300ms"}

    def test_a_worker_that_never_answers_is_503(self):
        go = threading.Event()
        self.addCleanup(go.set)
        self.responder.answer = lambda received: go.wait(5) and None
        answer = self.ask("/x", method="PUT", body=b"{}")
        self.assertEqual((answer.status, answer.json["code"]), (503, "unavailable"))
        self.assertEqual(len(self.responder.take_all()), 1)

    def test_a_client_that_sends_no_more_is_let_go(self):
        for half in (b"GET /x HTTP/1.1\r\nHos", b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab"):
            client = self.client()
            client.send(half)
            client.socket.settimeout(3)
            try:
                self.assertEqual(client.socket.recv(1), b"")
            except ConnectionResetError:
                pass
        self.assertEqual(self.responder.take_all(), [])

    def test_the_load_balancer_closes_idle_connections_first(self):
        seconds = int(re.search(r"keepalive_timeout (\d+)s;", self.nginx.conf.read_text())[1])
        self.assertGreater(seconds, 60)


class Admission(FrontTest):
    replace = {"limit_conn clients ": "limit_conn clients 2; # "}
    trusted_proxies = "127.0.0.3"

    def test_one_address_does_not_take_all(self):
        go = threading.Event()
        self.addCleanup(go.set)
        self.responder.answer = lambda received: go.wait(5) and b"Status: 204\r\n\r\n"
        for _ in range(2):
            self.client().send(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            self.responder.next()
        refused = self.ask("/x")
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_requests"))
        self.assertIn(refused.one("Retry-After"), ("1", "2", "3"))
        go.set()
        self.assertEqual(self.ask("/x", source="127.0.0.2").status, 204)

    def test_clients_behind_the_load_balancer_are_told_apart(self):
        go = threading.Event()
        self.addCleanup(go.set)
        self.responder.answer = lambda received: (
            received.params["REMOTE_ADDR"] != "198.51.100.1" or go.wait(5)) and b"Status: 204\r\n\r\n"
        for _ in range(2):
            self.client(source="127.0.0.3").send(b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n")
            self.responder.next()
        for address, status in (("198.51.100.1", 429), ("198.51.100.2", 204)):
            answer = self.ask("/", source="127.0.0.3", headers=[f"X-Forwarded-For: {address}"])
            self.assertEqual(answer.status, status)


class RealAddress(FrontTest):
    trusted_proxies = "127.0.0.1,10.0.0.0/8"

    def address(self, *headers, source="127.0.0.1"):
        self.ask("/x", headers=headers, source=source)
        return self.responder.next().params["REMOTE_ADDR"]

    def test_only_the_last_hop_counts(self):
        self.assertEqual(self.address("X-Forwarded-For: 6.6.6.6, 203.0.113.9"), "203.0.113.9")
        self.assertEqual(self.address("X-Forwarded-For: 6.6.6.6, 10.0.0.1"), "10.0.0.1")
        self.assertEqual(self.address("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9"), "203.0.113.9")

    def test_only_from_the_load_balancer(self):
        self.assertEqual(self.address("X-Forwarded-For: 203.0.113.9", source="127.0.0.2"), "127.0.0.2")

    def test_nothing_else_names_the_client(self):
        self.assertEqual(self.address("X_Forwarded_For: 6.6.6.6", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6"),
                         "127.0.0.1")
        self.assertEqual(self.address("X-Forwarded-For: not-an-address"), "127.0.0.1")

    def test_the_log_has_it(self):
        self.ask("/x", headers=["X-Forwarded-For: 203.0.113.9", "X-Request-Id: real-address"])
        self.assertEqual(self.log_line("real-address")["remote_addr"], "203.0.113.9")


class Headers(FrontTest):
    """What every answer carries, each exactly once."""

    def answers(self):
        """One of each origin: a worker's, a worker's refusal, nginx's own, one for the operators."""
        yield self.ask("/v1/lots")
        self.responder.answer = lambda received: (
            b"Status: 404\r\nX-Request-Id: forged\r\nX-Content-Type-Options: sniff\r\nReferrer-Policy: unsafe-url\r\n"
            b"Strict-Transport-Security: max-age=0\r\n\r\n{}")
        yield self.ask("/v1/lots")
        yield self.raw(b"nonsense\r\n\r\n")
        yield self.ask("/status", ops=True)

    def test_every_answer_has_the_security_headers_once(self):
        for answer in self.answers():
            with self.subTest(answer.status):
                self.assertEqual(answer.one("X-Content-Type-Options"), "nosniff")
                self.assertEqual(answer.one("Referrer-Policy"), "no-referrer")
                self.assertIn("max-age=31536000", answer.one("Strict-Transport-Security"))
                self.assertEqual(answer.one("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'")
                self.assertEqual(answer.one("Cache-Control"), "no-store")
                self.assertEqual(answer.one("Server"), "nginx")
                self.assertNotEqual(answer.one("X-Request-Id"), "forged")

    def test_the_workers_own_policy_and_caching_stand_alone(self):
        self.responder.answer = lambda received: (
            b"Status: 200\r\nContent-Security-Policy: default-src 'self'\r\nCache-Control: public, max-age=60\r\n\r\n")
        answer = self.ask("/docs")
        self.assertEqual(answer.one("Content-Security-Policy"), "default-src 'self'")
        self.assertEqual(answer.one("Cache-Control"), "public, max-age=60")

    def test_a_good_request_id_is_kept(self):
        for given in ("a", "A-b_c.9", "x" * 64):
            with self.subTest(given):
                answer = self.ask("/x", headers=[f"X-Request-Id: {given}"])
                self.assertEqual(answer.one("X-Request-Id"), given)
                self.assertEqual(self.responder.next().params["REQUEST_ID"], given)
                self.log_line(given)

    def test_any_other_request_id_is_replaced(self):
        for given in ("x" * 65, "a b", 'a"b', "ä", "a\tb", "a,b", ""):
            with self.subTest(given):
                made = self.ask("/x", headers=[f"X-Request-Id: {given}"]).one("X-Request-Id")
                self.assertRegex(made, OWN_ID)
                self.assertEqual(self.responder.next().params["REQUEST_ID"], made)
                self.log_line(made)

    def test_an_answer_cannot_make_nginx_go_elsewhere(self):
        self.responder.answer = lambda received: b"Status: 200\r\nX-Accel-Redirect: /_problem\r\n\r\nmine"
        self.assertEqual(self.ask("/x").body, b"mine")


class Log(FrontTest):
    """One JSON line a request, whole, without secrets."""

    def test_a_line_has_nginx_s_part_and_the_workers(self):
        self.responder.answer = lambda received: (
            b"Status: 201\r\nX-Log-User: 0197-u\r\nX-Log-Route: POST /v1/lots\r\nX-Log-Code: -\r\nX-Log-Postgres-Ms: 1.25"
            b"\r\nX-Log-Redis-Ms: 0.3\r\nX-Log-Queue-Ms: 0\r\n\r\n{}")
        answer = self.ask("/v1/lots?token=secret", method="POST", headers=["X-Request-Id: a-line"], body=b"{}")
        self.assertEqual([name for name, _ in answer.headers if name.lower().startswith("x-log")], [])
        line = self.log_line("a-line")
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")
        self.assertIsInstance(line.pop("request_time"), float)
        self.assertIsInstance(line.pop("worker_time"), float)
        self.assertGreater(line.pop("bytes"), 2)
        self.assertEqual(line, {
            "request_id": "a-line", "listener": "public", "remote_addr": "127.0.0.1", "method": "POST",
            "path": "/v1/lots", "status": 201, "user": "0197-u", "route": "POST /v1/lots", "code": "-",
            "queue_ms": 0, "postgres_ms": 1.25, "redis_ms": 0.3})
        self.assertNotIn(b"secret", self.nginx.log.read_bytes())

    def test_health_checks_are_logged_when_they_fail_only(self):
        self.ask("/readyz", headers=["X-Request-Id: well"])
        self.responder.answer = lambda received: b"Status: 503\r\n\r\n{}"
        self.ask("/readyz", headers=["X-Request-Id: unwell"])
        self.assertEqual(self.log_line("unwell")["status"], 503)
        self.assertNotIn(b'"well"', self.nginx.log.read_bytes())

    def test_hostile_text_does_not_break_the_line(self):
        self.responder.answer = lambda received: (
            b'Status: 200\r\nX-Log-User: "},{\\\r\nX-Log-Code: a\tb"\r\n\r\n{}')
        self.ask('/"},{"status":999', headers=["X-Request-Id: hostile"])
        line = self.log_line("hostile")
        self.assertEqual((line["path"], line["user"], line["status"]), ('/"},{"status":999', '"},{\\', 200))

    def test_bytes_that_are_not_utf_8_stay_out_of_the_log(self):
        self.ask("/caf\xe9/x", headers=["X-Request-Id: latin-1"])
        self.assertEqual(self.log_line("latin-1")["path"], "/caf")
        for line in self.log_lines():
            line.decode("utf-8")

    def test_times_nobody_measured_are_null(self):
        self.ask("/x", headers=["X-Request-Id: unmeasured"])
        line = self.log_line("unmeasured")
        self.assertEqual((line["postgres_ms"], line["redis_ms"], line["queue_ms"]), (None, None, None))

    def test_the_longest_line_fits_a_pipe(self):
        self.responder.answer = lambda received: b"Status: 200\r\nX-Log-User: " + b"u" * 36 + b"\r\n\r\n{}"
        self.ask("/" + '"' * 7000, headers=["X-Request-Id: " + "l" * 64])
        self.log_line("l" * 64)
        self.assertLess(max(map(len, self.log_lines())), 4096)

    def test_refused_requests_are_logged_as_they_came(self):
        client = self.client()
        client.send(b"POST /v1/lots?token=secret HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n")
        made = client.read_answer().one("X-Request-Id")
        client.close()  # nginx reads on for a while, so that the answer is not lost
        line = self.log_line(made)
        self.assertEqual((line["method"], line["path"], line["status"]), ("POST", "/v1/lots", 413))
        self.assertIsNone(line["worker_time"])
        for raw in (b"\x16\x03\x01\x00\xff\"\r\n\r\n", b"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"):
            client = self.client()
            client.send(raw)
            made = client.read_answer().one("X-Request-Id")
            client.close()
            self.assertEqual(self.log_line(made)["status"], 400)

    def test_a_client_that_left_is_a_line_too(self):
        go = threading.Event()
        self.addCleanup(go.set)
        self.responder.answer = lambda received: go.wait(5) and None
        client = self.client()
        client.send(b"GET /x HTTP/1.1\r\nHost: h\r\nX-Request-Id: left\r\n\r\n")
        self.responder.next()
        client.close()
        self.assertEqual(self.log_line("left")["status"], 499)


if __name__ == "__main__":
    unittest.main()
