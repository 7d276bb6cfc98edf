"""The framework of experiments: tables, kept results and the versions that made them, and all committed results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monge.cli import run
from monge.config.registry import EXPERIMENTS, Entry
from monge.experiment.experiment import Experiment, Table, verdict_word
from monge.experiment.page import read, versions_in_words
from monge.experiment.repeat import Repeat, repeats
from monge.experiment.sweep import Kept, Result, installed, other_versions, remembered

COMMITTED = sorted((Path(__file__).parent.parent / "benchmarks").rglob("result.json"))
NAME = "reverse-kl"
MEASURED: list[int] = []
"""Numbers of the repeats that were measured, in order."""


def measure(cell: Repeat) -> Result:
    """The number of a repeat, and a note that it was measured."""
    MEASURED.append(cell.number)
    return {"case": cell.case, "number": cell.number, "seconds": 1.0}


def numbers(rows: Sequence[Result]) -> list[Table]:
    """The numbers of all repeats."""
    return [Table(["number"], [[str(row["number"])] for row in rows])]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for an experiment that takes no time."""
    experiment = Experiment(
        name=NAME,
        claims={"counts": "repeats are counted"},
        cells=repeats(["a"], ()),
        measure=measure,
        line=lambda row: str(row["number"]),
        verdict=lambda rows: {"counts": {"verdict": verdict_word(len(rows) == 3)}},
        tables=numbers,
    )
    monkeypatch.setattr(Entry, "load", lambda entry: experiment)
    MEASURED.clear()
    return tmp_path / NAME


def reproduce(folder: Path, *flags: str) -> None:
    """The command, in one process."""
    assert run(["reproduce", NAME, "--out", str(folder), "--jobs", "1", *flags]) == 0


def kept_files(folder: Path) -> list[Path]:
    """What is kept of each repeat."""
    return sorted((folder / "cells").iterdir())


def change(path: Path, **versions: str) -> None:
    """Pretends that other versions measured a kept result."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"versions": content["versions"] | versions}))


def forget_versions(path: Path) -> None:
    """Keeps a result as it was kept at first, without versions."""
    path.write_text(json.dumps(json.loads(path.read_text())["result"]))


def stored(folder: Path) -> Any:
    """The versions in `result.json`."""
    return json.loads((folder / "result.json").read_text())["versions"]


def test_a_table_in_markdown() -> None:
    table = Table(["a", "b"], [["1", "x | y"], ["", "KL(g || r)"]])
    assert table.markdown() == "| a | b |\n| --- | --- |\n| 1 | x \\| y |\n|  | KL(g \\|\\| r) |\n"


def test_the_table_is_made_of_the_rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce(folder)
    text = "| number |\n| --- |\n| 0 |\n| 1 |\n| 2 |\n"
    assert (folder / "table.md").read_text() == text
    files = "".join(f"{folder / name}\n" for name in ("result.json", "table.md"))
    assert capsys.readouterr().out == f"{text}\nHOLDS: repeats are counted\n\n{files}"
    (folder / "table.md").unlink()
    assert read(NAME, folder).tables == [Table(["number"], [["0"], ["1"], ["2"]])]


def test_results_are_kept_with_the_versions_that_made_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce(folder)
    assert MEASURED == [0, 1, 2]
    assert {"python", "monge", "torch"} <= set(installed())
    assert [remembered(path) for path in kept_files(folder)] == [
        Kept({"case": "a", "number": number, "seconds": 1.0}, installed()) for number in range(3)
    ]
    assert stored(folder) == installed()
    reproduce(folder)
    assert MEASURED == [0, 1, 2]
    assert "--again" not in capsys.readouterr().err


def test_results_of_another_version_are_said_to_be_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce(folder)
    first = kept_files(folder)[0]
    change(first, monge="0.0.9", torch="2.11.0")
    capsys.readouterr()
    reproduce(folder)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{NAME}: 3 of 3 measured before",
        f"{NAME}: 1 of 3 kept results was measured with monge 0.0.9, torch 2.11.0; --again measures it anew",
    ]
    assert MEASURED == [0, 1, 2]
    assert stored(folder) == [
        {"rows": 1, "versions": installed() | {"monge": "0.0.9", "torch": "2.11.0"}},
        {"rows": 2, "versions": installed()},
    ]
    assert "monge 0.0.9" in read(NAME, folder).versions


def test_results_kept_without_versions_are_of_an_unknown_version(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce(folder)
    for path in kept_files(folder):
        forget_versions(path)
    capsys.readouterr()
    reproduce(folder)
    assert "3 of 3 kept results were measured with an unknown version; --again" in capsys.readouterr().err
    assert MEASURED == [0, 1, 2]
    assert stored(folder) is None
    assert read(NAME, folder).versions == "an unknown version"


def test_again_measures_everything_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce(folder)
    change(kept_files(folder)[1], monge="0.0.9")
    capsys.readouterr()
    reproduce(folder, "--again")
    assert MEASURED == [0, 1, 2] * 2
    assert capsys.readouterr().err.splitlines()[0] == f"{NAME}: 3 of 3 measured before; all are measured again"
    assert stored(folder) == installed()


def test_several_other_versions_in_words() -> None:
    old, older = (Kept({}, installed() | {"monge": version}) for version in ("0.0.9", "0.0.8"))
    kept = [old, Kept({}, installed()), older, old, Kept({}, None)]
    assert other_versions(kept) == (
        "4 of 5 kept results were measured with other versions "
        "(2 with monge 0.0.9; 1 with monge 0.0.8; 1 with an unknown version); --again measures them anew"
    )
    assert other_versions([Kept({}, installed())]) == ""


def test_stored_versions_in_words() -> None:
    assert versions_in_words({"python": "3.11.7", "monge": "0.1.0"}) == "python 3.11.7, monge 0.1.0"
    mixed = [{"rows": 2, "versions": {"monge": "0.1.0"}}, {"rows": 1, "versions": None}]
    assert versions_in_words(mixed) == "monge 0.1.0 (2 of 3 results); an unknown version (1 of 3 results)"


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_committed_verdicts_and_tables_are_those_of_the_committed_rows(path: Path) -> None:
    facts = json.loads(path.read_text())
    experiment: Any = EXPERIMENTS[facts["experiment"]].load()
    assert json.loads(json.dumps(experiment.verdict(facts["rows"]))) == facts["verdicts"]
    assert experiment.markdown(facts["rows"]) == (path.parent / "table.md").read_text()


def test_the_results_of_every_experiment_are_committed() -> None:
    assert {json.loads(path.read_text())["experiment"] for path in COMMITTED} == set(EXPERIMENTS)
