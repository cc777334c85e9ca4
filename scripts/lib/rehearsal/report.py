"""The report of a rehearsal, from what series.Recorder wrote: a page that needs nothing else, or a scene's picture.

A panel is shown where a scene has samples for it: offered, answered (requests a second); tasks.ZONE.COLOUR;
cpu.service, cpu.serving, workers (all in %); p50, p99 (ms); errors.LABEL (a second).
"""

import math
import statistics
import time
from collections import namedtuple
from html import escape
from pathlib import Path

from . import series

WIDTH, LEFT, RIGHT = 1100, 46, 10
PANEL, TITLE, LANE, FOOT = 104, 32, 16, 34  # heights: axes, a panel's title, a lane of events, under the axes
LETTER = 6.2  # width at 11 px
LONGEST = 64  # letters of an event in a picture

# A sample, what it is called, its colour. Where a panel has `stack`, all samples of that prefix lie on each other.
Line = namedtuple("Line", "sample label look")
Panel = namedtuple("Panel", "name title lines stack mark log", defaults=((), None, None, False))

PANELS = (
    Panel("load", "requests a second", (Line("offered", "offered", "grey"), Line("answered", "answered well", "c1"))),
    Panel("tasks", "tasks, by zone and colour", stack="tasks."),
    Panel("cpu", "CPU, %", (Line("cpu", "of all tasks", "c1"), Line("serving-cpu", "of those that serve", "c2"),
                            Line("workers", "workers busy", "c4")), mark=65),
    Panel("latency", "latency of good answers, ms", (Line("p99", "p99", "c2"), Line("p50", "p50", "c1")), log=True),
    Panel("errors", "errors a second", stack="errors."),
)
SHADES = [f"{colour}{n}" for colour in ("blue", "green") for n in (1, 2, 3)]  # by zone
LOOKS = ("c2", "c4", "c5", "c6", "c1", "c3")
UNNAMED = {"task", "stage"}  # events too many to name in a picture: they stand in the list only
LOUD = {"fault": "bad", "alarm": "bad", "rollback": "bad"}  # the rest is quiet

COLOURS = """
.page { --paper: #fff; --ink: #1b1f24; --quiet: #57606a; --rule: #d0d7de;
    --good: #dff5e3; --bad: #ffdfdc; --loud: #b3261e;
    --c1: #0a58ca; --c2: #d9480f; --c3: #2b8a3e; --c4: #9c36b5; --c5: #b08800; --c6: #0b7285;
    --blue1: #1c4e9c; --blue2: #4d86d9; --blue3: #a5c4f0; --green1: #1d6b34; --green2: #4ba866; --green3: #a9dcb6; }
@media screen and (prefers-color-scheme: dark) {
.page { --paper: #14181d; --ink: #e6edf3; --quiet: #9aa6b2; --rule: #343c46;
    --good: #16351f; --bad: #5a1b17; --loud: #ff9389;
    --c1: #6cb0ff; --c2: #ff8a4c; --c3: #63d384; --c4: #d69af0; --c5: #e5c04b; --c6: #5cc9dd;
    --blue1: #2c62b4; --blue2: #5d98ea; --blue3: #b4d2fa; --green1: #2a7d43; --green2: #58b974; --green3: #b6e6c3; }
}
"""
PICTURE = """
svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; font-variant-numeric: tabular-nums;
    paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
svg .title { fill: var(--ink); font-weight: 600; font-size: 12px; }
svg .label { fill: var(--ink); }
svg .label.bad { fill: var(--loud); font-weight: 600; }
svg path { fill: none; stroke-width: 1.6px; stroke-linejoin: round; }
svg .axis { stroke: var(--quiet); stroke-width: 1px; }
svg .grid { stroke: var(--rule); stroke-width: 1px; }
svg .event { stroke: var(--quiet); stroke-width: 1px; stroke-dasharray: 2 3; }
svg .event.bad { stroke: var(--loud); stroke-dasharray: none; }
svg .mark { stroke: var(--ink); stroke-dasharray: 6 4; stroke-width: 1px; }
svg .grey { stroke: var(--quiet); }
""" + "".join(f"svg .{c} {{ stroke: var(--{c}); }} svg .area.{c} {{ fill: var(--{c}); stroke: none; }}\n"
              for c in (*LOOKS, *SHADES))
