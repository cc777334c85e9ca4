"""The ECS service's stand-in replaces, spreads, stops and deploys as ECS does; tasks and load balancer are fakes."""

import itertools
import re
import sys
import threading
import time
import unittest
from collections import Counter, namedtuple
from pathlib import Path
from types import SimpleNamespace

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal import service  # noqa: E402
from rehearsal.clock import Clock  # noqa: E402
from rehearsal.service import STAGES, Service  # noqa: E402
from service import Failure  # noqa: E402

DELAY = 20  # of the deregistration
Release = namedtuple("Release", "name")
ONE, TWO, THREE = Release("r1"), Release("r2"), Release("r3")


class FakeClock:
    def __init__(self):
        self.time = 0

    def now(self):
        return self.time

    def real(self, seconds, least=0.0):
        return max(seconds, least)

    stretched = real


class FakeBalancer:
    """A target is healthy, or else what `sick` says of it, 5 s after it was registered."""

    test_url = "http://test"

    def __init__(self, clock, done):
        self.clock, self.done, self.sick = clock, done, {}
        self.targets = {"blue": {}, "green": {}}
        self._production, self._test = {"blue": 100, "green": 0}, "blue"

    production = property(lambda self: self._production)
    test = property(lambda self: self._test)

    @production.setter
    def production(self, weights):
        self.done(f"production {'blue' if weights['blue'] else 'green'}")
        self._production = weights

    @test.setter
    def test(self, group):
        self.done(f"test {group}")
        self._test = group

    def register(self, group, task_id, address):
        self.done(f"register {task_id}")
        self.targets[group][task_id] = [self.clock.now(), None]

    def deregister(self, group, task_id):
        self.done(f"deregister {task_id}")
        self.targets[group][task_id][1] = self.clock.now()

    def health(self, group):
        return {task_id: state for task_id, (since, left) in self.targets[group].items()
                if (state := self.state(task_id, since, left))}

    def state(self, task_id, since, left):
        if left is not None:
            return "draining" if self.clock.now() < left + DELAY else None
        return self.sick.get(task_id, "healthy") if self.clock.now() >= since + 5 else "initial"

    def healthy(self, group):
        return {task_id for task_id, state in self.health(group).items() if state == "healthy"}


class FakeTask:
    def __init__(self, world, number, zone, colour, release):
        self.id, self.address = f"{release.name}-{number}", f"10.0.0.{number}"
        self.world, self.zone, self.colour, self.release, self.running = world, zone, colour, release, False

    def start(self):
        if self.world.broken(self):
            raise Failure("it cannot")
        self.world.done(f"start {self.id}")
        self.running = True

    def stop(self, drain_seconds, turn):
        self.world.done(f"stop {self.id} {drain_seconds}")
        with turn:
            self.world.ending(self)
        self.running = False

    def kill(self):
        self.world.done(f"kill {self.id}")
        self.running = False


class ServiceTest(unittest.TestCase):
    desired = 6

    def setUp(self):
        self.clock, self.acts, self.said = FakeClock(), [], []
        self.balancer = FakeBalancer(self.clock, self.done)
        self.zones = {name: SimpleNamespace(lost=False) for name in "abc"}
        self.broken = self.ending = lambda task: False
        self.sounding, self.made, self.numbers = [], [], itertools.count(1)
        self.service = Service(self.clock, self.make_task, self.balancer, self.zones, self.record, ONE, self.desired,
                               alarms=lambda: self.sounding, beside=lambda work: work())

    def make_task(self, zone, colour, release):
        self.made.append(FakeTask(self, next(self.numbers), zone, colour, release))
        return self.made[-1]

    def done(self, what):
        self.acts.append((self.clock.time, what))

    def record(self, kind, text):
        self.said.append((kind, text))

    def run_for(self, seconds):
        for _ in range(seconds):
            self.clock.time += 1
            self.service.step()

    def run_until(self, condition, seconds=3000):
        for _ in range(seconds):
            if condition():
                return
            self.run_for(1)
        raise AssertionError("it did not become so")

    def settle(self):
        self.run_until(self.service.steady)

    def live(self, colour=None):
        return [task for task in self.made if task.running and colour in (None, task.colour)]

    def spread(self, colour=None):
        return dict(Counter(task.zone for task in self.live(colour)))

    def acts_on(self, task):
        return [(at, what.split()[0]) for at, what in self.acts if task.id in what.split()]


