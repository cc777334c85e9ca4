"""Line plots as SVG: panels side by side, few words, colours that can be told apart on white and on black."""

import math
from collections import namedtuple
from html import escape

COLOURS = ("#3b82f6", "#e8590c", "#2f9e44", "#be4bdb")  # 3:1 or more on white and on GitHub's dark, and for the colour-blind
GREY = "#808080"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 250, 190, 46, 52, 46, 20  # of a panel's axes, and around them

# `points` are (x, y); dots are measured, a line without dots is computed.
Line = namedtuple("Line", "name points computed", defaults=(False,))
Panel = namedtuple("Panel", "title x_label lines log_x top", defaults=(False, None))


def ticks(low, high):
    """Four to eight round numbers between."""
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(n for n in (1, 2, 2.5, 5, 10) if (high - low) / (n * step) <= 6)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def log_ticks(low, high):
    every = [n * 10 ** e for e in range(-3, 7) for n in (1, 2, 5)]
    return [t for t in every if low * 0.999 <= t <= high * 1.001]


def text(x, y, said, anchor="middle", colour=GREY, size=11):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(said)}</text>'


def panel_svg(panel, left):
    xs = [x for line in panel.lines for x, _ in line.points]
    low, high = min(xs), max(xs)
    low = low if panel.log_x else 0
    top = panel.top or 1.08 * max(y for line in panel.lines for _, y in line.points) or 1
    scale = math.log if panel.log_x else float
    at_x = lambda x: left + WIDTH * (scale(x) - scale(low)) / (scale(high) - scale(low))  # noqa: E731
    at_y = lambda y: TOP + HEIGHT * (1 - min(y, top) / top)  # noqa: E731
    out = [text(left + WIDTH / 2, TOP - 30, panel.title, size=13), text(left + WIDTH / 2, TOP + HEIGHT + 36, panel.x_label)]
    for y in ticks(0, top):
        out.append(f'<path d="M{left} {at_y(y):.1f}h{WIDTH}" stroke="{GREY}" stroke-opacity="0.3"/>')
        out.append(text(left - 6, at_y(y) + 4, f"{y:g}", "end"))
    for x in (log_ticks if panel.log_x else ticks)(low, high):
        out.append(text(at_x(x), TOP + HEIGHT + 17, f"{x:g}"))
    out.append(f'<path d="M{left} {TOP}v{HEIGHT}h{WIDTH}" fill="none" stroke="{GREY}"/>')
    names = left + 6
    for line, colour in zip(panel.lines, COLOURS):
        shown = [(at_x(x), at_y(y)) for x, y in line.points if y <= top]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in shown)
        dash = ' stroke-dasharray="5 3"' if line.computed else ""
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        if not line.computed:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in shown]
        out.append(text(names, TOP - 10, line.name, "start", colour, 12))
        names += 8 * len(line.name) + 14
    return out


def draw(path, title, panels):
    width = GAP + sum(LEFT + WIDTH + GAP for _ in panels)
    height = TOP + HEIGHT + BOTTOM + 22
    body = [text(width / 2, height - 6, title)]
    for i, panel in enumerate(panels):
        body += panel_svg(panel, LEFT + i * (LEFT + WIDTH + GAP))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
                    f'font-family="system-ui, sans-serif">\n' + "\n".join(body) + "\n</svg>\n")
