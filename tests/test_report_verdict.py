"""The verdict of a report: its rules, committed runs in the order of their quality, real samples in a model's place."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monge.config.schema import DataConfig
from monge.data.builtin import digits
from monge.data.dataset import DataInfo, DataSet, split_data
from monge.data.source import open_source
from monge.distance.estimate import Estimate
from monge.distance.points import Points
from monge.evaluation.reference import QUICK_DRAWS, ReferenceSamples
from monge.metric.panel import manifold_figures
from monge.report.finding import Finding, Level
from monge.report.verdict import Verdict, verdict

FLOOR, SCATTER = 2.0, 6.0
RUNS = json.loads((Path(__file__).parent.parent / "benchmarks" / "verdicts" / "runs.json").read_text())


def log(excesses: list[float], **last: Any) -> list[dict[str, Any]]:
    """Entries with these excesses at steps 100, 200, ...; keywords change the last bracket or its critic's gaps."""
    entries: list[dict[str, Any]] = []
    for index, excess in enumerate(excesses):
        bracket = {"lower": 0.0, "upper": FLOOR + excess, "floor": FLOOR, "spread": FLOOR, "excess": excess}
        bracket |= {"confidence": 0.95, "lipschitz": "certified", "n": 10_000}
        entry = {"step": 100 * (index + 1), "bracket": bracket, "scatter": SCATTER}
        entries.append(entry | {"critic_gap_train": 0.5, "critic_gap_held_out": 0.5, "critic_gap_error": 0.01})
    for name, value in last.items():
        place = entries[-1] if name.startswith(("critic", "scatter")) else entries[-1]["bracket"]
        place[name] = value
    return entries


def evaluated(entries: list[dict[str, Any]], **metrics: float) -> dict[str, Any]:
    """An evaluation with the last bracket, precision and recall like those of real samples, and other metrics."""
    metrics = {"precision": 0.9, "recall": 0.9, "novelty": 1.0} | metrics
    errors, floors = {"precision": 0.01, "recall": 0.01}, {"precision": 0.9, "recall": 0.9, "novelty": 1.0}
    bracket = entries[-1]["bracket"]
    return {"bracket": bracket, "metrics": metrics, "floors": floors, "errors": errors} | {
        "unreliable": {},
        "features": "raw",
    }


def judged(excess: float, *, status: str = "finished", figures: dict[str, Any] | None = None, **last: Any) -> Verdict:
    return verdict(log([excess] * 6, **last), status, 1000, figures)


def finding(found: Verdict, words: str) -> Finding:
    (match,) = [finding for finding in (found.headline, *found.findings) if words in finding.title]
    return match


@pytest.mark.parametrize(
    ("excess", "last", "level", "kind"),
    [
        (0.03, {}, Level.NOT_FOUND, "info"),
        (0.15, {"excess_error": 0.25}, Level.NOT_FOUND, "info"),
        (0.15, {"excess_error": 0.05}, Level.SLIGHT, "info"),
        (0.03, {"lower": 0.01}, Level.SLIGHT, "info"),
        (0.03, {"lower": 0.01, "lipschitz": "measured"}, Level.NOT_FOUND, "info"),
        (0.03, {"lower": 0.5}, Level.CLEAR, "warn"),
        (0.5, {}, Level.CLEAR, "warn"),
        (1.5, {}, Level.LARGE, "bad"),
        (4.5, {}, Level.UNLIKE, "bad"),
    ],
)
def test_distance_decides(excess: float, last: dict[str, Any], level: Level, kind: str) -> None:
    found = judged(excess, **last)
    assert (found.level, found.headline.kind) == (level, kind)
    assert found.headline.title.startswith(level.title)


@pytest.mark.parametrize(
    ("last", "metrics", "level", "words"),
    [
        ({"spread": 0.4}, {}, Level.UNLIKE, "collapsed"),
        ({"spread": 0.9}, {}, Level.LARGE, "collapsed"),
        ({"spread": 1.5}, {}, Level.CLEAR, "vary less"),
        ({"spread": 2.6}, {}, Level.CLEAR, "vary more"),
        ({"upper": 1.9, "excess": 0.2}, {}, Level.CLEAR, "look averaged"),
        ({}, {"precision": 0.01, "recall": 0.0}, Level.UNLIKE, "Few real samples are like generated ones"),
        ({}, {"precision": 0.1}, Level.LARGE, "Few samples are like real ones"),
        ({}, {"recall": 0.1}, Level.LARGE, "Few real samples are like generated ones"),
        ({}, {"recall": 0.5}, Level.CLEAR, "recall is below"),
        ({}, {"precision": 0.75}, Level.SLIGHT, "precision is below"),
        ({}, {"novelty": 0.1}, Level.CLEAR, "copy training data"),
        ({}, {"novelty": 1.5}, Level.CLEAR, "farther from the training data"),
        ({}, {"novelty": 2.5}, Level.LARGE, "farther from the training data"),
    ],
)
def test_what_else_is_seen_limits_the_verdict(
    last: dict[str, Any], metrics: dict[str, float], level: Level, words: str
) -> None:
    entries = log([0.03] * 6, **last)
    found = verdict(entries, "finished", 600, evaluated(entries, **metrics))
    assert found.level == level
    assert found.findings[0].limit == level
    assert words in found.findings[0].title
    assert found.findings[0].kind in ("warn", "bad")
    assert found.headline.title == level.title
    if not last:
        assert found.headline.text.startswith("What decides: ")


