"""The rehearsal's name server, asked over UDP on a free port."""

import socket
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/lib"))

from rehearsal.names import Names  # noqa: E402

A, AAAA, IN = 1, 28, 1


def query(name, kind=A, number=7, flags=0x0100):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", number, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, IN)


class NamesTest(unittest.TestCase):
    def setUp(self):
        self.names = Names("127.0.0.1", 0)
        self.addCleanup(self.names.close)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.settimeout(5)
        self.names.set("database.rehearsal.test", "10.0.1.10")

    def ask(self, *words, **named):
        self.socket.sendto(query(*words, **named), self.names.address)
        reply = self.socket.recv(512)
        number, flags, _, answers = struct.unpack_from("!HHHH", reply)
        return number, flags & 0xF, answers, reply

    def test_an_address_and_its_time_to_live(self):
        number, code, answers, reply = self.ask("database.rehearsal.test", number=4711)
        self.assertEqual((number, code, answers), (4711, 0, 1))
        self.assertTrue(struct.unpack_from("!H", reply, 2)[0] & 0x8000)
        self.assertEqual(reply[-16:], struct.pack("!HHHIH", 0xC00C, A, IN, 5, 4) + bytes([10, 0, 1, 10]))

    def test_the_name_moves(self):
        self.names.set("database.rehearsal.test", "10.0.2.11")
        self.assertEqual(self.ask("database.rehearsal.test")[3][-4:], bytes([10, 0, 2, 11]))
        self.assertEqual(self.names.get("database.rehearsal.test"), "10.0.2.11")

    def test_case_does_not_matter_and_the_question_comes_back_as_it_was(self):
        _, code, answers, reply = self.ask("DataBase.Rehearsal.TEST")
        self.assertEqual((code, answers), (0, 1))
        self.assertIn(b"DataBase", reply)

    def test_another_type_of_a_name_that_exists_is_empty_not_an_error(self):
        self.assertEqual(self.ask("database.rehearsal.test", AAAA)[1:3], (0, 0))

    def test_other_names_do_not_exist(self):
        for name in ("cache.rehearsal.test", "example.com", "rehearsal.test"):
            self.assertEqual(self.ask(name)[1:3], (3, 0), name)
        self.assertIsNone(self.names.get("example.com"))

    def test_what_is_no_query_is_dropped_and_it_serves_on(self):
        whole = query("database.rehearsal.test")
        for junk in (b"", b"\0", whole[:11], whole[:20], whole[:-1], query("database.rehearsal.test", flags=0x8180),
                     whole[:12] + b"\xc0\x0c" + whole[14:], whole[:12] + b"\xff" * 300):
            self.socket.sendto(junk, self.names.address)
        self.assertEqual(self.ask("database.rehearsal.test", number=9)[:3], (9, 0, 1))

    def test_another_operation_is_not_implemented(self):
        self.assertEqual(self.ask("database.rehearsal.test", flags=0x1000)[1:3], (4, 0))


if __name__ == "__main__":
    unittest.main()
