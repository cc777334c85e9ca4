"""The relay that lets a store's answers wait."""

import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from services import Delay, Redis, answers  # noqa: E402

DELAY_MS = 30


def ask(connection, words):
    """Sends one command; returns its whole answer, a status line or a bulk string."""
    connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    stream = connection.makefile("rb")
    line = stream.readline()
    return stream.read(int(line[1:]) + 2)[:-2] if line.startswith(b"$") else line.rstrip()


class DelayTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ab-"))
        self.directory = Path(directory)
        self.directory.chmod(0o711)  # the stack's user may be another
        self.redis = self.enterContext(Redis(self.directory / "r", tether=True))

    def delay(self, ms, exponential=False):
        return self.enterContext(Delay(self.directory / "d", self.redis.url, ms, exponential, tether=True))

    def connect(self, delay):
        connection = self.enterContext(socket.create_connection(("127.0.0.1", delay.port), timeout=10))
        self.assertEqual(ask(connection, [b"AUTH", self.redis.password.encode()]), b"+OK")
        return connection

    def test_every_answer_waits_and_comes_whole(self):
        connection = self.connect(self.delay(DELAY_MS))
        for words, answer in (([b"PING"], b"+PONG"), ([b"SET", b"k", b"x" * 500000], b"+OK"),
                              ([b"GET", b"k"], b"x" * 500000)):
            begun = time.monotonic()
            self.assertEqual(ask(connection, words), answer)
            self.assertGreaterEqual(time.monotonic() - begun, DELAY_MS / 1000)

    def test_connections_do_not_wait_for_each_other(self):
        delay = self.delay(300)
        connections = [self.connect(delay) for _ in range(5)]
        begun = time.monotonic()
        for connection in connections:
            connection.sendall(b"PING\r\n")
        self.assertEqual([c.recv(100) for c in connections], [b"+PONG\r\n"] * 5)
        self.assertLess(time.monotonic() - begun, 5 * 0.3)

    def test_exponential_delays_differ_about_their_mean(self):
        connection, times = self.connect(self.delay(5, exponential=True)), []
        for _ in range(200):
            begun = time.monotonic()
            ask(connection, [b"PING"])
            times.append(time.monotonic() - begun)
        self.assertGreater(sum(times) / len(times), 0.003)
        self.assertLess(min(times), 0.0025, "an eighth of them stays under 1 ms")
        self.assertGreater(max(times), 0.010)

    def test_either_end_that_leaves_takes_the_other_along(self):
        delay = self.delay(DELAY_MS)
        connection = self.connect(delay)
        self.assertEqual(ask(connection, [b"QUIT"]), b"+OK")
        self.assertEqual(connection.recv(1), b"", "the store left after its answer")
        self.redis.stop()
        self.assertFalse(answers(("127.0.0.1", delay.port), b"PING\r\n", b"+"))
        self.assertEqual(delay.log.read_text(), "")

    def test_the_program_serves_a_unix_socket_until_it_is_told_to_end(self):
        path = self.directory / "socket"
        with subprocess.Popen([sys.executable, "-B", SOURCE / "scripts/lib/delay.py", "--listen", path,
                               "--to", f"127.0.0.1:{self.redis.port}", "--ms", "1"], stderr=subprocess.PIPE) as child:
            deadline = time.monotonic() + 10
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(path))
                self.assertTrue(ask(connection, [b"PING"]).startswith(b"-NOAUTH"))
            child.terminate()
            self.assertEqual((child.wait(10), child.stderr.read(), path.exists()), (0, b"", False))


if __name__ == "__main__":
    unittest.main()
