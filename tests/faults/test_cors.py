"""Browsers: what a page of a listed origin is told by nginx and workers together, and that a bad list stops the start."""

import re
import subprocess
import unittest
from pathlib import Path

from world import Client, World, processes

SOURCE = Path(__file__).resolve().parents[2]
ORIGIN = "https://app.example"
READ = ["ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]


def words(text):
    return [word.strip() for word in text.split(",")]


class Cors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(conf={"CORS_ORIGINS": f"{ORIGIN},http://localhost:5173"}))

    def ask(self, method, path, origin=ORIGIN, token=None, **headers):
        send = {"Origin": origin} if origin else {}
        return Client(self.world.nginx.url, token).request(method, path, headers=send | headers)

    def preflight(self, path, origin=ORIGIN):
        return self.ask("OPTIONS", path, origin, **{"Access-Control-Request-Method": "POST",
                                                    "Access-Control-Request-Headers": "authorization,x-evil"})

    def said(self, answer):
        return {name for name in answer.headers if name.startswith("Access-Control-")}

    def test_a_preflight_says_what_the_route_takes_and_what_we_read(self):
        for path, methods in {"/v1/lots": ["GET", "HEAD", "POST", "OPTIONS"], "/v1/auth/login": ["POST", "OPTIONS"]}.items():
            answer = self.preflight(path)
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], ORIGIN)
            self.assertEqual(words(answer.headers["Access-Control-Allow-Methods"]), methods)
            self.assertEqual(answer.headers["Access-Control-Allow-Methods"], answer.headers["Allow"])
            self.assertEqual(answer.headers["Vary"], "Origin")
            self.assertTrue(answer.headers["Access-Control-Max-Age"].isdigit())
            # The headers that nginx passes on, X-Request-Id, and Content-Type: no page needs to name those of its browser.
            template = (SOURCE / "nginx/nginx.conf.in").read_text()
            passed = set(re.findall(r"^\tfastcgi_param HTTP_(\w+) ", template, re.MULTILINE))
            passed -= {"ORIGIN", "ACCESS_CONTROL_REQUEST_METHOD", "CONTENT_ENCODING"}
            self.assertEqual({name.upper().replace("-", "_") for name in words(answer.headers["Access-Control-Allow-Headers"])},
                             passed | {"CONTENT_TYPE", "X_REQUEST_ID"})

    def test_every_answer_may_be_read_by_a_listed_origin(self):
        token = self.world.client.token
        for method, path, mine, status in (
                ("GET", "/v1/me", token, 200), ("GET", "/v1/me", None, 401), ("GET", "/v1/nothing", None, 404),
                ("GET", "/t/AAAAAAAAAA", None, 404), ("DELETE", "/v1/lots", token, 405), ("POST", "/v1/lots", token, 415)):
            answer = self.ask(method, path, token=mine)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], ORIGIN)
            self.assertEqual(words(answer.headers["Access-Control-Expose-Headers"]), READ)
            self.assertEqual(answer.headers["Vary"], "Origin")
            self.assertEqual(self.said(answer), {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"})
        refused = self.ask("TRACE", "/v1/me")  # by nginx
        self.assertEqual((refused.status, refused.headers["Access-Control-Allow-Origin"]), (405, ORIGIN))

    def test_no_other_origin_is_told_anything(self):
        for origin in ("https://evil.example", "http://app.example", "https://app.example.evil.example", "null", None):
            for answer in (self.ask("GET", "/v1/me", origin, self.world.client.token), self.preflight("/v1/lots", origin)):
                self.assertIn(answer.status, (200, 204))
                self.assertEqual(self.said(answer), set())
                self.assertEqual(answer.headers["Vary"], "Origin")  # a cache must not give this to a listed one
        self.assertEqual(self.said(self.preflight("/v1/nothing")) & {"Access-Control-Allow-Methods"}, set())

    def test_a_bad_list_stops_the_start_with_one_line(self):
        for origins in ("*", "https://app.example/", f"{ORIGIN}, http://b.example"):
            env = self.world.pool.env() | {"AGROBRIDGE_CORS_ORIGINS": origins}
            done = subprocess.run(processes.command([self.world.binary, "serve"]), env=env, capture_output=True,
                                  text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"\Aagrobridge: could not use AGROBRIDGE_CORS_ORIGINS: an origin .+\n\Z")


if __name__ == "__main__":
    unittest.main()
