"""A run knows its data by their content: where they lie may change, what they are must not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import monge
from monge import cli
from monge.data.source import in_memory
from monge.errors import UserError
from monge.experiment import compare
from monge.run.folder import RunFolder

SMALL = ["--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]
SMALL += ["--training.batch", "8", "--observe.bracket", "4"]
X = np.random.default_rng(0).normal(size=(60, 2))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with data of several kinds, and a run of four steps on each, begun from there."""
    folder = tmp_path_factory.mktemp("project")
    np.save(folder / "v.npy", X)
    np.savez(folder / "parts.npz", x_train=X[:48], x_test=X[48:], other=X)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for source, run in {"v.npy": "v", "parts.npz": "parts", "parts.npz:other": "key"}.items():
            assert cli.run(["train", source, "--steps", "4", "--run", f"runs/{run}", *SMALL]) == 0
    return folder


@pytest.fixture
def project(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy as on another machine, where the first one is not, and the folder above it as the working folder."""
    shutil.copytree(begun, tmp_path / "project")
    for facts in tmp_path.glob("project/runs/*/run.json"):
        moved = json.loads(facts.read_text().replace(str(begun), "/gone/project"))
        del moved["sha256"]
        facts.write_text(json.dumps(moved))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monge.evaluation.reference.FEW_DIMENSIONS", 0)  # trains no potentials
    return tmp_path / "project"


def facts(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "run.json").read_text())
    return content


def command(*arguments: str) -> int:
    """The exit status of a command."""
    return cli.run([*arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that is refused says in its one line."""
    capsys.readouterr()
    assert command(*arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return shown.err.removeprefix("monge: ").strip()


@pytest.mark.parametrize("how", ["renamed", "absolute", "another folder", "a file of another kind"])
def test_the_same_data_elsewhere_continue(how: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, run = "project/v.npy", project / "runs" / "v"
    if how == "renamed":
        source = str((project / "v.npy").rename("w.npy"))
    elif how == "absolute":
        source = str(project / "v.npy")
    elif how == "another folder":
        (project / "sub").mkdir()
        monkeypatch.chdir(project / "sub")
        source = "../v.npy"
    else:
        np.savez(source := "w.npz", x=X)
    for steps in ("8", "8"):
        assert command("train", source, "--steps", steps, "--run", str(run), *SMALL) == 0
    known = facts(run)
    assert (known["step"], known["config"]["source"]) == (8, source)
    assert known["place"] == {"run": str(run), "data": str(Path.cwd() / source)}


def test_a_finished_run_records_the_new_place(project: Path) -> None:
    source = str((project / "v.npy").rename(project / "w.npy"))
    assert command("train", source, "--steps", "4", "--run", "project/runs/v", *SMALL) == 0
    assert facts(project / "runs" / "v")["place"]["data"] == source


@pytest.mark.parametrize("run", ["v", "key"])
@pytest.mark.parametrize("where", ["at the recorded place", "beside the run", "by the recorded name from here"])
def test_data_are_found(run: str, where: str, begun: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, cwd = (begun if where == "at the recorded place" else project) / "runs" / run, Path("/")
    if where == "by the recorded name from here":
        place, cwd = place.rename(project.parent / "alone"), project
    monkeypatch.chdir(cwd)
    assert command("sample", str(place), "--reject", "-n", "3", "--out", str(place / "x.npz")) == 0
    assert command("report", str(place)) == 0
    assert "Comparisons with real data are left out" not in (place / "report.html").read_text()


def test_other_data_of_the_same_name_are_passed_over(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    np.save("v.npy", X + 1)
    assert monge.open_run("project/runs/v").evaluate(thorough=False).step == 4


def test_lost_data(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "v.npy").rename("w.npy")
    run, message = "project/runs/v", "run 'project/runs/v': its data are no longer at /gone/project/v.npy"
    for arguments in (["evaluate", run], ["sample", run, "--reject", "--out", "x.npz"]):
        assert refused(capsys, *arguments) == f"{message}; say where they are with --data PATH"
    assert command("report", run) == 0
    assert "with --data PATH" in (project / "runs/v/report.html").read_text()
    found = ["--data", "w.npy"]
    assert command("evaluate", run, *found) == 0
    assert (project / "runs/v/metrics.json").exists()
    assert command("sample", run, "--reject", "--out", "x.npz", "-n", "3", *found) == 0
    assert command("report", run, *found) == 0
    assert "are left out" not in (project / "runs/v/report.html").read_text()
    np.save("other.npy", X + 1)
    wrong = "--data other.npy: its content differs from that of the data of run 'project/runs/v'"
    assert refused(capsys, "report", run, "--data", "other.npy") == wrong
    assert refused(capsys, "sample", run, "--reject", "--out", "x.npz", "--data", "other.npy") == wrong
    said = refused(capsys, "sample", run, "--out", "x.npz", "--data", "w.npy")
    assert said == "--data w.npy needs --reject; nothing else in sample reads data"


def test_other_content_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("w.npy", X + 1)
    said = refused(capsys, "train", "w.npy", "--steps", "8", "--run", "project/runs/v", *SMALL)
    assert "(source: v.npy -> w.npy; data: its content differs); choose another folder" in said


def test_an_exchanged_held_out_part_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, again = "project/runs/parts", ["train", "project/parts.npz", "--steps", "8", *SMALL]
    np.savez("project/parts.npz", x_train=X[:48], x_test=X[48:] + 1)
    said = refused(capsys, *again, "--run", run)
    assert (
        "contains a run with other settings (source: parts.npz -> project/parts.npz; data: its held-out part dif"
        in said
    )
    changed = (
        "the held-out data in 'parts.npz' have changed since training; use evaluate --data to measure against them"
    )
    assert refused(capsys, "evaluate", run).startswith(changed)
    assert command("evaluate", run, "--data", "project/parts.npz") == 0
    assert not (project / "runs/parts/metrics.json").exists()
    # a run of a version that did not know the held-out part continues, and knows it from then on
    known = facts(Path(run))
    del known["held_out_fingerprint"], known["place"]
    (project / "runs/parts/run.json").write_text(json.dumps(known))
    assert command(*again, "--run", run) == 0
    np.savez("project/parts.npz", x_train=X[:48], x_test=X[48:])
    assert "its held-out part differs" in refused(capsys, *again, "--run", run)


def test_both_parts_have_a_fingerprint_of_their_own() -> None:
    for change in range(len(X)):
        x = X.copy()
        x[change, 0] += 1
        before, after = in_memory(X), in_memory(x)
        trained = change in before.train.index
        assert (before.fingerprint != after.fingerprint) is trained
        assert (before.held_out_fingerprint != after.held_out_fingerprint) is not trained


def test_resuming_from_what_the_run_recorded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    place = project / "runs/v"
    before = facts(place)["config"]
    assert monge.resume(place).facts()["step"] == 4
    run = monge.resume(place, steps=6, checkpoint_every=1)
    assert run.facts()["step"] == 6
    assert run.facts()["config"] == before | {"steps": 6, "source": str(project / "v.npy")}
    with pytest.raises(UserError, match=r"^--steps must be at least 6, the steps of run .*; got 5$"):
        monge.resume(place, steps=5)
    source = (project / "v.npy").rename(project / "w.npy")
    with pytest.raises(UserError, match=r"its data are no longer at .*v.npy; say where they are with --data PATH$"):
        monge.resume(place, steps=8)
    for steps, data in enumerate((source, X, in_memory(X)), 7):
        assert monge.resume(place, data, steps=steps).facts()["config"]["source"] == str(source)
    with pytest.raises(UserError, match=r"its content differs from that of the data of run "):
        monge.resume(place, X + 1, steps=12)
    with pytest.raises(UserError, match=r"is not a run folder: it contains no run.json"):
        monge.resume(project)


@pytest.mark.slow
def test_resuming_equals_never_having_stopped(project: Path) -> None:
    """In another process, which is told nothing but the run."""
    settings = {"generator": "mlp:width=8", "critic": "mlp:width=8", "training": {"batch": 8}, "threads": 1}
    for run in ("whole", "again"):
        monge.train("project/v.npy", run=run, steps=8, device="cpu", checkpoint_every=5, **settings)
    shutil.rmtree("again/checkpoints/step-000008")
    RunFolder(Path("again")).update(status="interrupted", step=5)
    code = "import monge; print(monge.resume('again', device='cpu').facts()['status'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "finished\n"
    weights = "checkpoints/step-000008/generator.safetensors"
    assert Path("whole", weights).read_bytes() == Path("again", weights).read_bytes()


def test_a_critic_of_ones_own_is_given_again(tmp_path: Path) -> None:
    critic = nn.Linear(2, 1)
    settings = {"generator": "mlp:width=8", "training": {"batch": 8}, "threads": 1, "device": "cpu"}
    monge.train(X, critic=critic, run=tmp_path / "own", steps=2, **settings)
    with pytest.raises(
        UserError, match=r"^critic: this run was trained with a Linear of your own, which must be given"
    ):
        monge.resume(tmp_path / "own", X, steps=3)
    assert monge.resume(tmp_path / "own", X, steps=3, critic=critic).facts()["step"] == 3
    with pytest.raises(UserError, match=r"given in memory"):
        monge.resume(tmp_path / "own", steps=4, critic=critic)


def test_a_comparison_knows_its_data_by_their_content(tmp_path: Path) -> None:
    budget = {"data": "v.npy", "fingerprint": "a", "steps": 4, "seconds": None}
    compare.begin(tmp_path, budget)
    compare.refuse_other(tmp_path, budget | {"data": "/elsewhere/v.npy"})
    for change, text in (
        ({"fingerprint": "b"}, "fingerprint: a -> b"),
        ({"fingerprint": "b", "data": "w.npy"}, r"budget \(data: v.npy -> w.npy\);"),
        ({"steps": 5}, "steps: 4 -> 5"),
    ):
        with pytest.raises(UserError, match=text):
            compare.refuse_other(tmp_path, budget | change)
    compare.begin(tmp_path / "old", {"data": "v.npy", "steps": 4, "seconds": None})
    with pytest.raises(UserError, match=r"data: v.npy -> w.npy"):
        compare.refuse_other(tmp_path / "old", budget | {"data": "w.npy"})
