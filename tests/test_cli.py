"""The commands and the Python API, end to end on tiny runs."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import monge
from monge.cli import run
from monge.config import registry
from monge.config.overlay import Given
from monge.config.schema import DataConfig, TrainingConfig
from monge.data.space import VectorSpace
from monge.plot import picture
from monge.training.settings import resolved

RANDOM = np.random.default_rng(5)
TINY = ["--steps", "20", "--generator", "mlp:width=16", "--critic", "mlp:width=16", "--threads", "1", "--device", "cpu"]
TINY += ["--observe.bracket", "10"]
BRACKET = {"lower", "upper", "floor", "spread", "excess", "confidence", "lipschitz", "heavy_tails"}
BRACKET |= {"spread_error", "excess_error", "n", "family", "estimate", "estimate_low", "estimate_high"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished run on digits."""
    folder = str(tmp_path_factory.mktemp("digits") / "run")
    assert run(["train", "digits", "--run", folder, *TINY]) == 0
    return folder


def document(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """The one JSON document that a command prints."""
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def config(folder: str) -> Any:
    return json.loads((Path(folder) / "run.json").read_text())["config"]


def child(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


def test_help_and_import_do_not_wait_for_torch() -> None:
    look = "; import sys; print([n for n in ('torch', 'sklearn', 'matplotlib') if n in sys.modules])"
    for code in ("import monge", "from monge.cli import run; run(['--help'])", "from monge.cli import run; run([])"):
        assert child("-c", code + look).stdout.splitlines()[-1] == "[]"


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert child("-m", "monge", "--version").stdout == f"monge {monge.__version__}\n"
    assert run(["--help"]) == 0
    for command in ("train", "sample", "evaluate", "distance", "report"):
        with pytest.raises(SystemExit) as leave:
            run([command, "--help"])
        assert leave.value.code == 0
        assert "--json" in capsys.readouterr().out


def test_sample_files(digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in (".png", ".npz", ".npy"):
        said = document(["sample", digits, "-n", "9", "--out", f"a{suffix}", "--seed", "4"], capsys)
        assert said == {"out": f"a{suffix}", "n": 9, "shape": [9, 8, 8, 1]}
        assert run(["sample", digits, "-n", "9", "--out", f"b{suffix}", "--seed", "4"]) == 0
        assert run(["sample", digits, "-n", "9", "--out", f"c{suffix}", "--seed", "5"]) == 0
        a, b, c = (Path(name + suffix).read_bytes() for name in "abc")
        assert a == b
        assert a != c
    x = np.load("a.npz")["x"]
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x, np.load("a.npy"))
    np.testing.assert_array_equal(x, monge.open_run(digits).sample(9, seed=4))
    assert Image.open(io.BytesIO(Path("a.png").read_bytes())).mode == "L"
    assert document(["sample", digits, "-n", "2", "--out", "path.png", "--interpolate"], capsys)["n"] == 20
    assert run(["sample", digits, "-n", "2", "--out", "raw.npy", "--weights", "raw"]) == 0


def test_images_are_no_table(digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", digits, "--out", "x.csv"]) == 2
    assert capsys.readouterr().err == "monge: --out must end in .png, .tif, .npz or .npy for images; got .csv\n"
    assert not Path("x.csv").exists()


def test_evaluate_and_report(digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["evaluate", digits], capsys)
    assert set(said["bracket"]) == BRACKET
    assert said["bracket"]["lipschitz"] == "certified"
    excess = said["bracket"]["upper"] - (said["bracket"]["floor"] + said["bracket"]["spread"]) / 2
    assert said["bracket"]["excess"] == pytest.approx(excess)
    assert json.loads((Path(digits) / "metrics.json").read_text()) == said
    assert said["counts"]["bracket"] == 497
    assert run(["evaluate", digits]) == 0
    assert "excess" in capsys.readouterr().out
    report = Path(document(["report", digits], capsys)["report"])
    assert report.read_text().lstrip().lower().startswith("<!doctype html>")


def test_again_reports_and_more_steps_extend(digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = (Path(digits) / "log.jsonl").read_bytes()
    said = document(["train", "digits", "--run", digits, *TINY], capsys)
    assert said["status"] == "finished"
    assert said["step"] == 20
    assert set(said["bracket"]) == BRACKET
    assert (Path(digits) / "log.jsonl").read_bytes() == log
    longer = ["train", "digits", *TINY, "--run", "run"]
    assert document(longer, capsys)["step"] == 20
    longer[longer.index("20")] = "25"
    assert document(longer, capsys)["step"] == 25


def test_a_finished_run_without_its_log_is_reported(digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(digits, "lost")
    Path("lost/log.jsonl").unlink()
    again = ["train", "digits", "--run", "lost", *TINY]
    said = document(again, capsys)
    assert (said["step"], said["bracket"]) == (20, None)
    assert run(again) == 0
    assert capsys.readouterr().out == "run     lost\nreport  lost/report.html\n"


@pytest.mark.slow
def test_vectors_folder_and_toy(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("v.npy", (RANDOM.normal(size=(400, 3)) * [1, 10, 100]).astype(np.float32))
    Path("faces").mkdir()
    for i in range(90):
        mode, end = (("L", "png"), ("RGB", "jpg"), ("RGBA", "png"))[i % 3]
        shape = (12, 14) if mode == "L" else (12, 14, len(mode))
        Image.fromarray(RANDOM.integers(0, 256, shape, dtype=np.uint8)).save(f"faces/{i}.{end}")
    for data, shape, folder in [
        (["v.npy"], [6, 3], "runs/v.npy-vector-0"),
        (["toy:ring8"], [6, 2], "runs/toy-ring8-vector-0"),
        (["faces", "--data.size", "8", "--training.batch", "32"], [6, 8, 8, 3], "runs/faces-digits-0"),
    ]:
        assert document(["train", *data, *TINY], capsys)["run"] == folder
        assert document(["sample", folder, "-n", "6", "--out", "x.npz"], capsys)["shape"] == shape
        assert run(["sample", folder, "-n", "6", "--out", "x.png"]) == 0
        assert set(document(["evaluate", folder], capsys)["bracket"]) == BRACKET
        assert (Path(folder) / "report.html").exists()
    assert run(["sample", "runs/v.npy-vector-0", "-n", "6", "--out", "x.csv", "--seed", "2"]) == 0
    table = np.loadtxt("x.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table, monge.open_run("runs/v.npy-vector-0").sample(6, seed=2), rtol=1e-5)


def recommended(recipe: str) -> TrainingConfig:
    """What a recipe alone would set for vectors of three numbers."""
    return registry.RECIPES[recipe].load()("v.npy", VectorSpace(3)).training


def test_flags_override_the_file_which_overrides_the_recipe() -> None:
    np.save("v.npy", RANDOM.normal(size=(400, 3)))
    Path("c.toml").write_text(
        "recipe = 'grid25'\nsteps = 3\nobjective = 'wgan'\ngenerator = 'mlp:width=8'\ncritic = 'mlp:width=8'\n"
        "[training]\nn-critic = 4\nbatch = 16\nbeta2 = 0.5\n"
    )
    where = ["--config", "c.toml", "--threads", "1", "--device", "cpu"]
    assert run(["train", "v.npy", "--run", "a", *where, "--training.n-critic", "2", "--seed", "7"]) == 0
    got = config("a")
    assert (got["recipe"], got["objective"], got["steps"], got["seed"]) == ("grid25", "wgan", 3, 7)
    assert (got["training"]["n_critic"], got["training"]["batch"], got["training"]["beta2"]) == (2, 16, 0.5)
    assert (got["training"]["optimiser"], got["training"]["learning_rate"]) == ("rmsprop", 5e-5)
    assert got["training"]["ema"] == recommended("grid25").ema
    assert run(["train", "v.npy", "--run", "b", *where, "--recipe", "vector", "--objective=wgan-gp"]) == 0
    got = config("b")
    assert (got["recipe"], got["objective"]) == ("vector", "wgan-gp")
    rule, own = got["training"], recommended("vector")
    assert (rule["optimiser"], rule["learning_rate"], rule["ema"]) == ("adam", own.learning_rate, own.ema)


def test_an_objective_brings_its_published_rule() -> None:
    np.save("v.npy", RANDOM.normal(size=(400, 3)))
    assert run(["train", "v.npy", "--run", "a", *TINY, "--objective", "wgan"]) == 0
    rule = config("a")["training"]
    assert (rule["optimiser"], rule["learning_rate"], rule["batch"], rule["n_critic"]) == ("rmsprop", 5e-5, 64, 5)
    flags = ["--training.learning-rate", "1e-3", "--training.n-critic", "1"]
    assert run(["train", "v.npy", "--run", "b", *TINY, "--objective", "wgan:bound=0.1", *flags]) == 0
    assert config("b")["objective"] == "wgan:bound=0.1"
    assert config("b")["training"] == rule | {"learning_rate": 1e-3, "n_critic": 1}


def test_a_learning_rate_that_is_given_alone_is_that_of_both_networks() -> None:
    layers = [{}, {"learning-rate": 1e-4}, {"learning_rate": 1e-4, "critic-learning-rate": 3e-4}]
    given = [[Given("file", {"training": layer})] for layer in layers]
    rules = [resolved(monge.load_data("digits"), one).training for one in given]
    found = [(rule.learning_rate, rule.critic_learning_rate) for rule in rules]
    assert found == [(5e-4, 1e-3), (1e-4, None), (1e-4, 3e-4)]


def test_json_stands_alone_on_standard_output() -> None:
    np.save("v.npy", RANDOM.normal(size=(400, 3)))
    said = child("-m", "monge", "train", "v.npy", *TINY, "--run", "r", "--json").stdout
    assert len(said.splitlines()) == 1
    assert set(json.loads(said)) == {"run", "status", "step", "report", "bracket"}


def test_python_api() -> None:
    settings = {"steps": 20, "observe": {"bracket": 10}, "generator": "mlp:width=16", "critic": "mlp:width=16"}
    trained = monge.train(
        RANDOM.normal(size=(400, 2)), run="r", threads=1, device="cpu", training={"n_critic": 1}, **settings
    )
    assert trained.facts()["status"] == "finished"
    assert config("r")["training"]["n_critic"] == 1
    np.testing.assert_array_equal(trained.sample(5, seed=1), monge.open_run("r").sample(5, seed=1))
    data = monge.load_data(RANDOM.normal(size=(400, 2)))
    assert (data.train.size, data.held_out.size) == (320, 80)
    again = monge.train(data, run="s", threads=1, device="cpu", **settings)
    assert again.sample(4).shape == (4, 2)
    assert config("s")["source"] == "memory:array"
    with pytest.raises(monge.UserError, match="data 'array' was given in memory, not by name; pass it again"):
        again.evaluate(thorough=False)
    assert again.evaluate(data, thorough=False).as_json()["bracket"]["excess"] > 0
    assert "instead of memory:array" in again.write_report(data).read_text()
    assert monge.load_data("digits").held_out.size == 497


def test_opened_data_is_trained_on_by_its_name() -> None:
    """So that the run's data is found again, opened in the same way."""
    np.savez("images.npz", x=RANDOM.integers(0, 256, size=(100, 10, 8), dtype=np.uint8), y=np.arange(100) % 3)
    settings = {"steps": 2, "generator": "mlp:width=16", "critic": "mlp:width=16", "training": {"batch": 8}}
    data = monge.load_data("images.npz", size=8)
    trained = monge.train(data, run="r", threads=1, device="cpu", **settings)
    assert config("r")["source"] == "images.npz"
    assert config("r")["data"]["size"] == 8
    assert trained.evaluate(thorough=False).as_json()["counts"]["generated"] > 0


def test_data_of_all_kinds_in_python() -> None:
    settings: dict[str, Any] = {"steps": 2, "generator": "mlp:width=16", "critic": "mlp:width=16", "threads": 1}
    settings["training"] = TrainingConfig(batch=8, n_critic=2)
    x = RANDOM.normal(size=(60, 2))
    np.save("x.npy", x)
    expected = monge.load_data(x)
    sources: list[Any] = [Path("x.npy"), x.tolist(), torch.from_numpy(x)]
    for number, source in enumerate(sources):
        assert monge.load_data(source).fingerprint == expected.fingerprint
        trained = monge.train(source, run=f"r{number}", **settings)
        assert trained.facts()["fingerprint"] == expected.fingerprint
    assert config("r0")["source"] == "x.npy"
    # the whole rule, not the recipe's with changes
    assert config("r0")["training"] == asdict(settings["training"])


@pytest.mark.parametrize("value", [5, TrainingConfig, "batch"])
def test_bad_settings_in_python(value: object) -> None:
    for name in ("training", "data", "observe"):
        with pytest.raises(monge.UserError, match=f"train: {name} must be a table of settings; got "):
            monge.train("digits", run="r", **{name: value})
    assert not Path("r").exists()


def test_open_data_is_not_opened_otherwise() -> None:
    images = RANDOM.integers(0, 256, size=(60, 8, 8), dtype=np.uint8)
    np.save("images.npy", images)
    settings: dict[str, Any] = {"steps": 2, "generator": "mlp:width=16", "critic": "mlp:width=16", "threads": 1}
    settings |= {"training": {"batch": 8}, "recipe": "digits"}
    for source in ("images.npy", images):
        data = monge.load_data(source)
        with pytest.raises(monge.UserError, match=r"data must be left out .*; got {'size': 4}; use load_data"):
            monge.train(data, data={"size": 4}, run="r", **settings)
    assert not Path("r").exists()
    data = monge.load_data(images, size=4)
    assert monge.train(data, data={"size": 4}, run="r", **settings).sample(1).shape == (1, 4, 4, 1)
    # the same run, with the array itself
    assert monge.train(images, data=DataConfig(size=4), run="r", **settings).facts()["status"] == "finished"
    assert config("r")["data"]["size"] == 4


def test_a_path_written_otherwise_continues_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos").mkdir()
    for number in range(40):
        Image.fromarray(RANDOM.integers(0, 256, (8, 8), dtype=np.uint8)).save(f"photos/{number}.png")
    rest = ["--run", "r", *TINY, "--steps", "2", "--training.batch", "8"]
    for data in ("photos", "photos/", "./photos"):
        assert run(["train", data, *rest]) == 0, capsys.readouterr().err
    assert config("r")["source"] == "photos"
    same: dict[str, Any] = {"steps": 2, "generator": "mlp:width=16", "critic": "mlp:width=16", "threads": 1}
    same |= {"training": {"batch": 8}, "observe": {"bracket": 10}, "device": "cpu", "run": "r"}
    assert monge.train("photos/", **same).facts()["step"] == 2
    assert monge.train(Path("./photos"), **same).facts()["step"] == 2


@pytest.mark.parametrize("threads", ["two", 0, 9999])
def test_bad_threads_of_the_python_api(threads: int | str) -> None:
    with pytest.raises(monge.UserError, match=f"threads must be auto or a number from 1 to .*; got {threads}"):
        monge.train("digits", run="r", threads=threads, steps=1)
    assert not Path("r").exists()


def test_an_error_stands_alone_and_a_warning_comes_with_the_first_step() -> None:
    """The default batch is larger than the data: a warning where training starts, silence where it is refused."""
    np.save("few.npy", RANDOM.normal(size=(60, 3)))
    command = [sys.executable, "-m", "monge", "train", "few.npy", *TINY, "--run", "a"]
    refused = subprocess.run([*command, "--generator", "dcgan"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "needs images" in refused.stderr
    warnings = [line for line in child(*command[1:]).stderr.splitlines() if "warning" in line]
    assert warnings == ["monge: warning: batch reduced from the recipe's 256 to 48, the number of training samples"]


def test_recipe_for_other_data(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("v.npy", RANDOM.normal(size=(400, 3)))
    assert run(["train", "v.npy", "--recipe", "image"]) == 2
    assert (
        capsys.readouterr().err == "monge: --recipe: this one needs images; v contains vectors; use --recipe vector\n"
    )


def test_other_data_leave_the_metrics_alone(digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = document(["evaluate", digits], capsys)
    np.save("other.npy", RANDOM.integers(0, 256, (60, 8, 8), dtype=np.uint8))
    other = document(["evaluate", digits, "--data", "other.npy"], capsys)
    assert other["bracket"] != own["bracket"]
    assert json.loads((Path(digits) / "metrics.json").read_text()) == own


@pytest.mark.slow
def test_another_thread_count_is_logged() -> None:
    assert run(["train", "digits", *TINY, "--run", "a"]) == 0
    longer = child("-m", "monge", "train", "digits", *TINY, "--run", "a", "--steps", "25", "--threads", "2")
    assert "warning: --threads 2: threads 1 -> 2: results are no longer bit-identical" in longer.stderr
    assert any(
        "results are no longer bit-identical" in entry.get("note", "") for entry in monge.open_run("a").entries()
    )


def test_vectors_alone_are_not_called_real() -> None:
    points = RANDOM.normal(size=(50, 2))
    alone, over = (np.asarray(picture(VectorSpace(2), points, real)) for real in (None, points))
    grey = (154, 163, 178)  # of real points
    assert not (alone == grey).all(axis=2).any()
    assert (over == grey).all(axis=2).any()
