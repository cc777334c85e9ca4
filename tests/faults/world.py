"""A whole private stack that tests may hurt, a client that keeps a journal, and an oracle that holds it against the tables.

The journal has a line for every write that was sent: key, status, id of what was made. The oracle's law: what was answered
2xx is in the tables exactly once; what was answered 4xx is not there; a 5xx or a lost answer is there once or not at all, and
exactly once after the same key was sent again. Nothing is there that nobody sent.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlparse

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/lib"))

import leaks
import processes
from processes import Process  # noqa: F401, for the tests
from services import Nginx, Pool, Postgres, Redis, migrate

PASSWORD = "correct horse battery"
ORGANIZATION = "018f0000-0000-7000-8000-000000000001"


class Answer:
    """Status 0: no answer came. `took` in seconds."""

    def __init__(self, status, headers=None, body=b"", took=0.0):
        self.status, self.headers, self.body, self.took = status, headers or {}, body, took

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} after {self.took * 1000:.0f} ms: {self.body[:300]!r}>"


class Client:
    """One kept-alive connection, and the tokens of one user."""

    tokens = set()  # of all clients: no log may hold one

    def __init__(self, url, token=None):
        self.host, self.token, self.connection = urlparse(url).netloc, token, None

    def request(self, method, path, body=None, key=None, timeout=20, headers=None):
        send = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            send["Authorization"] = f"Bearer {self.token}"
        if key:
            send["Idempotency-Key"] = key
        start = time.monotonic()
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=timeout)
            self.connection.request(method, path, None if body is None else json.dumps(body), send | (headers or {}))
            reply = self.connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read(), time.monotonic() - start)
        except (OSError, http.client.HTTPException) as why:
            self.close()
            return Answer(0, body=str(why).encode(), took=time.monotonic() - start)

    def get(self, path, **rest):
        return self.request("GET", path, **rest)

    def post(self, path, body, **rest):
        return self.request("POST", path, body, **rest)

    def login(self):
        answer = self.post("/v1/auth/login", {"email": "p@faults.example", "password": PASSWORD})
        assert answer.status == 200, answer
        self.token = answer.json()["access_token"]
        self.refresh = answer.json()["refresh_token"]
        self.tokens.update((self.token, self.refresh))
        return self

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    __del__ = close


class Journal:
    """What was sent and what came back, by several threads."""

    def __init__(self):
        self.lines, self.lock = [], threading.Lock()

    def add(self, key, body, answer):
        with self.lock:
            self.lines.append((key, body, answer))

    def with_status(self, test):
        return [line for line in self.lines if test(line[2].status)]

    def failures(self):
        return self.with_status(lambda status: not 200 <= status < 300)


class World:
    """PostgreSQL, Redis, one pool or several, each behind its own nginx; one approved producer with a product."""

    def __init__(self, binary=None, conf=None, trusted_proxies=""):
        self.binary = binary or os.environ.get("AGROBRIDGE_BIN")
        if not self.binary:
            raise RuntimeError("AGROBRIDGE_BIN is not set: name the program, AGROBRIDGE_BIN=build/agrobridge")
        self.conf = {"WORKERS": "4", "LOGIN_WORKERS": "1", "RATE_API_PER_MINUTE": "0"} | (conf or {})
        self.trusted_proxies = trusted_proxies
        self.directory = tempfile.TemporaryDirectory(prefix="ab-", dir=os.environ.get("TMPDIR", "/tmp"))
        path = Path(self.directory.name)
        processes.identity().own(path)
        self.path = path
        self.postgres = Postgres(path / "p", quick=True, tether=True)
        self.redis = Redis(path / "r", tether=True)
        self.fronts = []

    def start_stores(self):
        self.postgres.start()
        self.redis.start()
        migrate(self.binary, self.postgres.owner_url, self.path / "migrate.log", app_url=self.postgres.app_url)
        self.postgres.psql(f"""INSERT INTO organization (id, name, kind, approved, created_at)
                               VALUES ('{ORGANIZATION}', 'Huerta', 'PRODUCER', true, now())""")

    def add_user(self):
        done = subprocess.run(
            processes.command([self.binary, "user", "add", "p@faults.example", "--role", "PRODUCER",
                               "--organization", ORGANIZATION]),
            input=PASSWORD, text=True, env=self.fronts[0][0].env(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    def start_pool(self, binary=None, name="a", database_url=None):
        """Another pool on the same stores, with an nginx of its own."""
        pool = Pool(self.path / name, binary or self.binary, database_url or self.postgres.app_url, self.redis.url,
                    conf=self.conf, tether=True).start()
        front = Nginx(self.path / f"n{name}", self.path / name, trusted_proxies=self.trusted_proxies,
                      cors_origins=self.conf.get("CORS_ORIGINS", ""), tether=True).start()
        self.fronts.append((pool, front))
        return pool, front

    def __enter__(self):
        try:
            self.start_stores()
            self.pool, self.nginx = self.start_pool()
            self.add_user()
            self.client = Client(self.nginx.url).login()
            self.product = self.client.post("/v1/products", {"name": "Aguacate", "commodity": "avocado"}).json()["id"]
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        for pool, front in self.fronts:
            front.stop()
            pool.stop()
        self.redis.stop()
        self.postgres.stop()
        secrets = Client.tokens | {PASSWORD, self.redis.password, *self.postgres.passwords.values()}
        found = leaks.search(self.path.glob("**/*.log"), secrets)
        self.directory.cleanup()
        assert not found, "\n".join(found)

    def __exit__(self, *_):
        self.stop()

    def lot_body(self, code=None):
        return {"product_id": self.product, "code": code or uuid.uuid4().hex[:20], "quantity": "12.5", "uom": "KGM"}

    def write(self, client, journal, key=None, body=None):
        """A new lot under a key of its own; a line in the journal."""
        key, body = key or uuid.uuid4().hex, body or self.lot_body()
        answer = client.post("/v1/lots", body, key=key)
        journal.add(key, body, answer)
        return answer

    def workers(self, group="main", front=None):
        status = Client((front or self.nginx).ops_url).get("/status").json()
        return [w["pid"] for g in status["groups"] if g["name"] == group for w in g["workers"]]

    def redis_says(self, *words):
        """What Redis answers to a command; an error of it is one of the test."""
        done = subprocess.run(["redis-cli", "-e", "-h", self.redis.address, "-p", str(self.redis.port), *words], text=True,
                              env=os.environ | {"REDISCLI_AUTH": self.redis.password}, capture_output=True, check=True)
        return done.stdout

    def rows(self, sql):
        return [line for line in self.postgres.psql(sql).splitlines() if line]

    def settle(self, journal, client):
        """Sends every write whose outcome is open again, under its key, until it is answered."""
        for key, body, answer in journal.failures():
            if answer.status and answer.status < 500:
                continue
            for _ in range(50):
                again = client.post("/v1/lots", body, key=key)
                if again.status == 201:
                    break
                time.sleep(0.1)
            journal.add(key, body, again)

    def judge(self, test, journal):
        """The oracle, after settle(): what was acknowledged stands in the table once, under the id that was answered."""
        stored = dict(row.split("|") for row in self.rows("SELECT code, id FROM lot"))
        counts = dict(row.split("|") for row in self.rows("SELECT code, count(*) FROM lot GROUP BY code HAVING count(*) > 1"))
        test.assertEqual(counts, {}, "a write was done twice")
        sent = {body["code"] for _, body, _ in journal.lines}
        test.assertEqual(set(stored) - sent, set(), "something nobody sent")
        for _, body, answer in journal.with_status(lambda status: status == 201):
            test.assertEqual(stored.get(body["code"]), answer.json()["id"], "an acknowledged write is lost or changed")
        for _, body, answer in journal.with_status(lambda status: 400 <= status < 500):
            test.assertNotIn(body["code"], stored, f"refused, but done: {answer}")


class Load:
    """Threads that write and read until stopped, each on its own connection."""

    def __init__(self, world, threads=4, url=None):
        self.world, self.journal, self.reads = world, Journal(), Journal()
        self.url = url or world.nginx.url
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def _run(self):
        client = Client(self.url, self.world.client.token)
        while not self.ending.is_set():
            self.world.write(client, self.journal)
            self.reads.add(None, None, client.get("/v1/me"))
        client.close()

    def wait_for(self, writes):
        """Until so many more writes were answered 2xx."""
        goal = len(self.journal.with_status(lambda s: s == 201)) + writes
        deadline = time.monotonic() + 30
        while len(self.journal.with_status(lambda s: s == 201)) < goal:
            assert time.monotonic() < deadline, "the load does not get through"
            self.ending.wait(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)


def eventually(test, check, seconds=10, why="it did not happen"):
    """Asks until `check` is true: the thing waited for is in another process."""
    deadline = time.monotonic() + seconds
    while not (last := check()):
        if time.monotonic() > deadline:
            test.fail(f"{why} within {seconds} s")
        time.sleep(0.02)
    return last
