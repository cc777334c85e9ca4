"""What the tests of nginx's rules share: a FastCGI responder that records and can misbehave, a client that sends raw
bytes, and nginx between them."""

import json
import os
import queue
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

import processes  # noqa: E402
from services import Nginx  # noqa: E402

# FastCGI 1.0, section 8: record types
BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


class Received:
    """One request as a worker sees it."""

    def __init__(self, group, params, body, keep, at):
        self.group, self.params, self.body, self.at = group, params, body, at
        self.keep = keep  # nginx wants the connection kept


class Responder:
    """Three listeners, one a group. `answer` is called with each Received and returns the answer's text (CGI headers,
    blank line, body) as bytes; None closes the connection without a word. Every request is put into `requests`."""

    def __init__(self, directory):
        self.directory = directory
        self.requests = queue.Queue()
        self.answer = plain
        self.listeners = {}
        for group in ("main", "login", "ops"):
            self.listen(group)

    def path(self, group):
        return str(self.directory / f"{group}.sock")

    def listen(self, group, backlog=64, serve=True):
        listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path(group)):
            os.unlink(self.path(group))
        listener.bind(self.path(group))
        processes.identity().own(self.path(group))
        listener.listen(backlog)
        self.listeners[group] = listener
        if serve:
            threading.Thread(target=self._accept, args=(group, listener), daemon=True).start()
        return listener

    def close(self, group):
        """Nobody listens any more, and accept() in its thread ends."""
        listener = self.listeners.pop(group)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    def close_all(self):
        for group in list(self.listeners):
            self.close(group)

    def _accept(self, group, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(group, connection), daemon=True).start()

    def _serve(self, group, connection):
        with connection:
            try:
                received = Received(group, *read_request(connection.makefile("rb")), time.time())
                self.requests.put(received)
                text = self.answer(received)
                if text is not None:
                    connection.sendall(records(STDOUT, text) + record(STDOUT, b"") + record(END, bytes(8)))
            except (OSError, EOFError):
                pass  # nginx hung up: the test looks at what the client got

    def next(self, seconds=5):
        return self.requests.get(timeout=seconds)

    def take_all(self):
        """All that came so far. To be called after the client has its answer."""
        found = []
        while not self.requests.empty():
            found.append(self.requests.get())
        return found


def plain(_received):
    return b"Status: 200\r\nContent-Type: application/json\r\n\r\n{}"


def record(kind, content):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def records(kind, content):
    return b"".join(record(kind, content[i:i + 65535]) for i in range(0, len(content), 65535))


def read_exactly(stream, n):
    data = stream.read(n)
    if len(data) < n:
        raise EOFError
    return data


def read_request(stream):
    """(params, body, whether the connection is to be kept) of one request."""
    parts = {BEGIN: b"", PARAMS: b"", STDIN: b""}
    while True:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", read_exactly(stream, 8))
        content = read_exactly(stream, length)
        read_exactly(stream, padding)
        if kind in parts:
            parts[kind] += content
            if kind == STDIN and not content:
                return pairs(parts[PARAMS]), parts[STDIN], bool(parts[BEGIN][2] & 1)  # FCGI_KEEP_CONN


def pairs(data):
    """Name-value pairs, FastCGI 1.0 section 3.4."""
    found, at = {}, 0

    def size():
        nonlocal at
        long = data[at] & 0x80
        value = struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF if long else data[at]
        at += 4 if long else 1
        return value

    while at < len(data):
        name_size, value_size = size(), size()
        name, value = data[at:at + name_size], data[at + name_size:at + name_size + value_size]
        assert name.decode() not in found, f"{name} was sent twice"
        found[name.decode()] = value.decode("latin-1")
        at += name_size + value_size
    return found


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        """The header's value; it must stand exactly once."""
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values}"
        return values[0]

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """A TCP connection that sends bytes as they are."""

    def __init__(self, port, source="127.0.0.1", address="127.0.0.1"):
        self.socket = socket.create_connection((address, port), timeout=10, source_address=(source, 0))
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.stream.close()
        self.socket.close()

    def read_answer(self, head=False):
        status = int(self.stream.readline().split()[1])
        headers = []
        while (line := self.stream.readline().rstrip(b"\r\n")):
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        answer = Answer(status, headers, b"")
        if head or status in (204, 304):
            return answer
        if answer.all("Transfer-Encoding") == ["chunked"]:
            while (size := int(self.stream.readline(), 16)):
                answer.body += read_exactly(self.stream, size)
                self.stream.readline()
            self.stream.readline()
        elif answer.all("Content-Length"):
            answer.body = read_exactly(self.stream, int(answer.one("Content-Length")))
        else:
            answer.body = self.stream.read()
        return answer


class FrontTest(unittest.TestCase):
    """nginx and a responder for all tests of a class. `replace` changes the rendered configuration, for limits that
    would take too long to reach."""

    trusted_proxies = cors_origins = ""
    replace = {}

    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="ab-nginx-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.directory.chmod(0o711)
        sockets = processes.identity().make_directory(cls.directory / "s")
        cls.responder = Responder(sockets)
        cls.addClassCleanup(cls.responder.close_all)
        cls.nginx = Replaced(cls.directory / "n", sockets, trusted_proxies=cls.trusted_proxies,
                             cors_origins=cls.cors_origins, tether=True)
        cls.nginx.replace = {"flush=1s": "flush=10ms", **cls.replace}  # tests read the log at once
        cls.nginx.start()
        cls.addClassCleanup(cls.nginx.stop)

    def setUp(self):
        self.responder.take_all()
        self.responder.answer = plain

    def client(self, ops=False, **options):
        client = Client(self.nginx.ops_port if ops else self.nginx.port, **options)
        self.addCleanup(client.close)
        return client

    def raw(self, data, ops=False, head=False, **options):
        """The answer to these bytes."""
        client = self.client(ops, **options)
        client.send(data)
        return client.read_answer(head)

    def ask(self, target="/v1/lots", method="GET", headers=(), body=None, **options):
        """The answer to an ordinary request; `headers` are whole lines."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        text = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return self.raw(text + (body or b""), head=method == "HEAD", **options)

    def log_lines(self):
        text = self.nginx.log.read_bytes()
        return [line for line in text.split(b"\n")[:-1] if line.startswith(b"{")]

    def log_line(self, request_id):
        """The line of this request, which nginx writes after the answer's last byte."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = [line for line in map(json.loads, self.log_lines()) if line["request_id"] == request_id]
            if found:
                self.assertEqual(len(found), 1, "one line a request")
                return found[0]
            time.sleep(0.01)
        self.fail(f"no log line for {request_id}")


class Replaced(Nginx):
    replace = {}

    def render(self):
        super().render()
        text = self.conf.read_text()
        for old, new in self.replace.items():
            assert old in text, old
            text = text.replace(old, new)
        self.conf.write_text(text)