class Keeping(ServiceTest):
    def test_it_starts_what_is_desired_evenly_over_the_zones(self):
        self.settle()
        self.assertEqual(self.spread(), {"a": 2, "b": 2, "c": 2})
        self.assertEqual(self.service.census(), {("blue", zone): 2 for zone in "abc"})

    def test_a_start_takes_its_time_and_registers(self):
        self.run_for(1)
        self.assertEqual(len(self.live()), 6)
        self.run_for(service.PLACEMENT - 1)
        self.assertEqual(self.balancer.targets["blue"], {})
        self.assertEqual(self.service.census(), {})
        self.run_for(1)
        self.assertEqual(len(self.balancer.targets["blue"]), 6)
        self.assertFalse(self.service.steady())

    def test_a_start_that_takes_longer_registers_when_it_is_done(self):
        later = []
        self.service.beside = later.append
        self.run_for(service.PLACEMENT + 10)
        self.assertEqual(self.balancer.targets["blue"], {})
        for work in later:
            work()
        self.run_for(1)
        self.assertEqual(len(self.balancer.targets["blue"]), 6)

    def test_few_start_or_end_at_a_time(self):
        """Each of ours takes its share of the processors from those that serve."""
        busy, seen, gate, threads = 0, [], threading.Lock(), []

        def work(_):
            nonlocal busy
            with gate:
                busy += 1
                seen.append(busy)
            time.sleep(0.02)
            with gate:
                busy -= 1

        def at_once():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual((max(seen), len(seen)), (service.TURNS, 6))
            seen.clear()
            threads.clear()

        self.broken = self.ending = work
        self.service.beside = lambda work: threads.append(threading.Thread(target=work))
        self.run_for(1)
        at_once()
        self.settle()
        self.service.desired = 0
        self.run_until(lambda: len(threads) == 6)
        at_once()

    def test_a_task_that_stopped_is_replaced(self):
        self.settle()
        gone = self.made[3]
        gone.running = False
        self.run_for(1)
        self.assertEqual([what for _, what in self.acts_on(gone)][-2:], ["deregister", "kill"])
        self.settle()
        self.assertEqual(self.spread(), {"a": 2, "b": 2, "c": 2})
        self.assertEqual(len(self.made), 7)
        self.assertIn(("task", f"{gone.id} in {gone.zone} stopped"), self.said)

    def test_an_unhealthy_task_is_stopped_when_its_replacement_serves(self):
        self.settle()
        sick = self.made[0]
        self.balancer.sick[sick.id] = "unhealthy"
        self.run_until(lambda: len(self.live()) == 7)
        self.assertEqual([what for _, what in self.acts_on(sick)], ["start", "register"])
        self.settle()
        registered = self.acts_on(self.made[6])[1][0]
        deregistered = self.acts_on(sick)[2][0]
        self.assertGreaterEqual(deregistered, registered + 5)
        self.assertEqual(self.live(), self.made[1:])

    def test_not_before_its_grace_period(self):
        self.balancer.sick["r1-1"] = "unhealthy"
        self.run_until(lambda: "r1-1" in self.balancer.targets["blue"])
        self.run_for(service.GRACE - 1)
        self.assertEqual(len(self.service.members), 6)
        self.run_for(2)
        self.assertEqual(len(self.service.members), 7)

    def test_all_unhealthy_they_go_on_until_others_serve(self):
        self.settle()
        for task in self.made:
            self.balancer.sick[task.id] = "unhealthy"
        old = list(self.made)
        fewest = []
        self.run_until(lambda: fewest.append(len(self.live())) or not any(task.running for task in old))
        self.assertGreaterEqual(min(fewest), 6)
        self.settle()

    def test_a_start_that_fails_is_tried_again(self):
        self.broken = lambda task: task.id == "r1-2"
        self.settle()
        self.assertEqual(len(self.live()), 6)
        self.assertTrue(any(text.endswith("did not start: it cannot") for _, text in self.said))

    def test_stopping_in_order_deregister_delay_drain(self):
        self.settle()
        self.service.desired = 5
        self.settle()
        (gone,) = set(self.made) - set(self.live())
        (_, _, (out, first), (stop, second)) = self.acts_on(gone)
        self.assertEqual((first, second), ("deregister", "stop"))
        self.assertEqual(stop - out, DELAY)
        self.assertIn(f"stop {gone.id} {service.DRAIN}", [what for _, what in self.acts])

    def test_fewer_desired_are_taken_where_there_are_most(self):
        self.settle()
        for desired, spread in ((5, [1, 2, 2]), (4, [1, 1, 2]), (3, [1, 1, 1])):
            self.service.desired = desired
            self.settle()
            self.assertEqual(sorted(self.spread().values()), spread)

    def test_more_desired_are_added_evenly(self):
        self.settle()
        self.service.desired = 9
        self.settle()
        self.assertEqual(self.spread(), {"a": 3, "b": 3, "c": 3})

    def test_what_still_starts_is_stopped_when_it_runs(self):
        self.run_for(3)
        self.service.desired = 2
        self.settle()
        self.assertEqual(len(self.live()), 2)
        self.assertEqual(sum(what.startswith("stop ") for _, what in self.acts), 4)


