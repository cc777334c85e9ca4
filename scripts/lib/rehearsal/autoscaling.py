"""Application Auto Scaling's target tracking of an ECS service, and the CPU it tracks.

Stands for, as documented: out after 3 points in a row above the target, in after 15 minutes below 0.9 of it; in
proportion to the metric, rounded up. Out again within the cooldown of 60 s only if that is more than what the first step
led to, counted from what there was before it; in again only after 300 s; scaling out ends that wait. Without enough
points nothing happens. Of several policies one is enough to scale out, all must agree to scale in, the largest answer
wins. No scaling in during a deployment.

Leaves out: CloudWatch's own delays (AWS says 363 s from load to action with points of 60 s, 86 s with 20 s; here it is
the three points alone); that scaling in is "more gradual" than in proportion; that a cooldown starts only when the new
tasks run, not when they are asked for.
"""

import math
import time
from statistics import fmean

RESOLUTION = 20  # AWS seconds between two readings of the CPU


class TargetTracking:
    """One policy and its two alarms."""

    def __init__(self, *, low, high, target=65, period=60, out_points=3, in_points=15, in_ratio=0.9, out_cooldown=60,
                 in_cooldown=300):
        """in_points are minutes; all else that is time is seconds."""
        self.low, self.high, self.target, self.period = low, high, target, period
        self.out_points, self.in_points, self.in_below = out_points, in_points * 60 // period, in_ratio * target
        self.out_cooldown, self.in_cooldown = out_cooldown, in_cooldown
        self.points = []
        self.at = self.current = None  # as of the last point
        self.before = None  # capacity when the running cooldown of scaling out began
        self.out_until = self.in_until = -math.inf

    def point(self, at, value, current):
        """The capacity it wants now that the metric was `value` (None: no data); None if it wants no change."""
        self.notice(at, current)
        self.points = self.recent(at, self.in_points)
        if value is None:
            return None
        self.points.append((at, value))
        if self.all_of(at, self.out_points, lambda v: v > self.target):
            wanted = self.proportional(self.before if at < self.out_until else current, value)
            return wanted if wanted > current else None
        if at >= self.in_until and self.all_of(at, self.in_points, lambda v: v < self.in_below):
            wanted = self.proportional(current, value)
            return wanted if wanted < current else None
        return None

    def notice(self, at, current):
        """Scaling, whoever did it, is seen by the capacity having changed since the last point."""
        if self.current is not None and current > self.current:
            if self.at >= self.out_until:
                self.before = self.current
            self.out_until, self.in_until = self.at + self.out_cooldown, -math.inf
        elif self.current is not None and current < self.current:
            self.in_until = self.at + self.in_cooldown
        self.at, self.current = at, current

    def recent(self, at, count):
        """The points there are of the last `count` periods; clocks may be half a period wrong."""
        return [p for p in self.points if p[0] > at - (count - 0.5) * self.period]

    def all_of(self, at, count, breaches):
        points = self.recent(at, count)
        return len(points) >= count and all(breaches(value) for _, value in points)

    def proportional(self, capacity, value):
        wanted = math.ceil(round(capacity * value / self.target, 6))
        return min(max(wanted, self.low), self.high)


class Scaler:
    """Several policies over one service: {name: TargetTracking}."""

    def __init__(self, policies):
        self.policies = policies
        self.answers = dict.fromkeys(policies)

    def point(self, at, values, current, deploying=False):
        """`values` of the policies that have a point now, {name: value}. The new capacity, or None."""
        for name, value in values.items():
            self.answers[name] = self.policies[name].point(at, value, current)
        wanted = [answer for answer in self.answers.values() if answer is not None]
        largest = max(wanted, default=current)
        if largest > current:
            return largest
        agreed = len(wanted) == len(self.answers)
        return largest if largest < current and agreed and not deploying else None


def policies(low, high, high_resolution=True):
    """Those of container/aws/service.yaml; a metric of one's own has points of a minute."""
    return {"cpu": TargetTracking(low=low, high=high, period=20 if high_resolution else 60),
            "serving-cpu": TargetTracking(low=low, high=high, period=60)}


def serving_cpu(cpu, running, desired):
    """The CPU of the tasks that serve, as the policy of that name reckons it from the average of all that run."""
    return cpu * running / desired if cpu is not None and running > desired else cpu


class Meter:
    """The service's CPU, in percent of what its tasks reserve."""

    def __init__(self, now=time.monotonic):
        self.now, self.seen = now, {}

    def read(self, tasks):
        """The average since the last reading, or None when no task was there then and is now."""
        seen, used, reserved = {}, 0, 0
        for task in tasks:
            try:
                at, seconds = self.now(), task.cpu_seconds()
            except OSError:  # it has gone meanwhile
                continue
            seen[task.id] = at, seconds
            if task.id in self.seen:
                then, before = self.seen[task.id]
                used += seconds - before
                reserved += (at - then) * task.cores
        self.seen = seen
        return 100 * used / reserved if reserved else None


class Autoscaler:
    """Reads the CPU and sets what the service desires; step() wants to be called every RESOLUTION seconds.
    record(kind, text, at) takes what it does, sample(name, value, at) what it reads. `suspended`, as AWS has it too: it
    reads on, and sets nothing."""

    def __init__(self, service, scaler, record, sample, meter=None):
        self.service, self.scaler, self.record, self.sample = service, scaler, record, sample
        self.meter = meter or Meter()
        self.suspended = False
        self.readings = {name: [] for name in scaler.policies}

    def step(self, at):
        tasks, desired = self.service.tasks(), self.service.desired
        cpu = self.meter.read(tasks)
        values = {"cpu": cpu, "serving-cpu": serving_cpu(cpu, len(tasks), desired)}
        points = {}
        for name, readings in self.readings.items():
            readings.append(values[name])
            if values[name] is not None:
                self.sample(name, values[name], at)
            if len(readings) * RESOLUTION >= self.scaler.policies[name].period:
                known = [r for r in readings if r is not None]
                points[name] = fmean(known) if known else None
                readings.clear()
        wanted = self.scaler.point(at, points, desired, self.service.deploying)
        if wanted is not None and not self.suspended:
            self.service.desired = wanted
            self.record("scaling", f"{desired} → {wanted} tasks", at)
