"""A page of a listed origin reads nginx's own refusals too; what the worker says of it stands alone; no other page reads any."""

import unittest

from front import FrontTest

LISTED = ("https://app.example", "http://localhost:5173", "https://" + "a" * 240 + ".example")


class Cors(FrontTest):
    cors_origins = ",".join(LISTED)

    def refusal(self, origin, ops=False):
        headers = [f"Origin: {origin}"] if origin else []
        return self.ask("/v1/lots", method="TRACE", headers=headers, ops=ops)

    def test_a_listed_origin_reads_a_refusal_of_nginx(self):
        for origin in LISTED:
            answer = self.refusal(origin)
            self.assertEqual(answer.status, 405)
            self.assertEqual(answer.one("Access-Control-Allow-Origin"), origin)
            self.assertIn("X-Request-Id", answer.one("Access-Control-Expose-Headers"))
            self.assertEqual(answer.one("Cache-Control"), "no-store")  # nothing for Vary to say
        self.responder.answer = lambda received: None
        answer = self.ask("/v1/lots", headers=[f"Origin: {LISTED[0]}"])
        self.assertEqual((answer.status, answer.one("Access-Control-Allow-Origin")), (503, LISTED[0]))

    def test_no_other_does_and_never_with_credentials(self):
        for origin in (None, "https://app.example.evil.example", "http://app.example", "null", "*", "https://"):
            answer = self.refusal(origin)
            self.assertEqual([name for name, _ in answer.headers if name.startswith("Access-Control-")], [], origin)
        self.assertEqual(self.refusal(LISTED[0]).all("Access-Control-Allow-Credentials"), [])

    def test_the_operators_port_has_none(self):
        self.assertEqual(self.refusal(LISTED[0], ops=True).all("Access-Control-Allow-Origin"), [])

    def test_what_the_worker_says_stands_once(self):
        self.responder.answer = lambda received: (
            b"Status: 200\r\nAccess-Control-Allow-Origin: https://app.example\r\nVary: Origin\r\n"
            b"Access-Control-Expose-Headers: ETag\r\nRateLimit: \"default\";r=1;t=2\r\n"
            b"RateLimit-Policy: \"default\";q=3;w=60\r\n\r\n")
        answer = self.ask("/v1/lots", headers=[f"Origin: {LISTED[0]}"])
        self.assertEqual(answer.one("Access-Control-Allow-Origin"), LISTED[0])
        self.assertEqual(answer.one("Access-Control-Expose-Headers"), "ETag")
        self.assertEqual(answer.one("Vary"), "Origin")
        self.assertEqual(answer.one("RateLimit"), '"default";r=1;t=2')
        self.assertEqual(answer.one("RateLimit-Policy"), '"default";q=3;w=60')


if __name__ == "__main__":
    unittest.main()
