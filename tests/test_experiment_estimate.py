"""The trial of the estimate of W1: its pairs are as far apart as they say, and its verdicts follow the numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claim import FAILS, HOLDS, remembers, verdicts
from monge.distance import wasserstein
from monge.experiment.bracket import w1_estimate as trial
from monge.experiment.bracket.law_pair import DEPENDENT, INDEPENDENT, brighter, moved_mode, repeated

KINDS = {**INDEPENDENT, **DEPENDENT}


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_differ_from_draw_to_draw(kind: str) -> None:
    first, again, other = (KINDS[kind](np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.isfinite(first.x).all()
    assert np.isfinite(first.y).all()
    assert first.w1 >= 0
    assert first.x.shape[1] == first.y.shape[1]
    np.testing.assert_array_equal(first.x, again.x)
    assert first.x.shape != other.x.shape or (first.x != other.x).any()


def test_new_pairs_are_as_far_apart_as_they_say() -> None:
    random = np.random.default_rng(0)
    digits = brighter(random)
    assert wasserstein(digits.y - (digits.y - digits.x[:500]).mean(axis=0), digits.y) > 0  # not one set moved
    moved = digits.y.mean(axis=0) - digits.x.mean(axis=0)
    assert np.linalg.norm(moved) == pytest.approx(digits.w1, rel=0.5)
    mode = moved_mode(random)
    assert (mode.y.mean(axis=0) - mode.x.mean(axis=0))[0] == pytest.approx(mode.w1, abs=0.3)
    assert len(np.unique(repeated(random).x, axis=0)) == 150


def rows(kind: str = "", **changed: float) -> list[dict[str, Any]]:
    """Results of one pair of each kind as the claims have them, but for those of one kind that are changed."""
    pair = {"w1": 1.0, "low": 0.5, "high": 1.5, "estimate": 1.01} | dict.fromkeys(trial.ESTIMATES[1:], 0.9)
    found = [{"case": name, "number": 0, "pairs": [dict(pair)]} for name in KINDS]
    next(row for row in found if row["case"] == (kind or "line"))["pairs"][0].update(changed)
    return found


@pytest.mark.parametrize(
    ("kind", "changed", "claim"),
    [("equal", {"low": 1.1}, "covered"), ("shift", {"high": 0.9}, "covered"), ("time series", {"low": 2}, "dependent")],
)
def test_verdicts_follow_the_ranges(kind: str, changed: dict[str, float], claim: str) -> None:
    assert set(verdicts("w1-estimate", rows()).values()) == {HOLDS}
    found = verdicts("w1-estimate", rows(kind, **changed))
    assert {name for name, word in found.items() if word == FAILS} == {claim}


def test_the_nearest_is_that_with_the_least_median_error() -> None:
    found = rows()
    for row in found:
        row["pairs"][0]["Sinkhorn"] = 1.001
    assert verdicts("w1-estimate", found)["nearest"] == FAILS
    assert trial.error(rows(), "excess") == pytest.approx(0.1)


def test_it_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "PAIRS", 1)
    monkeypatch.setattr(trial, "INDEPENDENT", {name: INDEPENDENT[name] for name in ("line", "equal")})
    monkeypatch.setattr(trial, "DEPENDENT", {"repeated rows": DEPENDENT["repeated rows"]})
    remembers("w1-estimate", tmp_path, capsys)