class Zones(ServiceTest):
    def lose(self, name):
        self.zones[name].lost = True
        for task in self.live():
            if task.zone == name:
                self.balancer.sick[task.id] = "unhealthy"

    def test_a_lost_zone_is_made_up_for_in_the_others(self):
        self.settle()
        self.lose("b")
        self.settle()
        self.assertEqual(self.spread(), {"a": 3, "c": 3})

    def test_until_then_no_healthy_task_stops(self):
        self.settle()
        self.lose("b")
        fewest = []
        self.run_until(lambda: fewest.append(len(self.balancer.healthy("blue"))) or self.service.steady())
        self.assertEqual(min(fewest), 4)

    def test_a_zone_that_is_back_gets_its_share_one_by_one(self):
        self.settle()
        self.lose("b")
        self.settle()
        self.zones["b"].lost = False
        counts = []
        self.run_until(lambda: counts.append(len(self.live())) or len(self.spread()) == 3 and self.service.steady()
                       and set(self.spread().values()) == {2})
        self.assertEqual((min(counts), max(counts)), (6, 7))

    def test_a_task_lost_with_its_zone_for_good_is_replaced_elsewhere(self):
        self.settle()
        self.zones["a"].lost = True
        for task in self.live():
            task.running = task.zone != "a"
        self.settle()
        self.assertEqual(self.spread(), {"b": 3, "c": 3})

    def test_without_any_zone_it_waits(self):
        for zone in self.zones.values():
            zone.lost = True
        self.run_for(100)
        self.assertEqual(self.made, [])
        self.zones["c"].lost = False
        self.settle()
        self.assertEqual(self.spread(), {"c": 6})

    def test_fewer_desired_leave_a_lost_zone_first(self):
        self.settle()
        self.zones["c"].lost = True
        self.service.desired = 4
        self.settle()
        self.assertEqual(self.spread(), {"a": 2, "b": 2})


class Deploying(ServiceTest):
    def setUp(self):
        super().setUp()
        self.settle()
        self.acts.clear()
        self.hooked = []

    def hook(self, test_url):
        self.hooked.append((test_url, self.service.deployment.stage, self.balancer.test, dict(self.balancer.production)))
        return []

    def stages(self):
        return [text for kind, text in self.said if kind == "stage"]

    def until_stage(self, stage):
        self.run_until(lambda: self.service.deployment.stage == stage)

    def traffic(self):
        return [what for _, what in self.acts if what.startswith(("production", "test"))]

    def assert_rolled_back(self, deployment, why):
        self.run_until(lambda: not self.service.deploying)
        self.assertEqual(deployment.state, "ROLLED_BACK")
        self.assertIn(why, deployment.reason)
        self.assertEqual((self.balancer.production, self.balancer.test), ({"blue": 100, "green": 0}, "blue"))
        self.assertEqual((len(self.live("blue")), len(self.live("green"))), (6, 0))
        self.assertEqual(self.service.serving, "blue")
        self.settle()


