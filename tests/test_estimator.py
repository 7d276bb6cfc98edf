"""The estimator: scikit-learn's own contract, and a round trip."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from monge.distance import wasserstein
from monge.estimator.vector import WassersteinGAN

# scikit-learn's sets of some ten samples are smaller than the recipe's batch
pytestmark = pytest.mark.filterwarnings("ignore:batch reduced from the recipe's 256:UserWarning")

X = np.random.default_rng(0).normal([5.0, -3.0], [2.0, 0.5], (60, 2))


@parametrize_with_checks([WassersteinGAN(steps=2, threads=1)])
def test_scikit_learn_contract(estimator, check) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def fitted() -> WassersteinGAN:
    return WassersteinGAN(steps=40, threads=1, random_state=1).fit(X)


def test_samples_are_in_the_units_of_the_data(fitted: WassersteinGAN) -> None:
    samples = fitted.sample(50)
    assert samples.shape == (50, 2)
    assert samples.dtype == np.float64
    assert np.isfinite(samples).all()
    # five standard deviations around the data's mean; untransformed samples would lie around zero
    assert (np.abs(samples.mean(axis=0) - [5, -3]) < [2, 0.5]).all()


def test_score_is_minus_the_distance(fitted: WassersteinGAN) -> None:
    held_out = X[:40]
    assert fitted.score(held_out) == -wasserstein(fitted.sample(40), held_out) < 0
    assert fitted.score(held_out + 100) < fitted.score(held_out)


def test_equal_seeds_give_equal_samples(fitted: WassersteinGAN) -> None:
    np.testing.assert_array_equal(fitted.sample(5, seed=3), fitted.sample(5, seed=3))
    assert not np.array_equal(fitted.sample(5, seed=3), fitted.sample(5, seed=4))


def test_equal_random_states_give_equal_models(fitted: WassersteinGAN) -> None:
    again = clone(fitted).fit(X)
    np.testing.assert_array_equal(again.sample(5), fitted.sample(5))
    other = clone(fitted).set_params(random_state=2).fit(X)
    assert not np.array_equal(other.sample(5), fitted.sample(5))


def test_random_states_that_are_no_numbers() -> None:
    """As in scikit-learn: a RandomState is drawn from, and none means numpy's global one."""

    def seeds(state: object) -> list[int]:
        model = WassersteinGAN(steps=2, threads=1, random_state=state)  # type: ignore[arg-type]
        return [model.fit(X).run_.facts()["config"]["seed"] for _ in range(2)]

    before = np.random.get_state()
    try:
        np.random.seed(4)
        first, second = seeds(None)
    finally:
        np.random.set_state(before)
    assert first != second
    assert seeds(np.random.RandomState(4)) == [first, second]
    with pytest.raises(ValueError, match="'a' cannot be used to seed"):
        seeds("a")


def test_run_folder_and_options(tmp_path: Path) -> None:
    model = WassersteinGAN(objective="wgan-gp:weight=5", steps=2, run=tmp_path / "run", threads=1).fit(X)
    assert model.run_.path == tmp_path / "run"
    assert model.run_.facts()["config"]["objective"] == "wgan-gp:weight=5"
    assert model.run_.facts()["config"]["steps"] == 2


def test_unfitted_and_other_dimensions_are_refused(fitted: WassersteinGAN) -> None:
    with pytest.raises(NotFittedError):
        WassersteinGAN().sample(3)
    with pytest.raises(ValueError, match="X has 3 features, but WassersteinGAN is expecting 2"):
        fitted.score(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="minimum of 3 is required"):
        WassersteinGAN(steps=2).fit(X[:2])
    with pytest.raises(ValueError, match="n must be at least 1; got 0"):
        fitted.sample(0)


def test_a_pickle_carries_the_weights(tmp_path: Path) -> None:
    """In another process, after the temporary folder of this one is gone."""
    fitted = WassersteinGAN(steps=3, threads=1).fit(np.random.default_rng(0).normal(size=(60, 2)))
    shutil.rmtree(fitted.run_.path)
    (tmp_path / "fitted.pkl").write_bytes(pickle.dumps(fitted))
    code = "import pickle; print(pickle.load(open('fitted.pkl', 'rb')).sample(3).tolist())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == fitted.sample(3).tolist()


def test_classes() -> None:
    y = np.where(X[:, 0] > 5, "high", "low")
    with pytest.raises(ValueError, match=r"^y: conditional=True needs the class of every sample; got None$"):
        WassersteinGAN(conditional=True).fit(X)
    with pytest.raises(ValueError, match=r"^y: labels must have shape \(60,\), one per sample; got \(3,\)"):
        WassersteinGAN(conditional=True).fit(X, [0, 1, 0])
    fitted = WassersteinGAN(steps=30, threads=1, conditional=True).fit(X, y)
    low, high = (fitted.sample(40, label=name)[:, 0].mean() for name in ("low", "high"))
    assert low < high
    with pytest.raises(ValueError, match=r"^--class 'middle' is not known; allowed: high, low$"):
        fitted.sample(3, label="middle")
    plain = WassersteinGAN(steps=2, threads=1)
    np.testing.assert_array_equal(plain.fit(X, y).sample(3), plain.fit(X).sample(3))


def test_a_data_frame_of_numbers_is_vectors_with_names() -> None:
    frame = pyarrow.table({"length": X[:, 0], "wide": X[:, 1] > -3})
    fitted = WassersteinGAN(steps=2, threads=1).fit(frame)
    assert fitted.model_.space.name == "vector"
    assert fitted.run_.facts()["config"]["recipe"] == "vector"
    assert fitted.model_.columns == ["length", "wide"] == list(fitted.feature_names_in_)
    assert fitted.n_features_in_ == 2
    array = np.column_stack([X[:, 0], X[:, 1] > -3])
    np.testing.assert_array_equal(fitted.sample(9), WassersteinGAN(steps=2, threads=1).fit(array).sample(9))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert fitted.score(frame) == fitted.score(array)
    with pytest.raises(ValueError, match=r"^X\['c'\] must contain real numbers; got an array of type object$"):
        fitted.fit(pyarrow.table({"a": X[:, 0], "c": ["x"] * 60}))
    with pytest.raises(ValueError, match=r"contains NaN"):
        fitted.fit(pyarrow.table({"a": [None, *X[1:, 0]]}))
