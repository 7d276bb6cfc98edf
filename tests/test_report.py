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
from monge.model.load import load
from monge.report import write_report
from monge.report.chart import Chart, Curve, ticks
from monge.report.html import breakable, duration, whole_flags, with_error
from monge.report.page import objective
from monge.report.verdict import Finding, verdict
from monge.run.folder import RunFolder

FLOOR = 2.0


def written(run: RunFolder, data: DataSet | None = None) -> Path:
    """The report of a run."""
    return write_report(run, lambda facts: load(run, facts=facts), data)


def log(excesses: list[float], **last: float) -> list[dict[str, Any]]:
    """Entries with these excesses at steps 100, 200, ...; keywords change the last bracket or its critic's gaps."""
    entries: list[dict[str, Any]] = []
    for index, excess in enumerate(excesses):
        bracket = {"lower": 0.0, "upper": FLOOR + excess, "floor": FLOOR, "spread": FLOOR, "excess": excess}
        entry = {"step": 100 * (index + 1), "bracket": bracket | {"confidence": 0.95, "lipschitz": "measured"}}
        entries.append(entry | {"critic_gap_train": 0.5, "critic_gap_held_out": 0.5, "critic_gap_error": 0.01})
    for name, value in last.items():
        place = entries[-1] if name.startswith("critic") else entries[-1]["bracket"]
        place[name] = value
    return entries


def found(entries: list[dict[str, Any]], status: str = "finished") -> dict[str, Finding]:
    return {finding.title: finding for finding in verdict(entries, status, 1000)}


def kind_of(findings: dict[str, Finding], words: str) -> str:
    (kind,) = [finding.kind for title, finding in findings.items() if words in title]
    return kind


@pytest.mark.parametrize(
    ("excesses", "last", "words", "kind"),
    [
        ([0.03] * 6, {}, "No difference", "good"),
        ([0.1] * 6, {"excess_error": 0.1}, "No difference", "good"),
        ([0.5] * 6, {"excess_error": 0.5}, "No difference", "info"),
        ([0.1] * 6, {"excess_error": 0.04}, "yet a difference", "info"),
        ([0.5] * 6, {}, "a difference remains", "warn"),
        ([0.9] * 6, {}, "clearly apart", "bad"),
        ([0.1] * 6, {}, "has settled", "good"),
        ([0.5] * 6, {}, "stopped improving", "warn"),
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], {}, "Still improving", "info"),
        ([0.9, 0.2, 0.3, 0.4, 0.5, 0.6], {}, "got worse", "warn"),
        ([0.1] * 6, {"spread": 0.9}, "collapsed", "bad"),
        ([0.1] * 6, {"spread": 1.5}, "vary less", "warn"),
        ([0.1] * 6, {"spread": 1.9}, "vary as much", "good"),
        ([0.2] * 6, {"upper": 1.9}, "look averaged", "warn"),
        ([0.1] * 6, {"critic_gap_train": 0.9}, "overfitted", "warn"),
        ([0.1] * 6, {"critic_gap_train": 0.9, "critic_gap_held_out": -0.1}, "overfitted", "warn"),
        ([0.1] * 6, {"critic_gap_train": 0.65}, "favours", "info"),
        ([0.1] * 6, {"critic_gap_train": 0.9, "critic_gap_error": 0.3}, "judges new data", "good"),
        ([0.1] * 6, {"critic_gap_train": 0.03, "critic_gap_held_out": 0.0}, "judges new data", "good"),
    ],
)
def test_rules(excesses: list[float], last: dict[str, float], words: str, kind: str) -> None:
    assert kind_of(found(log(excesses, **last)), words) == kind


def test_noise_is_neither_progress_nor_loss() -> None:
    assert kind_of(found(log([0.9, 0.5, 0.1, 0.1, 0.16, 0.08, 0.17, 0.09, 0.14])), "has settled") == "good"


def test_few_measurements_judge_nothing_but_the_ending() -> None:
    assert list(found([])) == ["Too early to say: 0 measurements"]
    assert list(found(log([0.1, 0.1]), "running"))[1] == "Too early to say: 2 measurements"


@pytest.mark.parametrize(("status", "kind"), [("failed", "bad"), ("interrupted", "warn"), ("running", "info")])
def test_an_unfinished_run_says_so_first(status: str, kind: str) -> None:
    first = verdict(log([0.1] * 6), status, 1000)[0]
    assert first.kind == kind
    assert "step 600 of 1,000" in first.text


def test_the_lower_limit_is_called_what_it_is() -> None:
    assert "measured, not certified" in verdict(log([0.1] * 6), "finished", 600)[0].text
    certified = log([0.1] * 6)
    certified[-1]["bracket"]["lipschitz"] = "certified"
    assert "(certified)" in verdict(certified, "finished", 600)[0].text
    assert "slope was underestimated" in verdict(log([0.1] * 6, lower=0.2), "finished", 600)[0].text


def test_a_certified_limit_above_the_excess_counts() -> None:
    entries = log([0.03] * 6, lower=0.2 * FLOOR)
    assert verdict(entries, "finished", 600)[0].kind == "good"
    entries[-1]["bracket"]["lipschitz"] = "certified"
    first = verdict(entries, "finished", 600)[0]
    assert first.kind == "warn"
    assert "the limit is proved" in first.text
    entries[-1]["bracket"]["lower"] = 0.01
    assert verdict(entries, "finished", 600)[0].kind == "info"


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
        "Generated and real",
        "How the samples came about",
        "Between two samples",
        "Novelty ratio",
        "with a proved slope",
        "monge train digits --recipe digits --seed 0 --steps 6 --training.n-critic 1 --observe.bracket 2 --device cpu",
        tiny.facts()["fingerprint"],
    ):
        assert words in shown
    assert written(tiny).read_text() == text
    assert len(text) < 1_000_000


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
    assert "has no checkpoint yet" in text


def test_a_critic_from_python_is_said_to_be_missing_from_the_command(tiny: RunFolder, tmp_path: Path) -> None:
    assert "given in Python" not in written(tiny).read_text()
    config = tiny.facts()["config"] | {"critic": "module:Mine"}
    assert "given in Python" in written(copy_of(tiny, tmp_path / "run", config=config)).read_text()


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
