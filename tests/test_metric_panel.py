"""Figures with errors and floors: closed forms, coverage of the errors, floors that shrink, bad input."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from monge.data.source import in_memory
from monge.distance import wasserstein
from monge.distance.estimate import Estimate, share
from monge.distance.kernel.discrepancy import kid
from monge.errors import UserError
from monge.evaluation.features import features_of
from monge.metric.class_shares import recognition
from monge.metric.classifier import Classifier
from monge.metric.frechet import frechet, frechet_estimate
from monge.metric.inception_score import class_score
from monge.metric.memorisation import copying_rank, copying_share, originality
from monge.metric.modes import mode_divergence, mode_figures
from monge.metric.panel import kid_estimate, manifold_figures, regular_frechet, variance_ratio
from monge.metric.precision_recall import coverage, expected_coverage, manifold


def points(seed: int, n: int, d: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def calibration(measure: Callable[[int], Estimate], draws: int = 40) -> float:
    """Deviation of estimates over draws, over their mean standard error."""
    found = [measure(seed) for seed in range(draws)]
    return float(np.std([e.value for e in found]) / np.mean([e.standard_error for e in found]))


def test_expected_coverage() -> None:
    # one real point beside m fake ones, k = 1: its nearest is fake with chance m / (m + 1) for n = 2
    assert expected_coverage(2, 3, k=1) == pytest.approx(3 / 4)
    assert expected_coverage(1000, 1000) == pytest.approx(1 - 1 / 8, abs=1e-3)
    seen = [coverage(points(seed, 60), points(seed + 1000, 40))["coverage"] for seed in range(40)]
    assert np.mean(seen) == pytest.approx(expected_coverage(60, 40), abs=3 * np.std(seen) / 40**0.5)
    assert np.mean([manifold(points(s, 60), points(s + 1000, 40))["density"].value for s in range(40)]) == (
        pytest.approx(1, abs=0.05)
    )


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = points(0, 50), points(1, 30)
    whole = manifold(real, fake)
    monkeypatch.setattr(sys.modules["monge.distance.kernel.discrepancy"], "BLOCK", 70)
    assert manifold(real, fake) == whole


def test_errors_of_shares_are_binomial() -> None:
    found = manifold(points(0, 100), 1.5 * points(1, 80))
    for name, n in (("precision", 80), ("recall", 100), ("coverage", 100)):
        assert found[name].standard_error == pytest.approx(share(found[name].value, n).standard_error)


@pytest.mark.parametrize("k", [0, 4, 5])
def test_coverage_refuses_a_wrong_k(k: int) -> None:
    with pytest.raises(UserError, match=rf"k must be .* from 1 to min\(n, m\) - 1 = 3; got {k}"):
        coverage(points(0, 9), points(1, 4), k)


@pytest.mark.parametrize("other", [np.zeros((5, 3)), np.full((5, 2), np.nan), np.zeros(5)])
def test_bad_features_are_refused(other: np.ndarray) -> None:
    with pytest.raises(UserError):
        manifold_figures(points(0, 20), other)
    with pytest.raises(UserError):
        kid_estimate(points(0, 20), other)


def test_the_error_of_frechet_is_the_deviation_over_draws() -> None:
    stretch = np.array([1.5, 0.5])
    assert calibration(lambda s: frechet_estimate(points(s, 300), points(s + 500, 200) * stretch + 0.4)) == (
        pytest.approx(1, abs=0.3)
    )


def test_the_error_of_frechet_in_closed_form() -> None:
    # a shift by c alone: to first order 2 c (mean difference), so the error is 2 c sqrt(2 s^2 / n)
    x = points(0, 50, 1)
    found = frechet_estimate(x, x + 3)
    assert found.value == pytest.approx(9)
    assert found.standard_error == pytest.approx(6 * np.sqrt(2 * x.var(ddof=1) / 50))
    flat = np.hstack([x, np.zeros((50, 1))])
    assert frechet_estimate(flat, flat + np.array([3, 0])).standard_error == pytest.approx(found.standard_error)


def test_errors_of_the_other_figures_are_the_deviation_over_draws() -> None:
    assert calibration(lambda s: variance_ratio(points(s, 150), points(s + 500, 100))) == pytest.approx(1, abs=0.3)
    assert calibration(lambda s: class_score(np.random.default_rng(s).dirichlet([0.3, 0.5, 1], 100))) == (
        pytest.approx(1, abs=0.3)
    )
    centres = np.array([[-1.0, 0.0], [1.0, 0.0]])
    assert calibration(lambda s: mode_divergence(points(s, 200) + 0.7, centres)) == pytest.approx(1, abs=0.3)


def test_floors_shrink_as_n_grows() -> None:
    def floors(n: int) -> list[float]:
        sets = [(points(s, n, 3), points(s + 100, n, 3)) for s in range(8)]
        measures = (frechet, lambda *x: abs(kid(*x).squared), wasserstein, lambda *x: kid(*x).error)
        return [float(np.mean([measure(*pair) for pair in sets])) for measure in measures]

    small, large = floors(50), floors(400)
    for few, many in zip(small, large, strict=True):
        assert many < 0.7 * few
    # the bias of the Frechet distance is of order 1 / n
    assert large[0] < 0.25 * small[0]


def test_copies_are_found() -> None:
    train, held_out, fresh = points(0, 200), points(1, 100), points(2, 150)
    honest, copied = originality(fresh, train, held_out), originality(train[:150] + 1e-4, train, held_out)
    for name in ("copying_rank", "copying_share"):
        assert abs(honest[name].value - 0.5) < 3 * honest[name].standard_error
    assert copied["copying_rank"].value < 0.5 - 8 * copied["copying_rank"].standard_error
    assert copied["copying_share"].value > 0.5 + 4 * copied["copying_share"].standard_error
    assert copied["novelty"].value < 0.01


def test_copying_by_hand() -> None:
    train, held_out = np.array([[0.0], [10.0]]), np.array([[4.0], [20.0]])
    found = copying_share(np.array([[0.1], [1.0], [2.0], [11.0]]), train, held_out)
    # nearer to 0, to 0, tied between 0 and 4, nearer to 10; three crowd on 0
    assert found.value == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert found.standard_error == pytest.approx(np.sqrt(9 + 1) / 8)
    rank = copying_rank(np.array([1.0, 2.0]), np.array([2.0, 3.0, 0.0]))
    assert rank.value == pytest.approx((1 + 1.5) / 6)
    assert rank.standard_error == pytest.approx(np.sqrt(6 / 72))
    assert "novelty" not in originality(train, train, train)
    assert originality(train, train, train)["copying_rank"].value == 0.5
    with pytest.raises(UserError, match="got 0, 2 and 2 samples"):
        copying_share(train[:0], train, held_out)


def test_errors_of_copying_are_the_deviation_over_draws() -> None:
    def drawn(seed: int) -> Estimate:
        return copying_share(points(seed, 100), points(seed + 100, 100), points(seed + 200, 100))

    assert calibration(drawn) == pytest.approx(1, abs=0.3)


def test_the_score_in_closed_form() -> None:
    assert class_score(np.eye(5)) == Estimate(pytest.approx(5), pytest.approx(0))
    assert class_score(np.full((7, 3), 1 / 3)).value == pytest.approx(1)
    assert class_score(np.eye(3)[[0, 0, 0]]).value == pytest.approx(1)


@pytest.mark.parametrize("wrong", [[[0.5, 0.6]], [[1.2, -0.2]], [[np.nan, 1.0]], [0.5, 0.5], np.zeros((0, 2))])
def test_the_score_refuses_what_are_no_probabilities(wrong: list) -> None:
    with pytest.raises(UserError, match="probabilities must be"):
        class_score(wrong)


def test_mode_divergence_in_closed_form() -> None:
    centres = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [5.0, 5.0]])
    assert mode_divergence(centres, centres).value == pytest.approx(0)
    assert mode_divergence(centres[:1], centres).value == pytest.approx(np.log(4))
    assert mode_divergence(centres[:2], centres) == Estimate(pytest.approx(np.log(2)), 0.0)
    found = mode_figures(np.repeat(centres, 3, axis=0) + [[0], [0], [2]] * 4, centres, 0.1)
    assert found["modes"] == 4
    assert found["high_quality"] == share(8 / 12, 12)


def test_figures_are_none_below_the_samples_that_they_need() -> None:
    real, fake = points(0, 30, 6), points(1, 20, 6)
    assert kid_estimate(real[:4], fake[:4]) is not None
    assert kid_estimate(real, fake[:3]) is None
    assert regular_frechet(real, fake[:7]) == frechet_estimate(real, fake[:7])
    assert regular_frechet(real, fake[:6]) is None
    assert regular_frechet(real, fake[:6], singular=True) == frechet_estimate(real, fake[:6])
    # of two samples each ball reaches to the other one
    assert manifold_figures(real[:2], fake) == manifold(real[:2], fake, k=1)
    assert manifold_figures(real, fake) == manifold(real, fake, k=3)


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray]:
    """Three classes of points, well apart along one of four axes."""
    labels = np.arange(240) % 3
    x = points(0, 240, 4)
    x[:, 0] += 6 * labels
    return x, labels


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_learns_and_is_kept(labelled: tuple[np.ndarray, np.ndarray], tmp_path: Path, classes: int) -> None:
    x, labels = (part[labelled[1] < classes] for part in labelled)
    found = Classifier.fit(x, labels)
    assert found.accuracy > 0.9
    assert found.features(x).shape == (len(x), 64)
    probabilities = found.probabilities(x)
    assert probabilities.shape == (len(x), classes)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.9
    assert class_score(probabilities).value == pytest.approx(classes, rel=0.2)
    found.save(tmp_path / "sub" / "c.npz")
    again = Classifier.load(tmp_path / "sub" / "c.npz", 4)
    assert again is not None
    assert (again.probabilities(x) == probabilities).all()
    assert (again.accuracy, again.judged) == (found.accuracy, found.judged)
    assert Classifier.load(tmp_path / "sub" / "c.npz", 5) is None
    (tmp_path / "broken.npz").write_bytes(b"PK")
    assert Classifier.load(tmp_path / "broken.npz", 4) is None
    found.save(tmp_path / "broken.npz" / "c.npz")  # not a folder: nothing is kept
    assert recognition(x, labels) > 0.9


def test_a_constant_column_tells_a_classifier_nothing(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    """The deviation of equal numbers is a rounding error where their mean is not exact, as of 0.1."""
    x, labels = labelled
    beside = np.column_stack([x, np.full(len(x), 0.1)])
    assert beside[:, 4].std() > 0
    found = Classifier.fit(beside, labels)
    beside[:, 4] += 1e-3 * np.random.default_rng(0).normal(size=len(x))
    assert (found.probabilities(beside).argmax(axis=1) == labels).mean() > 0.9


def test_too_little_for_a_classifier_is_refused(labelled: tuple[np.ndarray, np.ndarray]) -> None:
    x, labels = labelled
    for n, chosen in ((9, labels), (240, np.zeros(240, np.int64))):
        with pytest.raises(UserError, match=r"at least 10 samples of 2 classes; got .* use --features raw"):
            Classifier.fit(x[:n], chosen[:n])


def test_a_classifier_is_cached_by_the_fingerprint(
    labelled: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path))
    data = in_memory(*labelled)
    first = features_of(data, "classifier")
    assert len(list(tmp_path.glob("*-classifier-2.npz"))) == 1
    monkeypatch.setattr(Classifier, "fit", lambda *_: pytest.fail("fitted again"))
    again = features_of(data, "classifier")
    assert (again.encode(labelled[0]) == first.encode(labelled[0])).all()
    assert features_of(data, "raw").encode(labelled[0]) is labelled[0]
    with pytest.raises(UserError, match="has none; use --features raw"):
        features_of(in_memory(labelled[0]), "classifier")
    with pytest.raises(UserError, match="did you mean 'classifier'"):
        features_of(data, "clasifier")


def test_a_classifier_is_cached_by_the_range_of_the_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path))
    images = np.random.default_rng(0).integers(0, 100, (60, 8, 8, 1)).astype(np.uint16)
    data, wider = in_memory(images, np.arange(60) % 2), in_memory(3 * images)
    own, other = (features_of(seen, "classifier").classifier for seen in (data, data.measured_by(wider.codec)))
    assert own is not None
    assert other is not None
    assert (own.mean > other.mean).all()  # the same images are darker where white is three times as far