def test_nothing_is_good_below_the_best_level() -> None:
    best = judged(0.03, figures=evaluated(log([0.03] * 6)))
    assert {finding.kind for finding in best.findings} == {"good", "info"}
    for excess, lower in ((0.03, 0.01), (0.2, 0.0), (0.5, 0.0), (5.0, 0.0)):
        found = judged(excess, lower=lower)
        assert "good" not in {finding.kind for finding in (found.headline, *found.findings)}


def test_praise_takes_precision_and_recall() -> None:
    entries = log([0.03] * 6)
    for figures in (None, {"metrics": {"novelty": 1.0}}):
        alone = verdict(entries, "finished", 600, figures)
        assert (alone.level, alone.headline.kind) == (Level.NOT_FOUND, "info")
        assert alone.headline.title.endswith("by distance alone")
    assert verdict(entries, "finished", 600, evaluated(entries)).headline.kind == "good"


def test_logs_without_the_scatter_of_real_samples_are_judged_by_the_floor() -> None:
    entries = log([0.5] * 6)
    for entry in entries:
        del entry["scatter"]
    assert verdict(entries, "finished", 600).level == Level.LARGE


def test_noise_as_large_as_a_clear_difference_tells_nothing() -> None:
    found = judged(0.5, excess_error=1.0)
    assert (found.level, found.headline.kind, found.headline.title) == (None, "info", "Too few samples to tell")
    # nor does it hide what is seen of the samples
    assert judged(0.5, excess_error=1.0, spread=0.4).level == Level.UNLIKE


def test_constant_data_are_said_to_be_constant() -> None:
    parts = {"floor": 0.0, "spread": 0.0, "upper": 0.0, "scatter": 0.0}
    found = judged(0.0, **parts)
    assert (found.level, found.headline.title, found.findings) == (None, "All real samples are equal", [])
    assert found.headline.kind == "warn"
    assert "0.25 from them" in judged(0.25, **parts | {"upper": 0.25}).headline.text
    copies = judged(0.0, **parts | {"scatter": 1.0})
    assert (copies.level, copies.headline.title) == (None, "Held-out samples are copies of training samples")


@pytest.mark.parametrize(
    ("excesses", "last", "words", "kind"),
    [
        ([0.03] * 6, {}, "has settled", "info"),
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], {}, "Still improving", "info"),
        ([0.9, 0.2, 0.3, 0.4, 0.5, 0.6], {}, "got worse", "warn"),
        ([0.9, 0.5, 0.1, 0.1, 0.16, 0.08, 0.17, 0.09, 0.14], {}, "has settled", "info"),
        ([0.03] * 6, {"spread": 1.9}, "vary as much", "info"),
        ([0.03] * 6, {"critic_gap_train": 0.9}, "overfitted", "warn"),
        ([0.03] * 6, {"critic_gap_train": 0.9, "critic_gap_held_out": -0.1}, "overfitted", "warn"),
        ([0.03] * 6, {"critic_gap_train": 0.65}, "favours", "info"),
        ([0.03] * 6, {"critic_gap_train": 0.9, "critic_gap_error": 0.3}, "judges new data", "info"),
        ([0.03] * 6, {"critic_gap_train": 0.03, "critic_gap_held_out": 0.0}, "judges new data", "info"),
    ],
)
def test_trend_variety_and_critic(excesses: list[float], last: dict[str, Any], words: str, kind: str) -> None:
    assert finding(verdict(log(excesses, **last), "finished", 600), words).kind == kind


def test_few_measurements_judge_nothing_but_the_ending() -> None:
    assert verdict([], "finished", 10).headline.title == "Too early to say: 0 measurements"
    entries = log([0.1, 0.1])
    assert verdict(entries, "running", 10).findings[0].title == "Too early to say: 2 measurements"
    assert verdict(entries, "finished", 10, evaluated(entries)).level == Level.SLIGHT


@pytest.mark.parametrize(("status", "kind"), [("failed", "bad"), ("interrupted", "warn"), ("running", "info")])
def test_an_unfinished_run_says_so_first(status: str, kind: str) -> None:
    found = judged(0.5, status=status)
    assert found.headline.kind == kind
    assert "step 600 of 1,000" in found.headline.text
    assert (found.level, found.findings[0].title) == (Level.CLEAR, Level.CLEAR.title)


