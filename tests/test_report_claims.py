"""The page of claims: what it says of results, and in a browser that it asks nothing of the network."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from monge.errors import UserError
from monge.experiment.page import in_words, read, tables, write_claims

NAME = "vanishing-gradient"
CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The results of one experiment."""
    place = tmp_path / NAME
    place.mkdir()
    verdict = {"verdict": "does not hold", "orders_by_epochs": {"1": [1.0, 2.0, 3.0]}}
    facts: dict[str, Any] = {"budget": "quick", "seed": 0, "seconds": 75, "versions": {"torch": "2.13.0"}}
    (place / "result.json").write_text(json.dumps(facts | {"verdicts": {"falls": verdict}}))
    (place / "table.md").write_text(
        "| epochs | a \\| b |\n| --- | --- |\n| 1 | <2> |\n\n| claim | verdict |\n| --- | --- |\n"
    )
    return tmp_path


def written(folder: Path) -> Path:
    """The page of the results."""
    page = folder / "claims.html"
    write_claims(page, [read(NAME, folder / NAME)])
    return page


def test_numbers_in_words() -> None:
    facts = {"verdict": "holds", "w1_bound": [5.98, 5.99, 6.0], "by_case": {"a": 1.23456, "b": 7}, "not": []}
    assert in_words(facts) == ["w1 bound: 5.99 (5.98 to 6)", "by case: a: 1.23, b: 7", "not: none"]


def test_tables_of_markdown() -> None:
    text = "| a | b |\n| --- | --- |\n| 1 | x \\| y |\n\nwords\n| c |\n| --- |\n"
    assert tables(text) == [[["a", "b"], ["1", "x | y"]], [["c"]]]


def test_the_page_says_what_was_measured(folder: Path) -> None:
    page = written(folder).read_text()
    for text in ("does not hold", "1: 2 (1 to 3)", "a | b", "&lt;2&gt;", "1 min 15 s of one core", "0 hold"):
        assert text in page
    assert "<img" not in page
    Image.new("RGB", (20, 10), "red").save(folder / NAME / "figure.png")
    first, second = (written(folder).read_text() for _ in range(2))
    assert first == second
    assert '<img src="data:image/png;base64,' in first


def test_a_missing_result_is_named(folder: Path) -> None:
    (folder / NAME / "table.md").unlink()
    with pytest.raises(UserError, match=r"table\.md cannot be read: No such file"):
        read(NAME, folder / NAME)


@pytest.mark.skipif(CHROMIUM is None, reason="the browser 'chromium' is not installed")
def test_a_browser_has_nothing_to_complain_of(folder: Path) -> None:
    assert CHROMIUM is not None
    page = written(folder)
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "What holds, and what does not" in done.stdout
    assert "CONSOLE" not in done.stderr
