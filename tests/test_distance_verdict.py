"""One verdict from all parts of a comparison: it names what shows a difference and contradicts none of them."""

from dataclasses import replace

import numpy as np
import pytest

from monge.data.source import in_memory
from monge.distance.serial import SerialDependence
from monge.distance.two_sample.missed import Missed
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.scales import Scales, scales
from monge.evaluation.table import comparison_text
from monge.evaluation.text import listed
from monge.evaluation.two_samples import Comparison, compare

pytestmark = pytest.mark.usefixtures("few_relabellings")

CLEAREST = "clearest: moments"
NOTHING = [
    "No difference detected (p = 0.1, 7 tests together).",
    "In 4 of 5 cases, samples of these sizes would have shown a shift of one number by 0.5 standard deviations or "
    "12.5 % of the rows of B around one place.",
]


@pytest.fixture(scope="module")
def base() -> Comparison:
    sides = np.random.default_rng(0).normal(size=(2, 40, 2))
    a, b = (SampleSet(name, in_memory(side).codec, side, 40) for name, side in zip("ab", sides, strict=True))
    return compare(a, b, families=["linear"])


def changed(
    base: Comparison,
    p: float = 0.1,
    lower: float = 0.0,
    js: tuple[float, float] = (0.0, 0.01),
    proof: str = "certified",
) -> Comparison:
    """The comparison with some of its figures replaced."""
    tests = tuple(sorted(base.battery.tests, key=lambda test: test.name != "moments"))
    battery = replace(base.battery, p_value=p, tests=tests)
    missed = Missed(0.5, 0.125, (40, 40))
    figures = base.figures | {
        "p_value": replace(base.figures["p_value"], value=p),
        "js": replace(base.figures["js"], value=js[0], error=js[1]),
    }
    changed = replace(base, battery=battery, missed=missed, figures=figures)
    estimate = {"estimate": 0.3, "estimate_low": lower, "estimate_high": 0.4}
    return replace(changed, bracket=replace(base.bracket, lower=lower, lipschitz=proof, **estimate))


@pytest.mark.parametrize(
    ("figures", "shown_by", "said"),
    [
        ({}, [], NOTHING),
        ({"js": (0.6, 0.01)}, [], NOTHING),
        ({"lower": 0.2, "proof": "measured"}, [], NOTHING),
        (
            {"p": 0.003, "lower": 0.25},
            ["tests", "lower limit"],
            [
                f"A and B differ (p = 0.003, 7 tests together; {CLEAREST}); W1 is at least 0.25 (95 % confidence), "
                "by estimate 0.3 (likely 0.25 to 0.4)."
            ],
        ),
        (
            {"p": 0.003},
            ["tests"],
            [
                f"A and B differ (p = 0.003, 7 tests together; {CLEAREST}).",
                "These samples prove no lower limit of W1 above 0; by estimate 0.3 (likely 0 to 0.4).",
            ],
        ),
        (
            {"lower": 0.25},
            ["lower limit"],
            [
                "A and B differ: W1 is at least 0.25 (95 % confidence), by estimate 0.3 (likely 0.25 to 0.4).",
                "The tests do not show it (p = 0.1, 7 tests together).",
            ],
        ),
    ],
)
def test_every_part_counts_and_is_named(base: Comparison, figures: dict, shown_by: list[str], said: list[str]) -> None:
    verdict = changed(base, **figures).verdict
    assert verdict.shown_by == shown_by
    assert verdict.differ == bool(shown_by)
    assert verdict.verdict == said
    assert verdict.warnings == []


def test_a_slope_that_was_only_measured_gives_no_confidence(base: Comparison) -> None:
    measured = changed(base, lower=0.2, proof="measured")
    for confidence in (0.95, None):
        found = replace(measured, bracket=replace(measured.bracket, confidence=confidence, family="gp"))
        assert found.verdict.verdict == NOTHING
        text = comparison_text(found)
        assert "no confidence, as the slope was only measured; gp, measured" in text
        assert "95" not in text.partition("other measures")[0]


def test_columns_that_hardly_count_are_warned_of(base: Comparison) -> None:
    few, many = Scales(["cells"], 0.99951, ["size"]), Scales(["cells", "area"], 0.995, list("vwxyz"))
    raw = replace(changed(base), scales=few, a=replace(base.a, standardise="none"))
    said = "cells makes up 99.9 % of the variance, so the distances say little about size."
    assert raw.verdict.warnings == [f"{said} --standardise std counts all alike."]
    standard = replace(changed(base, p=0.001), scales=many, a=replace(base.a, standardise="std"))
    assert standard.verdict.warnings == [
        "cells and area make up 99.5 % of the variance, so the distances say little about the other 5 columns."
    ]


def test_features_that_differ_are_in_the_verdict_and_what_nobody_could_see_is_not(base: Comparison) -> None:
    assert base.explanation is not None
    split = replace(base.explanation.test, p_values=np.array([0.5, 0.001]))
    found = replace(changed(base, p=0.001), explanation=replace(base.explanation, test=split))
    assert found.verdict.verdict[-1] == "They differ in column 2."
    blind = replace(changed(base), missed=Missed(None, None, (40, 40)))
    assert blind.verdict.verdict == NOTHING[:1]
    told = replace(blind, missed=Missed(None, 0.2, (40, 40))).verdict.verdict[1]
    assert told.endswith("would have shown 20 % of the rows of B around one place.")


def test_dependent_rows_make_the_verdict_conditional(base: Comparison) -> None:
    found = (SerialDependence(1, 1, 0.9, 0.3), SerialDependence(None, 2, 0.01, 0.05))
    dependent = replace(changed(base, p=0.001), dependence=found)
    said = f"A and B differ if their rows are independent (p = 0.001, 7 tests together; {CLEAREST})."
    assert dependent.verdict.verdict[0] == said
    first, second = dependent.verdict.warnings
    assert first.startswith("Rows of A resemble those before them (rank correlation 0.90 at lag 1 in column 2):")
    assert second.startswith("Rows of B drift along the file (5 % of the variance is between its tenths):")
    assert len(replace(changed(base), dependence=found).verdict.warnings) == 2


def test_scales_are_those_of_the_columns_that_vary() -> None:
    x = np.random.default_rng(0).normal(size=(500, 4)) * (1, 100, 1, 0)
    found = scales(x[:250], x[250:], ["a", "b", "c", "same"])
    assert found is not None
    assert (found.dominant, found.barely_tested) == (["b"], ["a", "c"])
    assert found.share == pytest.approx(10_000 / 10_002, rel=1e-4)
    assert scales(x[:, [0, 2]], x[:, [0, 2]]) is None
    assert scales(x[:, [3]], x[:, [3]]) is None
    # of two columns the limit is that of a table's own warning: 99 % of the variance
    unit = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    assert scales(unit * (9.9, 1), unit * (9.9, 1)) is None
    assert scales(unit * (10, 1), unit * (10, 1)) is not None


def test_names_in_a_row() -> None:
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
