"""What happened in one scene, a JSON object a line, so that its report can be written without running it again.

The first line says what is rehearsed and on what machine, the last that the scene came to its end; between them are
events, samples and promises. Times are the clock's: AWS seconds since the start.
"""

import json
import os
import platform
import re
import threading
import time
from collections import namedtuple
from pathlib import Path

Event = namedtuple("Event", "at kind text")
Promise = namedtuple("Promise", "text measured holds")
# `samples` is {name: [(at, value)]} in order of time; `ended` is false for a scene that was broken off.
Recording = namedtuple("Recording", "head events samples promises ended")


def machine():
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "cpu": model[1] if model else platform.machine(), "memory_gib": round(memory),
            "kernel": platform.release()}


class Recorder:
    """Writes PATH, from several threads. `head`: scene, title, about (what is done, a sentence or two), how (images or
    plain processes)."""

    def __init__(self, path, clock, **head):
        self.clock, self.lock = clock, threading.Lock()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "w", encoding="utf-8", buffering=1)
        self._write(head | {"speed": clock.speed, "began": time.time(), "machine": machine()})

    def _write(self, line):
        with self.lock:
            self.file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _at(self, at):
        return round(self.clock.now() if at is None else at, 2)

    def event(self, kind, text, at=None):
        self._write({"at": self._at(at), "event": kind, "text": text})

    def sample(self, name, value, at=None):
        self._write({"at": self._at(at), "sample": name, "value": round(value, 4)})

    def promise(self, text, measured, holds):
        self._write({"promise": text, "measured": measured, "holds": bool(holds)})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._write({"ended": True})
        self.file.close()


def read(path):
    head, *lines = map(json.loads, Path(path).read_text(encoding="utf-8").splitlines())
    events = sorted(Event(x["at"], x["event"], x["text"]) for x in lines if "event" in x)
    promises = [Promise(x["promise"], x["measured"], x["holds"]) for x in lines if "promise" in x]
    samples = {}
    for x in lines:
        if "sample" in x:
            samples.setdefault(x["sample"], []).append((x["at"], x["value"]))
    samples = {name: sorted(points) for name, points in samples.items()}
    return Recording(head, events, samples, promises, any("ended" in x for x in lines))
