"""A run is whole or it is told what is not: damage is noticed before anything is loaded, and an older file is used."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import monge
from monge.cli import run as command
from monge.errors import UserError
from monge.model.weights import steps
from monge.run import files, index
from monge.run.entry import wrong_entry
from monge.run.folder import RunFolder
from monge.run.lock import locked
from monge.run.log import Log

POINTS = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
HOW = ["--generator", "mlp:width=8:depth=1", "--critic", "mlp:width=8:depth=1", "--threads", "1", "--device", "cpu"]
HOW += [
    "--training.batch",
    "8",
    "--training.n-critic",
    "1",
    "--training.decay-from",
    "1",
    "--observe.log",
    "1",
    "--observe.bracket",
    "4",
]
FILES = (
    "critic.safetensors",
    "generator.safetensors",
    "generator_ema.safetensors",
    "index.json",
    "run.json",
    "state.pt",
)


def train(run: str, *more: str, steps: int = 8) -> int:
    return command(["train", "v.npy", "--run", run, "--steps", str(steps), "--checkpoint-every", "4", *HOW, *more])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 8 steps, and one of 12 that it must become when it is extended; neither has a report."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("monge.api.write_report", lambda run, load, data: run.report)
        np.save("v.npy", POINTS)
        assert train("run") == 0
        shutil.copytree("run", "longer")
        assert train("longer", steps=12) == 0
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, in the working folder."""
    shutil.copytree(made / "run", tmp_path / "run")
    shutil.copy(made / "v.npy", tmp_path)
    monkeypatch.chdir(tmp_path)
    return Path("run")


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports take most of the time of so short a training."""
    monkeypatch.setattr("monge.api.write_report", lambda run, load, data: run.report)


def last(run: Path) -> Path:
    return run / "checkpoints" / "step-000008"


def weights(run: Path, step: int = 12) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "checkpoints" / f"step-{step:06d}").glob("*.safetensors")}


def log(run: Path) -> list[dict[str, Any]]:
    """The log without its times."""
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in entry.items() if k not in ("seconds", "steps_per_second")} for entry in entries]


def flip(path: Path, bit: int = -777) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was warned of or refused, without the summary of the data and the progress."""
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("monge:") and not line.startswith("monge: v: ")]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "emptied": lambda path: path.write_bytes(b""),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "exchanged": lambda path: shutil.copy(path.parents[1] / "step-000004" / path.name, path),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.usefixtures("unreported")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_any_damage_is_noticed_and_the_older_checkpoint_used(
    damage: Callable[[Path], object], run: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        shutil.rmtree(run)
        shutil.copytree(made / "run", run)
        damage(last(run) / name)
        capsys.readouterr()
        assert command(["sample", "run", "-n", "3", "--out", "x.npz"]) == 0
        (line,) = told(capsys)
        assert line.startswith(f"monge: warning: run 'run': checkpoint step-000008 ({name} ")
        assert line.endswith(" is damaged; step-000004 is used")
        with np.load("x.npz") as drawn, torch.no_grad():
            older = monge.open_run(made / "longer")
            assert drawn["x"].shape == older.sample(3).shape
    assert train("run", steps=12) == 0
    assert len(told(capsys)) == 1
    assert weights(run) == weights(made / "longer")
    assert [entry for entry in log(run) if "note" not in entry] == [
        entry for entry in log(made / "longer") if "note" not in entry
    ]
    # what is damaged stays for whoever wants to look at it, and what is written anew is whole
    assert (run / "checkpoints" / "damaged-step-000008").is_dir()
    assert [index.defect(run / "checkpoints" / f"step-{step:06d}", step) for step in (8, 12)] == [None, None]


def test_every_bit_of_a_checkpoint_counts(run: Path) -> None:
    """But for the spaces of the index, and the case of a digit in it."""
    random = np.random.default_rng(0)
    for name in FILES:
        path = last(run) / name
        whole = path.read_bytes()
        for bit in random.integers(8 * len(whole), size=40):
            flip(path, int(bit))
            assert index.defect(last(run), 8) or not path.read_bytes()[bit // 8 : bit // 8 + 1].strip(b"\r\t \n\0*")
            path.write_bytes(whole)
    assert index.defect(last(run), 8) is None


@pytest.mark.usefixtures("unreported")
def test_a_checkpoint_of_another_run_or_step_is_not_taken(
    run: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("other", "--seed", "1") == 0
    shutil.rmtree(last(run))
    shutil.copytree("other/checkpoints/step-000008", last(run))
    facts = RunFolder(run).facts()
    with pytest.warns(UserWarning, match=r"\(it is of another run: config.seed 1 there, 0 in run.json\) is damaged"):
        assert monge.open_run(run).model().step == 4
    shutil.rmtree(last(run))
    shutil.copytree(run / "checkpoints" / "step-000004", last(run))
    with pytest.warns(UserWarning, match=r"step-000008 \(index.json is of another checkpoint\) is damaged"):
        assert monge.open_run(run).model().step == 4
    assert facts["saved"] == 8


@pytest.mark.filterwarnings("default")
def test_without_a_whole_checkpoint_a_run_stops_in_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (4, 8):
        flip(run / "checkpoints" / f"step-{step:06d}" / "critic.safetensors")
    capsys.readouterr()
    asks = [["sample", "run", "--out", "x.npz"], ["evaluate", "run"], ["train", "--resume", "run", "--steps", "12"]]
    for ask in asks:
        assert command(ask) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line == (
            "monge: run 'run' has no whole checkpoint: "
            "step-000008 (critic.safetensors has changed: its checksum differs), "
            "step-000004 (critic.safetensors has changed: its checksum differs); "
            "put back a copy, or begin anew with monge train --resume run --start-over"
        )


@pytest.mark.usefixtures("unreported")
@pytest.mark.parametrize("lose", [lambda run: shutil.rmtree(run / "checkpoints"), lambda run: None])
def test_a_run_that_lost_its_checkpoints_begins_anew_only_if_asked(
    lose: Callable[[Path], None], run: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (4, 8):
        shutil.rmtree(run / "checkpoints" / f"step-{step:06d}")
    lose(run)
    before = (run / "log.jsonl").read_bytes()
    capsys.readouterr()
    assert train("run", steps=12) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("monge: run 'run' has lost its checkpoints; put back a copy, or begin anew with")
    assert (run / "log.jsonl").read_bytes() == before
    assert train("run", "--start-over", steps=12) == 0
    assert weights(run) == weights(made / "longer")
    assert (run / "log.jsonl.before").read_bytes() == before


@pytest.mark.usefixtures("unreported")
def test_starting_over_is_for_lost_runs_only(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert train("run", "--start-over", steps=12) == 2
    assert "--start-over: run 'run' has a whole checkpoint, step-000008" in capsys.readouterr().err
    assert train("new", "--start-over", steps=2) == 0


@pytest.mark.usefixtures("unreported")
@pytest.mark.filterwarnings("default")
def test_a_checkpoint_that_is_gone_is_told(run: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(last(run))
    capsys.readouterr()
    assert train("run", steps=12) == 0
    assert told(capsys) == ["monge: warning: run 'run': checkpoint step-000008 is gone; step-000004 is used"]
    assert weights(run) == weights(made / "longer")


@pytest.mark.usefixtures("unreported")
def test_a_kill_before_a_checkpoint_was_recorded_leaves_it_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it was without an index, it got a second one that listed the first."""
    recorded, times = RunFolder.record, iter(range(100))

    def record(self: RunFolder, step: int, **changes: Any) -> None:
        if next(times) < 2:  # of the first checkpoint, and of going on from it
            raise KeyboardInterrupt
        recorded(self, step, **changes)

    monkeypatch.setattr(RunFolder, "record", record)
    for _ in range(2):
        assert train("new", steps=12) == 130
        assert index.defect(Path("new/checkpoints/step-000004"), 4) is None
    assert train("new", steps=12) == 0


def test_a_start_from_a_damaged_checkpoint_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(last(run) / "critic.safetensors")
    capsys.readouterr()
    assert train("second", "--start-from", str(last(run)), steps=2) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"monge: --start-from {last(run)}: it is damaged: critic.safetensors has changed")


FACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no config": lambda facts: facts.pop("config"),
    "no seed": lambda facts: facts["config"].pop("seed"),
    "config": lambda facts: facts.update(config=[]),
    "setting": lambda facts: facts["config"].update(steps="many"),
    "group": lambda facts: facts["config"].update(training=7),
    "unknown setting": lambda facts: facts["config"].update(stpes=7),
    "no codec": lambda facts: facts.pop("codec"),
    "codec kind": lambda facts: facts["codec"].update(kind="sound"),
    "codec": lambda facts: facts["codec"].update(mean="many"),
    "codec without scale": lambda facts: facts["codec"].pop("scale"),
    "codec size": lambda facts: facts["codec"].update(mean=[0.0]),
    "threads": lambda facts: facts.update(threads="one"),
    "no threads": lambda facts: facts.pop("threads"),
    "status": lambda facts: facts.update(status=[1]),
    "fingerprint": lambda facts: facts.update(fingerprint=None),
    "classes": lambda facts: facts.update(classes=[{}]),
    "place": lambda facts: facts.update(place={"run": 1}),
    "measured": lambda facts: facts.update(measured=0),
    "saved": lambda facts: facts.update(saved="x"),
    "log": lambda facts: facts.update(log=[]),
    "format": lambda facts: facts.update(format="one"),
    "steps": lambda facts: facts["config"].update(steps=10**400),
    "infinite": lambda facts: facts.update(minutes=float("inf")),
}
TEXTS = {
    "empty": b"",
    "nul": bytes(300),
    "cut": b'{"format": 1, "config": {"sou',
    "binary": bytes(range(128, 256)),
    "number": b"12",
    "list": b"[]",
    "other": b'{"format": 1, "a": 1}',
    "deep": b'{"format": 1, "config": ' + b"[" * 100_000,
    "mappings": b'{"a":' * 100_000,
    "digits": b'{"format": 1, "step": ' + b"1" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", [*FACTS, *TEXTS, "a folder"])
def test_a_damaged_run_json_is_one_line(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "run.json"
    whole = path.read_bytes()
    if name in FACTS:
        facts = json.loads(whole)
        del facts["sha256"]  # which would tell all of this, as of no version before
        FACTS[name](facts)
        path.write_text(json.dumps(facts))
    elif name in TEXTS:
        path.write_bytes(TEXTS[name])
    else:
        path.unlink()
        path.mkdir()
    capsys.readouterr()
    for ask in (
        ["sample", "run", "--out", "x.npz"],
        ["evaluate", "run"],
        ["report", "run"],
        ["train", "--resume", "run", "--steps", "12"],
        ["train", "v.npy", "--run", "run", "--steps", "12", *HOW],
    ):
        status, shown = command(ask), capsys.readouterr()
        if (name, ask[0]) == ("codec size", "report"):  # which is written, and says that it has no samples
            continue
        assert (status, len(shown.err.splitlines())) == (2, 1), (ask, shown)
        assert shown.err.startswith("monge: ")
    # a checkpoint has a copy, which is named
    if name in TEXTS and name != "mappings":
        assert "run/checkpoints/step-000008/run.json is a copy of it" in shown.err
        shutil.copy(last(run) / "run.json", path)
        assert command(["sample", "run", "-n", "3", "--out", "x.npz"]) == 0


@pytest.mark.usefixtures("unreported")
def test_a_changed_setting_that_could_be_right_is_noticed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One bit makes three threads of one, which compute other sums."""
    path = run / "run.json"
    text = path.read_text()
    assert text.count('"threads": 1,') == 1
    path.write_text(text.replace('"threads": 1,', '"threads": 3,'))
    capsys.readouterr()
    assert command(["train", "--resume", "run", "--steps", "12"]) == 2
    copy = "run/checkpoints/step-000008/run.json is a copy of it"
    assert capsys.readouterr().err == f"monge: run 'run': run.json is damaged: its checksum differs; {copy}\n"
    shutil.copy(last(run) / "run.json", path)
    assert command(["train", "--resume", "run", "--steps", "12"]) == 0


@pytest.mark.usefixtures("unreported")
def test_a_run_goes_on_with_a_copy_of_run_json(run: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "run.json").unlink()
    capsys.readouterr()
    assert train("run", steps=12) == 2
    assert "its run.json is gone; run/checkpoints/step-000008/run.json is a copy of it" in capsys.readouterr().err
    shutil.copy(last(run) / "run.json", run)
    assert train("run", steps=12) == 0
    assert weights(run) == weights(made / "longer")


LINES = {
    "blank": b"",
    "spaces": b"   ",
    "garbage": b"garbage",
    "nul": bytes(80),
    "cut": b'{"step": 3, "critic_lo',
    "number": b"12",
    "list": b"[1]",
    "no step": b'{"a": 1}',
    "text step": b'{"step": "x"}',
    "true step": b'{"step": true}',
    "negative step": b'{"step": -1}',
    "binary": bytes(range(128, 256)).replace(b"\n", b""),
    "deep": b'{"step": 3, "bracket": ' + b"[" * 100_000,
    "infinite": b'{"step": 3, "critic_loss": Infinity}',
    "huge": b'{"step": 3, "critic_loss": 1e999}',
    "digits": b'{"step": 3, "critic_loss": ' + b"1" * 4000 + b"}",
    "text term": b'{"step": 3, "critic_loss": "low"}',
    "no note": b'{"step": 3, "note": 5}',
    "bracket": b'{"step": 3, "bracket": 5}',
    "part of a bracket": b'{"step": 3, "bracket": {"upper": 1}}',
    "infinite bracket": b'{"step": 3, "bracket": {"lower": 0, "upper": Infinity, "floor": 1, "spread": 1}}',
    "copying": b'{"step": 3, "copying": {"rank": 1, "attraction": 1, "in_a_row": 3, "alarm": true}}',
    "long": b'{"step": 3, "note": "' + b"x" * 2**20 + b'"}',
}


@pytest.mark.usefixtures("unreported")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("line", [LINES["binary"], LINES["infinite bracket"]])
def test_a_damaged_line_of_the_log_costs_that_line(
    line: bytes, run: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "log.jsonl"
    lines = path.read_bytes().splitlines()
    lines[2] = line
    path.write_bytes(b"\n".join(lines) + b"\n")
    before = path.read_bytes()
    capsys.readouterr()
    with pytest.warns(UserWarning, match=r"run/log.jsonl: damaged line 3 \(.*\), passed over$"):
        assert [entry["step"] for entry in monge.open_run(run).entries()] == [1, 2, 4, 5, 6, 7, 8]
    assert command(["sample", "run", "-n", "3", "--out", "x.npz"]) == 0
    assert capsys.readouterr().err == ""
    assert train("run", steps=12) == 0
    said = told(capsys)
    assert len(said) == 2, said
    assert "lines of log.jsonl are missing or were changed; the weights are not concerned" in said[0] + said[1]
    assert "run/log.jsonl: damaged line 3 (" in said[0] + said[1]
    assert "left out; the log as it was is kept as log.jsonl.damaged" in said[0] + said[1]
    assert (run / "log.jsonl.damaged").read_bytes() == before
    assert [entry for entry in log(run) if "note" not in entry] == [
        entry for entry in log(made / "longer") if "note" not in entry and entry["step"] != 3
    ]
    assert weights(run) == weights(made / "longer")


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_every_damaged_line_is_noticed(line: bytes, tmp_path: Path) -> None:
    known = Log(tmp_path / "log.jsonl")
    before, after = b'{"step": 2, "critic_loss": 0.5}', b'{"step": 4, "critic_loss": -1e-05}'
    known.path.write_bytes(b"\n".join([before, line, after]))
    with pytest.warns(UserWarning, match=r"log.jsonl: damaged line 2 \(.+\), passed over$") as warned:
        assert [entry["step"] for entry in known.entries()] == [2, 4]
    assert len(str(warned[0].message)) < 400
    with pytest.warns(UserWarning, match="is kept as log.jsonl.damaged"):
        known.forget_after(9)
    assert known.path.read_bytes() == before + b"\n" + after + b"\n"


def test_a_report_of_a_damaged_log_is_written(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run / "log.jsonl"
    path.write_bytes(b"\n".join([*LINES.values(), *path.read_bytes().splitlines()]) + b"\n")
    figures = {"step": 8, "weights": "ema", "fingerprint": RunFolder(run).facts()["fingerprint"], "bracket": 7}
    (run / "metrics.json").write_text(json.dumps(figures))
    (run / "samples" / "step-000004.png").write_bytes(b"something else")
    monkeypatch.setattr("warnings.warn", lambda text, *more, **others: print(f"warned: {text}", file=sys.stderr))
    capsys.readouterr()
    assert command(["report", "run"]) == 0
    said = set(capsys.readouterr().err.splitlines())
    damage = f"damaged lines 1, 2, 3 and {len(LINES) - 3} more (it is blank), passed over"
    picture = "run/samples/step-000004.png cannot be read, and is not in the report"
    assert said == {f"warned: run/log.jsonl: {damage}", f"warned: {picture}"}
    assert "no figures of evaluate: metrics.json is damaged" in (run / "report.html").read_text()


def test_a_changed_figure_of_the_log_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "log.jsonl"
    path.write_text(path.read_text().replace('"step": 3, "seconds": 0.', '"step": 3, "seconds": 9.', 1))
    with pytest.warns(UserWarning, match="lines of log.jsonl are missing or were changed; the weights are not"):
        monge.resume(run, steps=9, threads=1, device="cpu")


def test_an_end_that_a_killed_process_left_is_no_damage(tmp_path: Path) -> None:
    known = Log(tmp_path / "log.jsonl")
    for step in (1, 2):
        known.append({"step": step, "critic_loss": 0.5})
    seal = known.seal()
    with known.path.open("ab") as file:
        file.write(b'{"step": 3, "cri')
    assert [entry["step"] for entry in known.entries()] == [1, 2]
    assert not known.changed(seal)
    known.forget_after(1)
    assert known.path.read_bytes() == b'{"step": 1, "critic_loss": 0.5}\n'
    assert known.changed(seal)
    assert os.listdir(tmp_path) == ["log.jsonl"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        known.append({"step": 4, "critic_loss": float("nan")})


def test_what_an_entry_may_contain(made: Path) -> None:
    for entry in RunFolder(made / "longer").entries():
        assert wrong_entry(entry) is None
    assert wrong_entry({"step": 1, "scatter": -1.0}) == "scatter must be at least 0; got -1.0"
    assert wrong_entry({"step": 1.5}) == "step must be a whole number from 0 to 1e9; got 1.5"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_a_pipe_is_not_waited_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("log.jsonl", "run.json"):
        (run / name).unlink()
        os.mkfifo(run / name)
        assert command(["train", "--resume", "run", "--steps", "12"]) in (1, 2)
        said = capsys.readouterr().err.splitlines()
        assert "it must be an ordinary file; got a pipe" in said[-1], said


@pytest.mark.usefixtures("unreported")
def test_a_second_process_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    with locked(run):
        assert train("run", steps=12) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "monge: run 'run': another process is training this run"
    # nobody holds what is only left behind
    assert (run / ".lock").exists()
    assert train("run", steps=9) == 0


def test_two_processes_write_one_file_and_both_wholly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a report, which needs no hold of the run."""
    path, write, me = tmp_path / "report.html", files.write_synced, os.getpid()

    def other_in_between(partial: Path, content: bytes) -> None:
        write(partial, content[:3])
        monkeypatch.setattr(files, "write_synced", write)
        monkeypatch.setattr(os, "getpid", os.getppid)
        files.write_atomically(path, b"theirs")
        assert path.read_bytes() == b"theirs"
        monkeypatch.setattr(os, "getpid", lambda: me)
        write(partial, content)

    monkeypatch.setattr(files, "write_synced", other_in_between)
    files.write_atomically(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert os.listdir(tmp_path) == ["report.html"]


def test_what_a_killed_process_left_of_a_file_is_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, alive = int(done.stdout), os.getppid()
    for process in (dead, alive):
        (tmp_path / f".partial-{process}-a.json").touch()
    (tmp_path / f".partial-{dead}-b.json").touch()
    files.write_atomically(tmp_path / "a.json", b"{}")
    assert sorted(os.listdir(tmp_path)) == sorted([f".partial-{alive}-a.json", f".partial-{dead}-b.json", "a.json"])


def test_of_two_that_begin_at_once_one_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.held(), pytest.raises(UserError, match="another process is training this run"), folder.held():
        pass
    assert not folder.exists


def test_runs_without_an_index_are_read_and_get_one(run: Path, made: Path) -> None:
    """As version 0.1 wrote them until then: damage is noticed as far as the files' formats do."""
    facts = json.loads((run / "run.json").read_text())
    for name in ("saved", "log", "sha256"):
        del facts[name]
    (run / "run.json").write_text(json.dumps(facts))
    for step in (4, 8):
        for name in ("index.json", "run.json"):
            (run / "checkpoints" / f"step-{step:06d}" / name).unlink()
    assert monge.open_run(run).model().step == 8
    whole = (last(run) / "state.pt").read_bytes()
    for content in (whole[:-90], b"", whole.replace(b"step", b"stop", 1)):
        (last(run) / "state.pt").write_bytes(content)
        with pytest.warns(UserWarning, match=r"step-000008 \(state.pt .*\) is damaged; step-000004 is used"):
            assert monge.open_run(run).model().step == 4
    (last(run) / "state.pt").write_bytes(whole)
    assert monge.resume(run, steps=12, threads=1, device="cpu").facts()["saved"] == 12
    assert weights(run) == weights(made / "longer")
    for step in steps(run / "checkpoints"):
        assert index.defect(run / "checkpoints" / f"step-{step:06d}", step) is None


def test_a_finished_run_is_made_whole_again(run: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command that made it: what the damaged checkpoint had is trained again from the older one."""
    flip(last(run) / "state.pt")
    with pytest.warns(UserWarning, match=r"step-000008 \(state.pt has changed.*\) is damaged; step-000004 is used"):
        assert monge.resume(run, threads=1, device="cpu").facts()["status"] == "finished"
    assert weights(run, 8) == weights(made / "run", 8)
    assert index.defect(last(run), 8) is None


def test_a_damaged_copula_is_noticed_and_fitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    Path("t.csv").write_text("a,b\n" + "".join(f"{x:.3f},{'uvw'[int(x * 3)]}\n" for x in random.uniform(size=80)))
    found = monge.train("t.csv", run="run", model="copula", steps=2, threads=1, training={"batch": 16})
    path = Path("run/copula.safetensors")
    whole = path.read_bytes()
    flip(path)
    with pytest.raises(UserError, match=r"copula.safetensors has changed.*; monge train --resume run fits it again$"):
        monge.open_run("run").sample(2)
    assert monge.resume("run").facts()["model"] == "copula"
    assert path.read_bytes() == whole
    assert found.path.exists()
