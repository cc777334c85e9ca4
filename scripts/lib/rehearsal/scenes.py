"""The scenes: what happens, and what is promised for it. Each begins with the world at rest, with the fewest tasks.

A scene yields promises: (what, measured, holds). Seconds are AWS' unless they are called real. Rates are shares of what
makes the fewest tasks 65 % busy.
"""

import http.client
import json
import re
import subprocess
import threading
import time

import processes
from services import Delay, program_environment

from .load import SHARES, good, label, percentile
from .net import CORE
from .world import FOREVER, TARGET, bad, percent_bad

# The load doubles to what the fewest tasks can just do: a tenth more and they are full, and refuse, before others can start.
CALM, PEAK, LULL = 0.6, 1.25, 0.3
RUSH, SETTLED = 450, 150  # how long a rush lasts, and at its end what there is must do
# Workers of the trap, and the CPU at which they are full if each request waits for PostgreSQL once. How far away that has
# to be depends on how fast this machine is.
FEW, FEW_BUSY = 2, 0.25
# What the trap does not judge of a load that is there from one moment to the next: a worker's first request of each kind is
# dear to PostgreSQL, which has to plan it. Releases under load judge that.
WARM = 30

SCENES = {}


def scene(name, about):
    def keep(function):
        SCENES[name] = function
        function.about = about
        return function
    return keep


def seconds(value):
    return f"{value:.0f} s"


def nothing_or(counts):
    return ", ".join(f"{number} × {what}" for what, number in counts.most_common()) or "none"


def refused_at_most(most, what, journal):
    """Nothing fails but by 503 with Retry-After, and of these there are at most so many per cent."""
    refused, odd = percent_bad(journal), bad(journal, {"503 overloaded"})
    return f"{what}: at most {most} %", f"{refused:.3f} % refused; {nothing_or(odd)} else", refused <= most and not odd


def few_refused(journal):
    """A rise that no task could foresee may fill a queue for a moment."""
    return refused_at_most(0.1, "no request fails, but for 503 with Retry-After until there are tasks enough", journal)


def cpu_between(world, begun, ended):
    values = [value for name, value, at in world.record.samples if name == "serving-cpu" and begun <= at <= ended]
    return sum(values) / len(values) if values else 0


def oracle_says(what, world):
    """Of everything since the beginning."""
    wrong = world.faults()
    yield what, f"{len(wrong)} of {world.writes()} wrong {wrong[:2] or ''}".rstrip(), not wrong


# --- scaling --------------------------------------------------------------------------------------------------------

@scene("rush", "The load doubles within a moment, stays, and goes: tasks follow it, and so does the cost.")
def rush(world):
    low, clock, service = world.plan.low, world.clock, world.service
    with world.load("rush", [(world.rate(CALM), 60), (world.rate(PEAK), RUSH), (world.rate(LULL), FOREVER)]) as load:
        step = load.begun + 60
        clock.sleep(60)
        world.wait("another task is wanted", lambda: service.desired > low, 600)
        world.wait("another task serves", lambda: len(world.serving()) > low, 300)
        serving = clock.now() - step
        world.wait("as many as needed", lambda: clock.now() > step + RUSH, RUSH + 100)
        most = service.desired
        settled = cpu_between(world, step + RUSH - SETTLED, step + RUSH)
        lull_begun = step + RUSH
        back = world.wait("back to the fewest", lambda: service.desired == low and world.rests(), 3600)
        world.record.event("scene", f"the fewest tasks again, {seconds(clock.now() - lull_begun)} after the rush")
    yield "from the rush to another task that serves: at most 120 s", seconds(serving), serving <= 120
    yield f"tasks grow with the load, from {CALM} to {PEAK} of what {low} carry", f"{low} → {most} tasks", \
        low * PEAK <= most
    yield "then the CPU is near its target, not above", f"{settled:.0f} %", 35 <= settled <= 1.1 * TARGET
    yield few_refused(load.result)
    yield "cost returns: the fewest tasks again", f"{seconds(back)} after the rush", service.desired == low


