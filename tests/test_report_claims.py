"""The page of claims: what it says of results, and in a browser that it asks nothing of the network."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from browser import chromium
from monge.config.registry import EXPERIMENTS, Entry
from monge.errors import UserError
from monge.experiment.experiment import Table
from monge.experiment.page import in_words, read, write_claims

pytestmark = pytest.mark.web

NAME = "vanishing-gradient"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results of one experiment, whose table shows its rows as they are."""
    made: Any = EXPERIMENTS[NAME].load()
    plain = replace(made, tables=lambda rows: [Table(["epochs", "a | b"], [list(row.values()) for row in rows])])
    monkeypatch.setattr(Entry, "load", lambda entry: plain)
    place = tmp_path / NAME
    place.mkdir()
    verdict = {"verdict": "does not hold", "orders_by_epochs": {"1": [1.0, 2.0, 3.0]}}
    facts: dict[str, Any] = {"budget": "quick", "seed": 0, "seconds": 75, "versions": {"torch": "2.13.0"}}
    rows = [{"epochs": "1", "gradient": "<2>"}]
    (place / "result.json").write_text(json.dumps(facts | {"verdicts": {"falls": verdict}, "rows": rows}))
    return tmp_path


def written(folder: Path) -> Path:
    """The page of the results."""
    page = folder / "claims.html"
    write_claims(page, [read(NAME, folder / NAME)])
    return page


def test_numbers_in_words() -> None:
    facts = {"verdict": "holds", "w1_bound": [5.98, 5.99, 6.0], "by_case": {"a": 1.23456, "b": 7}, "not": []}
    assert in_words(facts) == ["w1 bound: 5.99 (5.98 to 6)", "by case: a: 1.23, b: 7", "not: none"]


def test_the_page_says_what_was_measured(folder: Path) -> None:
    page = written(folder).read_text()
    for text in ("does not hold", "1: 2 (1 to 3)", "a | b", "&lt;2&gt;", "1 min 15 s of one core", "0 hold"):
        assert text in page
    assert "<img" not in page
    Image.new("RGB", (20, 10), "red").save(folder / NAME / "figure.png")
    first, second = (written(folder).read_text() for _ in range(2))
    assert first == second
    assert '<img src="data:image/png;base64,' in first


def test_a_missing_or_damaged_result_is_named(folder: Path) -> None:
    result = folder / NAME / "result.json"
    for content in ("{", "[]", '{"rows": []}'):
        result.write_text(content)
        with pytest.raises(UserError, match=r"result\.json must be the result of an experiment: "):
            read(NAME, folder / NAME)
    result.unlink()
    with pytest.raises(UserError, match=r"result\.json cannot be read: No such file"):
        read(NAME, folder / NAME)


def test_a_browser_has_nothing_to_complain_of(folder: Path) -> None:
    page = written(folder)
    command = [chromium(), *FLAGS, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "What holds, and what does not" in done.stdout
    assert "CONSOLE" not in done.stderr
