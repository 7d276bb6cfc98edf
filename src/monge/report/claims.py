"""The page of claims: what every experiment was asked, what it measured, and the verdicts, in one file."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monge import catalogue
from monge.errors import UserError
from monge.report.page import environment
from monge.run import write_atomically

PAGE = "claims.html"
TONES = {"holds": "good", "does not hold": "bad", "inconclusive": "warn"}
"""How each verdict is marked."""


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
        name, description: as in `catalogue.EXPERIMENTS`.
        claims: in the order of the experiment.
        facts: budget, seed, seconds and versions.
        figure: PNG as base64, or None.
        tables: of all measurements, each a header and its rows.
    """

    name: str
    description: str
    claims: Sequence[Claim]
    facts: Mapping[str, Any]
    figure: str | None
    tables: Sequence[Sequence[Sequence[str]]]


def write_claims(folder: Path, names: Sequence[str]) -> Path:
    """Writes and returns `claims.html` in a folder that holds the results of experiments, each in one named like it.

    Raises:
        UserError: a result is missing, or the page cannot be written.
    """
    shown = [read(folder / name, name) for name in names]
    page = environment().get_template("claims.html").render(experiments=shown, tones=TONES)
    path = folder / PAGE
    try:
        write_atomically(path, page.encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def read(folder: Path, name: str) -> Shown:
    """One experiment from the folder of its results.

    Raises:
        UserError: there are none.
    """
    try:
        facts = json.loads((folder / "result.json").read_text())
        table = (folder / "table.md").read_text()
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror or error}") from error
    entry = catalogue.EXPERIMENTS[name]
    texts: Mapping[str, str] = entry.load().claims  # type: ignore[attr-defined]
    claims = [
        Claim(text, in_words(facts["verdicts"][key]), facts["verdicts"][key]["verdict"]) for key, text in texts.items()
    ]
    picture = folder / "figure.png"
    figure = base64.b64encode(picture.read_bytes()).decode() if picture.is_file() else None
    return Shown(name, entry.description, claims, facts, figure, tables(table))


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


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a markdown text as lists of rows of cells; the first row is the header."""
    found: list[list[list[str]]] = []
    for line in text.splitlines():
        cells = [
            cell.strip().replace("\\|", "|") for cell in line.strip().removeprefix("|").removesuffix("|").split(" | ")
        ]
        if not line.startswith("|"):
            found.append([])
        elif set("".join(cells)) != {"-"}:
            found[-1:] = [[*(found[-1] if found else []), cells]]
    return [table for table in found if table]