PAGE = """
* { box-sizing: border-box; }
html { background: var(--paper); }
body { max-width: 75rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
    font: 0.95rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1, h2, p, figure { margin: 0; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.2rem; }
p { max-width: 65rem; }
.quiet, footer, figcaption { color: var(--quiet); }
.state { max-width: none; margin: 1rem 0; padding: 0.6rem 0.9rem; border-radius: 0.4rem; font-weight: 600;
    background: var(--good); }
.state.bad { background: var(--bad); }
section { margin-top: 1.25rem; padding: 1rem 1.1rem; border: 1px solid var(--rule); border-radius: 0.4rem; }
svg { display: block; width: 100%; height: auto; margin-top: 0.6rem; }
figcaption, summary, table { font-size: 0.85rem; }
summary { cursor: pointer; color: var(--quiet); }
:focus-visible { outline: 2px solid var(--c1); outline-offset: 1px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
tbody tr:last-child > * { border-bottom: none; }
tbody th { font-weight: 400; white-space: nowrap; }
td.verdict, td.at { white-space: nowrap; }
td.bad { color: var(--loud); font-weight: 600; }
a { color: inherit; }
@media print {
    body { max-width: none; padding: 0; font-size: 0.75rem; }
    section, tr { break-inside: avoid; }
    details { display: none; }
}
"""


# --- where things are -----------------------------------------------------------------------------------------------

def ticks(high, most):
    """Up to `most` round numbers above 0, the last at or above `high`."""
    power = 10 ** math.floor(math.log10(high / most))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if math.ceil(high / (n * power) - 1e-9) <= most)
    return [n * step for n in range(1, math.ceil(high / step - 1e-9) + 1)]


class Time:
    """The one axis of a scene, in AWS minutes."""

    def __init__(self, recording):
        times = [at for points in recording.samples.values() for at, _ in points] + [e.at for e in recording.events]
        self.low, self.high = min(times, default=0), max(times, default=0)
        self.high = max(self.high, self.low + 60)

    def x(self, at):
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - self.low) / (self.high - self.low)

    def ticks(self):
        """(x, text) of whole minutes, or half ones."""
        minutes = (self.high - self.low) / 60
        step = next((n for n in (0.5, 1, 2, 5, 10, 15, 30, 60) if minutes / n <= 14), 120)
        first = math.ceil(self.low / 60 / step)
        return [(self.x(n * step * 60), f"{n * step:g}") for n in range(first, math.floor(self.high / 60 / step) + 1)]


class Values:
    """A panel's upright axis, from `top` down; logarithmic ones begin at 1."""

    def __init__(self, top, high, log):
        self.top, self.log = top, log
        decades = max(1, math.ceil(math.log10(max(high, 10)) - 1e-9))
        self.ticks = [10 ** n for n in range(decades + 1)] if log else ticks(high or 1, 4)
        self.high = self.ticks[-1]

    def y(self, value):
        share = math.log10(max(value, 1)) / math.log10(self.high) if self.log else value / self.high
        return self.top + PANEL * (1 - min(share, 1))


# --- drawing --------------------------------------------------------------------------------------------------------

def text(x, y, said, anchor="start", look=""):
    look = f' class="{look}"' if look else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{look}>{escape(said)}</text>'


def path(look, data):
    return f'<path class="{look}" d="{data}"/>'