@scene("trap", "Too few workers, PostgreSQL far away: full while the processors idle; size advises, a release helps.")
def trap(world):
    service, clock, plan = world.service, world.clock, world.plan
    ms = 1000 * FEW * world.cpu_each / (FEW_BUSY * plan.cores)
    with far(world, ms) as url:
        few = world.release("few-workers", workers=FEW, DATABASE_URL=url)
        world.deploy(few)
        with world.load("trap", [(world.rate(0.75), FOREVER)]) as load:
            clock.sleep(WARM)
            load.tail()
            begun = clock.now()
            clock.sleep(240)
            cpu, refused = cpu_between(world, begun, clock.now()), percent_bad(load.tail())
            stuck, advice = service.desired, advise(world, load)
            world.wait("an alarm sounds", world.watch.sounding, 300)
        yield f"the trap, PostgreSQL {ms:.0f} ms away: requests are refused while the CPU idles", \
            f"{refused:.0f} % refused at {cpu:.0f} % CPU", refused > 20 and cpu < 50
        yield "scaling by CPU does not help: no task is added", f"{stuck} of {plan.high} tasks", stuck == plan.low
        yield "`agrobridge size` says that workers bind, and how many", \
            f"{advice['workers']} workers, instead of {FEW}", advice["workers"] > FEW
        world.deploy(world.release("enough-workers", workers=advice["workers"], DATABASE_URL=url))
        with world.load("trap-cured", [(world.rate(0.75), WARM + 120), (world.rate(1.3), FOREVER)]) as load:
            clock.sleep(WARM)
            load.tail()
            clock.sleep(120)
            cured = load.tail()
            world.wait("another task is wanted", lambda: service.desired > plan.low, 600)
            world.wait("it serves", lambda: len(world.serving()) > plan.low, 300)
        # `size` promises of its advice that 99 of 100 requests wait less than their time: one may wait longer, and be refused.
        yield refused_at_most(1, "after the release the same load passes, but for 503 with Retry-After", cured)
        yield "and more load adds tasks", f"{plan.low} → {service.desired} tasks", service.desired > plan.low
        world.settle()  # before the relay is gone


def far(world, ms):
    """PostgreSQL behind a relay that lets answers wait; its URL is the value of the block."""
    relay = Delay(world.directory / "relay", world.database.app_url, ms, exponential=True, address=CORE)

    class Block:
        def __enter__(self):
            relay.start()
            return relay.url

        def __exit__(self, *_):
            relay.stop()
    return Block()


