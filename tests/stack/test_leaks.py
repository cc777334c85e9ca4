"""scripts/lib/leaks.py finds a secret in a log, however it is written there, and takes nothing else for one."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/lib"))

import leaks  # noqa: E402

TOKEN = "b9Zt2KfQeW7uYxP3cLhVaMn5RsDg8JiOoTq1EkXrBvU"
OTHER = "mR4x0lYwq1m6o8yJ2n5Tz7b3kQvHcXeUdFgAsPiLrNw"
PASSWORD = 'mañana "mango" /7'


class Leaks(unittest.TestCase):
    def search(self, text, *secrets):
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / "some.log"
            log.write_text(text, encoding="utf-8")
            return leaks.search([log], set(secrets))

    def test_a_known_secret_is_found_in_each_spelling(self):
        for text in (f"password {PASSWORD}.", '{"x":"ma\\u00f1ana \\"mango\\" /7"}', '{"x":"mañana \\"mango\\" /7"}',
                     "GET /x?p=ma%C3%B1ana%20%22mango%22%20%2F7"):
            with self.subTest(text):
                self.assertEqual(len(self.search(text, PASSWORD, TOKEN)), 1)

    def test_a_known_token_is_found_wherever_it_stands(self):
        for text in (TOKEN, f"/x?token={TOKEN}&y", f'"path":"/v1/{TOKEN}/"', f"a\nb {TOKEN}\n"):
            with self.subTest(text):
                self.assertEqual(len(self.search(text, TOKEN)), 1)

    def test_what_looks_like_a_secret_is_one(self):
        for text in (f"Authorization: Bearer {TOKEN}", f"authorization=bearer+{TOKEN}", f'"refresh_token":"{TOKEN}"',
                     f"access_token={TOKEN}", "$argon2id$v=19$m=19456", "PASSWORD 'SCRAM-SHA-256$4096:x'",
                     "could not use postgresql://a:secret@h:1/d", "redis://:secret@h/0", "rediss://u:secret@h"):
            with self.subTest(text):
                self.assertEqual(len(self.search(text)), 1)

    def test_what_is_none_is_not(self):
        for text in (OTHER, f"x{TOKEN}", "postgresql://a@h:1/d", "unix:/run/redis.sock?db=0", "log in with Bearer TOKEN",
                     "password authentication failed", "the refresh_token is too old"):
            with self.subTest(text):
                self.assertEqual(self.search(text, TOKEN), [])

    def test_the_place_is_told_and_the_secret_is_not(self):
        [found] = self.search(f"one\ntwo\nthree {PASSWORD} four", PASSWORD)
        self.assertTrue(found.startswith("some.log:3 holds a secret: three *"), found)
        self.assertNotIn("mango", found)

    def test_secrets_are_read_as_they_were_noted(self):
        with tempfile.TemporaryDirectory() as directory:
            noted = Path(directory) / "secrets"
            noted.write_text('"ma\\u00f1ana"\n"a\\nb"\n"a\\nb"\n"c\u2028d"\n', encoding="utf-8")
            self.assertEqual(leaks.read(noted), {"mañana", "a\nb", "c\u2028d"})


if __name__ == "__main__":
    unittest.main()
