"""The alarms that roll a release back sound when CloudWatch's would, and are those of container/aws/observe.yaml."""

import re
import sys
import unittest
from collections import namedtuple
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal.alarms import PERIOD, Alarm, Watch, error_percent, p95, release_alarms  # noqa: E402

Answer = namedtuple("Answer", "status seconds chosen", defaults=(0.01, True))


class AlarmTest(unittest.TestCase):
    def sounding(self, *values, datapoints=3, periods=5):
        alarm = Alarm("errors", lambda value: value > 2, datapoints, periods)
        sounds = []
        for value in values:
            alarm.point(value)
            sounds.append(alarm.sounds)
        return sounds

    def test_three_points_of_five(self):
        self.assertEqual(self.sounding(9, 9, 9), [False, False, True])
        self.assertEqual(self.sounding(9, 0, 9, 0, 9), [False] * 4 + [True])
        self.assertEqual(self.sounding(9, 0, 0, 9, 0, 9), [False] * 6)

    def test_at_the_threshold_it_does_not_sound(self):
        self.assertEqual(self.sounding(2, 2, 2), [False] * 3)

    def test_a_missing_point_does_not_breach(self):
        self.assertEqual(self.sounding(9, None, 9, None, None, 9), [False] * 6)

    def test_it_is_over_when_too_few_are_left(self):
        self.assertEqual(self.sounding(9, 9, 9, 0, 0, 0), [False, False, True, True, True, False])


class Metrics(unittest.TestCase):
    def test_errors_are_those_of_targets_and_of_the_load_balancer_in_percent_of_all(self):
        bad = [Answer(500), Answer(503), Answer(502, None)]
        self.assertEqual(error_percent([Answer(200)] * 96 + [Answer(404), *bad]), 3)

    def test_requests_for_which_no_target_could_be_chosen_are_not_counted_as_requests(self):
        refused = Answer(503, None, False)
        self.assertEqual(error_percent([Answer(200)] * 10 + [refused] * 10), 100)
        self.assertIsNone(error_percent([refused] * 10))
        self.assertIsNone(error_percent([]))

    def test_p95_of_what_targets_answered(self):
        fast, slow = Answer(200, 0.1), Answer(200, 0.9)
        self.assertAlmostEqual(p95([fast] * 96 + [slow] * 4), 0.1)
        self.assertAlmostEqual(p95([fast] * 90 + [slow] * 10), 0.9)
        self.assertEqual(p95([slow, Answer(504, None)]), 0.9)
        self.assertIsNone(p95([Answer(503, None)]))


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.answers, self.lost, self.events, self.at = [Answer(200)] * 50, 7, [], 0
        self.watch = Watch(lambda: self.answers, lambda: self.lost,
                           lambda kind, text, at: self.events.append((at, text)))

    def minutes(self, number):
        for _ in range(number):
            self.at += PERIOD
            self.watch.step(self.at)
        return self.watch.sounding()

    def test_silence_while_all_is_well(self):
        self.assertEqual((self.minutes(10), self.events), ([], []))

    def test_errors(self):
        self.answers = [Answer(200)] * 97 + [Answer(503)] * 3
        self.assertEqual(self.minutes(2), [])
        self.assertEqual(self.minutes(1), ["errors"])
        self.answers = [Answer(200)] * 98 + [Answer(503)] * 2
        self.assertEqual(self.minutes(2), ["errors"])
        self.assertEqual(self.minutes(1), [])
        self.assertEqual(self.events, [(180, "errors sounds"), (360, "errors is over")])

    def test_slow(self):
        self.answers = [Answer(200, 0.5)] * 50
        self.assertEqual(self.minutes(5), [])
        self.answers = [Answer(200, 0.501)] * 50
        self.assertEqual(self.minutes(3), ["slow"])

    def test_one_lost_worker_is_enough_but_not_one_lost_before(self):
        self.assertEqual(self.minutes(1), [])
        self.lost += 1
        self.assertEqual(self.minutes(1), ["lost"])
        self.assertEqual(self.minutes(1), [])

    def test_several_at_a_time(self):
        self.answers, self.lost = [Answer(500, 2)] * 9, 99
        self.assertEqual(self.minutes(1), ["lost"])
        self.assertEqual(self.minutes(2), ["errors", "slow"])


class Template(unittest.TestCase):
    def test_the_alarms_are_those_of_the_template(self):
        text = (SOURCE / "container/aws/observe.yaml").read_text()
        for alarm in release_alarms():
            with self.subTest(alarm.name):
                part = re.search(rf"  {alarm.name.title()}Alarm:\n(.*?)\n  \w", text, re.DOTALL)[1]
                number = lambda key: float(re.search(rf"{key}: ([\d.]+)", part)[1])
                self.assertEqual(number("DatapointsToAlarm"), alarm.datapoints)
                self.assertEqual(number("EvaluationPeriods"), alarm.points.maxlen)
                self.assertEqual(number("Period"), PERIOD)
                self.assertIn("TreatMissingData: notBreaching", part)
                self.assertIn("ComparisonOperator: GreaterThanThreshold", part)
                self.assertFalse(alarm.breaches(number("Threshold")))
                self.assertTrue(alarm.breaches(number("Threshold") + 0.001))

    def test_a_release_rolls_back_on_these(self):
        text = (SOURCE / "container/aws/service.yaml").read_text()
        self.assertEqual(re.findall(r"\$\{Name\}-(\w+)-alarm'", text), [alarm.name for alarm in release_alarms()])


if __name__ == "__main__":
    unittest.main()
