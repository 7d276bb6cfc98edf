"""The tables of figures: what every line promises, and that documents, tables and pages show what the lines say."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from monge import api
from monge.cli import run
from monge.data.source import in_memory, load_data
from monge.distance.estimate import Estimate
from monge.distance.summary import Bracket
from monge.evaluation import estimates, readings, reference, table, two_samples
from monge.evaluation import evaluate as evaluating
from monge.evaluation.doubt import FEW, FEW_FOR_A_COVARIANCE, FEW_FOR_EACH_MODE, UNSURE_CLASSIFIER, WITHIN_ITS_ERROR
from monge.evaluation.entry import Better, Doubt, Entry
from monge.evaluation.estimates import ESTIMATES, PARTS, Figure, annotated
from monge.evaluation.features import Features
from monge.evaluation.figures import BESIDE, FIGURES, TRANSPORT
from monge.evaluation.ledger import Ledger, Reading
from monge.evaluation.measurement import Measured
from monge.evaluation.pair import Pair
from monge.evaluation.table import comparison_sections, evaluation_sections, evaluation_text
from monge.metric.classifier import Classifier
from monge.metric.panel import kid_estimate, variance_ratio

LONGEST = 80
"""Characters of a meaning, at most: the lines of a table then stay within 120."""
TABLES = {"evaluate": FIGURES, "distance": (*PARTS, *ESTIMATES)}
LINES = [pytest.param(entry, id=f"{name}-{entry.name}") for name, lines in TABLES.items() for entry in lines]
DIRECTIONS = get_args(get_args(Better)[0])
TINY: dict[str, Any] = {"steps": 2, "critic": "mlp:width=8:depth=1", "generator": "mlp:width=8:depth=1", "threads": 1}


@pytest.mark.parametrize("entry", LINES)
def test_every_line_says_what_its_figure_is(entry: Entry[Any, Any]) -> None:
    texts = [entry.name, entry.meaning, entry.unit, entry.shown, entry.direction]
    texts += [entry.unreliable.when] if entry.unreliable else []
    for text in texts:
        assert text == " ".join(text.split()) != ""
    assert len(entry.meaning) <= LONGEST
    assert entry.name.isidentifier()
    assert isinstance(entry.better, int | float) or entry.better in DIRECTIONS
    assert callable(entry.function)


@pytest.mark.parametrize("lines", TABLES.values(), ids=TABLES)
def test_names_are_unique(lines: tuple[Entry[Any, Any], ...]) -> None:
    names = [entry.name for entry in lines]
    assert len(set(names)) == len(names)
    assert not {entry.group for entry in lines} & set(names)


def test_directions_are_said_in_words() -> None:
    said = [Entry("x", lambda _: None, "m", "u", better).direction for better in ("higher", "real", "neither", 0.5, 1)]
    assert said == ["higher", "nearest to that of real samples", "neither", "nearest to 0.5", "nearest to 1"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Measured]]:
    """Barely trained generators of pictures with classes, asked for and not, and of points of known modes."""
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("figures")
    labels = np.arange(240) % 2
    pictures = random.integers(0, 100, (240, 4, 4, 1)) + 100 * labels[:, None, None, None]
    data = in_memory(pictures.astype(np.uint8), labels, "pictures")
    training = {"batch": 16}
    asked = api.train(data, run=folder / "asked", **TINY, training=training | {"conditional": True})
    codes = api.train(data, run=folder / "codes", **TINY, training=training, objective="infogan")
    ring = api.train("toy:ring8", run=folder / "ring", **TINY)
    classifier = Classifier.fit(data.codec.metric(data.train.all()), data.train.labels)
    learnt = Features("classifier", classifier.features, classifier, singular=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "SIZE", 60)  # transport between fresh points takes a second otherwise
        yield {
            "asked": Measured(asked.model(), data, learnt, thorough=False, statistics=True),
            "codes": Measured(codes.model(), data, Features(), thorough=False),
            "ring": Measured(ring.model(), load_data("toy:ring8"), Features(), thorough=False),
        }


def document_of(measured: Measured) -> dict[str, Any]:
    """The document of an evaluation, as it is read from a file."""
    document: dict[str, Any] = json.loads(json.dumps(evaluating.read(measured).as_json()))
    return document


def test_every_figure_that_applies_is_in_the_document_and_in_the_table(measured: dict[str, Measured]) -> None:
    seen = set()
    for one in measured.values():
        document = document_of(one)
        held = {**document["bracket"], **document["metrics"], **document["metrics"]["critic"]}
        lines = [line.split() for line in evaluation_text(document).splitlines()]
        found = {entry.name for entry in FIGURES if entry.function(one) is not None}
        assert found == {entry.name for entry in FIGURES if entry.name in held}
        assert all(any(line[0] == name for line in lines) for name in found)
        shown = " ".join(row[-1] for section in evaluation_sections(document) for row in section.rows)
        for entry in FIGURES:
            if entry.name in found and not entry.group and entry.name not in document["unreliable"]:
                assert entry.meaning in shown
        seen |= found
    assert seen == {entry.name for entry in FIGURES}


def test_the_sections_follow_the_table(measured: dict[str, Measured]) -> None:
    sections = evaluation_sections(document_of(measured["asked"]))
    names = [[row[0].strip() for row in section.rows if not row[0].startswith("    ")] for section in sections]
    assert names[0] == [entry.name for entry in TRANSPORT]
    ungrouped = [entry.name for entry in BESIDE if not entry.group]
    assert names[1] == [name for name in ungrouped if name in names[1]] + ["critic"]


def test_figures_do_not_depend_on_their_order(measured: dict[str, Measured]) -> None:
    for one in measured.values():
        again = replace(one)
        backwards = {entry.name: entry.function(again) for entry in reversed(FIGURES)}
        assert backwards == {entry.name: entry.function(one) for entry in FIGURES}


def test_figures_of_one_pass_take_it_once(measured: dict[str, Measured], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = readings.manifold_figures
    monkeypatch.setattr(readings, "manifold_figures", lambda *sides: calls.append(0) or original(*sides))
    one = measured["codes"]
    again = Measured(one.model, one.data, one.features, one.seed, one.thorough)
    for entry in FIGURES:
        entry.function(again)
    assert len(calls) == 2  # of generated samples, and of held-out ones


def test_a_new_line_is_all_that_a_new_figure_needs(
    measured: dict[str, Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    doubt = Doubt("always", lambda _, found: f"{found.value.value:.3g} is a toy")
    toy = Entry("toy", readings.compared(lambda real, fake: Estimate(len(fake) / 7, 0.5)), "a toy", "ratio", 1)
    doubted = Entry("doubted", toy.function, "a toy", "ratio", 1, doubt, group="toys")
    for module in (evaluating, table):
        monkeypatch.setattr(module, "FIGURES", (*FIGURES, toy, doubted))
    document = document_of(measured["codes"])
    assert document["metrics"]["toy"] == document["metrics"]["toys"]["doubted"] == pytest.approx(48 / 7)
    assert document["errors"]["toy"] == document["errors"]["toys"]["doubted"] == 0.5
    assert document["floors"]["toy"] == pytest.approx(48 / 7)
    assert document["unreliable"]["doubted"] == "6.86 is a toy"
    lines = evaluation_text(document).splitlines()
    (line,) = [line for line in lines if line.split()[0] == "toy"]
    assert line.split() == ["toy", "6.857", "±", "0.5", "6.857", "a", "toy"]


def test_errors_are_doubted_for_heavy_tails(measured: dict[str, Measured]) -> None:
    one = measured["ring"]
    again = Measured(one.model, one.data, one.features, one.seed, one.thorough)
    vars(again)["bracket"] = replace(one.bracket, heavy_tails=True)
    assert "excess" not in evaluating.read(one).unreliable
    doubts = evaluating.read(again).unreliable
    reason = "its error: one sample has over 20% of the variance"
    assert {name: doubts.get(name) for name in ("upper", "spread", "excess")} == {
        "upper": None,
        "spread": reason,
        "excess": reason,
    }


def sides(train: np.ndarray, generated: np.ndarray, held_out: np.ndarray, features: Features | None = None) -> Measured:
    """What was measured where only features are looked at."""
    found = Measured(None, None, features or Features())  # type: ignore[arg-type]
    vars(found).update(train=train, generated=generated, held_out=held_out, held_out_samples=held_out)
    return found


def points(seed: int, n: int, d: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_what_is_unreliable_is_said_with_its_reason() -> None:
    small, large = (sides(points(0, n, 6), points(1, m, 6), points(2, m, 6)) for n, m in ((30, 20), (500, 100)))
    any_value = Reading(Estimate(0.3, 0.2))
    assert FEW.reason(small, any_value) == "based on 20 samples; 100 are needed"
    assert FEW_FOR_A_COVARIANCE.reason(small, any_value) == "20 samples in 6 dimensions; 60 are needed"
    for doubt in (FEW, FEW_FOR_A_COVARIANCE, WITHIN_ITS_ERROR, UNSURE_CLASSIFIER):
        assert doubt.reason(large, any_value) is None
    noisy = Reading(Estimate(-0.1, 0.2))
    assert WITHIN_ITS_ERROR.reason(large, noisy) == "smaller than its standard error, so it may be 0"


def test_modes_and_classifiers_are_doubted() -> None:
    few = Measured(None, load_data("toy:ring8"), Features())  # type: ignore[arg-type]
    reasons = [FEW_FOR_EACH_MODE.reason(few, Reading(0.1, counts={"modes": n})) for n in (72, 80)]
    assert reasons == ["9 samples per mode; 10 are needed", None]
    for right, reason in ((0.7, "the classifier recognises 70% of real samples; 80% are needed"), (0.8, None)):
        classifier = Classifier(np.zeros(2), np.ones(2), (), (), right, 50)
        one = sides(points(0, 9), points(1, 9), points(2, 9), Features("classifier", classifier=classifier))
        assert UNSURE_CLASSIFIER.reason(one, Reading(2.0)) == reason


def test_few_held_out_samples_are_no_floor() -> None:
    found = readings.compared(variance_ratio)(sides(points(0, 30), points(1, 20), points(2, 4)))
    assert found is not None
    assert (found.floor, found.no_floor) == (None, "no floor: 5 held-out samples are needed; got 4")
    found = readings.compared(variance_ratio)(sides(points(0, 30), points(1, 20), points(2, 5)))
    assert found is not None
    assert (found.floor, found.no_floor) == (variance_ratio(points(0, 30), points(2, 5)), "")


def test_a_figure_beyond_float64_is_left_out() -> None:
    for scale in (1e150, 1e30):  # kernels, or the squares of their sums, are infinite
        huge = sides(scale * points(0, 9), scale * points(1, 9), scale * points(2, 9))
        assert readings.compared(kid_estimate)(huge) is None
        assert readings.of(readings.manifold, "precision")(huge) is not None
    assert readings.compared(variance_ratio)(sides(np.ones((9, 2)), points(1, 9), points(2, 9))) is None
    apart = sides(points(0, 9), points(1, 9), 1e150 * points(2, 9))
    found = readings.compared(kid_estimate)(apart)
    assert found is not None
    assert found.floor is None


def test_the_ledger_keeps_values_errors_and_floors() -> None:
    ledger = Ledger()
    ledger.enter("a", Reading(Estimate(1, 0.1), Estimate(0, 1), counts={"samples": 5}))
    ledger.enter("b", Reading(2), "group")
    ledger.enter("c", Reading({"x": Estimate(3, 0.3)}, {"x": 1.0}), "group")
    ledger.enter("d", Reading(None, 1.0))
    assert ledger.metrics == {"a": 1, "group": {"b": 2, "c": {"x": 3}}, "d": None}
    assert ledger.errors == {"a": 0.1, "group": {"c": {"x": 0.3}}}
    assert ledger.floors == {"a": 0, "group": {"c": {"x": 1.0}}, "d": 1.0}
    assert ledger.counts == {"samples": 5}


def test_a_note_is_the_figures_own_or_a_doubt_or_the_meaning() -> None:
    pair = Pair(points(0, 20), points(1, 20))
    doubt = Doubt("never", lambda pair, found: "doubted" if found.value > 1 else None)

    def noted(value: float, note: str = "") -> str:
        found = annotated(Entry("x", lambda _: Figure(value, None, (1, 1), note), "meant", "u", 0, doubt), pair)
        assert found is not None
        return found.note

    assert [noted(2.0, "own"), noted(2.0), noted(0.5)] == ["own", "doubted", "meant"]
    assert annotated(Entry("x", lambda _: None, "meant", "u", 0), pair) is None


def test_a_part_of_the_bracket_says_what_it_rests_on() -> None:
    bracket = Bracket(1, 2, 0.5, 0.5, 1.5, 1.9, lipschitz="certified", n=1024, family="linear", excess_error=0.1)
    notes = {entry.name: annotated(entry, bracket) for entry in PARTS}
    assert notes["lower"] == Figure(1, None, (1024, 1024), "95 % confidence; linear, certified")
    assert notes["upper"].note == "exact transport of 1,024 to 1,024; too large at finite n"
    assert notes["excess"].error == 0.1
    assert list(notes) == ["lower", "upper", "floor", "spread", "excess", "estimate"]


def test_a_new_estimate_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = Entry("toy", lambda pair: Figure(len(pair.x) / 7, None, pair.sizes), "a toy", "ratio", 1, label="Toy")
    for module in (estimates, table):
        monkeypatch.setattr(module, "ESTIMATES", (*ESTIMATES, toy))
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a", 0), ("b", 1)):
        np.save(f"{name}.npy", points(seed, 30))
    command = ["distance", "a.npy", "b.npy", "--families", "linear", "--no-picture"]
    assert run([*command, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["toy"] == {"value": 30 / 7, "error": None, "n": [30, 30], "note": "a toy"}
    assert run(command) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Toy ")]
    assert line.split(maxsplit=2) == ["Toy", "4.286", "n 30, 30; a toy"]


def test_the_sections_of_a_comparison_follow_the_tables() -> None:
    data = [in_memory(points(seed, 30)) for seed in (0, 1)]
    a, b = (
        two_samples.SampleSet.draw(one, name, side=side)
        for side, (one, name) in enumerate(zip(data, "ab", strict=True))
    )
    result = two_samples.compare(a, b, families=["linear"])
    bracket, beside = comparison_sections(result)
    assert [row[0] for row in bracket.rows] == [entry.shown for entry in PARTS]
    assert [row[0] for row in beside.rows] == [entry.shown for entry in ESTIMATES]
