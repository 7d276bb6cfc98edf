"""The framework of experiments: tables in Markdown, and what is committed as the results of all of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from monge.config.registry import EXPERIMENTS
from monge.experiment.experiment import Table

RESULTS = sorted((Path(__file__).parent.parent / "benchmarks").rglob("result.json"))


def test_a_table_in_markdown() -> None:
    table = Table(["a", "b"], [["1", "x | y"], ["", "KL(g || r)"]])
    assert table.markdown() == "| a | b |\n| --- | --- |\n| 1 | x \\| y |\n|  | KL(g \\|\\| r) |\n"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_committed_verdicts_and_tables_are_those_of_the_committed_rows(path: Path) -> None:
    facts = json.loads(path.read_text())
    experiment: Any = EXPERIMENTS[facts["experiment"]].load()
    assert json.loads(json.dumps(experiment.verdict(facts["rows"]))) == facts["verdicts"]
    assert experiment.markdown(facts["rows"]) == (path.parent / "table.md").read_text()


def test_the_results_of_every_experiment_are_committed() -> None:
    assert {json.loads(path.read_text())["experiment"] for path in RESULTS} == set(EXPERIMENTS)
