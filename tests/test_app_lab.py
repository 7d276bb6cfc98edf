"""The lab's engine: it trains what `monge train` trains, bit for bit, and looking at it changes nothing."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monge.app.lab import fault
from monge.app.lab.catalogue import catalogue
from monge.app.lab.lab import Lab
from monge.app.lab.message import unpacked
from monge.app.lab.route import npy, points
from monge.app.lab.settings import Settings
from monge.app.lab.view import VIEWS
from monge.app.lab.worker import Worker, lab_of
from monge.cli import run
from monge.config.registry import OBJECTIVES
from monge.errors import MongeError, UserError
from monge.run.pool import flushed_denormals

SMALL = {
    "generator": "mlp:latent=2:width=12:depth=2",
    "critic": "mlp:width=12:depth=2",
    "training.batch": 16,
    "training.n_critic": 2,
}
STATIC = Path(__file__).parent.parent / "src/monge/app/static"
LESSONS = json.loads((STATIC / "lessons.json").read_text())
PLAIN = [name for name, entry in OBJECTIVES.items() if not entry.rule.get("conditional")]
ALL_VIEWS = list(VIEWS)


@pytest.fixture(autouse=True)
def _as_a_training() -> Iterator[None]:
    with flushed_denormals():
        torch.set_num_threads(1)
        yield


def lab(*objectives: str, data: str = "toy:ring8", **parts: Any) -> Lab:
    """A lab of small networks."""
    settings = {"data": data, "objectives": list(objectives or ("wgan-gp",)), "given": SMALL} | parts
    return Lab(Settings.of(settings))


def gone(made: Lab, steps: int) -> list[Any]:
    """The points of each side after so many steps."""
    for _ in range(steps):
        made.do("step")
    return [side.points() for side in made.sides]


QUICK = ("wgan", "sngan", "mmd-gan", "infogan", "pacgan", "noisy-gan", "relativistic")
EVERY = [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in PLAIN]


@pytest.mark.parametrize("objective", EVERY)
def test_looking_changes_nothing(objective: str) -> None:
    """Whatever is looked at between steps, the training is the one that nobody looks at."""
    unseen, seen = lab(objective), lab(objective)
    for _ in range(3):
        seen.do("step")
        header, found = unpacked(seen.frame(ALL_VIEWS, measure=True))
        assert header["sides"][0]["failed"] is None
        assert all(np.isfinite(values).all() for values in found.values()), objective
    assert np.array_equal(gone(unseen, 3)[0], seen.sides[0].points())


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in PLAIN if name != "wgan"]


@pytest.mark.parametrize("objective", ["wgan", *SLOW])
def test_the_copied_command_gives_the_same_points(
    objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bit for bit, as does the copied Python."""
    monkeypatch.chdir(tmp_path)
    made = lab(objective, seed=3)
    (shown,) = gone(made, 4)
    copies = made.copies()
    for line in copies["command"].splitlines():
        assert run(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    assert np.array_equal(np.load(tmp_path / "points.npy"), shown)
    if objective == "wgan":
        names: dict[str, Any] = {}
        exec(copies["python"].replace("runs/", "other/"), names)
        assert np.array_equal(names["points"], shown)


@pytest.mark.slow
def test_own_points_are_trained_on_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drawn is a file, which a command takes."""
    monkeypatch.chdir(tmp_path)
    Path("drawn.npy").write_bytes(npy(points(np.random.default_rng(0).normal(size=(100, 2)).tolist())))
    made = lab(data="drawn.npy")
    (shown,) = gone(made, 3)
    for line in made.copies()["command"].splitlines():
        assert run(shlex.split(line)[1:]) == 0
    assert np.array_equal(np.load("points.npy"), shown)


def test_parts_of_steps_make_steps() -> None:
    """Two critic updates and a generator update are a step."""
    whole, parted = lab(), lab()
    phases = []
    for _ in range(2):
        for _ in range(3):
            parted.do("phase")
            phases.append(parted.sides[0].phase)
    assert phases == ["critic 1", "critic 2", "step"] * 2
    assert np.array_equal(gone(whole, 2)[0], parted.sides[0].points())
    parted.do("phase")
    parted.do("step")  # what is left of one
    assert np.array_equal(gone(whole, 1)[0], parted.sides[0].points())


def test_sides_train_as_they_would_alone() -> None:
    """On the same data and seed."""
    both = gone(lab("wgan-gp", "gan"), 3)
    assert np.array_equal(both[0], gone(lab("wgan-gp"), 3)[0])
    assert np.array_equal(both[1], gone(lab("gan"), 3)[0])


LIVE: list[dict[str, Any]] = [
    {"given": SMALL | {"training.n_critic": 1}},
    {"given": SMALL | {"training.batch": 8}},
    {"given": SMALL | {"training.learning_rate": 0.01}},
    {"given": SMALL | {"training.optimiser": "rmsprop"}},
    {"given": SMALL | {"training.beta1": 0.0}},
    {"objectives": ["wgan-gp:weight=3"]},
    {"objectives": ["wgan"]},
    {"faults": ["wrong_sign"]},
]


@pytest.mark.parametrize("parts", LIVE, ids=str)
def test_changes_while_it_trains_can_be_repeated(parts: dict[str, Any]) -> None:
    """The training goes on with the same networks, differs from then on, and a link has all that it takes."""
    made = lab()
    before = gone(made, 2)[0]
    settings = Settings.of(made.settings.document() | parts)
    assert not made.change(settings)
    assert np.array_equal(made.sides[0].points(), before)
    (after,) = gone(made, 2)
    assert not np.array_equal(after, gone(lab(), 4)[0])
    header, _ = unpacked(made.frame([]))
    assert header["copy"] is False
    begin = {"settings": lab().settings.document(), "changes": json.loads(json.dumps(header["changes"]))}
    again = lab_of(begin)
    assert np.array_equal(gone(again, 4)[0], after)
    assert again.changes == made.changes


@pytest.mark.parametrize(
    "parts",
    [
        {"seed": 1},
        {"data": "toy:moons"},
        {"objectives": ["wgan-gp", "gan"]},
        {"objectives": ["sngan"]},
        {"objectives": ["pacgan"]},
        {"objectives": ["infogan"]},
        {"faults": ["batch_norm"]},
        {"given": SMALL | {"generator": "mlp:latent=3:width=12:depth=2"}},
    ],
    ids=str,
)
def test_other_networks_begin_anew(parts: dict[str, Any]) -> None:
    """With what a lab of these settings begins with."""
    made = lab()
    gone(made, 2)
    assert made.change(Settings.of(made.settings.document() | parts))
    assert made.step == 0
    assert made.changes == []
    fresh = Lab(made.settings)
    assert np.array_equal(gone(made, 1)[0], gone(fresh, 1)[0])


def test_out_of_turn() -> None:
    """One update of one network leaves the other as it was; then no command gives the run."""
    made = lab()
    side = made.sides[0]

    def weights(network: str) -> torch.Tensor:
        return torch.cat([part.detach().flatten().clone() for part in getattr(side.state, network).parameters()])

    for moved, kept in (("critic", "generator"), ("generator", "critic")):
        before = weights(moved), weights(kept)
        made.do(moved)
        assert not torch.equal(weights(moved), before[0])
        assert torch.equal(weights(kept), before[1])
    assert unpacked(made.frame([]))[0]["copy"] is False
    made.reset()
    assert unpacked(made.frame([]))[0]["copy"] is True


def test_mistakes() -> None:
    """Each does what it says."""
    right, wrong = lab(), lab(faults=["wrong_sign"])
    gone(right, 1)
    gone(wrong, 1)
    batch = torch.zeros(4, 1), torch.ones(4, 1)
    assert wrong.sides[0].objective.loss.critic(*batch) == -right.sides[0].objective.loss.critic(*batch)
    sigmoid = lab(faults=["sigmoid"])
    gone(sigmoid, 2)
    surface = unpacked(sigmoid.frame(["surface"]))[1]["0.surface"]
    assert 0 <= surface.min() <= surface.max() <= 1
    normed = lab(faults=["batch_norm"])
    assert any(isinstance(layer, torch.nn.BatchNorm1d) for layer in normed.sides[0].state.critic.modules())
    optimised = {id(part) for group in normed.sides[0].state.critic_optimiser.param_groups for part in group["params"]}
    assert optimised == {id(part) for part in normed.sides[0].state.critic.parameters()}
    loose, clipped = lab("wgan", faults=["no_clipping"]), lab("wgan")
    for made, bounded in ((loose, False), (clipped, True)):
        gone(made, 2)
        most = max(float(part.detach().abs().max()) for part in made.sides[0].state.critic.parameters())
        assert (most <= 0.0101) == bounded
    assert lab(faults=["critic_too_strong"]).sides[0].config.training.n_critic == 100
    assert set(json.loads((STATIC / "faults.json").read_text())) == set(fault.FAULTS)


def test_a_side_that_fails_leaves_the_other() -> None:
    """And says why."""
    made = lab("wgan", "wgan-gp", given=SMALL | {"training.learning_rate": 9.0}, faults=["no_clipping"])
    for _ in range(60):
        made.do("step")
    failed = [side for side in made.sides if side.failed]
    assert failed
    header, _ = unpacked(made.frame(ALL_VIEWS, measure=True))
    assert any("step" in (side["failed"] or "") for side in header["sides"])
    json.dumps(header, allow_nan=False)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"data": "toy:ring9"}, "ring9"),
        ({"data": "digits"}, "must be points in the plane"),
        ({"objectives": []}, "1 to 3"),
        ({"objectives": ["gan"] * 4}, "1 to 3"),
        ({"objectives": [3]}, "names"),
        ({"objectives": ["wgan-gq"]}, "wgan-gp"),
        ({"objectives": ["wgan-gp:weight=x"]}, "weight"),
        ({"objectives": ["acgan"]}, "labels"),
        ({"seed": "1"}, "int"),
        ({"seed": -1}, "--seed"),
        ({"given": {"training.batch": 0}}, "--training.batch"),
        ({"given": {"training.batch": "many"}}, "batch"),
        ({"given": {"training.ema": 0.5}}, "ema"),
        ({"given": {"generator": "mlp:width=5000"}}, "512"),
        ({"given": {"critic": "dcgan"}}, "critic"),
        ({"faults": ["everything"]}, "everything"),
        ({"wishes": []}, "wishes"),
    ],
)
def test_bad_settings_are_refused_in_a_line(document: dict[str, Any], text: str) -> None:
    """Before anything has changed."""
    made = lab()
    gone(made, 1)
    shown = made.sides[0].points()
    with pytest.raises(UserError) as error:
        made.change(Settings.of(made.settings.document() | document))
    assert text in str(error.value)
    assert "\n" not in str(error.value)
    assert np.array_equal(made.sides[0].points(), shown)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([[1, 2]] * 3, "10 to 50,000"),
        ([[1, 2]] * 20, "one place"),
        ([[1, float("nan")]] * 20, "finite"),
        ([1, 2, 3], "pairs"),
        ("points", "pairs"),
        ([["a", "b"]] * 20, "pairs"),
        ([[1, 2], [1]], "pairs"),
        (None, "pairs"),
    ],
)
def test_bad_points_are_refused(given: Any, text: str) -> None:
    """In a line."""
    with pytest.raises(UserError, match=text):
        points(given)


class Line:
    """A connection with another end that asks and never looks."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders = [json.dumps(order).encode() for order in orders]
        self.sent: list[Any] = []

    def send_bytes(self, message: bytes) -> None:
        self.sent.append(unpacked(message)[0])

    def poll(self, seconds: float | None) -> bool:
        if self.orders or seconds is None:
            return True
        time.sleep(min(seconds, 0.01))
        return False

    def recv_bytes(self) -> bytes:
        if not self.orders:
            raise EOFError
        return self.orders.pop(0)


def test_worker_obeys_and_refuses() -> None:
    """Every order has an answer; a bad one has a line, and the lab goes on."""
    bad: list[dict[str, Any]] = [
        {"do": "dance"},
        {"views": ["everything"]},
        {"views": "surface"},
        {"pace": 0},
        {"pace": 1, "wait": 99},
        {"settings": {"data": "nowhere"}},
    ]
    line = Line(*bad, {"views": ["warp"], "do": "step"}, {"do": "reset"}, {"do": "copy"})
    with pytest.raises(EOFError):
        Worker(line, lab()).serve()  # type: ignore[arg-type]
    errors = [header["error"] for header in line.sent if "error" in header]
    assert len(errors) == len(bad)
    assert all("\n" not in text for text in errors)
    assert [header["step"] for header in line.sent if "step" in header] == [0, 1, 0]
    assert "monge train" in line.sent[-1]["copies"]["command"]


@pytest.mark.parametrize("changes", [3, [1], [[1]], [["a", {}]], [[1, 2]]])
def test_damaged_links_are_refused(changes: Any) -> None:
    """In a line."""
    with pytest.raises(MongeError):
        lab_of({"settings": {}, "changes": changes})


@pytest.mark.parametrize("name", LESSONS)
def test_lessons(name: str) -> None:
    """Each begins, in both languages, with views that there are."""
    lesson = LESSONS[name]
    preset = lesson["preset"]
    made = Lab(Settings.of(preset["settings"]))
    assert len(made.sides) == len(preset["settings"]["objectives"])
    known = {*VIEWS, "real", "generated", "slope", "losses", "distances"}
    assert set(preset["views"]) <= known
    for language in ("en", "zh"):
        assert lesson[language]["title"]
        assert lesson[language]["question"]
        assert len(lesson[language]["text"]) == 2


def test_seven_lessons_and_all_of_the_catalogue() -> None:
    """What the page lists is what there is."""
    assert len(LESSONS) == 7
    found = catalogue()
    assert set(found["objectives"]) == set(OBJECTIVES)
    assert {"toy:line", "toy:ring", "toy:grid25", "toy:swissroll", "toy:moons", "toy:funnels"} <= set(found["data"])
    json.dumps(found, allow_nan=False)
