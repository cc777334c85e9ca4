"""Time as AWS' control plane has it, compressed: one of its minutes lasts 60 / speed real seconds.

Requests, PostgreSQL, Redis and the product's own deadlines run in real time. Times that only make sense beside those
name the least real time they may shrink to.
"""

import threading
import time


class Clock:
    def __init__(self, speed):
        self.speed = speed
        self._start = time.monotonic()

    def now(self):
        """AWS seconds since the clock was made."""
        return (time.monotonic() - self._start) * self.speed

    def real(self, seconds, least=0.0):
        """Real seconds that so many AWS seconds last, never under `least`."""
        return max(seconds / self.speed, least)

    def stretched(self, seconds, least):
        """So many AWS seconds, or as many as last `least` real seconds."""
        return max(seconds, least * self.speed)

    def sleep(self, seconds):
        time.sleep(self.real(seconds))


class Ticker:
    """Calls step(at) every `period` AWS seconds in a thread of its own, at = when it was due. A step that takes longer
    than a period leaves steps out. What a step raises ends the thread, and comes out of close()."""

    def __init__(self, clock, period, step):
        self._clock, self._period, self._step = clock, period, step
        self._closed, self._failure = threading.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        due = self._clock.now()
        try:
            while True:
                due += self._period * max(1, (self._clock.now() - due) // self._period)
                if self._closed.wait(max(0, self._clock.real(due - self._clock.now()))):
                    return
                self._step(due)
        except Exception as failure:
            self._failure = failure

    def close(self):
        self._closed.set()
        self._thread.join()
        if self._failure:
            raise self._failure
