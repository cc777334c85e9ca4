"""Load from outside: clients who do not wait for each other, and a journal of what came of each request.

open_loop.c, beside this file, makes the requests: Poisson arrivals at rates known in advance. Rates are requests a
real second; phases last AWS seconds of the clock. The mix is a harvest day's: mostly consumers at the public trace,
members who look, producers who record events, each with an Idempotency-Key and a note that nobody else has. A login
takes 37 ms of a core: half a second of a task that has a twelfth of one. So logins are left to the Visitors.
"""

import http.client
import itertools
import json
import math
import subprocess
import threading
import time
from collections import Counter, defaultdict, namedtuple
from pathlib import Path

from service import Failure

SOURCE = Path(__file__).with_name("open_loop.c")
PATIENCE = 10  # seconds a client waits
SHARES = {"trace": 60, "lot": 20, "list": 8, "event": 12}  # of 100 requests
HISTORY = 5  # events of a lot that is looked at
EVENT = {"kind": "PROCESSING", "at": "2026-01-02T03:04:05Z"}

# `at` is when it was to start, in AWS seconds where a Load made it, else in seconds of the run. In real seconds: how
# `late` it did, and how long it `took` from when it was to. `what` is a status, `refused` (503, Retry-After, a problem
# document), `lost` or `timeout`; `code` is the problem document's, or -.
Request = namedtuple("Request", "load phase kind number at late took what code")


def good(request):
    return request.what[0] == "2"


def label(request):
    """What an error is called: `503 overloaded`, `502`, `lost`."""
    status = "503" if request.what == "refused" else request.what
    return status if request.code == "-" else f"{status} {request.code}"


def note(request):
    """What an event's notes and its Idempotency-Key hold."""
    return f"{request.load}-{request.number}"


def percentile(values, percent):
    """By nearest rank; 0 of nothing."""
    values = sorted(values)
    return values[math.ceil(len(values) * percent / 100) - 1] if values else 0


# --- the generator --------------------------------------------------------------------------------------------------

def build(directory):
    """Compiles the generator; returns the program."""
    program = Path(directory) / "open_loop"
    if not program.exists():
        done = subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", program, SOURCE, "-lm"], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise Failure(f"open_loop.c: {done.stderr.strip()}")
    return program


def http_text(method, path, token=None, body=None, headers=()):
    """A request for the generator: a run of # in it becomes as many last digits of its number."""
    lines = [f"{method} {path} HTTP/1.1", "Host: agrobridge", *headers]
    lines += [f"Authorization: Bearer {token}"] if token else []
    text = "" if body is None else json.dumps(body)
    lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"] if text else []
    return "\r\n".join([*lines, "", text])


def stdin_of(mix):
    """`mix` is (kind, weight, text); several may be of one kind."""
    return "".join(f"{kind} {weight} {len(text)}\n{text}" for kind, weight, text in mix)


def parse(line, load=""):
    phase, kind, number, at, late, took, what, code = line.split()
    return Request(load, int(phase), kind, number, int(at) / 1e6, int(late) / 1e6, int(took) / 1e6, what, code)


# --- the users ------------------------------------------------------------------------------------------------------

class Account:
    """A user of the API. ask() never raises: an answer that does not come has `lost` or `timeout` for a status."""

    def __init__(self, address, email, password):
        self.address, self.email, self.password = address, email, password
        self.token = self.refresh_token = None

    def ask(self, method, path, body=None, key=None):
        """(what, code, document)"""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except TimeoutError:
            return "timeout", "-", None
        except (OSError, http.client.HTTPException):
            return "lost", "-", None
        finally:
            connection.close()
        is_json = (answer.headers.get_content_subtype() or "").endswith("json")
        document = json.loads(text) if is_json else None
        code = document.get("code", "-") if answer.status >= 400 and is_json else "-"
        refused = answer.status == 503 and code != "-" and answer.headers["Retry-After"]
        return "refused" if refused else str(answer.status), code, document

    def _take(self, answer):
        what, _, document = answer
        if what == "200":
            self.token, self.refresh_token = document["access_token"], document["refresh_token"]
        return answer

    def login(self):
        return self._take(self.ask("POST", "/v1/auth/login", {"email": self.email, "password": self.password}))

    def refresh(self):
        return self._take(self.ask("POST", "/v1/auth/refresh", {"refresh_token": self.refresh_token}))

    def make(self, path, body):
        what, code, document = self.ask("POST", path, body)
        if what != "201":
            raise Failure(f"POST {path}: {what} {code}")
        return document


Lot = namedtuple("Lot", "id public_code")


def prepare(account, count):
    """(lots that are looked at, lots that are recorded on): what a request costs must not grow while a load runs. They
    are of one product; the account belongs to an approved producer."""
    product = account.make("/v1/products", {"name": "Aguacate Hass", "commodity": "avocado"})["id"]
    made = [account.make("/v1/lots", {"product_id": product, "code": f"R{n:03}", "quantity": "1000", "uom": "KGM"})
            for n in range(2 * count)]
    lots = [Lot(lot["id"], lot["public_code"]) for lot in made]
    for lot in lots[:count]:
        for _ in range(HISTORY):
            account.make(f"/v1/lots/{lot.id}/events", EVENT)
    return lots[:count], lots[count:]