def through(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def pieces(points):
    """A line's points or an area's edges, parted where nothing was sampled for longer than two of its usual steps."""
    steps = [b - a for (a, *_), (b, *_) in zip(points, points[1:])]
    usual = statistics.median(steps) if steps else 0
    cuts = [0, *(n + 1 for n, step in enumerate(steps) if step > 2.5 * usual), len(points)]
    return [points[begin:end] for begin, end in zip(cuts, cuts[1:])]


def stacked(samples):
    """For each of `samples`, {name: points}, the steps of its lower and its upper edge: [(at, low, high)]."""
    times = sorted({at for points in samples.values() for at, _ in points})
    below = dict.fromkeys(times, 0)
    for name, points in samples.items():
        values, last, edges = dict(points), 0, []
        for at in times:
            last = values.get(at, last)
            edges.append((at, below[at], below[at] + last))
            below[at] += last
        yield name, edges


def area(edges, scale, axis):
    """Edges are steps: a value holds until the next."""
    ends = [at for at, *_ in edges[1:]] + [edges[-1][0]]
    upper = [(scale.x(at), axis.y(high)) for (begin, _, high), end in zip(edges, ends) for at in (begin, end)]
    lower = [(scale.x(at), axis.y(low)) for (begin, low, _), end in zip(edges, ends) for at in (begin, end)]
    return through(upper + lower[::-1]) + "Z"


def layers(panel, samples):
    """(name, look, edges) of a stack. Tasks have the colour of their colour, its shade by zone."""
    found = {name.removeprefix(panel.stack): points for name, points in samples.items()
             if name.startswith(panel.stack) and any(value for _, value in points)}
    looks = {name: LOOKS[n % len(LOOKS)] for n, name in enumerate(found)}
    if panel.name == "tasks":
        zones = sorted({name.split(".")[0] for name in found})
        found = dict(sorted(found.items(), key=lambda item: item[0].split(".")[::-1]))
        looks = {name: f"{colour}{zones.index(zone) % 3 + 1}" for name in found for zone, colour in [name.split(".")]}
    return [(name.replace(".", " ") if panel.name == "tasks" else name, looks[name], edges)
            for name, edges in stacked(found)]


def name_of(event):
    return event.text if len(event.text) <= LONGEST else event.text[:LONGEST - 1].rstrip() + "…"


def named(recording, scale):
    """(x, kind, text) of the events a picture names; the same, soon again, counts up instead."""
    found = []
    for event in recording.events:
        if event.kind in UNNAMED:
            continue
        x, said = scale.x(event.at), name_of(event)
        if found and found[-1][1:3] == [event.kind, said] and x - found[-1][0] < 12:
            found[-1][3] += 1
        else:
            found.append([x, event.kind, said, 1])
    return [(x, kind, said + (f" ×{times}" if times > 1 else "")) for x, kind, said, times in found]


def lanes(events):
    """(lane, begin of the text, event) of each: below every text that would lie across its line."""
    taken = []  # where each lane's text ends
    for x, kind, said in events:
        width = LETTER * len(said) + 8
        begin = min(x + 4, WIDTH - RIGHT - width)
        lane = max((n + 1 for n, end in enumerate(taken) if end > min(x, begin)), default=0)
        taken[lane:lane + 1] = [begin + width]
        yield lane, begin, (x, kind, said)


def legend(items, top):
    """(look, text) from the right, in the line of the title."""
    right = WIDTH - RIGHT
    for look, said in reversed(items):
        right -= LETTER * len(said) + 3
        yield text(right, top - 9, said)
        yield path(look, f"M{right - 18:.1f} {top - 13}" + ("m0 -4h12v8h-12Z" if look.startswith("area") else "h12"))
        right -= 32


def draw_panel(panel, recording, scale, top):
    """Nothing where there are no samples."""
    lines = [line for line in panel.lines if recording.samples.get(line.sample)]
    piled = layers(panel, recording.samples) if panel.stack else []
    values = [value for line in lines for _, value in recording.samples[line.sample]]
    values += [high for _, _, edges in piled for _, _, high in edges] + ([panel.mark] if panel.mark else [])
    if not lines and not piled:
        return
    axis = Values(top, max(values), panel.log)
    yield text(LEFT, top - 9, panel.title, look="title")
    keys = [(line.look, line.label) for line in lines] + [(f"area {look}", name) for name, look, _ in piled]
    yield from legend(keys, top)
    for value in axis.ticks:
        yield path("grid", f"M{LEFT} {axis.y(value):.1f}H{WIDTH - RIGHT}")
        yield text(LEFT - 6, axis.y(value) + 4, f"{value:g}", "end")
    for _, look, edges in piled:
        for part in pieces(edges):
            yield path(f"area {look}", area(part, scale, axis))
    for line in lines:
        for points in pieces(recording.samples[line.sample]):
            yield path(line.look, through((scale.x(at), axis.y(value)) for at, value in points))
    if panel.mark:
        yield path("mark", f"M{LEFT} {axis.y(panel.mark):.1f}H{WIDTH - RIGHT}")
        yield text(LEFT + 4, axis.y(panel.mark) - 4, f"{panel.mark} %: target", look="label")
    yield path("axis", f"M{LEFT} {top + PANEL}H{WIDTH - RIGHT}")


def picture(recording, panels=None, style=""):
    """An SVG of a scene: the named panels, or all it has samples for, under its events."""
    scale, body = Time(recording), []
    placed = list(lanes(named(recording, scale)))
    top = begin = LANE * (max((lane for lane, *_ in placed), default=-1) + 1) + 6
    for panel in PANELS:
        drawn = list(draw_panel(panel, recording, scale, top + TITLE)) if panels is None or panel.name in panels else []
        body += drawn
        top += (TITLE + PANEL) * bool(drawn)
    grid = []
    for x, minute in scale.ticks():
        grid.append(path("grid", f"M{x:.1f} {begin + TITLE}V{top}"))
        body.append(text(x, top + 15, minute, "middle"))
    for lane, left, (x, kind, said) in placed:
        line_top = LANE * (lane + (0.3 if left > x else 1))  # beside its text, or under it
        body.append(path(f"event {LOUD.get(kind, '')}", f"M{x:.1f} {line_top:.1f}V{top}"))
        body.append(text(left, LANE * (lane + 1) - 3, said, look=f"label {LOUD.get(kind, '')}"))
    body.append(text(WIDTH - RIGHT, top + 30, "minutes, as AWS counts them", "end"))
    body.sort(key=lambda element: element.startswith("<text"))  # words lie on lines
    said = escape(f"{recording.head['title']}: {len(recording.events)} events over time", quote=True)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + FOOT}" role="img" aria-label="{said}"'
            f'{style}\n' + "\n".join(grid + body) + "\n</svg>\n")


