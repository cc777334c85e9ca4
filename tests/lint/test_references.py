#!/usr/bin/env python3
"""`file:name` in a document: found where it exists, a fault of check-docs where it does not."""
import unittest

from test_checks import Checks


class References(Checks):
    def setUp(self):
        super().setUp()
        self.write("container/aws/edge.yaml", "Resources:\n  Alias:\n    Type: x\n")
        self.write("tests/unit/check_b.c", "START_TEST(it_works)\n")
        self.say("`edge.yaml:Alias` `tests/unit/check_b.c:it_works` `http://x` `10:30`")

    def say(self, text):
        self.write("docs/b.md", f"{text}\n")

    def test_what_exists_passes(self):
        self.passes("check-docs")

    def test_what_does_not_fails(self):
        for reference, why in (("edge.yaml:Alia", "container/aws/edge.yaml has no Alia"),
                               ("edge.yaml:Type", "container/aws/edge.yaml has no Type"),
                               ("edges.yaml:Alias", "container/aws/edges.yaml is not there"),
                               ("tests/unit/check_b.c:it_work", "tests/unit/check_b.c has no it_work"),
                               ("tests/unit/check_c.c:it_works", "tests/unit/check_c.c is not there")):
            with self.subTest(reference):
                self.say(f"`{reference}`")
                self.fails(f"docs/b.md:1: {why}", "check-docs")


if __name__ == "__main__":
    unittest.main()
