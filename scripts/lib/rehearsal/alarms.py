"""The CloudWatch alarms that roll a release back: errors, slow and lost of container/aws/observe.yaml.

Stands for, as documented: a point a minute; an alarm sounds while enough of its last points breach, and a missing point
does not. As the template has it: over the whole load balancer, production and test listener together; RequestCount, by
which errors are divided, counts only requests for which a target could be chosen.

Leaves out: the minutes CloudWatch takes to get a metric from the load balancer.
"""

from collections import deque
from statistics import quantiles

PERIOD = 60


class Alarm:
    """Sounds while `datapoints` of the last `periods` points breach."""

    def __init__(self, name, breaches, datapoints, periods):
        self.name, self.breaches, self.datapoints = name, breaches, datapoints
        self.points = deque(maxlen=periods)

    def point(self, value):
        """Takes a period's value, None where there is none."""
        self.points.append(value is not None and self.breaches(value))

    @property
    def sounds(self):
        return sum(self.points) >= self.datapoints


def release_alarms():
    return [Alarm("errors", lambda percent: percent > 2, 3, 5),
            Alarm("slow", lambda seconds: seconds > 0.5, 3, 5),
            Alarm("lost", lambda workers: workers > 0, 1, 1)]


def error_percent(answers):
    chosen = sum(answer.chosen for answer in answers)
    return 100 * sum(answer.status >= 500 for answer in answers) / chosen if chosen else None


def p95(answers):
    """Of the seconds in which targets began to answer."""
    times = [answer.seconds for answer in answers if answer.seconds is not None]
    return quantiles(times, n=100, method="inclusive")[94] if len(times) > 1 else times[0] if times else None


class Watch:
    """Makes a minute's points and feeds the alarms; step() wants to be called every PERIOD seconds.
    read() -> the load balancer's answers since the last call; lost() -> workers that died by crash, oom or deadline,
    in all, since the beginning."""

    def __init__(self, read, lost, record):
        self.read, self.lost, self.record = read, lost, record
        self.alarms = {alarm.name: alarm for alarm in release_alarms()}
        self.lost_before = lost()

    def step(self, at):
        answers, lost = self.read(), self.lost()
        values = {"errors": error_percent(answers), "slow": p95(answers), "lost": lost - self.lost_before}
        self.lost_before = lost
        for name, alarm in self.alarms.items():
            sounded = alarm.sounds
            alarm.point(values[name])
            if alarm.sounds != sounded:
                self.record("alarm", f"{name} {'sounds' if alarm.sounds else 'is over'}", at)

    def sounding(self):
        """Names of the alarms that sound now."""
        return [name for name, alarm in self.alarms.items() if alarm.sounds]

    def calm(self):
        """No point that an alarm still looks at was a bad one."""
        return not any(any(alarm.points) for alarm in self.alarms.values())
