"""The HTTP API as a patient client: connections kept alive; what may be repeated is repeated."""

import http.client
import json
import time
from collections import deque
from urllib.parse import urlsplit

from services import Failure

# 429: a limit was set for this stack; 503: busy; 409 with Retry-After: the same request still runs.
REPEATABLE = (409, 429, 503)
PATIENCE_S = 90  # a limit is counted by the minute


class Api:
    def __init__(self, url):
        self.address = urlsplit(url).netloc
        self.idle = deque()  # connections nobody uses now; threads take and give back

    def close(self):
        while self.idle:
            self.idle.pop().close()

    def login(self, email, password):
        return self.post("/v1/auth/login", {"email": email, "password": password})["access_token"]

    def logout(self, token):
        self.post("/v1/auth/logout", None, {"Authorization": f"Bearer {token}"})

    def create(self, path, body, token, key):
        """POST that has the same effect however often it is sent."""
        return self.post(path, body, {"Authorization": f"Bearer {token}", "Idempotency-Key": key})

    def post(self, path, body, headers=None):
        """The JSON of a good answer; Failure with the whole answer otherwise."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            status, answer, wait = self._exchange(path, json.dumps(body) if body else None, headers)
            if status in (200, 201, 204):
                return json.loads(answer or "null")
            if wait is None or time.monotonic() + wait > deadline:
                raise Failure(f"POST {path} {json.dumps(body, ensure_ascii=False)}: {status} {answer}")
            time.sleep(wait)

    def _exchange(self, path, body, headers):
        """(status, text, seconds after which it may be repeated or None)."""
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # nginx ends one after a thousand requests
            return 0, repr(error), 0.2 if "Idempotency-Key" in headers else None
        self.idle.append(connection)
        wait = response.getheader("Retry-After")
        return response.status, text, float(wait) if wait and response.status in REPEATABLE else None
