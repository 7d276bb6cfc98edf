"""The report of a run: the rules of its verdict, its charts, and a page that needs nothing but itself."""

import html
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monge import api
from monge.data.dataset import DataSet
from monge.errors import UserError
from monge.evaluation.page.html import breakable, duration, whole_flags, with_error
from monge.model.load import load
from monge.report import write_report
from monge.report.chart import Chart, Curve, ticks
from monge.report.page import objective
from monge.run.folder import RunFolder


def written(run: RunFolder, data: DataSet | None = None) -> Path:
    """The report of a run."""
    return write_report(run, lambda facts: load(run, facts=facts), data)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.03, 0.9), (0, 0), (5, 5), (1e-7, 3e-7), (-2e5, 7e6)])
def test_ticks_enclose_and_are_even(low: float, high: float) -> None:
    marks = ticks(low, high, 5)
    assert marks[0] <= low + 1e-12
    assert marks[-1] >= high - 1e-12
    assert 2 <= len(marks) <= 12
    assert np.allclose(np.diff(marks), marks[1] - marks[0])
    assert all(b > a for a, b in pairwise(marks))


def test_chart_is_deterministic_and_escaped() -> None:
    chart = Chart("a < b", [Curve("x & y", [(1, 0.5), (2, 0.2)], "excess")])
    assert chart.svg(400) == chart.svg(400)
    assert "a &lt; b" in chart.svg(400)
    assert "x &amp; y 0.5" in chart.svg(400)
    assert "nan" not in Chart("one point", [Curve("x", [(5, 0.0)], "excess")]).svg(400)


def test_duration() -> None:
    assert [duration(s) for s in (4.25, 190, 7322)] == ["4.2 s", "3 min 10 s", "2 h 2 min"]


def test_a_value_and_its_error_end_at_the_same_place() -> None:
    assert [with_error(*pair) for pair in ((0.25678, 0.0734), (37.0412, 0.0988), (16.754, 12.34), (0.5, None))] == [
        "0.257 ± 0.073",
        "37.041 ± 0.099",
        "17 ± 12",
        "0.5",
    ]
    assert with_error(0.5, 0.0) == "0.5 ± 0"
    assert with_error(2e-9, 3e-10) == "2e-09 ± 3e-10"


def test_names_are_readable_and_break_where_they_may() -> None:
    assert objective("wgan-gp:weight=5:noise=0.2")["text"].endswith("(Gulrajani et al. 2017); weight 5, noise 0.2")
    assert objective("wgan")["name"] == "wgan"
    assert breakable("mlp:width=<8>") == "mlp:<wbr>width=&lt;8&gt;"
    assert whole_flags("A larger --steps <") == 'A larger <span class="whole">--steps</span> &lt;'


class Page(HTMLParser):
    """Collects what a page refers to, and images without a description."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = dict(attrs)
        self.addresses += [known[name] or "" for name in ("src", "href", "srcset", "action") if name in known]
        self.silent += tag == "img" and not known.get("alt")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("report") / "run"
    run = api.train("digits", steps=6, run=folder, threads=1, observe={"bracket": 2}, training={"n_critic": 1})
    return run


def test_page_is_self_contained(tiny: RunFolder) -> None:
    text = written(tiny).read_text()
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not {"link", "iframe", "object", "base"} & set(page.tags)
    assert page.silent == 0
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest", text)
    assert '<html lang="en">' in text
    assert "<title>monge: digits, wgan-gp" in text


def test_page_has_every_section_and_is_deterministic(tiny: RunFolder) -> None:
    text = written(tiny).read_text()
    shown = html.unescape(re.sub(r"<(/?span|wbr).*?>", "", text))
    for words in (
        "digits, learnt by wgan-gp",
        "Excess: the number to watch",
        "a training signal, not a distance",
        "Grid of generated images",
        "Grid of real, held-out images",
        "Difference from the data:",
        "How the samples developed",
        "Between two samples",
        "Novelty ratio",
        "with a proven slope",
        "monge train digits --recipe digits --seed 0 --steps 6 --training.n-critic 1 --observe.bracket 2 --device cpu",
        tiny.facts()["fingerprint"],
    ):
        assert words in shown
    assert written(tiny).read_text() == text
    assert len(text) < 1_000_000


def test_the_pictures_are_directly_under_the_headline(tiny: RunFolder) -> None:
    text = written(tiny).read_text()
    section = text[text.index('<section class="verdict') : text.index("</section>")]
    heading, picture, level = (section.index(part) for part in ("</h2>", "<img", 'class="levels"'))
    assert heading < picture < level
    assert "<p" not in section[heading:picture]
    assert section.count("<img") == 2
    assert 'aria-current="true">unlike</li>' in section


def test_the_verdict_reads_an_evaluation_of_the_same_step_only(tiny: RunFolder, tmp_path: Path) -> None:
    bracket = tiny.entries()[-1]["bracket"] | {"excess": 123.25, "lower": 0.0}
    metrics = {"bracket": bracket, "metrics": {}, "floors": {}}
    same = {"step": 6, "weights": "ema", "fingerprint": tiny.facts()["fingerprint"]}
    for changed, read in (({}, True), ({"step": 4}, False), ({"weights": "raw"}, False), ({"fingerprint": ""}, False)):
        copy = copy_of(tiny, tmp_path / f"run{len(list(tmp_path.iterdir()))}")
        copy.write("metrics.json", metrics | same | changed)
        assert ("The excess is 123" in written(copy).read_text()) == read
    (copy.path / "metrics.json").write_text("{")
    assert "The excess is 123" not in written(copy).read_text()


def copy_of(run: RunFolder, folder: Path, **changes: Any) -> RunFolder:
    """A run folder with the same log and other facts, without checkpoints or pictures."""
    copy = RunFolder(folder)
    copy.create(run.facts() | changes)
    for entry in run.entries():
        copy.log(entry)
    return copy


def test_names_are_escaped_and_absent_data_are_said(tiny: RunFolder, tmp_path: Path) -> None:
    config = tiny.facts()["config"] | {"source": "<script>alert(1)</script>.npy"}
    text = written(copy_of(tiny, tmp_path / "run", config=config)).read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "This report has no comparisons with real data" in text
    assert "has lost its checkpoints" in text


def test_a_critic_from_python_is_said_to_be_missing_from_the_command(tiny: RunFolder, tmp_path: Path) -> None:
    assert "passed in Python" not in written(tiny).read_text()
    config = tiny.facts()["config"] | {"critic": "module:Mine"}
    assert "passed in Python" in written(copy_of(tiny, tmp_path / "run", config=config)).read_text()


def test_changed_data_are_not_compared_with(tiny: RunFolder, tmp_path: Path) -> None:
    text = written(copy_of(tiny, tmp_path / "run", fingerprint="other")).read_text()
    assert "have changed since training" in text
    assert "Novelty ratio" not in text


def test_a_failed_run_without_a_log_tells_why(tiny: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(tmp_path / "run")
    copy.create(tiny.facts() | {"status": "failed", "error": "step 0: critic_loss is nan"})
    text = written(copy).read_text()
    assert "The training failed" in text
    assert "step 0: critic_loss is nan" in text


def test_no_run_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run\.json"):
        written(RunFolder(tmp_path))
