"""`monge compare`: the same budget for each objective, resumable, one table, one picture, one JSON."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monge import api, cli
from monge.cli.compare import Compare, names, trials_of
from monge.config.registry import OBJECTIVES
from monge.config.schema import Config
from monge.data.source import in_memory, load_data
from monge.errors import DiskError
from monge.experiment import compare, summary
from monge.training.settings import published, recommended

LABELS = np.arange(60) % 3
DATA = in_memory(np.random.default_rng(0).normal(size=(60, 2)), LABELS)
FLAGS = ["--steps", "4", "--jobs", "1", "--critic", "mlp:width=8", "--generator", "mlp:width=8:latent=2"]


def result(objective: str, seed: int, excess: float, modes: float) -> dict[str, Any]:
    found = {"objective": objective, "seed": seed, "steps": 3, "status": "finished", "seconds": 2.0}
    return found | {"bracket": {"excess": excess}, "metrics": {"modes": modes}}


FAILED = {"objective": "gan", "seed": 2, "steps": 3, "status": "failed", "error": "step 3: critic_loss is nan"}


def test_summary_by_hand() -> None:
    results = [result("gan", 0, 0.2, 8), result("gan", 1, 0.4, 2), FAILED, result("wgan", 0, 0.1, 8)]
    summed = summary.summed(results)
    # a number that is none and fewer than three modes
    assert (summed["gan"]["runs"], summed["gan"]["failures"]) == (3, 2)
    assert summed["gan"]["excess"]["mean"] == pytest.approx(0.3)
    assert summed["gan"]["excess"]["deviation"] == pytest.approx(math.sqrt(0.02))
    assert summed["wgan"]["excess"] == {"mean": 0.1, "deviation": None}
    lines = summary.table(summed).splitlines()
    assert lines[0] == "| objective | failed | excess | modes | seconds |"
    assert lines[2] == "| wgan | 0/1 | 0.100 | 8.0 | 2 |"
    assert lines[3] == "| gan | 2/3 | 0.300 ± 0.141 | 5.0 ± 4.2 | 2 ± 0 |"


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_gets_its_published_rule(name: str) -> None:
    config = published(DATA, None, name)
    for key, value in OBJECTIVES[name].rule.items():
        assert getattr(config.training, key) == value
    assert replace(config, critic="").generator == published(DATA, None, "wgan").generator


@pytest.mark.parametrize("settings", [published, recommended])
def test_a_published_rate_is_that_of_both_networks(settings: Callable[..., Config]) -> None:
    digits = load_data("digits")
    assert recommended(digits).training.critic_learning_rate is not None
    rule = settings(digits, None, "wgan").training
    assert (rule.learning_rate, rule.critic_learning_rate) == (5e-5, None)


def test_all_leaves_out_what_the_data_cannot_do() -> None:
    asked = Compare("digits", objectives=("all",))
    assert set(names(asked, labelled=True)) == set(OBJECTIVES)
    assert set(OBJECTIVES) - set(names(asked, labelled=False)) == {"acgan"}
    assert names(Compare("digits", objectives=("gan,wgan:bound=0.1", "gan")), labelled=True) == [
        "gan",
        "wgan:bound=0.1",
    ]


def test_critics_are_compared_as_objectives_are(tmp_path: Path) -> None:
    critics = ("mlp:width=4", "mlp:width=8")
    asked = Compare("memory", objectives=("gan", "wgan"), critics=(",".join(critics),), seeds=2, steps=3)
    data = DATA.opened("memory", {})
    trials = trials_of(replace(asked, given={"training": {"batch": 8}}), data, tmp_path)
    cells = [(trial.objective, trial.critic, trial.config.seed) for trial in trials]
    assert cells == [(name, critic, seed) for name in ("gan", "wgan") for critic in critics for seed in (0, 1)]
    assert len({trial.folder for trial in trials}) == 8
    assert {(trial.config.critic, trial.config.steps, trial.config.training.batch) for trial in trials} == {
        (critic, 3, 8) for critic in critics
    }
    # one critic is a setting, and the folders are those of before
    alone = trials_of(replace(asked, critics=critics[:1], given={"training": {"batch": 8}}), data, tmp_path)
    assert [(trial.critic, trial.folder.name) for trial in alone[::2]] == [(None, "gan-0"), (None, "wgan-0")]
    assert {trial.config.critic for trial in alone} == {"mlp:width=4"}


def test_several_critics_in_the_summary() -> None:
    results = [
        result(name, seed, excess + seed / 100, 8) | {"critic": critic}
        for name, critic, excess in (("gan", "mlp", 0.3), ("gan", "resnet", 0.1), ("wgan", "mlp", 0.2))
        for seed in (0, 1)
    ]
    summed = summary.summed(results)
    assert list(summed) == ["gan with mlp", "gan with resnet", "wgan with mlp"]
    lines = summary.table(summed).splitlines()
    assert lines[0] == "| objective | critic | failed | excess | modes | seconds |"
    assert lines[2].startswith("| gan | resnet | 0/2 | 0.105 ± 0.007 |")


def test_the_conclusion_in_words() -> None:
    clear = [result("gan", seed, 0.3 + seed / 100, 8) for seed in range(3)]
    clear += [result("wgan", seed, 0.1 + seed / 100, 8) for seed in range(3)] + [FAILED]
    # Welch's t by hand: 0.2 / (0.01 sqrt(2 / 3)) = 24.5 at 4 degrees of freedom
    assert summary.conclusion(clear) == (
        "wgan has the least excess: 0.110 ± 0.010 over 3 seeds. Next is gan: 0.310 ± 0.010 over 3 seeds. "
        "The difference is larger than chance explains (Welch's t-test, p = 1.6e-05). Failed: gan 1 of 4."
    )
    near = [
        result(name, seed, 0.1 + seed / 10 + shift, 8) for name, shift in (("a", 0), ("b", 0.05)) for seed in (0, 1)
    ]
    # t = 1 / sqrt(2) at 2 degrees of freedom: p = 1 - t / sqrt(2 + t^2)
    assert "The difference may be chance (Welch's t-test, p = 0.55)." in summary.conclusion(near)
    assert summary.conclusion([result("a", 0, 0.1, 8)]) == "a has the least excess: 0.100 (one seed)."
    assert summary.conclusion([FAILED]) == "Failed: gan 1 of 1."


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "compare"
    command = ["compare", "toy:ring8", "--objectives", "gan,wgan:bound=0.1", "--seeds", "2", "--out", str(out), *FLAGS]
    assert cli.run([*command, "--training.batch", "8", "--json"]) == 0
    shown, told = capsys.readouterr()
    first = json.loads(shown)
    # what was read comes first, as in train
    assert told.splitlines()[0].startswith("monge: ring8: fresh draws of vectors of 2 numbers, values ")
    assert first["summary"]["gan"]["runs"] == 2
    assert [(run["objective"], run["seed"]) for run in first["runs"]] == [
        ("gan", 0),
        ("gan", 1),
        ("wgan:bound=0.1", 0),
        ("wgan:bound=0.1", 1),
    ]
    assert (out / "compare.png").is_file()
    assert json.loads((out / "compare.json").read_text()) == first
    # flags apply to all, published rules to what they leave
    for name, rate in (("gan", 2e-4), ("wgan-bound=0.1", 5e-5)):
        rule = api.open_run(out / f"{name}-0").facts()["config"]["training"]
        assert (rule["batch"], rule["learning_rate"]) == (8, rate)
    # the same command reads what was found
    monkeypatch.setattr(compare, "train_config", lambda *arguments, **options: pytest.fail("trained again"))
    assert cli.run([*command, "--training.batch", "8"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("| objective | failed | excess |")
    assert " has the least excess: " in said
    for path in (out / "compare.md", out / "compare.png", out / "compare.json"):
        assert str(path) in said
        assert path.is_file()


def test_results_of_another_comparison_are_not_taken_for_this_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, steps, others = tmp_path / "c", FLAGS[:2], FLAGS[2:]

    def command(data: str, *flags: str) -> list[str]:
        return ["compare", data, "--objectives", "gan", "--seeds", "1", "--out", str(out), *others, *flags]

    assert cli.run(command("toy:ring8", *steps)) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    another_budget = f"{out} contains a comparison with another budget"
    refusals = {
        f"{out}/gan-0 contains a run with other settings (training.batch: 128 -> 8)": (*steps, "--training.batch", "8"),
        f"{another_budget} (steps: 4 -> 20)": ("--steps", "20"),
        f"{another_budget} (steps: 4 -> None, seconds: None -> 5.0)": ("--seconds", "5"),
    }
    for text, flags in refusals.items():
        assert cli.run(command("toy:ring8", *flags)) == 2
        assert capsys.readouterr().err == f"monge: --out {text}; choose another folder\n"
    assert cli.run(command("toy:grid25", *steps)) == 2
    assert "(data: toy:ring8 -> toy:grid25)" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "text"),
    [("notes.txt", "must be empty or contain a comparison"), ("compare.json", "was not written by a comparison")],
)
def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (tmp_path / name).write_text("{}")
    assert cli.run(["compare", "toy:ring8", "--objectives", "gan", "--out", str(tmp_path), *FLAGS]) == 2
    assert text in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_training_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", "toy:ring8", "--objectives", "gan", "--seeds", "1", "--out", str(tmp_path / "c"), *FLAGS]
    assert cli.run([*command, "--training.learning-rate", "10", "--training.optimiser", "rmsprop", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["summary"]["gan"]["failures"] == 1


@pytest.mark.slow
def test_a_full_disk_is_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise DiskError("step 2: cannot write the run folder: No space left on device; there is no checkpoint yet")

    command = ["compare", "toy:ring8", "--objectives", "gan", "--seeds", "1", "--out", str(tmp_path / "c"), *FLAGS]
    with monkeypatch.context() as patched:
        patched.setattr(compare, "train_config", full)
        assert cli.run(command) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("monge: step 2: cannot write")
    assert not (tmp_path / "c" / "gan-0" / "trial.json").exists()
    assert cli.run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["status"] == "finished"


@pytest.mark.slow
def test_seconds_become_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = FLAGS[2:]
    command = ["compare", "toy:ring8", "--objectives", "gan,wgan-gp", "--seeds", "1", "--seconds", "0.2", *flags]
    assert cli.run([*command, "--out", str(tmp_path / "c"), "--json"]) == 0
    steps = {run["objective"]: run["steps"] for run in json.loads(capsys.readouterr().out)["runs"]}
    assert steps["gan"] > steps["wgan-gp"] >= 1


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--objectives", "gna"], "monge: --objectives 'gna' is not known; did you mean 'gan'?"),
        (["--objectives", "acgan"], "monge: --training.conditional needs labels; ring8 has none"),
        (["--seeds", "0"], "monge: --seeds must be at least 1; got 0"),
        (["--seconds", "-1"], "monge: --seconds must be above 0"),
        (["--seconds", "3", "--steps", "5"], "monge: --seconds and --steps cannot be used together"),
        (["--critic", "mlq"], "monge: --critic 'mlq' is not known; did you mean 'mlp'?"),
    ],
)
def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], text: str) -> None:
    assert cli.run(["compare", "toy:ring8", "--out", str(tmp_path / "c"), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith(text)
    assert error.count("\n") == 1
    assert not (tmp_path / "c").exists()