class Stages(Deploying):
    def test_all_stages_in_order(self):
        deployment = self.service.deploy(TWO, self.hook)
        self.assertFalse(deployment.wait(0))
        self.settle()
        self.assertTrue(deployment.wait(0))
        self.assertEqual((deployment.state, self.stages()), ("SUCCESSFUL", list(STAGES)))
        self.assertEqual(self.traffic(), ["test green", "production green"])
        self.assertEqual((self.live("blue"), self.spread("green")), ([], {"a": 2, "b": 2, "c": 2}))
        self.assertEqual((self.service.serving, {task.release for task in self.live()}), ("green", {TWO}))

    def test_each_stage_has_the_tasks_and_the_traffic_it_should(self):
        self.service.deploy(TWO, self.hook)
        seen = {}
        while self.service.deploying:
            healthy = self.balancer.healthy("green")
            production = "green" if self.balancer.production["green"] else "blue"
            seen[self.service.deployment.stage] = (
                len(self.live("blue")), len(healthy), production, self.balancer.test)
            self.run_for(1)
        before, tested, after = (6, 0, "blue", "blue"), (6, 6, "blue", "green"), (6, 6, "green", "green")
        self.assertEqual(seen, {
            None: before, "PRE_SCALE_UP": before, "SCALE_UP": before, "POST_SCALE_UP": (6, 6, "blue", "blue"),
            "TEST_TRAFFIC_SHIFT": tested, "POST_TEST_TRAFFIC_SHIFT": tested,
            "PRODUCTION_TRAFFIC_SHIFT": after, "POST_PRODUCTION_TRAFFIC_SHIFT": after, "BAKE_TIME": after,
            "CLEAN_UP": (0, 6, "green", "green")})

    def test_green_is_tested_behind_the_test_listener_while_clients_are_with_blue(self):
        self.service.deploy(TWO, self.hook)
        self.settle()
        self.assertEqual(self.hooked, [("http://test", "POST_TEST_TRAFFIC_SHIFT", "green", {"blue": 100, "green": 0})])

    def test_it_waits_for_the_tests(self):
        later = []
        self.service.beside = lambda work: later.append(work) if self.service.deployment.stage == STAGES[4] else work()
        self.service.deploy(TWO, self.hook)
        self.until_stage("POST_TEST_TRAFFIC_SHIFT")
        self.run_for(service.PAUSE - 10)
        self.assertEqual(self.service.deployment.stage, "POST_TEST_TRAFFIC_SHIFT")
        later.pop()()
        self.run_for(1)
        self.assertEqual(self.service.deployment.stage, "PRODUCTION_TRAFFIC_SHIFT")

    def test_the_bake_lasts_ten_minutes(self):
        self.service.deploy(TWO)
        self.until_stage("BAKE_TIME")
        self.run_for(599)
        self.assertEqual((self.service.deployment.stage, len(self.live("blue"))), ("BAKE_TIME", 6))
        self.run_for(1)
        self.assertEqual(self.service.deployment.stage, "CLEAN_UP")

    def test_blue_is_stopped_in_order(self):
        blue = self.live("blue")
        self.service.deploy(TWO)
        self.settle()
        for task in blue:
            (out, first), (stop, second) = self.acts_on(task)
            self.assertEqual((first, second, stop - out), ("deregister", "stop", DELAY))

    def test_the_next_deployment_goes_the_other_way(self):
        self.service.deploy(TWO)
        self.settle()
        self.service.deploy(THREE, self.hook)
        self.settle()
        self.assertEqual(self.service.serving, "blue")
        self.assertEqual(self.traffic()[2:], ["test blue", "production blue"])
        self.assertEqual(({task.release for task in self.live()}, len(self.live())), ({THREE}, 6))

    def test_one_at_a_time(self):
        self.service.deploy(TWO)
        with self.assertRaisesRegex(Failure, "a deployment is running"):
            self.service.deploy(THREE)

    def test_more_desired_during_the_bake_grow_both_colours(self):
        self.service.deploy(TWO)
        self.until_stage("BAKE_TIME")
        self.service.desired = 9
        self.run_for(60)
        self.assertEqual((len(self.live("blue")), len(self.live("green"))), (9, 9))
        self.settle()
        self.assertEqual(self.spread(), {"a": 3, "b": 3, "c": 3})

    def test_a_task_lost_during_the_deployment_is_replaced_in_its_colour(self):
        self.service.deploy(TWO)
        self.until_stage("BAKE_TIME")
        self.live("blue")[0].running = self.live("green")[0].running = False
        self.run_for(60)
        self.assertEqual((len(self.live("blue")), len(self.live("green"))), (6, 6))
        self.assertEqual({task.release for task in self.live("blue")}, {ONE})

    def test_tasks_are_not_moved_between_zones_meanwhile(self):
        self.zones["c"].lost = True
        for task in self.live():
            if task.zone == "c":
                self.balancer.sick[task.id] = "unhealthy"
        self.settle()
        self.service.deploy(TWO)
        self.until_stage("BAKE_TIME")
        self.zones["c"].lost = False
        self.run_for(300)
        self.assertEqual(self.spread("green"), {"a": 3, "b": 3})


