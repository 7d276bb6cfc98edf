"""Values as people have them: numpy's scalars, folders under ~, masked arrays; and what a run says of itself."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import monge
from monge.errors import TrainingError, UserError
from monge.objective.loss import Wasserstein
from monge.training import resume

X = np.random.default_rng(0).normal(size=(60, 2))
TINY: dict[str, Any] = {"generator": "mlp:width=8", "critic": "mlp:width=8", "threads": 1}


def test_scalars_of_numpy_are_taken(tmp_path: Path) -> None:
    rule = {"batch": np.int64(8), "learning_rate": np.float64(1e-4), "critic_boost": np.bool_(False)}
    run = monge.train(X, run=tmp_path / "r", steps=np.int64(2), seed=np.int32(1), training=rule, **TINY)
    kept = run.facts()["config"]
    assert (kept["steps"], kept["seed"]) == (2, 1)
    assert {name: kept["training"][name] for name in rule} == {"batch": 8, "learning_rate": 1e-4, "critic_boost": False}
    np.testing.assert_array_equal(run.sample(np.int64(3), seed=np.int64(4)), run.sample(3, seed=4))
    for n, seed, name, given in ((2.5, 0, "n", 2.5), ("3", 0, "n", "3"), (3, None, "seed", None)):
        with pytest.raises(UserError, match=f"^{name} must be a whole number; got {given!r}$"):
            run.sample(n, seed=seed)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"steps must be of type int; got .*2\.5"):
        monge.train(X, run=tmp_path / "s", steps=np.float64(2.5), **TINY)


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run = monge.train(X, run="~/run", steps=2, training={"batch": 8}, **TINY)
    assert run.path == tmp_path / "home" / "run"
    assert not Path("~").exists()
    assert monge.open_run("~/run").sample(2).shape == (2, 2)


def test_masked_values_are_refused() -> None:
    masked = np.ma.array(X, mask=X > 2)
    count = int((X > 2).sum())
    assert count
    for work in (monge.load_data, monge.WassersteinGAN(steps=2).fit, lambda x: monge.distance.wasserstein(x, X)):
        with pytest.raises(UserError, match=f"must have no masked values; got {count}"):
            work(masked)
    assert monge.load_data(np.ma.array(X, mask=False)).train.size == 48


def test_a_mended_error_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again: dict[str, Any] = {"run": tmp_path / "r", "steps": 3, "training": {"batch": 8}, **TINY}
    with monkeypatch.context() as broken:
        broken.setattr(Wasserstein, "critic", lambda self, real, fake: real.sum() * np.nan)
        with pytest.raises(TrainingError):
            monge.train(X, **again)
    assert "error" in monge.open_run(tmp_path / "r").facts()
    facts = monge.train(X, **again).facts()
    assert facts["status"] == "finished"
    assert "error" not in facts


def test_only_the_package_has_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the project of a user in whose folder monge is installed."""
    package = tmp_path / "project" / "venv" / "monge" / "training"
    package.mkdir(parents=True)
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "c"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path / "project", check=True)
    monkeypatch.setattr(resume, "__file__", str(package / "resume.py"))
    assert resume._revision() is None
