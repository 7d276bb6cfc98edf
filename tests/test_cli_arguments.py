"""Arguments of the command: read once, kept as what was given; help, forecasts, and continuing a run by its folder."""

import json
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import monge
from monge.cli import COMMANDS, progress, run
from monge.cli.option import Option, options
from monge.cli.parse import parse
from monge.cli.train import Train
from monge.config.overlay import Given, flatten, last_given, merged
from monge.config.schema import Config
from monge.errors import UserError

RANDOM = np.random.default_rng(8)
TINY = ["--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]
SETTINGS = [option for option in options(Train) if option.collector]
VALUES = {
    int: st.integers(0, 10**9),
    float: st.floats(0, 1e9),
    str: st.text("abz-_:=.0 ", min_size=1),
    bool: st.booleans(),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with some vectors in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    np.save("v.npy", RANDOM.normal(size=(60, 2)))
    return tmp_path


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What help shows, as one line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as leave:
        run(arguments)
    assert leave.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def config(folder: str) -> Any:
    return json.loads((Path(folder) / "run.json").read_text())["config"]


@st.composite
def setting(draw: st.DrawFn) -> tuple[Option, Any]:
    """A setting of `train`, and a value of its type."""
    option = draw(st.sampled_from(SETTINGS))
    own = VALUES[option.kind] if option.kind in VALUES else st.sampled_from(get_args(option.kind))
    values = own.filter(lambda value: str(value).lower() != "none" and not str(value).startswith("-"))
    return option, draw(st.none() | values if option.none else values)


@settings(max_examples=60, deadline=None)
@given(st.lists(setting(), unique_by=lambda pair: pair[0].key), st.booleans(), st.booleans())
def test_what_is_given_and_nothing_else_arrives(pairs: list[tuple[Option, Any]], joined: bool, after: bool) -> None:
    """In every spelling of a flag, and the values are those of the config that they are merged into."""
    words: list[str] = []
    for option, value in pairs:
        if option.kind is bool:
            words.append(option.flags[0 if value else 1])
        else:
            words += (
                [f"{option.name}={value}"]
                if joined
                else [option.name.replace("-", "_").replace("__", "--"), str(value)]
            )
    asked = parse(Train, "train", [*words, "v.npy"] if after else ["v.npy", *words])
    assert asked.source == "v.npy"
    found = flatten(merged(Config(), [Given("flags", asked.given)]))
    assert {key: last_given([Given("flags", asked.given)], *key.split(".")) for key in found} == {
        key: {option.key: value for option, value in pairs}.get(key) for key in found
    }
    for option, value in pairs:
        assert found[option.key] == value
        assert type(found[option.key]) is type(value)


def test_every_setting_is_an_option() -> None:
    assert {option.key for option in SETTINGS} == set(flatten(Config())) - {"source"}
    assert not [option.key for option in options(Train) if not option.help]
    assert not [option for option in SETTINGS if is_dataclass(option.kind)]


def test_help_without_data_promises_no_default_that_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(["train", "--help"], capsys)
    for said in (
        "--training.batch INT Samples per update. (default: by recipe)",
        "--seed INT",
        "(default: by data)",
    ):
        assert said in text
    assert text.count("(default: by recipe)") == 5 + 17 + 2
    Path("c.toml").write_text("[training]\nbatch = 7\n")
    assert "Samples per update. (default: 7)" in shown(["train", "--config", "c.toml", "--help"], capsys)


def test_help_with_data_shows_what_would_be_trained(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(["train", "toy:grid25", "--objective=wgan", "--training.n-critic", "4", "-h"], capsys)
    for said in (
        "paper-wgan-gp. (default: grid25)",
        "pacgan. (default: wgan)",
        "critic updates per generator update. (default: 4)",
        "(default: rmsprop)",
        "(default: 5e-05)",
        "each with a picture of samples. (default: 2400)",
    ):
        assert said.lower() in text.lower()
    assert "by recipe" not in text


def test_help_is_shown_where_the_data_are_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["train", "toy:grid52", "--help"])
    said = capsys.readouterr()
    assert "(default: by recipe)" in said.out
    assert said.err.startswith("monge: ")
    assert "did you mean 'toy:grid25'?" in said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_the_terminal(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            run([command, "--help"])
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[0].startswith(f"usage: monge {command} ")
        assert not [line for line in lines if line.endswith("-")]


def test_help_of_train_does_not_wait_for_torch() -> None:
    code = "import sys\nfrom monge.cli import run\ntry:\n  run(['train', '--help'])\nexcept SystemExit:\n  pass\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_a_long_training_says_early_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(steps: int, seconds_a_step: float, first: int = 0) -> list[str]:
        clock = [0.0]
        monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
        forecast = progress.Forecast(steps)
        found = []
        for step in range(first + 1, steps + 1):
            clock[0] += seconds_a_step
            found.append(forecast(step))
        return [line for line in found if line]

    assert said(2400, 1 / 16) == ["about 2 min for 2,351 steps (16 steps/s); Ctrl-C saves"]
    assert said(2400, 1 / 16, first=2000) == ["about 22 s for 351 steps (16 steps/s); Ctrl-C saves"]
    assert said(1000, 20) == ["about 5.5 h for 994 steps (20.0 s a step); Ctrl-C saves"]
    assert said(200, 1 / 16) == []
    assert said(5, 20) == []
    bar, clock = progress.TrainingBar(), [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    bar.show(0, {"steps": 1000})
    for step in range(1, 40):
        clock[0] = step / 4
        bar.show(step, {})
    assert capsys.readouterr().err == "about 4 min for 987 steps (4 steps/s); Ctrl-C saves\n"


def test_a_run_is_continued_by_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "v.npy", "--run", "r", "--steps", "4", "--seed", "3", "--training.batch", "8", *TINY]) == 0
    before = config("r")
    assert run(["train", "--resume", "r", "--threads", "1", "--device", "cpu", "--steps", "6"]) == 0
    assert config("r") == before | {"steps": 6}
    assert monge.open_run("r").facts()["step"] == 6
    Path("v.npy").rename("w.npy")
    capsys.readouterr()
    assert run(["train", "--resume", "r", "--steps", "7"]) == 2
    assert "say where they are with --data PATH" in capsys.readouterr().err
    assert run(["train", "--resume", "r", "--data", "w.npy", "--steps", "7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 7
    np.save("other.npy", RANDOM.normal(size=(60, 2)))
    for flags, text in (
        (["--data", "other.npy", "--steps", "8"], "its content differs"),
        (["--data", "w.npy", "--steps", "3"], "--steps must be at least 7"),
        (["--seed", "1"], "--seed cannot be used with --resume"),
        (["--training.n-critic", "2"], "--training.n-critic cannot be used with --resume"),
        (["--config", "c.toml"], "--config cannot be used with --resume"),
        (["v.npy"], "DATA cannot be used with --resume"),
    ):
        assert run(["train", "--resume", "r", *flags]) == 2
        shown = capsys.readouterr()
        assert text in shown.err
        assert len(shown.err.splitlines()) == 1
    assert run(["train", "--resume", "nowhere"]) == 2
    assert "'nowhere' is not a run folder" in capsys.readouterr().err
    assert run(["train", "w.npy", "--data", "w.npy"]) == 2
    assert "--data w.npy needs --resume RUN" in capsys.readouterr().err


def test_samples_into_a_folder_and_endings_in_capitals(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("images.npy", RANDOM.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8))
    assert run(["train", "images.npy", "--run", "r", "--steps", "2", "--training.batch", "8", *TINY]) == 0
    sample = ["sample", "r", "-n", "12", "--seed", "5", "--out"]
    capsys.readouterr()
    assert run([*sample, "faces/"]) == 0
    assert capsys.readouterr().out == "12 samples in faces/\n"
    assert sorted(path.name for path in Path("faces").iterdir()) == [f"{i:04}.png" for i in range(12)]
    images = np.stack([np.asarray(Image.open(f"faces/{i:04}.png")) for i in range(12)])
    np.testing.assert_array_equal(images, monge.open_run("r").sample(12, seed=5))
    assert monge.load_data("faces").space.shape == (3, 8, 8)
    assert run([*sample, "faces"]) == 2
    assert "--out faces is a folder with files in it; name a new or empty one" in capsys.readouterr().err
    Path("empty").mkdir()
    assert run([*sample, "empty"]) == 0
    assert len(list(Path("empty").iterdir())) == 12
    assert run([*sample, "no/such/folder/"]) == 2
    assert "--out no/such/folder/ cannot be written" in capsys.readouterr().err
    for ending in ("PNG", "NPZ", "Npy"):
        assert run([*sample, f"a.{ending}"]) == 0
        assert run([*sample, f"b.{ending.lower()}"]) == 0
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending.lower()}").read_bytes()


def test_a_folder_is_for_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "v.npy", "--run", "r", "--steps", "2", "--training.batch", "8", *TINY]) == 0
    assert run(["sample", "r", "--out", "points/"]) == 2
    assert "--out points/: a folder is for images; vectors go into one file" in capsys.readouterr().err
    assert not Path("points").exists()
    assert run(["sample", "r", "-n", "5", "--out", "a.CSV"]) == 0
    assert len(Path("a.CSV").read_text().splitlines()) == 6


def test_an_unknown_key_is_blamed_on_its_place() -> None:
    with pytest.raises(UserError, match=r"c\.toml: key 'trianing' is not known; did you mean 'training'"):
        merged(Config(), [Given("c.toml", {"trianing": {}})])
