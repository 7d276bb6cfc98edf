"""The excess by groups of features and by classes of samples: parts that add up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import monge
from monge.cli import run
from monge.distance.class_split import class_split
from monge.distance.part import parts
from monge.distance.transport.exact import wasserstein
from monge.errors import UserError
from monge.evaluation.breakdown import OTHERS, class_parts, grouped
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.table import comparison_text

pytestmark = pytest.mark.usefixtures("few_relabellings")

NAMES = ["age", "job", "day"]


def normal(n: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, 3))


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_classes_sum_to_the_excess_of_their_draws(seed: int) -> None:
    x, y = normal(90, seed), normal(120, seed + 9) + 1
    classes = np.random.default_rng(seed).integers(0, 4, 120)
    found = class_split(x, y, classes[:90], classes, draws=2, seed=seed)
    for draw in range(2):
        (a, b), (c, d) = (parts(points, (30, 30), seed, draw, side) for side, points in enumerate((x, y)))
        expected = wasserstein(a, c), wasserstein(a, b), wasserstein(c, d)
        sums = (side[draw].sum() for side in (found.uppers, found.floors, found.spreads))
        assert tuple(sums) == pytest.approx(expected)
    with pytest.raises(UserError, match="classes need at least 3 samples on each side; got 2 and 120"):
        class_split(x[:2], y, classes[:2], classes)


@given(st.permutations(NAMES), st.integers(0, 3))
def test_every_feature_is_in_one_group(names: list[str], count: int) -> None:
    found = grouped({"own": names[:count]} if count else None, NAMES)
    assert sorted(position for own in found.values() for position in own) == ([0, 1, 2] if count else [])
    assert (OTHERS in found) is (0 < count < 3)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": "age,joob"}, "--groups 'joob' is not known; did you mean 'job'"),
        ({"a": "age", "b": ["age"]}, "--groups must have a feature in one group only; got age in b and before it"),
        ({"a": ","}, "--groups a must have a feature; got none"),
    ],
)
def test_groups_that_are_refused(groups: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        grouped(groups, NAMES)
    assert said in str(caught.value)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two sets with classes, one of which is elsewhere in B, in three columns."""
    folder = tmp_path_factory.mktemp("classes")
    x, y, classes = normal(150), normal(150, 1), np.arange(150) % 3
    y[classes == 2, 0] += 6
    for name, side in (("a", x), ("b", y)):
        np.savez(folder / f"{name}.npz", x=side, y=classes)
    groups = {"first": "column 1", "rest": ["column 2"]}
    return monge.two_samples(folder / "a.npz", folder / "b.npz", groups=groups, families=["linear"])


def test_groups_have_the_sum_of_their_features(found: Any) -> None:
    said = found.as_json()["explanation"]
    assert said["groups"][0]["name"] == "first"
    assert {group["name"] for group in said["groups"]} == {"first", "rest", OTHERS}
    assert sum(group["excess"] for group in said["groups"]) == pytest.approx(found.bracket.excess)
    by_name = {feature["name"]: feature for feature in said["features"]}
    for group in said["groups"]:
        (name,) = group["features"]
        assert group["excess"] == pytest.approx(by_name[name]["excess"])
        assert group["error"] == pytest.approx(by_name[name]["error"])
        assert group["p_value"] == by_name[name]["p_value"]


def test_the_class_that_is_elsewhere_comes_first(found: Any) -> None:
    said = found.as_json()["explanation"]["classes"]
    assert (said[0]["name"], said[0]["excess"] > 3 * abs(said[1]["excess"])) == ("2", True)
    assert sum(part["shares"][1] for part in said) == pytest.approx(1)
    text = comparison_text(found)
    assert "\nclasses of samples with most of the excess\n" in text
    assert "\ngroups of features; their parts sum to the excess" in text


def test_classes_of_two_sets_go_by_name() -> None:
    x = normal(60)
    first, second = (monge.load_data(x, y=np.array(names)[np.arange(60) % 2]) for names in (["a", "b"], ["b", "c"]))
    assert (first.info.classes, second.info.classes) == (["a", "b"], ["b", "c"])
    a, b = SampleSet.draw(first, "first"), SampleSet.draw(second, "second", side=1)
    shares = {part.name: part.shares for part in class_parts(a, b)}
    assert shares == {"a": (0.5, 0.0), "b": (0.5, 0.5), "c": (0.0, 0.5)}
    assert class_parts(a, replace(b, classes=None)) == []


@pytest.mark.parametrize("given", [["age"], ["=age"], ["a="], ["a=age", "a=job"]])
def test_the_option_needs_names(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distance", "toy:moons", "toy:moons", "--groups", *given]) == 2
    assert "--groups must be NAME=A,B" in capsys.readouterr().err


def test_groups_belong_to_an_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distance", "toy:moons", "toy:moons", "--groups", "a=column 1", "--no-explain"]) == 2
    assert "--groups cannot be combined with --no-explain" in capsys.readouterr().err
