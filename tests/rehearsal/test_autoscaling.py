"""Target tracking does what AWS documents, and what container/aws/service.yaml sets."""

import re
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal import autoscaling  # noqa: E402
from rehearsal.autoscaling import Autoscaler, Meter, Scaler, TargetTracking, serving_cpu  # noqa: E402

MINUTE = 60
LOW, HIGH = 6, 12


class Tracked:
    """A policy with a point a period, and the capacity that follows its answers."""

    def __init__(self, current=6, **settings):
        self.policy = TargetTracking(**{"low": LOW, "high": HIGH} | settings)
        self.at, self.current = 0, current

    def feed(self, *values):
        """The answer to each value."""
        answers = []
        for value in values:
            self.at += self.policy.period
            answers.append(self.policy.point(self.at, value, self.current))
            self.current = answers[-1] or self.current
        return answers


class ScaleOut(unittest.TestCase):
    def test_after_three_points_above_and_not_before(self):
        self.assertEqual(Tracked().feed(80, 80, 80), [None, None, 8])
        self.assertEqual(Tracked().feed(80, 80, 60, 80, 80), [None] * 5)

    def test_at_the_target_nothing_happens(self):
        self.assertEqual(Tracked().feed(*[65] * 10, 80), [None] * 11)

    def test_with_points_of_20_seconds_it_takes_one_minute(self):
        tracked = Tracked(period=20)
        self.assertEqual(tracked.feed(80, 80, 80), [None, None, 8])
        self.assertEqual(tracked.at, MINUTE)

    def test_in_proportion_and_rounded_up(self):
        for value, wanted in ((66, 7), (75, 7), (76, 8), (97.5, 9), (130, 12)):
            with self.subTest(value):
                self.assertEqual(Tracked().feed(value, value, value)[-1], wanted)

    def test_at_most_to_the_upper_bound(self):
        self.assertEqual(Tracked(current=10).feed(*[100] * 5), [None, None, 12, None, None])

    def test_within_the_cooldown_only_further_than_the_first_step(self):
        # The new tasks have not begun to help: 100 % asks for the same 10 again, and gets nothing.
        tracked = Tracked(period=20)
        self.assertEqual(tracked.feed(100, 100, 100, 100, 100), [None, None, 10, None, None])
        # 117 % of the six there were: 11, however often it is said.
        tracked = Tracked(period=20)
        self.assertEqual(tracked.feed(100, 100, 100, 117, 117), [None, None, 10, 11, None])

    def test_after_the_cooldown_from_what_there_is_now(self):
        tracked = Tracked(period=20, high=30)
        self.assertEqual(tracked.feed(100, 100, 100, 100, 100, 100), [None, None, 10, None, None, 16])


class ScaleIn(unittest.TestCase):
    def test_after_fifteen_minutes_below_nine_tenths_and_not_before(self):
        tracked = Tracked(current=10)
        self.assertEqual(tracked.feed(*[40] * 14), [None] * 14)
        self.assertEqual(tracked.feed(40), [7])

    def test_between_nine_tenths_and_the_target_nothing_happens(self):
        self.assertEqual(Tracked(current=10).feed(*[58.5] * 40), [None] * 40)
        self.assertEqual(Tracked(current=10).feed(*[58.4] * 15)[-1], 9)

    def test_one_point_above_starts_the_quarter_of_an_hour_anew(self):
        tracked = Tracked(current=10)
        self.assertEqual(tracked.feed(*[40] * 14, 60, *[40] * 14), [None] * 29)
        self.assertEqual(tracked.feed(40), [7])

    def test_with_points_of_20_seconds_it_takes_fifteen_minutes_too(self):
        tracked = Tracked(current=10, period=20)
        self.assertEqual(tracked.feed(*[40] * 44), [None] * 44)
        self.assertEqual(tracked.feed(40), [7])
        self.assertEqual(tracked.at, 15 * MINUTE)

    def test_at_least_to_the_lower_bound(self):
        self.assertEqual(Tracked(current=8).feed(*[1] * 30)[14:], [6] + [None] * 15)

    def test_again_only_after_its_cooldown(self):
        tracked = Tracked(current=12, low=1)
        answers = tracked.feed(*[50] * 30)
        steps = [(minute, answer) for minute, answer in enumerate(answers, 1) if answer]
        self.assertEqual(steps, [(15, 10), (20, 8), (25, 7), (30, 6)])

    def test_scaling_out_does_not_wait_for_it_and_ends_it(self):
        tracked = Tracked(current=12, low=1)
        self.assertEqual(tracked.feed(*[50] * 15)[-1], 10)
        self.assertEqual(tracked.feed(80, 80, 80), [None, None, 12])
        self.assertEqual(tracked.policy.in_until, 15 * MINUTE + 300)  # until the policy sees its own step
        tracked.feed(60)
        self.assertLess(tracked.policy.in_until, 0)