def test_the_lower_limit_is_called_what_it_is() -> None:
    assert "is 0.5 (95 % confidence): it proves a difference." in judged(0.6, lower=0.5).headline.text
    for confidence in (0.95, None):
        text = judged(0.6, lower=0.5, lipschitz="measured", confidence=confidence).headline.text
        assert "is 0.5 (no confidence, as the slope was only measured)." in text
        assert "95" not in text


def test_unreliable_shares_are_not_read() -> None:
    entries = log([0.03] * 6)
    figures = evaluated(entries, recall=0.0) | {"unreliable": {"recall": "rests on 10 samples, 100 are needed"}}
    found = verdict(entries, "finished", 600, figures)
    assert (found.level, found.headline.kind) == (Level.NOT_FOUND, "info")
    assert "good" not in {finding.kind for finding in found.findings}


def levels(figures: bool, source: str = "") -> dict[str, Level | None]:
    """The levels of the committed runs, of one source or of all, by the order of their quality, the worst first.

    They go from untrained to finished; their quality was judged by figures that no verdict reads, and by eye.
    """
    runs = {name: run for name, run in RUNS["runs"].items() if source in run["train"]["source"]}
    found = {}
    for name, run in sorted(runs.items(), key=lambda item: item[1]["quality"]):
        found[name] = verdict(run["entries"], run["status"], run["steps"], run["evaluation"] if figures else None).level
    return found


@pytest.mark.parametrize(
    ("source", "figure"), [("digits", "classifier"), ("fashion", "classifier"), ("ring8", "modes")]
)
def test_the_order_of_quality_is_that_of_figures_which_no_verdict_reads(source: str, figure: str) -> None:
    runs = [run for run in RUNS["runs"].values() if source in run["train"]["source"]]
    judged = [run["judge"] for run in sorted(runs, key=lambda run: run["quality"])]
    if figure == "classifier":
        distances = [judge["classifier_frechet"] for judge in judged]
        assert distances == sorted(distances, reverse=True)
    else:
        shares = [judge["high_quality"] for judge in judged]
        assert shares == sorted(shares)


def test_the_order_of_verdicts_is_the_order_of_quality() -> None:
    found = levels(figures=True)
    assert len(found) >= 12
    assert None not in found.values()
    assert list(found.values()) == sorted(found.values()), found
    assert len(set(found.values())) >= 4


@pytest.mark.parametrize("source", ["digits", "fashion", "ring8"])
def test_the_order_of_verdicts_by_distance_alone_is_that_of_quality_for_each_data_set(source: str) -> None:
    found = levels(figures=False, source=source)
    assert list(found.values()) == sorted(found.values()), found
    assert len(set(found.values())) >= 2


@pytest.mark.parametrize("name", RUNS["runs"])
def test_no_committed_run_is_called_good(name: str) -> None:
    run = RUNS["runs"][name]
    found = verdict(run["entries"], run["status"], run["steps"], run["evaluation"])
    assert "good" not in {finding.kind for finding in (found.headline, *found.findings)}


def real(source: str) -> tuple[DataSet, Callable[[int], Points]]:
    """Some data, and a sampler of other real samples of it, in metric scale."""
    if source != "digits":
        data = open_source(source, DataConfig())
        return data, lambda n: data.codec.metric(data.train.sample(n, seed=1000))
    both = np.concatenate([part.all() for part in (digits().train, digits().held_out)])
    order = np.random.default_rng(0).permutation(len(both))
    some = split_data(DataInfo("some digits"), both[order[:997]], held_out=200)
    return some, lambda n: some.codec.metric(both[order[997 : 997 + n]])


@pytest.mark.parametrize("source", ["toy:ring8", "digits"])
def test_real_samples_in_the_place_of_generated_ones_reach_the_best_level(source: str) -> None:
    data, sample = real(source)
    reference = ReferenceSamples(data, draws=QUICK_DRAWS, trained=False)
    fake = sample(reference.fakes)
    entry = {"bracket": reference.bracket(fake).as_json(), "scatter": reference.scatter}
    entries = [entry | {"step": step} for step in (1, 2, 3)]
    assert verdict(entries, "finished", 3).level == Level.NOT_FOUND
    train, held_out = reference.train[0], reference.held_out[0]
    found, floors = (manifold_figures(train, other) for other in (fake[: len(held_out)], held_out))
    figures = {"bracket": entry["bracket"], "features": "raw", "counts": {"bracket_draws": QUICK_DRAWS}}
    figures |= {"metrics": values(found), "floors": values(floors)}
    figures |= {"errors": {name: estimate.standard_error for name, estimate in found.items()}}
    best = verdict(entries, "finished", 3, figures)
    assert (best.level, best.headline.kind) == (Level.NOT_FOUND, "good")


def values(found: Mapping[str, Estimate]) -> dict[str, float]:
    return {name: estimate.value for name, estimate in found.items()}
