#!/usr/bin/env python3
"""Two thousand clients that send or read a byte a second, beside honest ones: they hold memory of nginx and no worker.

Median of five rounds, each without them, with them and without them again: p99 of the honest grows by at most a fifth and
none of them is refused; or, where the machine is restless, twice of what happens without them. While nobody else asks, no
worker is busy.
"""

import resource
import socket
import sys
import threading
import time

from bench import FarWorld, good, http_text, judge, median, open_loop, percentile
from world import Client

ROUNDS, SLOW, RATE, SECONDS = 5, 2000, 100, 5


class SlowClients:
    """A third each: headers, a body, an answer, a byte a second. Who is let go comes again."""

    def __init__(self, world):
        host, token = f"127.0.0.1:{world.nginx.port}", world.client.token
        head = f"Host: {host}\r\nAuthorization: Bearer {token}\r\n"
        body = b'{"name":"' + b"x" * 4000
        self.port = world.nginx.port
        self.texts = [  # what is sent at once, and what byte by byte
            (b"GET /v1/me HTTP/1.1\r\n", (head + "X-Slow: " + "x" * 1000).encode()),
            (f"POST /v1/products HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode(), body),
            (f"GET /v1/lots?limit=100 HTTP/1.1\r\n{head}\r\n".encode(), b""),
        ]
        self.ending, self.came = threading.Event(), 0
        self.clients, self.thread = [], threading.Thread(target=self._run)

    def _come(self, kind):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", self.port))
        connection.setblocking(False)
        connection.send(self.texts[kind][0])
        self.came += 1
        return [connection, kind, 0]

    def _byte(self, client):
        """One more; raises OSError where nginx has let it go."""
        connection, kind, sent = client
        rest = self.texts[kind][1]
        if rest:
            connection.send(rest[sent % len(rest):][:1])
            client[2] += 1
        elif not connection.recv(1):
            raise ConnectionResetError

    def _run(self):
        while not self.ending.wait(1):
            for number, client in enumerate(self.clients):
                try:
                    self._byte(client)
                except BlockingIOError:
                    pass
                except OSError:
                    client[0].close()
                    self.clients[number] = self._come(client[1])

    def __enter__(self):
        self.clients = [self._come(number % len(self.texts)) for number in range(SLOW)]
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        for connection, _, _ in self.clients:
            connection.close()


def honest(world, seed):
    """(p99 in ms, how many were not answered 2xx) of honest reads."""
    mix = {"read": (1, http_text("GET", f"/v1/lots/{world.LOT}##", world.client.token))}
    load = open_loop(world, mix, f"{RATE}:{SECONDS}", seed=seed)
    return percentile([1000 * r.took for r in load if good(r)], 99), sum(not good(r) for r in load)


def held(world):
    """Workers of main at a request and requests that wait, seen fifty times within a second."""
    ops, found = Client(world.nginx.ops_url), 0
    for _ in range(50):
        main = next(g for g in ops.get("/status").json()["groups"] if g["name"] == "main")
        found += main["busy"] + main["queue"]["depth"]
        time.sleep(0.02)
    return found


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with FarWorld(0) as world:
        honest(world, 0)
        rounds, busy = [], 0
        for seed in range(1, ROUNDS + 1):
            before = honest(world, seed)
            with SlowClients(world) as slow:
                time.sleep(3)  # what they asked whole is answered
                busy += held(world)
                beside = honest(world, seed)
            rounds.append((before, beside, honest(world, seed)))
            p99 = " / ".join(f"{part[0]:.1f}" for part in rounds[-1])
            print(f"round {seed}: p99 without / with / without {SLOW} slow ones: {p99} ms ({slow.came} came)", flush=True)
    growth = median(with_[0] / without[0] for without, with_, _ in rounds)
    itself = median(max(again[0] / without[0], without[0] / again[0]) for without, _, again in rounds)
    limit = max(1.2, 1 + 2 * (itself - 1))
    failed, control = sum(r[1][1] for r in rounds), max(sum(r[0][1] for r in rounds), sum(r[2][1] for r in rounds))
    return judge([
        (f"{SLOW} slow clients keep no worker busy", f"{busy} seen", busy == 0),
        (f"p99 beside them grows by at most {100 * (limit - 1):.0f} %",
         f"{100 * (growth - 1):+.0f} % (by itself {100 * (itself - 1):.0f} %)", growth <= limit),
        ("no honest request is refused", f"{failed} (without them: {control})", failed <= 2 * control)])


if __name__ == "__main__":
    sys.exit(main())