class MissingData(unittest.TestCase):
    def test_without_data_nothing_happens(self):
        self.assertEqual(Tracked().feed(*[None] * 20), [None] * 20)

    def test_a_hole_keeps_it_from_scaling_out(self):
        self.assertEqual(Tracked().feed(80, None, 80, 80, 80), [None] * 4 + [8])

    def test_a_hole_keeps_it_from_scaling_in(self):
        tracked = Tracked(current=10)
        self.assertEqual(tracked.feed(*[40] * 10, None, *[40] * 14), [None] * 25)
        self.assertEqual(tracked.feed(40), [7])

    def test_points_that_never_came_are_a_hole(self):
        tracked = Tracked()
        tracked.feed(80, 80)
        tracked.at += 5 * MINUTE
        self.assertEqual(tracked.feed(80, 80, 80), [None, None, 8])

    def test_a_clock_that_is_a_little_off_makes_no_hole(self):
        policy = TargetTracking(low=LOW, high=HIGH)
        self.assertEqual([policy.point(at, 80, 6) for at in (61, 119, 183)], [None, None, 8])
        policy = TargetTracking(low=LOW, high=HIGH)
        points = ((5, 60), (62, 80), (121, 80), (183, 80))
        self.assertEqual([policy.point(at, value, 6) for at, value in points], [None, None, None, 8])


class SeveralPolicies(unittest.TestCase):
    def setUp(self):
        self.scaler = Scaler({"a": TargetTracking(low=1, high=20), "b": TargetTracking(low=1, high=20)})
        self.at = 0

    def feed(self, values, current=10, deploying=False):
        self.at += MINUTE
        return self.scaler.point(self.at, values, current, deploying)

    def last(self, times, values, **more):
        return [self.feed(values, **more) for _ in range(times)][-1]

    def test_the_largest_answer_wins_outward(self):
        self.assertEqual(self.last(3, {"a": 80, "b": 100}), 16)

    def test_one_is_enough_to_scale_out(self):
        self.assertEqual(self.last(15, {"a": 30, "b": 100}), 16)

    def test_one_is_enough_though_the_other_has_no_data(self):
        self.assertEqual(self.last(3, {"a": None, "b": 100}), 16)

    def test_all_must_agree_to_scale_in(self):
        self.assertIsNone(self.last(15, {"a": 30, "b": 60}))
        self.assertIsNone(self.last(1, {"a": 30, "b": None}))

    def test_the_largest_answer_wins_inward(self):
        self.assertEqual(self.last(15, {"a": 13, "b": 39}), 6)

    def test_during_a_deployment_out_but_not_in(self):
        self.assertIsNone(self.last(20, {"a": 30, "b": 30}, deploying=True))
        self.assertEqual(self.last(1, {"a": 30, "b": 30}), 5)
        self.assertEqual(self.last(3, {"a": 100, "b": 30}, deploying=True), 16)

    def test_an_answer_stands_until_the_policy_has_its_next_point(self):
        scaler = Scaler({"fast": TargetTracking(low=1, high=20, period=20), "slow": TargetTracking(low=1, high=20)})
        answers = {}
        for at in range(20, 16 * MINUTE + 1, 20):
            values = {"fast": 39, "slow": 39} if at % MINUTE == 0 else {"fast": 39}
            if wanted := scaler.point(at, values, 10):
                answers.setdefault(wanted, at)
        self.assertEqual(answers, {6: 15 * MINUTE})


class FakeService:
    def __init__(self, desired):
        self.desired, self.deploying, self.running = desired, False, []

    def tasks(self):
        return self.running


class FakeTask:
    def __init__(self, number, cores=0.5):
        self.id, self.cores, self.used = f"task-{number}", cores, 0.0

    def cpu_seconds(self):
        if self.used is None:
            raise FileNotFoundError("its cgroup is gone")
        return self.used


