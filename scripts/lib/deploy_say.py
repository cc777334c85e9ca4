"""What a person reads: lines with the time, in colour on a terminal, never with a password."""

import os
import re
import sys
import time
from datetime import datetime

RED, GREEN, YELLOW = 31, 32, 33


def without_password(text):
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", str(text))


def colour(code, text, stream=None):
    on = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{code}m{text}\033[0m" if on else text


def say(text, code=None):
    """With the time, and without the password of any URL: what it prints may come from others."""
    text = without_password(text)
    print(f"{datetime.now():%H:%M:%S}  {colour(code, text) if code else text}", flush=True)


class Waiting:
    """Says what is waited for, when that changes and once a minute."""

    def __init__(self):
        self.since, self.said = {}, None

    def say(self, what, of=None, more=""):
        """`of`: how many minutes it takes, where that is known."""
        now = time.monotonic()
        minutes = int((now - self.since.setdefault(what, now)) / 60)
        lasts = f", {minutes} of {of} min" if of else f", {minutes} min" if minutes else ""
        line = f"{what}{lasts}{more}"
        if line != self.said:
            self.said = line
            say(line)
