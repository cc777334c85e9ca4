"""The README's tour, run as it is printed, in both languages, on a stack that scripts/up has just made."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SECTIONS = {"README.md": "## A tour", "README.es.md": "## Un recorrido"}


def tour(name):
    text = (SOURCE / name).read_text(encoding="utf-8")
    section = text.partition(SECTIONS[name])[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)


class Readme(unittest.TestCase):
    def test_both_languages_show_the_same_commands(self):
        self.assertEqual(tour("README.md"), tour("README.es.md"))
        self.assertGreater(len(tour("README.md")), 5)

    def test_the_tour_works_as_printed(self):
        with tempfile.TemporaryDirectory(prefix="ab-") as var:
            env = os.environ | {"AGROBRIDGE_VAR": var + "/v"}
            run = lambda *words: subprocess.run(words, cwd=SOURCE, env=env, capture_output=True, text=True, check=False)
            up = run("scripts/up")
            try:
                self.assertEqual(up.returncode, 0, up.stdout + up.stderr)
                done = run("bash", "-euo", "pipefail", "-c", "\n".join(tour("README.md")))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                said = done.stdout
                for promise in ('"badge": "VERIFIED"', '"verified": true', '"role":"PRODUCER"', '"public_code":',
                                '"kind":"HARVEST"', '{"valid":true,"events":2,"first_broken":null}',
                                '"pointer": "/colour"', '"pointer": "/quantity"', "obligatorio", 'agrobridge_queue_depth{group="main"} 0'):
                    self.assertIn(promise, said)
            finally:
                down = run("scripts/down", "--purge")
            self.assertEqual(down.returncode, 0, down.stdout + down.stderr)


if __name__ == "__main__":
    unittest.main()
