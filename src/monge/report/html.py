"""Templates of pages, with the filters that they use."""

import math
import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monge.evaluation.text import percent


def with_error(value: float, error: float | None) -> str:
    """A value and its standard error to two digits, both to the same place."""
    if error is None:
        return f"{value:.3g}"
    if not (1e-6 < error < 1e6 and abs(value) < 1e6):
        return f"{value:.3g} ± {error:.2g}"
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{places}f} ± {error:.{places}f}"


def breakable(value: object) -> Markup:
    """A setting as text whose lines may break after its separators."""
    return Markup(re.sub(r"([:/])", r"\1<wbr>", str(escape(value))))


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds, the two largest that matter."""
    hours, minutes, rest = int(seconds) // 3600, int(seconds) // 60 % 60, int(seconds) % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def whole_flags(text: str) -> Markup:
    """A text whose lines do not break within the name of a flag."""
    return Markup(re.sub(r"(--[a-z.-]+)", r'<span class="whole">\1</span>', str(escape(text))))


def environment() -> Environment:
    """Templates of this package, with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("monge.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda value: f"{value:.3g}", "with_error": with_error}
    environment.filters |= {
        "duration": duration,
        "percent": percent,
        "breakable": breakable,
        "whole_flags": whole_flags,
    }
    return environment
