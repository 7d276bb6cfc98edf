"""Where an axis of a table's column has ticks, and what is written at them."""

from datetime import UTC, datetime, timedelta

import numpy as np
from matplotlib.ticker import MaxNLocator

from monge.data.table.calendar import DAY
from monge.data.table.schema import Column


def number_ticks(column: Column, low: float, high: float, count: int = 3) -> tuple[list[float], list[str]]:
    """About `count` places between two numbers of a column, and what to write at them; fewer dates, as dates."""
    if column.kind == "datetime" and high - low <= DAY:
        hours = np.asarray(MaxNLocator(count, steps=[1, 2, 3, 6, 10]).tick_values(low / 3600, high / 3600))
        inside = hours[(hours * 3600 >= low) & (hours * 3600 <= high)] * 3600
        minutes = [round(value / 60) for value in inside]
        return inside.tolist(), [f"{minute // 60 % 24:02}:{minute % 60:02}" for minute in minutes]
    ticks = np.asarray(MaxNLocator(2 if column.kind in ("date", "datetime") else count).tick_values(low, high))
    inside = ticks[(ticks >= low) & (ticks <= high)]
    if column.kind in ("date", "datetime"):
        unit = timedelta(days=1) if column.kind == "date" else timedelta(seconds=1)
        form = "%Y-%m" if (high - low) * unit > timedelta(days=400) else "%Y-%m-%d"
        labels = [f"{datetime(1970, 1, 1, tzinfo=UTC) + value * unit:{form}}" for value in inside]
    elif 1e6 <= np.abs(inside).max(initial=0) < 1e9:
        labels = [f"{value / 1e6:.4g} M" for value in inside]
    else:
        labels = [f"{value:,.6g}" for value in inside]
    return inside.tolist(), labels
