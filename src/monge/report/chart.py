"""Line charts as inline SVG: no script, no time stamp, coloured by the page's style sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Series = Sequence[tuple[float, float]]

LEFT = 52
"""Pixels between the edge and the axes, here and on the three other sides."""
RIGHT = 28
TOP = 12
BOTTOM = 42


@dataclass(frozen=True)
class Curve:
    """A line of a chart.

    Arguments:
        name: shown when a point is hovered over.
        points: (step, value), in ascending order of the step.
        style: CSS class that colours it.
    """

    name: str
    points: Series
    style: str


@dataclass(frozen=True)
class Chart:
    """Curves over the step, and perhaps the band between two of them.

    Arguments:
        title: what a screen reader says.
        curves: at least one, with at least one point each; all of the same length and steps.
        band: style of the band between the first two curves, none draws none.
        zero: whether the value axis must reach zero.
    """

    title: str
    curves: Sequence[Curve]
    band: str = ""
    zero: bool = True

    def svg(self, width: int, height: int = 260) -> str:
        """The chart as an `<svg>` element for a page area of about `width` pixels."""
        frame = _Frame.around(self, width, height)
        area = [point for curve in self.curves for point in curve.points]
        title = escape(f"{self.title}, steps {area[0][0]:,.0f} to {area[-1][0]:,.0f}")
        parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">', *frame.axes()]
        if self.band:
            lower, upper = (frame.path(curve.points) for curve in self.curves[:2])
            parts.append(f'<polygon class="{self.band}" points="{" ".join(lower + upper[::-1])}"/>')
        for curve in self.curves:
            points = frame.path(curve.points)
            parts.append(f'<polyline class="curve {curve.style}" points="{" ".join(points)}"/>')
            x, y = points[-1].split(",")
            parts.append(f'<circle class="end {curve.style}" cx="{x}" cy="{y}" r="3.5"/>')
        return "".join([*parts, *self._readings(frame), "</svg>"])

    def _readings(self, frame: "_Frame") -> list[str]:
        """Invisible columns that tell the values of their step when the pointer rests on them."""
        columns = []
        wide = (frame.width - LEFT - RIGHT) / len(self.curves[0].points)
        for rows in zip(*(curve.points for curve in self.curves), strict=True):
            step = rows[0][0]
            lines = [f"step {step:,.0f}"] + [
                f"{curve.name} {value:.4g}" for curve, (_, value) in zip(self.curves, rows, strict=True)
            ]
            columns.append(
                f'<rect class="reading" x="{frame.x(step) - wide / 2:.1f}" y="{TOP}" width="{wide:.1f}" '
                f'height="{frame.height - TOP - BOTTOM}"><title>{escape(chr(10).join(lines))}</title></rect>'
            )
        return columns


@dataclass(frozen=True)
class _Frame:
    """Where the steps from 0 to `last` and the values lie on the page."""

    width: int
    height: int
    last: float
    values: tuple[float, float]

    @classmethod
    def around(cls, chart: Chart, width: int, height: int) -> "_Frame":
        """A frame that holds every point, its value axis ending on round numbers."""
        points = [point for curve in chart.curves for point in curve.points]
        steps, values = [step for step, _ in points], [value for _, value in points] + [0.0] * chart.zero
        marks = ticks(min(values), max(values), 5)
        return cls(width, height, max(1, *steps), (marks[0], marks[-1]))

    def x(self, step: float) -> float:
        """Horizontal place of a step."""
        return LEFT + step / self.last * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        low, high = self.values
        return self.height - BOTTOM - (value - low) / (high - low) * (self.height - TOP - BOTTOM)

    def path(self, points: Series) -> list[str]:
        """Points as SVG coordinates."""
        return [f"{self.x(step):.1f},{self.y(value):.1f}" for step, value in points]

    def axes(self) -> list[str]:
        """Grid lines with their numbers."""
        right, bottom = self.width - RIGHT, self.height - BOTTOM
        parts = []
        for value in ticks(*self.values, 5):
            style = "zero" if value == 0 else "grid"
            y = self.y(value)
            parts.append(f'<line class="{style}" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="value" x="{LEFT - 8}" y="{y + 4:.1f}">{value:g}</text>')
        for step in ticks(0, self.last, max(3, self.width // 130)):
            if step <= self.last:
                parts.append(f'<text class="step" x="{self.x(step):.1f}" y="{bottom + 18}">{step:,.0f}</text>')
        middle = (LEFT + right) / 2
        return [*parts, f'<text class="step" x="{middle:.1f}" y="{self.height - 6}">generator step</text>']


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers, evenly spaced by 1, 2 or 5 times a power of ten, that enclose [low, high]."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    spacing = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span / count * 0.999)
    first, last = math.floor(low / spacing + 1e-9), math.ceil(high / spacing - 1e-9)
    digits = max(0, 1 - math.floor(math.log10(spacing)))
    return [round(index * spacing, digits) for index in range(first, max(last, first + 1) + 1)]
