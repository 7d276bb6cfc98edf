"""What people expect besides: doctor, completion, TensorBoard, the film of a training, and a Windows that can start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from monge import cli
from monge.cli import COMMANDS
from monge.cli.progress import Forecast
from monge.cli.tensorboard import flat

TRAIN = ["train", "digits", "--steps", "6", "--training.batch", "16", "--threads", "1", "--observe.bracket", "2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    assert cli.run([*TRAIN, "--run", str(folder / "run"), "--log.tensorboard", str(folder / "board")]) == 0
    return folder / "run"


def test_doctor_tells_versions_devices_and_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_bytes(bytes(3_000_000))
    monkeypatch.setattr("monge.cli.doctor.EXTRAS", {"table": ("pyarrow", "no_such_module"), "frame": ("pandas",)})
    assert cli.run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["devices"][0] == "cpu"
    assert found["cache_bytes"] == 3_000_000 < found["free_bytes"]["cache"]
    assert found["missing"] == {"monge[table]": ["no_such_module"]}
    assert cli.run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "missing      monge[table] no_such_module" in lines
    assert any(line.startswith("versions     monge ") for line in lines)


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert "training.batch" in script


def test_bash_completes_a_flag_and_its_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", "bash"]) == 0
    (tmp_path / "monge.bash").write_text(capsys.readouterr().out)
    script = 'source monge.bash; COMP_WORDS=(monge {words}); COMP_CWORD={last}; _shtab_monge; echo "${{COMPREPLY[@]}}"'
    for words, found in {"tr": "train", "train --resu": "--resume", "train --training.optimiser rm": "rmsprop"}.items():
        line = script.format(words=words, last=len(words.split()))
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [found]


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", "fish"]) == 2
    assert "SHELL 'fish' is not known; did you mean 'zsh'? allowed: bash, tcsh, zsh;" in capsys.readouterr().err


def test_tensorboard_gets_what_is_logged(run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(run.parent / "board"))
    board.Reload()
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    expected = [(entry["step"], entry["bracket"]["excess"]) for entry in log if "bracket" in entry]
    found = [(event.step, event.value) for event in board.Scalars("bracket/excess")]
    assert [step for step, _ in found] == [step for step, _ in expected] == [2, 4, 6]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected], rel=1e-6)
    for term in ("critic_loss", "transport"):
        assert len(board.Scalars(term)) == sum(term in entry for entry in log) > 0


def test_tensorboard_names_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    assert cli.run([*TRAIN, "--log.tensorboard", str(tmp_path / "file")]) == 2
    assert f"--log.tensorboard must be a folder; got {tmp_path / 'file'}" in capsys.readouterr().err
    monkeypatch.setattr("monge.cli.tensorboard.find_spec", lambda name: None)
    assert cli.run([*TRAIN, "--log.tensorboard", str(tmp_path / "board")]) == 2
    assert "--log.tensorboard needs TensorBoard; pip install 'monge[tensorboard]'" in capsys.readouterr().err


def test_only_numbers_become_scalars() -> None:
    seen = {"a": 1, "on": True, "in_a_row": {"collapse": 2}, "note": "text", "steps": 5.0}
    assert flat(seen) == [("a", 1), ("in_a_row/collapse", 2), ("steps", 5.0)]


def test_the_film_shows_every_picture_of_the_training(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = run.parent / "history.webp"
    assert cli.run(["sample", str(run), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"3 pictures of the training in {out}\n"
    with Image.open(out) as film, Image.open(run / "samples" / "step-000006.png") as last:
        *_, frame = ImageSequence.Iterator(film)
        shown = frame.convert("RGB").crop((0, frame.height - last.height, last.width, frame.height))
        assert film.n_frames == 3  # type: ignore[attr-defined]
        assert list(shown.get_flattened_data()) == list(last.convert("RGB").get_flattened_data())


def test_the_film_takes_no_other_options(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option, name in {"-n": "-n", "--seed": "--seed"}.items():
        assert cli.run(["sample", str(run), "--out", "a.webp", option, "3"]) == 2
        told = f"--out a.webp shows pictures that the training drew; {name} cannot be used with it"
        assert told in capsys.readouterr().err


def test_without_a_terminal_lines_say_how_much_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    forecast = Forecast(200)
    assert forecast.left(0) == ""
    forecast(1)
    clock[0] = 110.0
    assert (forecast.left(11), forecast.left(101), forecast.left(200)) == ("  3 min left", "  10 s left", "")
    assert forecast(2) is None
    clock[0] = 180.0
    assert forecast(3, measured=True) is None  # 70 s of measuring say nothing of a step
    clock[0] = 184.0
    assert forecast(11) == "about 2 min for 189 steps (2 steps/s); Ctrl-C saves"


def test_nothing_that_only_unix_has_is_imported() -> None:
    """A static stand-in for a machine with Windows: modules that it lacks cannot be imported here either."""
    code = """
import importlib, pkgutil, sys
import multiprocessing.pool, subprocess, torch, filelock, matplotlib, sklearn  # which look for themselves
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog"):
    sys.modules[name] = None
import monge
for module in pkgutil.walk_packages(monge.__path__, "monge."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
