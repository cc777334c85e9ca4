"""All of a rehearsal: network, stores, load balancer, service, scaling, clients; and what is written down of it."""

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter, namedtuple

import processes
from services import Failure, migrate, program_environment

from . import alarms, autoscaling, oracle
from .balancer import GROUPS, Balancer
from .clock import Ticker
from .load import Account, Load, Visitor, good, label, mix_for, prepare, samples
from .names import Names
from .net import CORE, Net
from .service import Service
from .store import Cache, Database
from .task import Release, Task

ORGANIZATION = "018f0000-0000-7000-8000-00000000aaaa"
PASSWORD = "correct horse battery"
ACCOUNTS, LOTS = 5, 30  # as many lots are looked at as are recorded on
LOGIN_WORKERS = 1
RESERVED = 40  # connections beside the tasks'
SETTLE_SECONDS = 60  # real, for a baseline
FIRST_GUESS = 0.0006  # processor seconds a request
CALIBRATIONS, AGREE = 8, 0.1  # at most so many measurements, until one is so near to the one before
FOREVER = 100_000
TARGET = 65
# Four times the default, which is meant for a task of one core: with a twelfth of it the same queue takes twelve times as long.
QUEUE_TIMEOUT_MS = 1000
BAKE = 30  # AWS seconds, of most scenes' releases; the template bakes for ten minutes
DEPLOY_SECONDS = 300  # real

Visits = namedtuple("Visits", "journal")
# speed: of AWS' time. low, high: tasks. cores: of a task. switches: of the scene deploy. gap: of RDS, AWS seconds.
Plan = namedtuple("Plan", "speed low high cores workers switches gap")
QUICK = Plan(10, 3, 9, 0.1, 6, 2, 60)
FULL = Plan(6, 6, 12, 0.08, 6, 20, 90)


def test_green(url):
    """What scripts/deploy asks of green: that it is there, and reaches PostgreSQL, which alone knows this code."""
    for path, wanted in (("/livez", 200), ("/readyz", 200), ("/t/0000000000", 404)):
        try:
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                status = answer.status
        except urllib.error.HTTPError as answer:
            status = answer.code
        except OSError as why:
            yield f"{path}: {why}"
            continue
        if status != wanted:
            yield f"{path}: {status}, not {wanted}"


