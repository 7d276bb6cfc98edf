"""What every experiment about claims is tested for."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from monge.cli import run
from monge.config.registry import EXPERIMENTS

Row = dict[str, Any]
HOLDS, FAILS, UNSURE = "holds", "does not hold", "inconclusive"


def verdicts(name: str, rows: Sequence[Row]) -> Mapping[str, str]:
    """The verdict on each claim of an experiment."""
    experiment: Any = EXPERIMENTS[name].load()
    assert experiment.name == name
    found = experiment.verdict(rows)
    assert found.keys() == experiment.claims.keys()
    return {claim: facts["verdict"] for claim, facts in found.items()}


def holds(name: str, rows: Sequence[Row]) -> None:
    """All claims hold on rows as the theory has them."""
    assert set(verdicts(name, rows).values()) == {HOLDS}


def contradicts(name: str, claim: str, row: Row, good: Row) -> None:
    """A claim does not hold where every repeat contradicts it, and is undecided where one of three does.

    Arguments:
        row: contradicts the claim.
        good: a row as the theory has it.
    """
    assert verdicts(name, [row] * 3)[claim] == FAILS
    assert verdicts(name, [row, good, good])[claim] == UNSURE


def every_claim(names: Sequence[str]) -> set[tuple[str, str]]:
    """Experiment and claim, for all claims of some experiments."""
    return {(name, claim) for name in names for claim in EXPERIMENTS[name].load().claims}  # type: ignore[attr-defined]


def remembers(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command measures once, writes a result, a table and figures, and does no work when it is given again."""
    command = ["reproduce", name, "--out", str(folder), "--jobs", "1", "--json"]
    assert run(command) == 0
    first = json.loads(capsys.readouterr().out)
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(files) == {"result.json", "table.md", "figure.png", "figure.svg"}
    assert run(command) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == first
    count = len(first["rows"])
    assert count >= 3
    assert f"{count} of {count} measured before" in printed.err
    assert all((folder / file).read_bytes() == content for file, content in files.items())
