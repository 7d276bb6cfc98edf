"""The page of claims: what every experiment was asked, what it measured, and the verdicts, in one file."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from monge.config import registry
from monge.errors import UserError
from monge.evaluation.page.html import environment
from monge.experiment.experiment import FAILS, HOLDS, INCONCLUSIVE, Table
from monge.run.files import read_json, write_atomically

PAGE = "claims.html"
TONES = {HOLDS: "good", FAILS: "bad", INCONCLUSIVE: "warn"}
"""How each verdict is marked."""
COLOURS = 128
"""Of a figure in the page."""


@dataclass(frozen=True)
class Claim:
    """One claim with its verdict.

    Attributes:
        text: what is claimed.
        measured: the numbers behind the verdict, in words.
        verdict: a key of `TONES`.
    """

    text: str
    measured: Sequence[str]
    verdict: str

    @property
    def tone(self) -> str:
        """How the verdict is marked."""
        return TONES[self.verdict]


@dataclass(frozen=True)
class Shown:
    """One experiment as the page shows it.

    Attributes:
        name, description: as in `registry.EXPERIMENTS`.
        claims: in the order of the experiment.
        facts: budget, seed and seconds.
        versions: that made the measurements, in words.
        figure: PNG as base64, or None.
        tables: of all measurements.
    """

    name: str
    description: str
    claims: Sequence[Claim]
    facts: Mapping[str, Any]
    versions: str
    figure: str | None
    tables: Sequence[Table]


def claims_page(shown: Sequence[Shown]) -> str:
    """The page; equal results give equal pages."""
    return environment("monge.report").get_template("claims.html").render(experiments=shown, tones=TONES)


def write_claims(path: Path, shown: Sequence[Shown]) -> None:
    """Writes the page.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_atomically(path, claims_page(shown).encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error


def read(name: str, folder: Path, figure: Path | None = None) -> Shown:
    """One experiment from the folder of its results.

    Arguments:
        figure: its figure as PNG; `figure.png` in the folder if not given.

    Raises:
        UserError: there are no results, or what is there is none.
    """
    shown = read_without_figure(name, folder)
    picture = figure or folder / "figure.png"
    return replace(shown, figure=embedded_picture(picture)) if picture.is_file() else shown


def read_without_figure(name: str, folder: Path) -> Shown:
    """The same, without its figure.

    Raises:
        UserError: there are no results, or what is there is none.
    """
    path = folder / "result.json"
    entry = registry.EXPERIMENTS[name]
    experiment: Any = entry.load()
    try:
        facts = read_json(path)
        versions, verdicts = versions_in_words(facts["versions"]), facts["verdicts"]
        claims = [
            Claim(text, in_words(verdicts[key]), verdicts[key]["verdict"]) for key, text in experiment.claims.items()
        ]
        return Shown(name, entry.description, claims, facts, versions, None, experiment.tables(facts["rows"]))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path} must be the result of an experiment: {error}") from error


def versions_in_words(stored: Any) -> str:
    """What `result.json` says of the versions that made its rows."""
    if isinstance(stored, list):
        total = sum(part["rows"] for part in stored)
        return "; ".join(
            f"{versions_in_words(part['versions'])} ({part['rows']} of {total} results)" for part in stored
        )
    return ", ".join(f"{name} {version}" for name, version in (stored or {}).items()) or "an unknown version"


def embedded_picture(picture: Path) -> str:
    """A figure of few colours as PNG in base64, a third as large as it was."""
    buffer = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").quantize(COLOURS).save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def in_words(facts: Mapping[str, Any]) -> list[str]:
    """The numbers behind a verdict: a spread as its median and, in brackets, from the lowest to the highest."""
    return [f"{name.replace('_', ' ')}: {_value(value)}" for name, value in facts.items() if name != "verdict"]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_value(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        if len(value) == 3 and all(isinstance(number, int | float) for number in value):
            return f"{value[1]:.3g} ({value[0]:.3g} to {value[2]:.3g})"
        return ", ".join(map(_value, value)) or "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