class RollingBack(Deploying):
    def test_an_alarm_in_any_stage_before_blue_is_stopped(self):
        for stage in STAGES[:-1]:
            with self.subTest(stage):
                self.setUp()
                deployment = self.service.deploy(TWO, self.hook)
                self.until_stage(stage)
                self.sounding = ["errors"]
                self.run_for(1)  # at once, not when green is gone
                self.assertEqual((self.balancer.production, self.balancer.test), ({"blue": 100, "green": 0}, "blue"))
                self.assertEqual(self.service.deployment.state, "ROLLING_BACK")
                self.assertTrue(self.service.deploying)
                self.assert_rolled_back(deployment, "alarm: errors")
                self.assertEqual(self.stages(), list(STAGES[:STAGES.index(stage) + 1]))

    def test_an_alarm_after_it_is_too_late(self):
        deployment = self.service.deploy(TWO)
        self.until_stage("CLEAN_UP")
        self.sounding = ["errors"]
        self.settle()
        self.assertEqual(deployment.state, "SUCCESSFUL")

    def test_an_alarm_that_sounded_before_is_not_heeded(self):
        self.sounding = ["slow"]
        deployment = self.service.deploy(TWO)
        self.settle()
        self.assertEqual(deployment.state, "SUCCESSFUL")

    def test_blue_is_never_touched(self):
        blue = self.live("blue")
        self.service.deploy(TWO)
        self.until_stage("BAKE_TIME")
        self.sounding = ["errors"]
        self.settle()
        self.assertEqual([act for task in blue for act in self.acts_on(task)], [])

    def test_faults_that_the_tests_find(self):
        deployment = self.service.deploy(TWO, lambda url: ["GET /livez: 500", "no schema"])
        self.assert_rolled_back(deployment, "tests: GET /livez: 500; no schema")
        self.assertNotIn("production green", self.traffic())

    def test_tests_that_break(self):
        def hook(url):
            raise ConnectionError(url)

        self.assert_rolled_back(self.service.deploy(TWO, hook), "ConnectionError")

    def test_tests_that_do_not_end_in_an_hour(self):
        self.service.beside = lambda work: None if self.service.deployment.stage == STAGES[4] else work()
        deployment = self.service.deploy(TWO, self.hook)
        self.until_stage("POST_TEST_TRAFFIC_SHIFT")
        before = self.clock.time
        self.run_until(lambda: deployment.state == "ROLLING_BACK", 4000)
        self.assertEqual(self.clock.time - before, 60 * 60)
        self.assertIn("did not end", deployment.reason)

    def test_green_is_stopped_in_order(self):
        deployment = self.service.deploy(TWO, lambda url: ["bad"])
        self.assert_rolled_back(deployment, "bad")
        for task in self.made[6:]:
            self.assertEqual([what for _, what in self.acts_on(task)], ["start", "register", "deregister", "stop"])

    def test_the_next_deployment_starts_afresh(self):
        self.assert_rolled_back(self.service.deploy(TWO, lambda url: ["bad"]), "bad")
        deployment = self.service.deploy(THREE)
        self.settle()
        self.assertEqual((deployment.state, {task.release for task in self.live()}), ("SUCCESSFUL", {THREE}))


