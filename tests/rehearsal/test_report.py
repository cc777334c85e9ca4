"""The report: what a scene recorded is on the page, legible, and complete without any other file.

`python3 tests/rehearsal/test_report.py --show DIR` writes the made-up rehearsal of these tests there, to look at.
"""

import json
import random
import re
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal import report, series  # noqa: E402

MINUTE = 60
SVG = "{http://www.w3.org/2000/svg}"


class Clock:
    speed = 6

    @staticmethod
    def now():
        return 12.345


# --- ten made-up minutes, and two shorter scenes --------------------------------------------------------------------

def record_load(recorder, at, rate, share=1.0, p50=6, error="503 overloaded"):
    offered = rate * random.uniform(0.95, 1.05)
    recorder.sample("offered", offered, at)
    recorder.sample("answered", offered * share, at)
    recorder.sample("p50", p50 * random.uniform(0.9, 1.2), at)
    recorder.sample("p99", p50 * random.uniform(4, 6), at)
    recorder.sample(f"errors.{error}", offered * (1 - share), at)


def record_tasks(recorder, at, blue, green):
    for colour, count in (("blue", blue), ("green", green)):
        for n, zone in enumerate("abc"):
            recorder.sample(f"tasks.{zone}.{colour}", (count + 2 - n) // 3, at)


def rush(directory):
    with series.Recorder(directory / "rush.jsonl", Clock, scene="rush", title="Harvest rush", how=HOW,
                         about="Load rises to four times the usual within three minutes and falls again. Nobody does "
                               "anything: target tracking has to add tasks, and to take them away.") as recorder:
        events = {90: ("load", "load ×4 within three minutes"), 250: ("scale", "3 points above 65 %: desired 6 → 9"),
                  330: ("scale", "desired 9 → 12"), 420: ("load", "load back to usual"),
                  560: ("scale", "15 points below 58 %: desired 12 → 8")}
        for at, (kind, said) in events.items():
            recorder.event(kind, said, at)
        for n in range(6):
            recorder.event("task", f"task {n} in zone {'abc'[n % 3]} is healthy", 280 + 2 * n)
        for at in range(0, 10 * MINUTE, 5):
            ramp = min(max(at - 90, 0) / 180, 1) if at < 420 else max(1 - (at - 420) / 60, 0)
            rate, tasks = 100 + 300 * ramp, 6 if at < 280 else 9 if at < 360 else 12 if at < 565 else 8
            cpu = 100 * rate / tasks / 38
            record_load(recorder, at, rate, share=min(1, 92 / cpu), p50=6 if cpu < 80 else 25)
            record_tasks(recorder, at, tasks, 0)
            recorder.sample("cpu", min(cpu, 100), at)
            recorder.sample("serving-cpu", min(cpu + 1, 100), at)
        recorder.promise("tasks are added without a hand within 4 minutes of the rush", "3 min 20 s", True)
        recorder.promise("after the rush as many tasks as the load needs", "8 of 12, 140 s after", True)
        recorder.promise("every acknowledged write is in the database once", "4 212 writes, 0 faults", True)


def release(directory):
    stages = ("PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
              "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP")
    with series.Recorder(directory / "bad-release.jsonl", Clock, scene="bad-release", title="Bad release", how=HOW,
                         about="A release whose writes fail one time in ten passes its smoke test. Its alarm has to "
                               "send the traffic back.") as recorder:
        for n, stage in enumerate(stages[:8]):
            recorder.event("deploy", stage, (20, 22, 68, 75, 78, 110, 116, 120)[n])
        recorder.event("alarm", "errors: 4.1 % of answers are 5xx", 190)
        recorder.event("rollback", "traffic back to blue", 191)
        recorder.event("deploy", "rolled back: green is stopped", 230)
        for at in range(0, 5 * MINUTE, 5):
            bad = 112 <= at < 192
            record_load(recorder, at, 120, share=0.957 if bad else 1, error="500 internal")
            record_tasks(recorder, at, 6, 6 if 60 <= at < 230 else 0)
            recorder.sample("cpu", 26 if 60 <= at < 230 else 51, at)
            recorder.sample("serving-cpu", 51 + random.uniform(-2, 2), at)
        recorder.promise("an alarm in the bake sends traffic back within 2 minutes", "1 min 21 s", True)
        recorder.promise("at most 5 % of answers fail meanwhile", "4.3 %", True)


def failover(directory):
    recorder = series.Recorder(directory / "database-failover.jsonl", Clock, scene="database-failover", how=HOW,
                               title="Database failover", about="The primary is killed under load.")
    with recorder:
        recorder.event("fault", "PostgreSQL's primary in zone a is killed", 60)
        recorder.event("store", "standby in zone b is promoted", 150)
        recorder.event("store", "database.rehearsal.test is 10.0.2.2 now", 151)
        for at in range(0, 4 * MINUTE, 5):
            down = 60 <= at < 155
            record_load(recorder, at, 120, share=0.28 if down else 1, p50=3 if down else 6, error="503 unavailable")
            record_tasks(recorder, at, 6, 0)
            recorder.sample("cpu", 24 if down else 51, at)
        recorder.promise("writes again within 5 s of the promotion", "1.4 s", True)
        recorder.promise("no acknowledged write is lost", "2 lost: failover-00000312, failover-00000318", False)


HOW = "Images under podman"


def rehearse(directory):
    random.seed(1)
    for scene in (rush, release, failover):
        scene(directory)


# --- tests ----------------------------------------------------------------------------------------------------------

class Text(HTMLParser):
    """A page's words, with its tags balanced and its addresses its own."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words, self.ids, self.links, self.rows, self.foreign = [], [], set(), [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in ("meta", "link", "path"):
            self.open.append(tag)
        self.ids |= {attrs["id"]} if "id" in attrs else set()
        self.links += [attrs["href"]] if "href" in attrs else []
        self.foreign += [tag] if tag in ("script", "img", "iframe") or "src" in attrs else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th", "a") and self.rows:
            self.rows[-1][-1] += data


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ab-")))

    def recorder(self, name="one", **head):
        return series.Recorder(self.directory / f"{name}.jsonl", Clock, **{
            "scene": name, "title": name.title(), "about": "It happens.", "how": "Plain processes"} | head)

    def read(self, name="one"):
        return series.read(self.directory / f"{name}.jsonl")

    def page(self):
        return report.write(self.directory).read_text(encoding="utf-8")


class SeriesTest(ReportTest):
    def test_what_is_recorded_is_read(self):
        with self.recorder() as recorder:
            recorder.event("fault", "zone a is cut — ¡ya!")
            recorder.sample("offered", 100.5, 20)
            recorder.sample("offered", 90, 10)
            recorder.promise("nothing is lost", "0 lost", True)
        recording = self.read()
        self.assertEqual(recording.events, [(12.35, "fault", "zone a is cut — ¡ya!")], "at the clock's time")
        self.assertEqual(recording.samples, {"offered": [(10, 90), (20, 100.5)]})
        self.assertEqual(recording.promises, [("nothing is lost", "0 lost", True)])
        self.assertTrue(recording.ended)
        self.assertGreater(recording.head["machine"]["cores"], 0)

    def test_lines_are_there_while_the_scene_runs(self):
        with self.recorder() as recorder:
            recorder.sample("offered", 1, 1)
            self.assertEqual(self.read().samples, {"offered": [(1, 1)]})

    def test_a_scene_that_breaks_off_has_not_ended(self):
        with self.assertRaises(ZeroDivisionError), self.recorder() as recorder:
            recorder.promise("good", "so far", True)
            recorder.sample("offered", 1, 1 / 0)
        self.assertFalse(self.read().ended)
        self.assertIn("✗ Not held: 1 of 2 promises.", self.page())
        self.assertIn("it was broken off", self.page())


class PageTest(ReportTest):
    def test_the_page_is_whole_and_needs_nothing_else(self):
        rehearse(self.directory)
        page = self.page()
        text = Text(page)
        self.assertEqual(text.open, [])
        self.assertEqual(text.foreign, [])
        links = set(text.links) - {"data:,"}
        self.assertEqual(links, {"#rush", "#bad-release", "#database-failover"})
        self.assertEqual(links, {f"#{name}" for name in text.ids})
        self.assertNotRegex(page, r"url\(|@import")

    def test_promises_come_first_with_their_verdicts(self):
        rehearse(self.directory)
        text = Text(self.page())
        promises = [row for row in text.rows if len(row) == 4]
        self.assertEqual(promises[0], ["scene", "promise", "measured", "verdict"])
        self.assertEqual(promises[1][2:], ["3 min 20 s", "✓ held"])
        self.assertEqual(promises[-1][2:], ["2 lost: failover-00000312, failover-00000318", "✗ not held"])
        self.assertEqual([row[0] for row in promises[1:]],
                         ["Harvest rush", "", "", "Bad release", "", "Database failover", ""])
        self.assertIn("✗ Not held: 1 of 7 promises.", text.words)

    def test_all_held(self):
        with self.recorder() as recorder:
            recorder.promise("nothing is lost", "0 lost", True)
        self.assertIn("✓ Held: all 1 promises.", self.page())

    def test_what_comes_from_outside_is_escaped(self):
        with self.recorder(title="<i>&", about="<b>", scene='"><s') as recorder:
            recorder.event("fault", "<script>", 5)
            recorder.sample("errors.<u>", 1, 5)
            recorder.promise("<em>", "<tt>", True)
        text = Text(self.page())
        self.assertEqual(text.open, [])
        self.assertEqual(text.foreign, [])
        for word in ("<i>&", "<b>", "<script>", "<em>", "<tt>", "<u>"):
            self.assertIn(word, text.words)

    def test_scenes_stand_in_the_order_they_were_made(self):
        for name, began in (("second", 2), ("first", 1)):
            with self.recorder(name):
                pass
            path = self.directory / f"{name}.jsonl"
            head, *rest = path.read_text().splitlines()
            path.write_text("\n".join([json.dumps(json.loads(head) | {"began": began}), *rest]))
        page = self.page()
        self.assertLess(page.index("First"), page.index("Second"))


class PictureTest(ReportTest):
    def draw(self, name="one", **rest):
        file = self.directory / "picture.svg"
        report.write_picture(self.read(name), file, **rest)
        return ElementTree.parse(file).getroot()

    def paths(self, svg, look):
        return [p.get("d") for p in svg.iter(f"{SVG}path") if p.get("class").split()[-1] == look]

    def texts(self, svg):
        return [t.text for t in svg.iter(f"{SVG}text")]

    def titles(self, svg):
        return [t.text for t in svg.iter(f"{SVG}text") if t.get("class") == "title"]

    def points(self, data):
        return [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", data)]

    def test_panels_without_samples_are_left_out(self):
        with self.recorder() as recorder:
            for at in (0, 60):
                recorder.sample("offered", 1, at)
        self.assertEqual(self.titles(self.draw()), ["requests a second"])

    def test_only_the_panels_asked_for(self):
        rehearse(self.directory)
        self.assertEqual(self.titles(self.draw("rush", panels=("load", "cpu"))), ["requests a second", "CPU, %"])

    def test_values_and_times_are_where_they_belong(self):
        with self.recorder() as recorder:
            for at, value in ((0, 0), (300, 50), (600, 100)):
                recorder.sample("answered", value, at)
        line, = [d for d in self.paths(self.draw(), "c1") if d.count("L") == 2]
        (x0, y0), (x1, y1), (x2, y2) = self.points(line)
        self.assertEqual((x0, x2), (report.LEFT, report.WIDTH - report.RIGHT))
        self.assertAlmostEqual(x1 - x0, x2 - x1, places=1)
        self.assertAlmostEqual(y0 - y1, y1 - y2, places=1)
        self.assertAlmostEqual(y0 - y2, report.PANEL, places=1)

    def test_a_line_does_not_bridge_what_was_not_measured(self):
        with self.recorder() as recorder:
            for at in (0, 10, 20, 30, 80, 90):
                recorder.sample("p50", 5, at)
        self.assertEqual([d.count("L") for d in self.paths(self.draw(), "c1") if "h12" not in d], [3, 1])

    def test_nor_does_an_area(self):
        with self.recorder() as recorder:
            for at in (0, 10, 20, 30, 80, 90):
                recorder.sample("errors.503 overloaded", 5, at)
        areas = [self.points(p.get("d")) for p in self.draw().iter(f"{SVG}path")
                 if p.get("class").startswith("area") and "Z" in p.get("d") and "h" not in p.get("d")]
        widths = [max(x for x, _ in points) - min(x for x, _ in points) for points in areas]
        whole = report.WIDTH - report.RIGHT - report.LEFT
        self.assertEqual([round(9 * width / whole) for width in widths], [3, 1])

    def test_latency_is_logarithmic(self):
        with self.recorder() as recorder:
            for at, value in ((0, 1), (60, 10), (120, 100), (180, 1000)):
                recorder.sample("p50", value, at)
        line, = [d for d in self.paths(self.draw(), "c1") if d.count("L") == 3]
        heights = [y for _, y in self.points(line)]
        steps = [a - b for a, b in zip(heights, heights[1:])]
        self.assertAlmostEqual(max(steps), min(steps), delta=0.15)

    def test_tasks_lie_on_each_other_by_colour_and_zone(self):
        with self.recorder() as recorder:
            for at, name, value in ((0, "a.blue", 2), (0, "b.blue", 1), (60, "a.green", 3), (60, "a.blue", 0),
                                    (60, "c.blue", 0), (120, "b.blue", 1)):
                recorder.sample(f"tasks.{name}", value, at)
        recording = self.read()
        panel = next(p for p in report.PANELS if p.name == "tasks")
        self.assertEqual(report.layers(panel, recording.samples), [
            ("a blue", "blue1", [(0, 0, 2), (60, 0, 0), (120, 0, 0)]),
            ("b blue", "blue2", [(0, 2, 3), (60, 0, 1), (120, 0, 1)]),
            ("a green", "green1", [(0, 3, 3), (60, 1, 4), (120, 1, 4)])])

    def test_the_cpu_target_is_marked(self):
        rehearse(self.directory)
        svg = self.draw("rush", panels=("cpu",))
        self.assertEqual(len(self.paths(svg, "mark")), 1)
        self.assertIn("65 %: target", self.texts(svg))

    def test_every_event_has_a_line_and_words(self):
        rehearse(self.directory)
        for name in ("rush", "bad-release", "database-failover"):
            svg, events = self.draw(name), [e for e in self.read(name).events if e.kind != "task"]
            scale = report.Time(self.read(name))
            lines = self.paths(svg, "event") + self.paths(svg, "bad")
            self.assertEqual(sorted(f"{scale.x(e.at):.1f}" for e in events), sorted(d[1:].split()[0] for d in lines))
            for event in events:
                self.assertIn(event.text, self.texts(svg))
        self.assertEqual(len(self.paths(self.draw("bad-release"), "bad")), 2, "alarm and rollback are loud")

    def test_words_of_events_do_not_lie_on_each_other_or_outside(self):
        with self.recorder() as recorder:
            random.seed(3)
            for n in range(40):
                recorder.event("deploy", f"{n}" + "x" * random.randrange(3, 90), random.uniform(0, 600))
            for at in (0, 600):
                recorder.sample("offered", 1, at)
        recording = self.read()
        scale = report.Time(recording)
        boxes = [(lane, begin, begin + report.LETTER * len(said), x)
                 for lane, begin, (x, _, said) in report.lanes(report.named(recording, scale))]
        self.assertEqual(len(boxes), 40)
        for n, (lane, begin, end, x) in enumerate(boxes):
            self.assertGreaterEqual(begin, 0)
            self.assertLessEqual(end, report.WIDTH)
            for other_lane, other_begin, other_end, _ in boxes[:n]:
                self.assertFalse(lane == other_lane and begin < other_end and other_begin < end)
                if other_lane > lane:
                    self.assertFalse(other_begin < x < other_end, "its line lies across another's words")

    def test_the_same_soon_again_counts_up(self):
        with self.recorder() as recorder:
            for at in (100, 101, 102, 500):
                recorder.event("store", "reconnected", at)
            recorder.event("task", "task 1 is healthy", 5)
        texts = self.texts(self.draw())
        self.assertEqual([t for t in texts if "reconnected" in t], ["reconnected ×3", "reconnected"])
        self.assertNotIn("task 1 is healthy", texts)

    def test_axes(self):
        self.assertEqual(report.ticks(100, 4), [25, 50, 75, 100])
        self.assertEqual(report.ticks(7, 4), [2, 4, 6, 8])
        self.assertEqual(report.ticks(0.3, 4), [0.1, 0.2, 0.30000000000000004])
        for high in (0.01, 1, 3, 9.9, 64, 65, 101, 12345):
            self.assertLessEqual(len(report.ticks(high, 4)), 4)
            self.assertGreaterEqual(report.ticks(high, 4)[-1], high - 1e-9)
            self.assertLess(report.ticks(high, 4)[-1], 2 * high)
        self.assertEqual(report.Values(0, 950, True).ticks, [1, 10, 100, 1000])
        with self.recorder() as recorder:
            for at in (0, 600):
                recorder.sample("offered", 1, at)
        self.assertEqual([said for _, said in report.Time(self.read()).ticks()], [str(n) for n in range(11)])


class ContrastTest(unittest.TestCase):
    """WCAG 2: 4.5 to 1 for words, 3 to 1 for lines."""

    def luminance(self, colour):
        colour = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
        parts = [int(colour[n:n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def test_both_schemes(self):
        light, dark = (dict(re.findall(r"--(\w+): #(\w+)", part)) for part in report.COLOURS.split("@media"))
        self.assertEqual(light.keys(), dark.keys())
        pairs = [*((one, "paper", 4.5) for one in ("ink", "quiet", "loud")), ("ink", "good", 4.5), ("ink", "bad", 4.5),
                 *((f"c{n}", "paper", 3) for n in range(1, 7))]
        for scheme in (light, dark):
            for one, other, least in pairs:
                a, b = sorted((self.luminance(scheme[one]), self.luminance(scheme[other])))
                self.assertGreaterEqual((b + 0.05) / (a + 0.05), least, (one, other))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--show"]:
        rehearse(Path(sys.argv[2]))
        print(report.write(Path(sys.argv[2])))
    else:
        unittest.main()
