"""Between the pool and PostgreSQL: what the service asks, message by message, and in how many round trips."""

import socket
import struct
import threading
from urllib.parse import urlsplit

# Frontend messages (PostgreSQL protocol 3.0) that are told apart by a statement's name, which comes first or second.
PARSE, BIND = b"P", b"B"


class Recorder:
    """Listens on a free loopback port, at .url; `said` is what went by since it was last cleared: "|" where the service
    spoke again after PostgreSQL had, and each message's type, with its statement's name."""

    def __init__(self, url):
        self.server, self.said = urlsplit(url), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = self.server._replace(
            netloc=f"{self.server.netloc.rpartition('@')[0]}@127.0.0.1:{self.listener.getsockname()[1]}").geturl()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection((self.server.hostname, self.server.port))
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
            threading.Thread(target=self._questions, args=(client, server), daemon=True).start()

    def _answers(self, server, client):
        with client:
            while data := self._read(server):
                self.said.append("|")
                client.sendall(data)

    def _questions(self, client, server):
        text, begun = b"", False
        with server:
            while data := self._read(client):
                text, begun = self._take(text + data, begun)
                server.sendall(data)

    @staticmethod
    def _read(connection):
        try:
            return connection.recv(1 << 16)
        except OSError:
            return b""

    def _take(self, text, begun):
        """Notes the whole messages in `text`; returns what is left of it. Before the start a message has no type."""
        while len(text) >= 5:
            (length,) = struct.unpack_from(">I", text, int(begun))
            if len(text) < length + begun:
                break
            if begun:
                self.said.append(self._name(text[:1], text[5:length + 1]))
            begun, text = begun or struct.unpack_from(">I", text, 4) == (196608,), text[length + begun:]
        return text, begun

    @staticmethod
    def _name(kind, content):
        names = content.split(b"\0")
        return (kind + {PARSE: names[0], BIND: names[min(1, len(names) - 1)]}.get(kind, b"")).decode()

    def take(self):
        """What was asked since, one "|" a round trip."""
        said, self.said = self.said, []
        return [word for word, before in zip(said, ["|", *said]) if word != "|" or before != "|"]
