"""The trial of two-sample tests: its pairs are what they say, and its verdicts follow the counts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claim import FAILS, HOLDS, remembers, verdicts
from monge.experiment.bracket import two_samples as trial
from monge.experiment.bracket.sample_pair import DIFFERENT, EQUAL, SHIFTED

SIZES = {"normal": (100, 100), "heavy tails": (60, 60), "mixed table": (80, 80), "digits": (100, 100)}
MAKE = EQUAL | {name: make for name, (make, _) in DIFFERENT.items()}


@pytest.mark.parametrize("name", MAKE)
def test_pairs_are_of_one_width_and_differ_from_draw_to_draw(name: str) -> None:
    first, again, other = (MAKE[name](np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first.x == again.x).all()
    assert first.y.shape == other.y.shape
    assert not (first.y == other.y).all()
    assert (len(first.x), len(first.y)) == SIZES.get(name, (len(first.x), len(first.y)))
    assert len(first.features.groups) == first.x.shape[1]
    assert np.isfinite(first.x).all()


def test_differences_are_those_that_are_said() -> None:
    random = np.random.default_rng(0)
    changed = DIFFERENT["correlation"][0](random)
    assert np.corrcoef(changed.y.T)[0, 1] == pytest.approx(0.8, abs=0.05)
    assert changed.y.std(axis=0) == pytest.approx(1, abs=0.1)
    shifted = DIFFERENT["shift .25 of 50"][0](random)
    assert (shifted.y.mean(axis=0) - shifted.x.mean(axis=0)).argmax() == SHIFTED
    mode = DIFFERENT["rare mode"][0](random)
    near = np.linalg.norm(mode.y - 3 / 10**0.5, axis=1) < 2
    assert 35 <= near.sum() <= 50


def rows(**changed: int) -> list[dict[str, Any]]:
    """Counts of 50 pairs of each kind as the claims have them, but for those named `case test` with underscores."""
    seen = {key: {"battery": 2, "features": 2, "energy": 3} for key in EQUAL}
    named = {"battery": 50, "named first": 49, "largest part": 50}
    seen |= {case: dict(named) for case in DIFFERENT} | {"rare mode": {"battery": 45}}
    found = [{"case": case, "number": 0, "pairs": 50, "seen": dict(counts)} for case, counts in seen.items()]
    for key, value in changed.items():
        case, _, test = key.partition("__")
        (row,) = (row for row in found if row["case"].replace(" ", "_").replace(".", "") == case)
        row["seen"][test.replace("_", " ")] = value
    return found


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"normal__battery": 6}, "battery-honest"),
        ({"digits__battery": 0}, "battery-honest"),
        ({"heavy_tails__features": 4}, "features-honest"),
        ({"correlation__battery": 46}, "correlation"),
        ({"correlation__named_first": 46}, "correlation"),
        ({"shift_25_of_50__named_first": 44}, "small-shift"),
        ({"shift_8_of_50__largest_part": 44}, "small-shift"),
        ({"rare_mode__battery": 39}, "rare-mode"),
    ],
)
def test_verdicts_follow_the_counts(changed: dict[str, int], claim: str) -> None:
    assert set(verdicts("two-samples", rows()).values()) == {HOLDS}
    found = verdicts("two-samples", rows(**changed))
    assert {name for name, word in found.items() if word == FAILS} == {claim}


def test_it_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "PAIRS", 2)
    monkeypatch.setattr(trial, "CELLS", {"quick": (1, 1)})
    monkeypatch.setattr(trial, "EQUAL", {name: EQUAL[name] for name in ("normal", "mixed table")})
    monkeypatch.setattr(trial, "DIFFERENT", {"correlation": DIFFERENT["correlation"]})
    remembers("two-samples", tmp_path, capsys)