class MeterTest(unittest.TestCase):
    def setUp(self):
        self.time = 0
        self.tasks = [FakeTask(n) for n in range(4)]
        self.meter = Meter(now=lambda: self.time)
        self.meter.read(self.tasks)

    def after(self, seconds, *shares):
        self.time += seconds
        for task, share in zip(self.tasks, shares):
            task.used += share * seconds * task.cores
        return self.meter.read(self.tasks)

    def test_the_average_of_all_since_the_last_reading(self):
        self.assertAlmostEqual(self.after(2, 1, 0.5, 0.5, 0), 50)
        self.assertAlmostEqual(self.after(5, 1, 1, 1, 0.2), 80)

    def test_a_new_task_counts_from_its_second_reading(self):
        self.tasks.append(FakeTask(4))
        self.assertAlmostEqual(self.after(1, 0.6, 0.6, 0.6, 0.6, 0), 60)
        self.assertAlmostEqual(self.after(1, 0.6, 0.6, 0.6, 0.6, 0.1), 50)

    def test_a_task_that_has_gone_does_not_count(self):
        self.tasks[0].used = None
        self.time += 1
        self.assertEqual(self.meter.read(self.tasks), 0)
        self.assertIsNone(self.meter.read([]))


class AutoscalerTest(unittest.TestCase):
    """The two policies of the template, over a service whose tasks use a given share of their CPU."""

    def setUp(self):
        self.service = FakeService(desired=6)
        self.time, self.events, self.samples = 0, [], []
        self.scaler = Autoscaler(self.service, Scaler(autoscaling.policies(LOW, HIGH)),
                                 lambda kind, text, at: self.events.append((at, text)),
                                 lambda name, value, at: self.samples.append((at, name, round(value, 3))),
                                 Meter(now=lambda: self.time))

    def run_for(self, seconds, *shares):
        """`shares` of each task's CPU; as many tasks run as shares are given."""
        while len(self.service.running) < len(shares):
            self.service.running.append(FakeTask(len(self.service.running)))
        for _ in range(seconds // 20):
            self.scaler.step(self.time)
            self.time += 20
            for task, share in zip(self.service.running, shares):
                task.used += 20 * task.cores * share

    def test_a_rush_is_answered_after_three_points(self):
        self.run_for(61, *[0.9] * 6)
        self.assertEqual(self.events, [])  # the first reading has nothing before it
        self.run_for(20, *[0.9] * 6)
        self.assertEqual((self.service.desired, self.events), (9, [(60, "6 → 9 tasks")]))

    def test_suspended_it_reads_on_and_sets_nothing(self):
        self.scaler.suspended = True
        self.run_for(101, *[0.9] * 6)
        self.assertEqual((self.service.desired, self.events), (6, []))
        self.assertIn((60, "cpu", 90), self.samples)
        self.scaler.suspended = False
        self.run_for(20, *[0.9] * 6)
        self.assertEqual(self.service.desired, 9)

    def test_the_serving_tasks_are_seen_though_idle_green_halves_the_average(self):
        self.service.deploying = True
        self.run_for(260, *[0.9] * 6, *[0.0] * 6)
        self.assertLess(max(value for _, name, value in self.samples if name == "cpu"), 65)
        self.assertEqual(self.service.desired, 9)

    def test_no_scaling_in_before_the_deployment_ends(self):
        self.service.desired, self.service.deploying = 8, True
        self.run_for(40 * MINUTE, *[0.3] * 8)
        self.assertEqual(self.service.desired, 8)
        self.service.deploying = False
        self.run_for(20, *[0.3] * 8)
        self.assertEqual(self.service.desired, 6)

    def test_nothing_runs_nothing_happens(self):
        self.service.desired = 8
        self.run_for(20 * MINUTE)
        self.assertEqual((self.service.desired, self.samples), (8, []))

    def test_serving_cpu_is_reckoned_as_the_template_does(self):
        self.assertEqual(serving_cpu(40, 12, 6), 80)
        self.assertEqual(serving_cpu(40, 6, 6), 40)
        self.assertEqual(serving_cpu(40, 5, 6), 40)
        self.assertIsNone(serving_cpu(None, 12, 6))


class Template(unittest.TestCase):
    def test_the_policies_are_those_of_the_template(self):
        text = (SOURCE / "container/aws/service.yaml").read_text()
        policies = autoscaling.policies(LOW, HIGH).values()
        for key, attribute in (("TargetValue", "target"), ("ScaleOutCooldown", "out_cooldown"),
                               ("ScaleInCooldown", "in_cooldown")):
            self.assertEqual([int(n) for n in re.findall(rf"{key}: (\d+)", text)],
                             [getattr(policy, attribute) for policy in policies], key)
        self.assertIn("ResolutionSeconds: 20", text)
        self.assertIn("IF(running > serving, cpu * running / serving, cpu)", text)


if __name__ == "__main__":
    unittest.main()