class World:
    """`way` are the arguments of Release that say what runs: images, or a binary. `binary` migrates in any case."""

    def __init__(self, plan, directory, record, binary, way):
        self.plan, self.directory, self.record, self.binary, self.way = plan, directory, record, binary, way
        self.clock = record.clock
        self.loads, self.journal = 0, []
        self.cpu_each = FIRST_GUESS
        self.stack = contextlib.ExitStack()

    # --- making it ---

    def __enter__(self):
        with self.stack:
            self._make_stores()
            self._make_service()
            self._make_clients()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _closing(self, part):
        self.stack.callback(part.close)
        return part

    def _make_stores(self):
        plan, event = self.plan, self.record.event
        self.net = self._closing(Net())
        self.names = self._closing(Names(CORE))
        connections = plan.high * 2 * (plan.workers + LOGIN_WORKERS) * 2 + RESERVED
        self.database = self._closing(Database(self.net, self.names, self.clock, self.directory / "database", plan.gap,
                                               settings={"max_connections": connections}, record=event)).start()
        self.cache = self._closing(Cache(self.net, self.names, self.clock, self.directory / "cache",
                                         record=event)).start()
        self.migrate()
        self.database.psql("INSERT INTO organization (id, name, kind, approved, created_at)"
                           f" VALUES ('{ORGANIZATION}', 'Ensayo', 'PRODUCER', true, now())")

    def migrate(self):
        migrate(self.binary, self.database.owner_url, self.directory / "migrate.log")

    def release(self, name, workers=None, **conf):
        return Release(name, workers or self.plan.workers, conf, **self.way)

    def _make_service(self):
        self.balancer = self._closing(Balancer(self.clock, self.directory))
        self.service = self._closing(Service(self.clock, self.make_task, self.balancer, self.net.zones,
                                             self.record.event, self.release("first"), self.plan.low))
        self.watch = alarms.Watch(self.balancer.reader().read, self.lost_workers, self.record.event)
        self.service.alarms = self.watch.sounding
        self.service.start()
        self.scaler = autoscaling.Autoscaler(
            self.service, autoscaling.Scaler(autoscaling.policies(self.plan.low, self.plan.high)),
            self.record.event, self.record.sample)
        for period, step in ((autoscaling.RESOLUTION, self.scaler.step), (alarms.PERIOD, self.watch.step),
                             (self.clock.speed, self.sample), (autoscaling.RESOLUTION, self.sample_workers)):
            self._closing(Ticker(self.clock, period, step))

    def make_task(self, zone, _colour, release):
        return Task(self.net, zone, release, self.conf(), self.directory, self.plan.cores)

    def conf(self):
        return {"DATABASE_URL": self.database.app_url, "REDIS_URL": self.cache.url, "LOGIN_WORKERS": LOGIN_WORKERS,
                "MEMORY_MB": 512, "MAX_TASKS": self.plan.high, "RATE_API_PER_MINUTE": 0, "RATE_LOGIN": 0,
                "QUEUE_TIMEOUT_MS": QUEUE_TIMEOUT_MS,
                "CONNECTIONS": self.plan.high * 2 * (self.plan.workers + LOGIN_WORKERS) * 2,
                "ACCESS_TTL_MS": 3_600_000}

    def _make_clients(self):
        self.settle()
        address = f"{CORE}:{self.balancer.port}"
        self.accounts = [Account(address, f"p{n}@rehearsal.example", PASSWORD) for n in range(ACCOUNTS)]
        for account in self.accounts:
            self._add_user(account)
            what, code, _ = account.login()
            if what != "200":
                raise Failure(f"{account.email} cannot log in: {what} {code}")
        *self.accounts, visitor = self.accounts
        self.visiting = [visitor]  # refreshed tokens must be nobody else's
        self.lots = prepare(self.accounts[0], LOTS)
        self.calibrate()

    def _add_user(self, account):
        env = program_environment(DATABASE_URL=self.database.app_url, USER_PASSWORD=PASSWORD)
        argv = processes.command([self.binary, "user", "add", account.email, "--role", "PRODUCER",
                                  "--organization", ORGANIZATION])
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"user add: {done.stderr.strip()}")

    # --- figures ---

    def statuses(self):
        """What the operators' ports of the tasks say; of those that say anything."""
        for task in self.service.tasks():
            with contextlib.suppress(OSError, ValueError):
                yield task.status()

    def lost_workers(self):
        reasons = ("crash", "oom", "deadline")
        return sum(group["restarts"][reason] for status in self.statuses() for group in status["groups"]
                   for reason in reasons)

    def sample(self, at):
        """Every real second."""
        count = self.service.census()
        for zone in self.net.zones:
            for colour in GROUPS:
                self.record.sample(f"tasks.{zone}.{colour}", count[colour, zone], at)

    def sample_workers(self, at):
        groups = [status["groups"][0] for status in self.statuses()]
        if groups:
            busy = sum(group["busy"] for group in groups) / sum(group["configured"] for group in groups)
            self.record.sample("workers", 100 * busy, at)

    def calibrate(self):
        """What a request costs a task, at the rate at which it is 65 % busy: at a lower one it is more, and more after a start,
        and where the rest of the machine is busy."""
        with self.unscaled():
            for _ in range(CALIBRATIONS):
                before, self.cpu_each = self.cpu_each, self.measure(self.rate(1))
                if abs(self.cpu_each / before - 1) < AGREE:
                    doubt = ""
                    break
            else:
                doubt = f" (or so: no two of {CALIBRATIONS} measurements in a row agreed)"
        self.record.event("setup", f"a request takes {self.cpu_each * 1000:.2f} ms of a task's {self.plan.cores} cores:"
                          f" {self.task_rate:.0f} requests a second make it {TARGET} % busy{doubt}")

    @property
    def task_rate(self):
        """Requests a second that keep a task 65 % busy."""
        return TARGET / 100 * self.plan.cores / self.cpu_each

    def measure(self, rate):
        """Processor seconds of the tasks for a request."""
        tasks = self.service.tasks()
        with self.load("calibrate", [(rate, FOREVER)]) as load:
            time.sleep(1)
            load.tail()
            before = sum(task.cpu_seconds() for task in tasks)
            time.sleep(3)
            answered = len(load.tail())
            return (sum(task.cpu_seconds() for task in tasks) - before) / answered

    def rate(self, share):
        """Requests a second that bring the fewest tasks to `share` of 65 % CPU."""
        return share * self.plan.low * self.task_rate

    # --- steps of a scene ---

    @contextlib.contextmanager
    def load(self, scene, phases):
        """Offers it until the block ends; then load.result is its journal, and the recorder has its curves."""
        self.loads += 1
        name = f"{scene}-{self.loads}"
        load = Load(self.clock, f"{CORE}:{self.balancer.port}", name, mix_for(name, *self.lots, self.accounts), phases,
                    self.directory, seed=self.loads)
        with load:
            try:
                yield load
            finally:  # a scene that is broken off has written, too
                load.result = load.stop()
                self.journal += load.result
        for name, value, at in samples(load.result, self.clock, self.clock.speed):
            self.record.sample(name, value, at)

    @contextlib.contextmanager
    def visitors(self):
        """People whose sessions go on through the block; what they saw is in .journal afterwards."""
        people = [Visitor(self.clock, account, "visit") for account in self.visiting]
        visits = Visits([])
        with contextlib.ExitStack() as stack:
            for person in people:
                stack.enter_context(person)
            yield visits
        visits.journal.extend(request for person in people for request in person.journal)

    def deploy(self, release, bake=BAKE):
        """A release that has to succeed."""
        deployment = self.start_deployment(release, bake)
        if not deployment.wait(DEPLOY_SECONDS) or deployment.state != "SUCCESSFUL":
            raise Failure(f"{release.name}: {deployment.state}, {deployment.reason or deployment.stage}")

    def start_deployment(self, release, bake=BAKE, hook=None):
        """Once no alarm can begin to sound of what was before; of those that do sound, ECS takes no notice. The hook's
        default is scripts/deploy's tests."""
        self.service.bake = bake
        if not self.watch.sounding():
            self.wait_calm()
        return self.service.deploy(release, hook or test_green)

    def wait_calm(self):
        self.wait("no alarming minute", self.watch.calm, 900)

    def grow_schema(self, number):
        """What the migration of a release may do beside the one before: expand."""
        self.database.psql(f"SET lock_timeout = '2s'; ALTER TABLE lot ADD COLUMN rehearsal_{number} text")

    def bring_primaries_to(self, zone):
        for store in (self.database, self.cache):
            if store.primary_zone != zone:
                store.rebuild()
                store.kill()
                self.wait(f"{store.name} in {zone}", lambda store=store: store.primary_zone == zone, 900)
                store.rebuild()

    def wait(self, what, done, seconds):
        """AWS seconds until done(); Failure when it takes longer than so many."""
        begun = self.clock.now()
        while not done():
            if self.clock.now() - begun > seconds:
                raise Failure(f"{what}: not within {seconds} s")
            time.sleep(0.05)
        return self.clock.now() - begun

    def rests(self):
        """As many healthy tasks as desired, none too many, no deployment, no alarm."""
        return self.service.steady() and not self.watch.sounding()

    def serving(self):
        """Ids of the tasks that clients reach."""
        return self.balancer.healthy(self.service.serving)

    def settle(self):
        """The baseline: the first release in the fewest tasks, whole zones, both stores in pairs."""
        for zone in self.net.zones.values():
            if zone.lost:
                zone.mend()
        for store in (self.database, self.cache):
            store.rebuild()
        with self.unscaled():  # what scaling remembers of the load would undo it
            self.service.desired = self.plan.low
            self.wait("the service rests", self.rests, self.clock.stretched(0, SETTLE_SECONDS))
            if self.service.releases[self.service.serving].conf:
                self.deploy(self.release("as-before"))

    @contextlib.contextmanager
    def unscaled(self):
        """The service keeps the number of tasks it is given."""
        self.scaler.suspended = True
        try:
            yield
        finally:
            self.scaler.suspended = False

    # --- judging ---

    def writes(self):
        return sum(request.kind == "event" for request in self.journal)

    def faults(self):
        """What the oracle says of everything since the beginning."""
        return oracle.check(self.journal, self.database)


def bad(journal, allowed=()):
    """Requests that did not go well, but for these labels; {label: number}."""
    return Counter(label(r) for r in journal if not good(r) and label(r) not in allowed)


def percent_bad(journal):
    return 100 * sum(not good(r) for r in journal) / max(len(journal), 1)
