"""Line plots as SVG: panels side by side, few words, colours that can be told apart on white and on black."""

import math
from collections import namedtuple
from html import escape

COLOURS = ("#3b82f6", "#e8590c", "#2f9e44", "#be4bdb")  # 3:1 or more on white and on black, also for the colour-blind
GREY = "#808080"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 250, 190, 46, 52, 66, 20  # of a panel's axes, and around them

# `points` are (x, y). Lines of one name have one colour. `mark` is an x to point out; `top` cuts the y axis.
Line = namedtuple("Line", "name points dots joined", defaults=(True, True))
Panel = namedtuple("Panel", "title x_label lines log_x top mark", defaults=(False, None, None))


def ticks(low, high):
    """Up to six round numbers between."""
    power = 10 ** math.floor(math.log10((high - low) / 6))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if (high - low) / (n * power) <= 6)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def log_ticks(low, high):
    every = [n * 10 ** e for e in range(-3, 7) for n in (1, 2, 5)]
    return [t for t in every if low * 0.999 <= t <= high * 1.001]


def text(x, y, said, anchor="middle", colour=GREY, size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(said)}</text>'


class Axes:
    """Where values are in the picture."""

    def __init__(self, panel, left):
        xs = [x for line in panel.lines for x, _ in line.points]
        self.left, self.scale = left, math.log if panel.log_x else float
        self.low, self.high = min(xs) if panel.log_x else 0, max(xs)
        self.top = panel.top or 1.08 * max(y for line in panel.lines for _, y in line.points)

    def x(self, value):
        return self.left + WIDTH * (self.scale(value) - self.scale(self.low)) / (self.scale(self.high) - self.scale(self.low))

    def y(self, value):
        return TOP + HEIGHT * (1 - value / self.top)


def axes_svg(panel, axes):
    left, middle = axes.left, axes.left + WIDTH / 2
    yield text(middle, TOP - 32, panel.title, size=13)
    yield text(middle, TOP + HEIGHT + 36, panel.x_label)
    for y in ticks(0, axes.top):
        yield f'<path d="M{left} {axes.y(y):.1f}h{WIDTH}" stroke="{GREY}" stroke-opacity="0.3"/>'
        yield text(left - 6, axes.y(y) + 4, f"{y:g}", "end")
    for x in (log_ticks if panel.log_x else ticks)(axes.low, axes.high):
        yield text(axes.x(x), TOP + HEIGHT + 17, f"{x:g}")
    yield f'<path d="M{left} {TOP}v{HEIGHT}h{WIDTH}" fill="none" stroke="{GREY}"/>'
    if panel.mark is not None:
        yield f'<path d="M{axes.x(panel.mark):.1f} {TOP}v{HEIGHT}" stroke="{GREY}" stroke-dasharray="4 4"/>'


def line_svg(line, colour, axes):
    shown = [f"{axes.x(x):.1f} {axes.y(y):.1f}" for x, y in line.points if y <= axes.top]
    if line.joined:
        yield f'<path d="M{"L".join(shown)}" fill="none" stroke="{colour}" stroke-width="2"/>'
    if line.dots:
        for x, y in map(str.split, shown):
            yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'


def panel_svg(panel, left):
    axes, names = Axes(panel, left), list(dict.fromkeys(line.name for line in panel.lines))
    yield from axes_svg(panel, axes)
    for line in panel.lines:
        yield from line_svg(line, COLOURS[names.index(line.name)], axes)
    for i, name in enumerate(names):
        yield text(left + (i + 0.5) * WIDTH / len(names), TOP - 12, name, colour=COLOURS[i])


def draw(path, caption, panels):
    step, height = LEFT + WIDTH + GAP, TOP + HEIGHT + BOTTOM
    width = GAP + step * len(panels)
    body = [line for i, panel in enumerate(panels) for line in panel_svg(panel, LEFT + i * step)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
                    f'font-family="system-ui, sans-serif">\n' + "\n".join([*body, text(width / 2, height - 8, caption)])
                    + "\n</svg>\n")
