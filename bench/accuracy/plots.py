"""Drawings as SVG text: bars with intervals, and curves. Colours are the page's (document.STYLE)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 720
LABELS, RIGHT = 170, 60  # room left of the bars for names, and right of them for numbers
ROW = 26
SQUARE, MARGIN = 380, 46


@dataclass(frozen=True)
class Bar:
    """A bar from 0 to 100, with its interval if it has one, and a second thinner one behind it."""

    label: str
    value: float
    interval: tuple[float, float] | None = None
    second: float | None = None


def bars(rows: Sequence[Bar]) -> str:
    """Horizontal bars of percentages."""
    height = ROW * len(rows) + 24
    grid = "".join(
        f'<line class="axis" x1="{_across(p):.1f}" y1="0" x2="{_across(p):.1f}" y2="{height - 20}"/>'
        f'<text class="soft" x="{_across(p):.1f}" y="{height - 5}" text-anchor="middle">{p}</text>'
        for p in range(0, 101, 20)
    )
    return _svg(WIDTH, height, grid + "".join(_bar(row, i * ROW) for i, row in enumerate(rows)))


def _across(percent: float) -> float:
    return LABELS + (WIDTH - LABELS - RIGHT) * percent / 100


def _bar(row: Bar, top: float) -> str:
    left, end = _across(0), _across(row.value)
    parts = [f'<text x="{LABELS - 8}" y="{top + 16}" text-anchor="end">{html.escape(row.label)}</text>']
    if row.second is not None:
        parts.append(
            f'<rect class="second" x="{left}" y="{top + 18}" width="{_across(row.second) - left:.1f}" height="3"/>'
        )
    parts.append(f'<rect class="bar" x="{left}" y="{top + 4}" width="{end - left:.1f}" height="14"/>')
    if row.interval:
        low, high = map(_across, row.interval)
        parts.append(f'<line class="span" x1="{low:.1f}" y1="{top + 11}" x2="{high:.1f}" y2="{top + 11}"/>')
    parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{top + 16}">{row.value:.1f}</text>')
    return "".join(parts)


Point = tuple[float, float]


def reliability_plot(points: Sequence[tuple[float, float, int]]) -> str:
    """(confidence, share right, number of answers): a dot each, its area by the number; the diagonal is perfect."""
    most = max((count for _, _, count in points), default=1)
    dots = "".join(
        f'<circle class="bar" cx="{_x(c):.1f}" cy="{_y(right):.1f}" r="{3 + 11 * (count / most) ** 0.5:.1f}">'
        f"<title>{count} answers: confidence {c:.2f}, right {right:.2f}</title></circle>"
        for c, right, count in points
    )
    diagonal = f'<line class="axis" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    return _frame("confidence", "share right", diagonal + dots, ["0", "0.5", "1"])


def coverage_plot(points: Sequence[Point]) -> str:
    """(share answered, share right) as the threshold falls."""
    return _frame("share of questions answered", "share right", _line(points, "line"), ["0", "0.5", "1"])


def latency_plot(curves: Sequence[Sequence[float]]) -> str:
    """Share of answers (upwards) that came within so many seconds; the first curve, and another behind it."""
    most = max((value for values in curves for value in values), default=1.0) or 1.0
    drawn = ""
    for name, values in zip(("line", "line2"), curves, strict=False):
        ordered = sorted(values)
        drawn += _line([(v / most, (i + 1) / len(ordered)) for i, v in enumerate(ordered)], name)
    return _frame("seconds", "share of answers", drawn, ["0", f"{most / 2:.1f}", f"{most:.1f}"])


def _x(share: float) -> float:
    return MARGIN + (SQUARE - MARGIN - 12) * share


def _y(share: float) -> float:
    return 10 + (SQUARE - MARGIN - 10) * (1 - share)


def _line(points: Sequence[Point], name: str) -> str:
    return f'<polyline class="{name}" points="{" ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)}"/>'


def _frame(across: str, up: str, inside: str, ticks: Sequence[str]) -> str:
    marks = "".join(
        f'<text class="soft" x="{_x(i / 2):.1f}" y="{_y(0) + 16:.1f}" text-anchor="middle">{tick}</text>'
        f'<text class="soft" x="{_x(0) - 6:.1f}" y="{_y(i / 2) + 4:.1f}" text-anchor="end">{i / 2:g}</text>'
        for i, tick in enumerate(ticks)
    )
    axes = (
        f'<line class="axis" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(0)}"/>'
        f'<line class="axis" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(0)}" y2="{_y(1)}"/>'
    )
    names = (
        f'<text x="{_x(0.5):.1f}" y="{SQUARE - 8}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(12 {_y(0.5):.1f}) rotate(-90)" text-anchor="middle">{up}</text>'
    )
    return _svg(SQUARE, SQUARE, axes + marks + names + inside)


def _svg(width: float, height: float, inside: str) -> str:
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">{inside}</svg>'