def advise(world, load):
    """What `agrobridge size` says of the figures of a task, as CloudWatch would have them."""
    task = world.service.tasks()[0]
    main = next(group for group in task.status()["groups"] if group["name"] == "main")
    front = max(world.cpu_each * 1000 - main["cpu_ms_per_request"], 0.05)
    options = {"--service-ms": main["service_ms"]["mean"], "--cpu-ms": main["cpu_ms_per_request"],
               "--front-cpu-ms": front, "--cores": world.plan.cores}
    words = [word for name, value in options.items() for word in (name, f"{float(value):.3f}")]
    env = program_environment(CONNECTIONS=1000, MAX_TASKS=world.plan.high, MEMORY_MB=1024)
    done = subprocess.run(processes.command([world.binary, "size", "--json", *words]), env=env, capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


# --- releases -------------------------------------------------------------------------------------------------------

@scene("deploy", "Blue/green releases at 80 % load, one after another, the schema growing between them.")
def deploy(world):
    journal, slowest = [], 0
    with world.visitors() as visits, world.load("deploy", [(world.rate(0.8), FOREVER)]) as load:
        for number in range(1, world.plan.switches + 1):
            if number % 2:
                world.grow_schema(number)
            begun = world.clock.now()
            world.deploy(world.release(f"release-{number}"))
            slowest = max(slowest, world.clock.now() - begun)
    journal = load.result + visits.journal
    refreshed = sum(r.kind == "refresh" and good(r) for r in visits.journal)
    yield f"{world.plan.switches} switches at 80 % load: nothing but 2xx", \
        f"{nothing_or(bad(journal))} of {len(journal)} requests", not bad(journal)
    yield "sessions go on through all of them, refreshed by blue and by green", f"{refreshed} refreshes", \
        refreshed > 0 and not bad(visits.journal)
    yield from oracle_says("old and new schema together: each write is there once, and none that nobody sent", world)


@scene("surge", "The load doubles while a release bakes and two colours share the CPU average.")
def surge(world):
    service, low = world.service, world.plan.low
    world.calibrate()  # how much is twice as much: a machine changes its pace within a quarter of an hour
    world.wait_calm()  # or the release would wait for it, and the load would not
    with world.load("surge", [(world.rate(CALM), 120), (world.rate(PEAK), FOREVER)]) as load:
        deployment = world.start_deployment(world.release("surge"), bake=1200)
        world.wait("the bake begins", lambda: deployment.stage == "BAKE_TIME", 900)
        world.wait("the surge", lambda: world.clock.now() > load.begun + 120, 900)
        begun = world.clock.now()
        world.wait("another task is wanted", lambda: service.desired > low, 900)
        wanted, answers = world.clock.now() - begun, dict(world.scaler.scaler.answers)
        baking = deployment.stage == "BAKE_TIME"
        world.wait("another task serves", lambda: len(world.serving()) > low, 300)
        serving = world.clock.now() - begun
        service.bake = 0  # it has been long enough
        deployment.wait()
    masked = answers.get("cpu") is None or answers["cpu"] <= low
    yield "the average over both colours does not see it", f"policy cpu wants {answers.get('cpu') or 'nothing'}", masked
    yield "the policy on the CPU of those that serve does, during the bake", \
        f"after {seconds(wanted)} {'' if baking else 'not '}in the bake", baking
    yield few_refused(load.result)
    yield "another task serves", f"after {seconds(serving)}", serving <= 420


@scene("bad-release", "A release that cannot reach PostgreSQL, and looks healthy: test traffic raises the alarm.")
def bad_release(world):
    with world.load("bad-release", [(world.rate(0.7), FOREVER)]) as load:
        world.clock.sleep(30)
        broken = world.release("broken", DATABASE_URL=re.sub(":[^:@]+@", ":wrong@", world.database.app_url))
        with TestTraffic(world) as tested:
            deployment = world.start_deployment(broken, hook=lambda _url: tested.until_over(deployment))
            begun = world.clock.now()
            deployment.wait()
        took = world.clock.now() - begun
        served = {task.release.name for task in world.service.tasks()}
    yield "it is rolled back by the alarm", f"{deployment.state} after {seconds(took)}: {deployment.reason}", \
        deployment.state == "ROLLED_BACK" and "alarm" in deployment.reason
    yield "errors: those of the test traffic, none of clients", \
        f"{tested.errors} of {tested.requests} tests; clients: {nothing_or(bad(load.result))}", \
        tested.errors > 0 and not bad(load.result)
    yield "clients have the release of before", ", ".join(sorted(served)), "broken" not in served


class TestTraffic(threading.Thread):
    """Requests at the test listener, once green is behind it. Enough that 2 % of all answers are soon bad."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.requests, self.errors, self.ending = world, 0, 0, threading.Event()

    def run(self):
        balancer, service = self.world.balancer, self.world.service
        connection = http.client.HTTPConnection(balancer.address, balancer.test_port, timeout=10)
        while not self.ending.wait(0.01):
            if balancer.test == service.serving:
                continue
            connection.request("GET", f"/t/{self.world.lots[0][0].public_code}")
            answer = connection.getresponse()
            answer.read()
            self.requests += 1
            self.errors += answer.status >= 500

    def until_over(self, deployment):
        """The release's tests, which go on as long as it does: it is the alarm that has to end it."""
        deployment.wait(600)
        return ["the alarm came too late"]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()


# --- losses ---------------------------------------------------------------------------------------------------------

def last_bad(journal, since, allowed=()):
    """AWS seconds from `since` to the last request that failed otherwise than so."""
    times = [r.at for r in journal if not good(r) and label(r) not in allowed and r.at >= since - 1]
    return max(times) - since if times else 0


@scene("lost-task", "A task dies without a word.")
def lost_task(world):
    service, low = world.service, world.plan.low
    with world.load("lost-task", [(world.rate(0.6), FOREVER)]) as load:
        world.clock.sleep(30)
        victim = service.tasks()[0]
        begun = world.clock.now()
        world.record.event("fault", f"task {victim.id} in zone {victim.zone} killed", begun)
        victim.kill()
        replaced = world.wait("a new task serves", lambda: len(alive(world) - {victim.id}) == low, 600)
        world.clock.sleep(30)
    share = percent_bad(load.result)
    yield "errors only where it was, until the load balancer knows: at most 15 s", \
        seconds(last_bad(load.result, begun)), last_bad(load.result, begun) <= 15
    yield "it is replaced", f"after {seconds(replaced)}", replaced <= 180
    yield "requests that failed in all", f"{share:.2f} %", share < 5


def alive(world):
    return {task.id for task in world.service.tasks() if task.running} & world.serving()


@scene("lost-zone", "Zone a goes, with a third of the tasks and both stores' primaries.")
def lost_zone(world):
    service, clock, low = world.service, world.clock, world.plan.low
    world.bring_primaries_to("a")
    with world.load("lost-zone", [(world.rate(0.6), FOREVER)]) as load:
        clock.sleep(30)
        begun = clock.now()
        world.record.event("fault", "zone a is cut off", begun)
        world.net.zones["a"].cut()
        world.wait("PostgreSQL again", lambda: world.database.primary_zone != "a", 600)
        promoted = clock.now() - begun
        world.wait("enough tasks elsewhere", lambda: len(alive(world)) >= low, 600)
        clock.sleep(60)
    unavailable = {"503 unavailable", "503 overloaded"}
    routed, whole = last_bad(load.result, begun, unavailable), last_bad(load.result, begun)
    refused = [r for r in load.result if r.what == "refused" and r.at > begun]
    plain = [r for r in load.result if r.what == "503"]
    yield "errors for requests routed there: at most 15 s", seconds(routed), routed <= 15
    yield "then none but 503 with Retry-After", f"{len(refused)} so, {len(plain)} without", refused and routed <= 15
    yield "over within 120 s", f"{seconds(whole)}; PostgreSQL's standby was promoted after {seconds(promoted)}", \
        whole <= 120
    yield from oracle_says("each acknowledged write is there once, and none that nobody sent", world)


@scene("database-failover", "PostgreSQL's primary dies; the standby in another zone takes over.")
def database_failover(world):
    with world.visitors() as visits, world.load("database-failover", [(world.rate(0.5), FOREVER)]) as load:
        world.clock.sleep(20)
        begun = world.clock.now()
        before = world.database.primary_zone
        world.database.kill()
        world.wait("the standby is promoted", lambda: world.database.primary_zone != before, 600)
        promoted = world.clock.now()
        time.sleep(8)
    journal = load.result
    writes = [r.at for r in journal if r.kind == "event" and good(r) and r.at > promoted]
    first = (min(writes) - promoted) / world.plan.speed if writes else float("inf")
    slow = percentile([1000 * r.took for r in journal if not good(r)], 99)
    odd = bad(journal, {"503 unavailable", "503 overloaded"})
    yield "the first write at most 5 real seconds after the new primary accepts", f"{first:.1f} s", first <= 5
    yield "meanwhile 503 with Retry-After within the budget, and nothing else", \
        f"{nothing_or(odd)} else; p99 of refusals {slow:.0f} ms", not odd and slow <= 3100
    yield "nobody is logged out", nothing_or(bad(visits.journal, {"503 unavailable", "503 overloaded"})), \
        not [r for r in journal + visits.journal if r.what == "401"]
    yield from oracle_says("no acknowledged write is lost, or there twice", world)
    world.record.event("scene", f"unavailable for {seconds(last_bad(journal, begun))}")


@scene("cache-failover", "Redis' primary dies; PostgreSQL answers for it meanwhile.")
def cache_failover(world):
    with world.visitors() as visits, world.load("cache-failover", [(world.rate(0.5), FOREVER)]) as load:
        world.clock.sleep(20)
        before = world.cache.primary_zone
        world.cache.kill()
        world.wait("the replica is promoted", lambda: world.cache.primary_zone != before, 600)
        time.sleep(3)
        used = world.cache.commands()
        time.sleep(2)
        used = world.cache.commands() - used
        asked = 2 * world.rate(0.5) * (1 - SHARES["trace"] / 100)  # a consumer has no session
    journal = load.result + visits.journal
    yield "no request fails", nothing_or(bad(journal)), not bad(journal)
    yield "nobody is logged out", f"{sum(r.what == '401' for r in journal)} answers 401", \
        not [r for r in journal if r.what == "401"]
    yield "3 real seconds after the promotion Redis is used again", f"{used} commands in 2 s", used > asked / 2
    yield from oracle_says("no acknowledged write is lost, or there twice", world)