def write_picture(recording, file, panels=None):
    """One scene's picture as a file of its own, with its colours for light and dark."""
    style = f' class="page" font-size="11">\n<style>{COLOURS}{PICTURE}svg {{ background: var(--paper); }}</style>'
    Path(file).write_text(picture(recording, panels, style), encoding="utf-8")


# --- the page -------------------------------------------------------------------------------------------------------

def promises_of(recording):
    yield from recording.promises
    if not recording.ended:
        yield series.Promise("the scene comes to its end", "it was broken off", False)


def row(cells):
    return "<tr>" + "".join(cells) + "</tr>"


def verdict(holds):
    return '<td class="verdict">✓ held</td>' if holds else '<td class="verdict bad">✗ not held</td>'


def promise_table(recordings):
    rows = []
    for recording in recordings:
        anchor, title = escape(recording.head["scene"], quote=True), escape(recording.head["title"])
        for n, promise in enumerate(promises_of(recording)):
            scene = f'<a href="#{anchor}">{title}</a>' if n == 0 else ""
            rows.append(row([f"<th scope=\"row\">{scene}</th>", f"<td>{escape(promise.text)}</td>",
                             f"<td>{escape(promise.measured)}</td>", verdict(promise.holds)]))
    head = row(f'<th scope="col">{name}</th>' for name in ("scene", "promise", "measured", "verdict"))
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def clock_text(at):
    return f"{int(at // 60)}:{at % 60:04.1f}"


def section(recording):
    head = recording.head
    events = "".join(row([f'<td class="at">{clock_text(e.at)}</td>', f"<td>{escape(e.kind)}</td>",
                          f"<td>{escape(e.text)}</td>"]) for e in recording.events)
    return f"""<section id="{escape(head['scene'], quote=True)}">
<h2>{escape(head['title'])}</h2>
<p>{escape(head['about'])}</p>
<figure>{picture(recording, style=">")}</figure>
<details><summary>{len(recording.events)} events</summary><table><tbody>{events}</tbody></table></details>
</section>"""


def where(recordings):
    """One sentence: what was run, on what machine."""
    head = recordings[-1].head
    machine = head["machine"]
    ways = " and ".join(sorted({r.head["how"] for r in recordings}))
    speeds = " or ".join(f"{60 / s:g}" for s in sorted({r.head["speed"] for r in recordings}))
    day = time.strftime("%-d %B %Y", time.localtime(head["began"]))
    return (f"{ways}, with real nginx, workers, PostgreSQL and Redis, on {day} on one machine: {machine['cores']} "
            f"cores ({machine['cpu']}), {machine['memory_gib']} GiB, Linux {machine['kernel']}. Only AWS is played by "
            f"stand-ins, whose minutes last {speeds} seconds; requests run in real time.")


def page(recordings):
    found = [promise for recording in recordings for promise in promises_of(recording)]
    broken = sum(not promise.holds for promise in found)
    state = f"✗ Not held: {broken} of {len(found)} promises." if broken else f"✓ Held: all {len(found)} promises."
    sections = "\n".join(map(section, recordings))
    return f"""<!doctype html>
<html lang="en" class="page">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>AgroBridge API: scaling and high availability, rehearsed</title>
<link rel="icon" href="data:,">
<style>{COLOURS}{PAGE}{PICTURE}</style>
</head>
<body>
<h1>Scaling and high availability, rehearsed</h1>
<p class="quiet">{escape(where(recordings))}</p>
<p class="state{' bad' if broken else ''}" role="status">{state}</p>
{promise_table(recordings)}
{sections}
</body>
</html>
"""


def write(directory):
    """DIRECTORY/report.html from every recording in it, in the order they were made; returns its path."""
    recordings = sorted(map(series.read, Path(directory).glob("*.jsonl")), key=lambda r: r.head["began"])
    file = Path(directory) / "report.html"
    file.write_text(page(recordings), encoding="utf-8")
    return file
