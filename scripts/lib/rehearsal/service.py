"""An ECS service: keeps as many tasks running as are desired, over the zones there are, and deploys blue/green.

Stands for, with the numbers of container/aws/service.yaml: tasks that stopped, or that fail the load balancer's health
checks after a grace period of 30 s, are replaced; of an unhealthy one the replacement serves first, as MaximumPercent
allows. Stopping: deregistered, the deregistration delay, nginx drains, then the program. Zones are kept even, also by
moving tasks after a zone has come back (AvailabilityZoneRebalancing). A deployment goes through the documented stages
of ECS' own blue/green: green is started, tested behind the test listener while it pauses (at most 60 minutes), gets the
clients, bakes 10 minutes; then blue is stopped. An alarm, a fault found in the pause, or a circuit breaker (half the
desired tasks in a row failed, at least 3, at most 200) takes the clients back to blue at once and stops green. Alarms
that sound when a deployment begins are not heeded during it.

Leaves out: how long each AWS call takes but the start of a task (25 s to place it, pull its images and start it; starting
it, which is real, is done meanwhile, or it would count as many times as AWS' time is faster); that ECS waits longer and
longer between starts that fail; zones that are only partly lost: no task is placed in one that is. AWS does
not say how many tasks each colour has when the desired number changes during a deployment: here both follow it.
"""

import itertools
import math
import threading
from collections import Counter

from services import Failure

from .clock import Ticker

PERIOD = 1  # seconds between two looks at the tasks
PLACEMENT, GRACE, DRAIN, BAKE, PAUSE = 25, 30, 15, 10 * 60, 60 * 60
LEAST_GRACE, LEAST_DRAIN = 10, 0.5  # real seconds: the program starts in real time
TURNS = 2  # that start or end at a time: on AWS each has a machine, on ours they take the processors from those that serve

STAGES = ("PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
          "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP")


def in_thread(work):
    threading.Thread(target=work, daemon=True).start()


class Member:
    """A task of the service, from being asked for until it is gone."""

    def __init__(self, number, colour, zone, release, at):
        self.number, self.colour, self.zone, self.release = number, colour, zone, release
        self.task = None
        self.state = "STARTING"  # RUNNING, FAILING (to be replaced), DRAINING, STOPPING, STOPPED
        self.since = at
        self.moving = False  # started so that another zone can give one up; until it is healthy
        self.proven = False  # it has been healthy
        self.done = self.fault = None  # of a start or stop that runs beside

    def enter(self, state, at):
        self.state, self.since, self.done = state, at, None

    @property
    def wanted(self):
        return self.state in ("STARTING", "RUNNING")


class Deployment:
    """One release on its way. state: IN_PROGRESS, SUCCESSFUL, ROLLING_BACK or ROLLED_BACK (then with a reason)."""

    def __init__(self, release, hook, deaf, at):
        self.release, self.hook, self.deaf = release, hook, deaf
        self.state, self.stage, self.since, self.reason = "IN_PROGRESS", None, at, None
        self.failures = 0  # of green's tasks, in a row
        self.faults = None  # what the hook found, once it has returned
        self.over = threading.Event()

    def wait(self, seconds=None):
        """True once it is over, whichever way; False after so many real seconds."""
        return self.over.wait(seconds)


