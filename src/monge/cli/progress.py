"""What people see on standard error while they wait."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from monge.cli.notice import NOTICES


class StepsPerSecond(ProgressColumn):
    """Steps per second, once known."""

    def render(self, task: Task) -> Text:
        """The column's text."""
        return Text(f"{task.speed:.0f} steps/s" if task.speed else "- steps/s", style="dim")


MEASURED_SECONDS = 3.0
"""Seconds of steps that are timed before it is said how long all of them will take."""
MEASURED_STEPS = 5
"""Fewest steps that are timed."""
WORTH_SAYING = 10.0
"""Fewest remaining seconds for which it is said."""


class Forecast:
    """Says once how long a training will take, as soon as its first steps have shown it.

    Arguments:
        steps: generator updates in all.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._start: tuple[int, float] | None = None
        self._said = self._measured = False

    def __call__(self, step: int, *, measured: bool = False) -> str | None:
        """The line, or None: too early, said already, or not worth it.

        Arguments:
            step: that was made.
            measured: whether the distance was measured after it, which the first time is not counted: of large data it
                takes as long as hundreds of steps, and is seldom repeated.
        """
        now = time.monotonic()
        if self._start is None or (measured and not self._measured and not self._said):
            self._start = step, now  # the first step is slower than the others
        self._measured |= measured
        if self._said:
            return None
        done, seconds = step - self._start[0], now - self._start[1]
        if done < MEASURED_STEPS or seconds < MEASURED_SECONDS:
            return None
        self._said = True
        left = self._steps - step
        if left * seconds / done < WORTH_SAYING:
            return None
        rate = f"{done / seconds:.0f} steps/s" if done >= seconds else f"{seconds / done:.1f} s a step"
        return f"about {duration(left * seconds / done)} for {left:,} steps ({rate}); Ctrl-C saves"

    def left(self, step: int) -> str:
        """How long the rest takes at the rate so far, for the end of a line; empty before it is known."""
        if self._start is None or step <= self._start[0] or step >= self._steps:
            return ""
        rate = (time.monotonic() - self._start[1]) / (step - self._start[0])
        return f"  {duration(rate * (self._steps - step))} left"


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    Example:
        >>> duration(50), duration(200), duration(9000)
        ('50 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


class TrainingBar:
    """A bar on a terminal; elsewhere one line for each bracket. Both say early how long it will take.

    Arguments:
        shown: whether this process draws it, and not another one of the same training.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self._console = Console(file=sys.stderr)
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(None),
            MofNCompleteColumn(),
            StepsPerSecond(),
            TextColumn("{task.fields[estimate]}"),
            TextColumn("[bold]{task.fields[bracket]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not (shown and self._console.is_terminal),
        )
        self._task = self._bar.add_task("", total=None, estimate="", bracket="")
        self._steps = 0
        self._forecast = Forecast(0)

    def __enter__(self) -> "TrainingBar":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, step: int, seen: Mapping[str, Any]) -> None:
        """Shows a step, and what was read of it: before the first, the steps in all."""
        if "steps" in seen:
            # the input has been accepted; and a resumed run does not start at zero
            NOTICES.release()
            self._steps, self._forecast = seen["steps"], Forecast(seen["steps"])
            self._bar.reset(self._task, total=self._steps, completed=step)
            return
        if forecast := self._forecast(step, measured="bracket" in seen):
            self._console.print(forecast, highlight=False, soft_wrap=True)
        update: dict[str, Any] = {"completed": step}
        if "critic_loss" in seen:
            update["estimate"] = f"critic {-seen['critic_loss']:.3g}"
        elif "transport" in seen:
            update["estimate"] = f"transport {seen['transport']:.3g}"
        bracket = seen.get("bracket")
        if bracket:
            update["bracket"] = (
                f"W1 {bracket['lower']:.3g}..{bracket['upper']:.3g} floor {bracket['floor']:.3g} "
                f"excess {bracket['excess']:.3g}"
            )
            if seen.get("copying", {}).get("alarm"):
                update["bracket"] += "  copies training samples"
            for name in seen.get("symptoms", {}):
                update["bracket"] += f"  {name.replace('_', ' ')}"
            if not self._console.is_terminal:
                left = self._forecast.left(step)
                print(f"step {step}/{self._steps}  {update['estimate']}  {update['bracket']}{left}", file=sys.stderr)
        self._bar.update(self._task, **update)


class StageBar:
    """A bar for one stage after the other on a terminal; elsewhere one line for each."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task, self._stage = self._bar.add_task(""), ""

    def __enter__(self) -> "StageBar":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        """Shows how much of a stage is done."""
        if stage != self._stage:
            self._stage = stage
            if not self._console.is_terminal:
                print(f"{stage} ...", file=sys.stderr, flush=True)
        self._bar.update(self._task, description=f"{stage:12}", completed=done, total=total)