def mix_for(name, looked_at, recorded_on, accounts, shares=None):
    """The mix of a Load called `name`. Access tokens must outlive it: AGROBRIDGE_ACCESS_TTL_MS."""
    texts = defaultdict(list)
    key, event = f"{name}-########", EVENT | {"notes": f"{name}-########"}
    tokens = itertools.cycle(account.token for account in accounts)
    for lot in looked_at:
        texts["trace"].append(http_text("GET", f"/t/{lot.public_code}"))
        texts["lot"].append(http_text("GET", f"/v1/lots/{lot.id}", next(tokens)))
    for lot in recorded_on:
        headers = [f"Idempotency-Key: {key}"]
        texts["event"].append(http_text("POST", f"/v1/lots/{lot.id}/events", next(tokens), event, headers))
    texts["list"] = [http_text("GET", "/v1/lots?limit=20", account.token) for account in accounts]
    shares = shares or SHARES
    return [(kind, share / len(texts[kind]), text) for kind, share in shares.items() for text in texts[kind]]


class Visitor(threading.Thread):
    """Logs in at once, then refreshes its session every so many real seconds: it has to live through whatever happens.

    After an answer that leaves it open whether the refresh token is spent it logs in again, as a person would."""

    def __init__(self, clock, account, load, every=2):
        super().__init__(daemon=True)
        self.clock, self.account, self.load, self.every = clock, account, load, every
        self.journal, self.ending, self.kind = [], threading.Event(), "login"

    def ask(self):
        at, begun = self.clock.now(), time.monotonic()
        what, code, _ = self.account.login() if self.kind == "login" else self.account.refresh()
        number, took = f"{self.account.email}/{len(self.journal)}", time.monotonic() - begun
        self.journal.append(Request(self.load, 0, self.kind, number, at, 0, took, what, code))
        self.kind = "refresh" if what == "200" else "login"

    def run(self):
        while not self.ending.wait(self.every):
            self.ask()

    def __enter__(self):
        self.ask()
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()


class Load:
    """One run of the generator against "ADDRESS:PORT". `phases` are (rate, AWS seconds). Its raw lines, with times in
    microseconds from its start, stay in DIRECTORY/NAME.load."""

    def __init__(self, clock, address, name, mix, phases, directory, seed=1):
        self.clock, self.name, self.mix = clock, name, mix
        times = [f"{rate}:{clock.real(seconds):.3f}" for rate, seconds in phases]
        self.command = [build(directory), address, str(seed), str(PATIENCE), *times]
        self.path = Path(directory) / f"{name}.load"
        self.log = self.path.with_suffix(".log")
        self.journal, self.rest = [], ""

    def start(self):
        with open(self.path, "wb") as output, open(self.log, "wb") as errors:
            self.begun = self.clock.now()
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=output, stderr=errors)
        self.lines = open(self.path, encoding="ascii")
        with self.process.stdin as pipe:
            pipe.write(stdin_of(self.mix).encode())
        return self

    def tail(self):
        """The requests that ended since the last call; the generator says so within 100 ms."""
        *lines, self.rest = (self.rest + self.lines.read()).split("\n")
        fresh = [parse(line, self.name) for line in lines]
        fresh = [request._replace(at=self.begun + request.at / self.clock.real(1)) for request in fresh]
        self.journal += fresh
        return fresh

    def wait(self):
        """To the end of the last phase and of what was asked in it; returns the journal in order of `at`."""
        if self.process.wait():
            raise Failure(f"the load ended early: {self.log.read_text().strip()}")
        self.tail()
        return sorted(self.journal, key=lambda request: request.at)

    def stop(self):
        """Ends it before its time."""
        self.process.terminate()
        return self.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.lines.close()


# --- what it came to ------------------------------------------------------------------------------------------------

def samples(journal, clock, every):
    """(name, value, at) for each `every` AWS seconds: `offered`, and well `answered`, a real second; p50 and p99 of
    good answers in ms; errors.LABEL a real second. Offered is counted when a request was to start, the rest when it
    ended."""
    offered, errors, took = Counter(), defaultdict(Counter), defaultdict(list)
    for request in journal:
        offered[int(request.at // every)] += 1
        end = int((request.at + request.took / clock.real(1)) // every)
        if good(request):
            took[end].append(1000 * request.took)
        else:
            errors[label(request)][end] += 1
    seconds = clock.real(every)
    for n in range(min(offered, default=0), max(offered, default=-1) + 1):
        at = (n + 0.5) * every
        yield "offered", offered[n] / seconds, at
        yield "answered", len(took[n]) / seconds, at
        if took[n]:
            yield "p50", percentile(took[n], 50), at
            yield "p99", percentile(took[n], 99), at
        for kind, counts in errors.items():
            yield f"errors.{kind}", counts[n] / seconds, at