class Service:
    """make_task(zone name, colour, release) -> a task; alarms() -> names of those that sound; record(kind, text)."""

    def __init__(self, clock, make_task, balancer, zones, record, release, desired, alarms=list, beside=in_thread,
                 placement=PLACEMENT, bake=BAKE):
        self.clock, self.make_task, self.balancer, self.zones, self.record = clock, make_task, balancer, zones, record
        self.alarms, self.beside, self.placement, self.bake = alarms, beside, placement, bake
        self.turns = threading.Semaphore(TURNS)
        self.grace = clock.stretched(GRACE, LEAST_GRACE)
        self.drain = clock.real(DRAIN, LEAST_DRAIN)
        self.desired = desired
        self.serving, self.releases = "blue", {"blue": release, "green": None}
        self.deployment = None
        self.members = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._ticker = None

    def start(self):
        self._ticker = Ticker(self.clock, PERIOD, lambda at: self.step())
        return self

    def close(self):
        """Ends the loop, and all tasks at once."""
        try:
            if self._ticker:
                self._ticker.close()
        finally:
            for member in self.members:
                if member.task:
                    member.task.kill()

    # --- what others see ---

    @property
    def deploying(self):
        return self.deployment is not None and not self.deployment.over.is_set()

    @property
    def idle(self):
        """The colour that does not serve: green to blue, or the other way round."""
        return "green" if self.serving == "blue" else "blue"

    def tasks(self):
        """Those that run, of both colours, stopping ones too."""
        with self._lock:
            return [m.task for m in self.members if m.task and m.state not in ("STARTING", "STOPPED")]

    def census(self):
        """{(colour, zone): number of tasks that run}"""
        with self._lock:
            return Counter((m.colour, m.zone) for m in self.members if m.state in ("RUNNING", "FAILING", "DRAINING"))

    def steady(self):
        """As many healthy tasks as desired, and no others."""
        with self._lock:
            healthy = self.balancer.healthy(self.serving)
            return not self.deploying and len(self.members) == self.desired and all(
                m.state == "RUNNING" and not m.moving and m.task.running and m.task.id in healthy for m in self.members)

    def deploy(self, release, hook=lambda test_url: []):
        """hook(test_url) -> what is wrong with green, asked while the test listener leads there."""
        with self._lock:
            if self.deploying:
                raise Failure("a deployment is running")
            self.deployment = Deployment(release, hook, bool(self.alarms()), self.clock.now())
            self.releases[self.idle] = release
            self.record("deployment", f"{release.name} begins")
            return self.deployment

    # --- the loop ---

    def step(self):
        with self._lock:
            at = self.clock.now()
            health = {colour: self.balancer.health(colour) for colour in self.releases}
            for member in self.members:
                self._advance(member, at, health[member.colour])
            self.members = [m for m in self.members if m.state != "STOPPED"]
            if self.deploying:
                self._deploy(at, health)
            for colour in self.releases:
                self._keep(colour, at, health[colour])

    def _advance(self, member, at, health):
        """What becomes of one task by itself."""
        state = health.get(member.task.id) if member.task else None
        if member.state == "STARTING" and member.done and at >= member.since + self.placement:
            if member.fault:
                self._lost(member, at, f"did not start: {member.fault}")
            else:
                member.enter("RUNNING", at)
                self.balancer.register(member.colour, member.task.id, member.task.address)
                self.record("task", f"{member.task.id} runs in {member.zone}")
        elif member.state in ("RUNNING", "FAILING", "DRAINING") and not member.task.running:
            if member.state != "DRAINING":
                self.balancer.deregister(member.colour, member.task.id)
            self._lost(member, at, "stopped")
        elif member.state == "RUNNING" and state == "healthy" and not member.proven:
            member.proven, member.moving = True, False
            if self.deploying and member.colour == self.idle:
                self.deployment.failures = 0
        elif member.state == "RUNNING" and state == "unhealthy" and at >= member.since + self.grace:
            member.enter("FAILING", at)
            self._failed(member, "fails its health checks")
        elif member.state == "DRAINING" and state is None:
            member.enter("STOPPING", at)
            self.beside(lambda: self._stop(member))
        elif member.state == "STOPPING" and member.done:
            member.enter("STOPPED", at)
            self.record("task", f"{member.task.id} ended")

    def _start(self, member):
        try:
            with self.turns:
                member.task = self.make_task(member.zone, member.colour, member.release)
                member.task.start()
        except (Failure, OSError) as fault:
            member.fault = fault
        member.done = True

    def _stop(self, member):
        member.task.stop(self.drain, self.turns)
        member.done = True

    def _lost(self, member, at, why):
        """It is not there any more, and nobody asked for that."""
        if member.task:
            self.beside(member.task.kill)
        was = member.state
        member.enter("STOPPED", at)
        if was in ("STARTING", "RUNNING"):
            self._failed(member, why)

    def _failed(self, member, why):
        self.record("task", f"{member.task.id if member.task else member.colour} in {member.zone} {why}")
        if self.deploying and member.colour == self.idle:
            self.deployment.failures += 1

    # --- the number of tasks, and where ---

    def _target(self, colour):
        """How many tasks a colour is to have."""
        if colour == self.serving:
            return self.desired
        started = self.deploying and self.deployment.state == "IN_PROGRESS" and (
            self.deployment.stage in STAGES[STAGES.index("SCALE_UP"):STAGES.index("CLEAN_UP")])
        return self.desired if started else 0

    def _keep(self, colour, at, health):
        """Starts what a colour lacks, stops what it has too many."""
        target = self._target(colour)
        own = [m for m in self.members if m.colour == colour]
        wanted = [m for m in own if m.wanted]
        failing = [m for m in own if m.state == "FAILING"]
        healthy = [m for m in wanted if m.task and health.get(m.task.id) == "healthy"]
        counted = [m for m in wanted if not m.moving]
        zones = self._by_zone(wanted)
        while len(counted) < target and zones:
            counted.append(self._place(colour, zones, at))
        for _ in range(len(counted) - target):
            victim = max(counted, key=lambda m: (m.zone not in zones, m not in healthy, zones[m.zone], m.number))
            counted.remove(victim)
            if victim.zone in zones:
                zones[victim.zone] -= 1
            self._retire(victim, at)
        for member in failing[:max(0, len(healthy) + len(failing) - target)]:
            self._retire(member, at)
        if zones and not self.deploying and len(healthy) == len(own) == target and self._uneven(zones):
            self._place(colour, zones, at).moving = True

    def _by_zone(self, members):
        """{zone: how many of them}, of the zones that are there."""
        numbers = Counter(m.zone for m in members)
        return Counter({name: numbers[name] for name, zone in self.zones.items() if not zone.lost})

    @staticmethod
    def _uneven(zones):
        return max(zones.values()) - min(zones.values()) > 1

    def _place(self, colour, zones, at):
        zone = min(zones, key=zones.get)
        zones[zone] += 1
        member = Member(next(self._numbers), colour, zone, self.releases[colour], at)
        self.members.append(member)
        self.beside(lambda: self._start(member))
        return member

    def _retire(self, member, at):
        """ECS' order: out of the load balancer first. What still starts is stopped when it runs."""
        if member.state in ("RUNNING", "FAILING"):
            self.balancer.deregister(member.colour, member.task.id)
            member.enter("DRAINING", at)

    # --- blue/green ---

    def _deploy(self, at, health):
        now = self.deployment
        if now.state == "ROLLING_BACK":
            if not any(m.colour == self.idle for m in self.members):
                self._end("ROLLED_BACK")
            return
        if now.stage == "CLEAN_UP":
            if not any(m.colour == self.idle for m in self.members):
                self._end("SUCCESSFUL")
            return
        if why := self._why_not(at):
            self._roll_back(why)
        elif now.stage is None or self._complete(at, health):
            self._enter(STAGES[0] if now.stage is None else STAGES[STAGES.index(now.stage) + 1], at)

    def _why_not(self, at):
        """Why the deployment must not go on, or None."""
        now = self.deployment
        if not now.deaf and (sounding := self.alarms()):
            return f"alarm: {', '.join(sounding)}"
        if now.failures >= min(max(3, math.ceil(self.desired / 2)), 200):
            return f"circuit breaker: {now.failures} tasks failed"
        if now.stage == "POST_TEST_TRAFFIC_SHIFT" and now.faults:
            return f"tests: {'; '.join(now.faults)}"
        if now.stage == "POST_TEST_TRAFFIC_SHIFT" and at >= now.since + PAUSE:
            return "tests: they did not end"
        return None

    def _complete(self, at, health):
        """Whether the stage has come to its end."""
        now = self.deployment
        if now.stage == "SCALE_UP":
            return sum(state == "healthy" for state in health[self.idle].values()) >= self.desired
        if now.stage == "POST_TEST_TRAFFIC_SHIFT":
            return now.faults == []
        if now.stage == "BAKE_TIME":
            return at >= now.since + self.bake
        return True

    def _enter(self, stage, at):
        now = self.deployment
        now.stage, now.since = stage, at
        self.record("stage", stage)
        if stage == "TEST_TRAFFIC_SHIFT":
            self.balancer.test = self.idle
        elif stage == "POST_TEST_TRAFFIC_SHIFT":
            self.beside(lambda: self._test(now))
        elif stage == "PRODUCTION_TRAFFIC_SHIFT":
            self.balancer.production = {self.serving: 0, self.idle: 100}
            self.record("deployment", f"clients to {self.idle}")
        elif stage == "CLEAN_UP":
            self.serving = self.idle

    def _test(self, deployment):
        try:
            deployment.faults = list(deployment.hook(self.balancer.test_url))
        except Exception as fault:  # whatever keeps the tests from ending well keeps green from the clients
            deployment.faults = [repr(fault)]

    def _roll_back(self, why):
        self.balancer.production = {self.serving: 100, self.idle: 0}
        self.balancer.test = self.serving
        self.deployment.state, self.deployment.reason = "ROLLING_BACK", why
        self.record("rollback", f"{self.deployment.release.name} rolls back, {why}")

    def _end(self, state):
        self.releases[self.idle] = None
        self.deployment.state = state
        self.record("deployment", f"{self.deployment.release.name} {state.lower().replace('_', ' ')}")
        self.deployment.over.set()