class CircuitBreaker(Deploying):
    def failures(self, breaks):
        """How many of green's tasks failed until it opened."""
        breaks()
        deployment = self.service.deploy(TWO)
        self.assert_rolled_back(deployment, "circuit breaker")
        return sum("r2-" in text and ("stopped" in text or "fails" in text) or "did not start" in text
                   for kind, text in self.said if kind == "task")

    def test_tasks_that_do_not_start(self):
        def breaks():
            self.broken = lambda task: task.release is TWO

        self.assertEqual(self.failures(breaks), 6)

    def test_tasks_that_stop(self):
        def breaks():
            FakeTask.start = lambda task: start(task) or setattr(task, "running", task.release is not TWO)

        start = FakeTask.start
        self.addCleanup(setattr, FakeTask, "start", start)
        self.assertEqual(self.failures(breaks), 6)

    def test_tasks_that_are_never_healthy(self):
        self.assertEqual(self.failures(lambda: self.balancer.sick.update(
            {f"r2-{number}": "unhealthy" for number in range(7, 40)})), 6)

    def test_it_takes_half_of_the_desired_but_three(self):
        for desired, failed, opens in ((2, 2, False), (2, 3, True), (6, 3, True), (12, 5, False), (12, 6, True)):
            with self.subTest(desired=desired, failed=failed):
                self.setUp()
                self.service.desired = desired
                self.settle()
                self.service.deploy(TWO)
                self.service.deployment.failures = failed
                self.run_for(1)
                self.assertEqual(self.service.deployment.state, "ROLLING_BACK" if opens else "IN_PROGRESS")

    def test_one_task_that_gets_healthy_begins_the_count_anew(self):
        self.service.deploy(TWO)
        self.until_stage("SCALE_UP")
        self.service.deployment.failures = 2
        self.until_stage("POST_SCALE_UP")
        self.assertEqual(self.service.deployment.failures, 0)

    def test_one_that_fails_again_and_again_among_healthy_ones(self):
        self.balancer.sick.update({f"r2-{number}": "unhealthy" for number in range(12, 40)})
        self.assert_rolled_back(self.service.deploy(TWO), "circuit breaker: 3 tasks failed")

    def test_blue_tasks_that_fail_do_not_count(self):
        self.service.deploy(TWO)
        self.until_stage("BAKE_TIME")
        for task in self.live("blue"):
            task.running = False
        self.run_for(5)
        self.assertEqual(self.service.deployment.failures, 0)


class Loop(ServiceTest):
    def test_it_runs_by_itself_and_ends_its_tasks(self):
        real = Service(Clock(2000), self.make_task, self.balancer, self.zones, self.record, ONE, 3).start()
        self.balancer.clock = real.clock
        for _ in range(500):
            if real.steady():
                break
            real.clock.sleep(20)
        self.assertEqual(len(self.live()), 3)
        real.close()
        self.assertEqual(self.live(), [])

    def test_what_breaks_it_is_not_lost(self):
        self.balancer.health = None
        real = Service(Clock(2000), self.make_task, self.balancer, self.zones, self.record, ONE, 3).start()
        real.clock.sleep(200)
        with self.assertRaises(TypeError):
            real.close()


class Template(unittest.TestCase):
    def test_the_numbers_are_those_of_the_template(self):
        text = (SOURCE / "container/aws/service.yaml").read_text()
        self.assertEqual(int(re.search(r"HealthCheckGracePeriodSeconds: (\d+)", text)[1]), service.GRACE)
        self.assertEqual(int(re.search(r"BakeMinutes:\n.*\n +Default: (\d+)", text)[1]) * 60, service.BAKE)
        self.assertEqual(int(re.search(r"TimeoutInMinutes: (\d+), Action: ROLLBACK", text)[1]) * 60, service.PAUSE)
        self.assertEqual(int(re.search(r"AGROBRIDGE_DRAIN_MS, Value: '?(\d+)", text)[1]), service.DRAIN * 1000)
        self.assertIn("LifecycleStages: [POST_TEST_TRAFFIC_SHIFT]", text)
        for line in ("Strategy: BLUE_GREEN", "MaximumPercent: 200", "AvailabilityZoneRebalancing: ENABLED",
                     "DeploymentCircuitBreaker: {Enable: true, Rollback: true}"):
            self.assertIn(line, text)


if __name__ == "__main__":
    unittest.main()
