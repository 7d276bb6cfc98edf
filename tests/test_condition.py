"""Classes, codes, packs and a second head: networks that are asked for something, and how they are sampled."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from monge import api, cli
from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.data.codec import VectorCodec
from monge.data.dataset import DataSet
from monge.data.source import in_memory, load_data, open_data
from monge.data.split import split
from monge.errors import UserError
from monge.model import rejection
from monge.model.trained_model import Request, TrainedModel
from monge.nn.code import CodedGenerator, Codes, probability
from monge.nn.condition import ConditionalGenerator, ProjectionCritic
from monge.nn.head import TwoHeadedCritic
from monge.nn.mlp import MLPCritic, MLPGenerator
from monge.nn.packing import PackedCritic, packed_shape
from monge.objective.penalty import slopes
from monge.training.assemble import assemble
from monge.training.replay import ReplayPool, mixed
from monge.training.step import critic_batches, train_step
from monge.training.train import train_config

few = settings(deadline=None, max_examples=25)
POINTS = np.random.default_rng(0).normal(size=(60, 2))
LABELS = np.arange(60) % 3
LABELLED = in_memory(POINTS + 5 * LABELS[:, None], LABELS, "labelled")
PLAIN = in_memory(POINTS)
SMALL = Config(
    source="array",
    generator="mlp:width=8:latent=3",
    critic="mlp:width=8",
    steps=4,
    training=TrainingConfig(batch=8, n_critic=2),
    observe=ObserveConfig(log=1, bracket=4),
)
CPU = torch.device("cpu")


def train_run(config: Config, data: DataSet, **how: Any) -> api.Run:
    """A run by a config."""
    return api.Run(train_config(config, data, **how).path)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def config(objective: str = "wgan-gp", **rule: Any) -> Config:
    return replace(SMALL, objective=objective, training=replace(SMALL.training, **rule))


@few
@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.integers(0, 1000))
def test_classes_follow_their_shares(counts: list[int], seed: int) -> None:
    shares = torch.tensor(counts) / sum(counts)
    generator = ConditionalGenerator(MLPGenerator((2,), latent=5), shares, 2)
    assert generator.latent == 4
    labels = generator.labels(normal(4000, 4, seed=seed))
    found = torch.bincount(labels, minlength=len(counts)) / 4000
    assert (found - shares).abs().max() < 5 * 0.5 / 4000**0.5


def test_a_class_is_the_one_that_was_asked_for() -> None:
    generator = ConditionalGenerator(MLPGenerator((2,), latent=5), torch.tensor([0.5, 0.5]), 2)
    z = normal(6, 4)
    own = generator.labels(z)
    torch.testing.assert_close(generator(z), generator(z, own))
    other = generator(z, 1 - own)
    assert (generator(z) != other).any(dim=1).all()
    # the number that decides for a class is not the network's
    moved = z.clone()
    moved[:, -1] = 3
    torch.testing.assert_close(generator(moved, own), generator(z, own))


def test_projection_by_hand() -> None:
    critic = ProjectionCritic(MLPCritic((2,), width=4, depth=1), torch.tensor([0.25, 0.75]))
    x = normal(5, 2)
    features = critic.critic.features(x)  # type: ignore[operator]
    values = [critic(x, torch.full((5,), label)) for label in (0, 1)]
    for value, vector in zip(values, critic.vectors, strict=True):
        torch.testing.assert_close(value, critic.critic(x) + (features @ vector)[:, None])
    torch.testing.assert_close(critic(x), 0.25 * values[0] + 0.75 * values[1])


@few
@given(st.integers(2, 12), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_codes_follow_their_laws(categories: int, categorical: int, uniform: int, gaussian: int) -> None:
    codes = Codes(categories, categorical, uniform, gaussian)
    z = normal(4000, codes.count + 1)
    found = codes.of(z)
    assert found.shape == (4000, codes.count)
    cells, flat = found[:, :categorical], found[:, categorical : categorical + uniform]
    for column in cells.T:
        shares = torch.bincount(column.long(), minlength=categories) / 4000
        assert len(shares) == categories
        assert (shares - 1 / categories).abs().max() < 0.05
    assert (flat.abs() <= 1).all()
    if uniform:
        assert (flat.var(dim=0) - 1 / 3).abs().max() < 0.03
    torch.testing.assert_close(found[:, categorical + uniform :], z[:, categorical + uniform : codes.count])
    assert codes.inputs(found).shape == (4000, codes.width)
    if categorical:
        assert (codes.inputs(found)[:, : categorical * categories].sum(dim=1) == categorical).all()


def test_extreme_numbers_have_a_class() -> None:
    z = torch.tensor([[-40.0], [40.0]])
    assert Codes(10).of(z).flatten().tolist() == [0, 9]
    generator = ConditionalGenerator(MLPGenerator((2,), latent=4), torch.tensor([0.5, 0.5]), 2)
    assert generator.labels(torch.tensor([[0, 0, -40.0], [0, 0, 40.0]])).tolist() == [0, 1]
    assert probability(torch.zeros(1)).item() == 0.5


def test_surprise_by_hand() -> None:
    codes = Codes(3, categorical=1, uniform=1, normal=1)
    drawn = torch.tensor([[2.0, 0.5, -1.0]])
    logits, numbers = torch.tensor([[0.1, 0.2, 0.7]]), torch.tensor([[0.0, 1.0]])
    expected = -torch.log_softmax(logits, 1)[0, 2] + (0.5**2 + 2**2) / 2
    torch.testing.assert_close(codes.surprise(torch.cat([logits, numbers], dim=1), drawn), expected)
    certain = torch.cat([torch.tensor([[-50.0, -50.0, 50.0]]), drawn[:, 1:]], dim=1)
    assert codes.surprise(certain, drawn).item() == pytest.approx(0, abs=1e-6)


def test_too_few_inputs_for_codes_are_refused() -> None:
    with pytest.raises(UserError, match="latent size must be at least 10, for the codes; got 4"):
        CodedGenerator(MLPGenerator((2,), latent=4), Codes(10))


def test_packs_are_neighbours_side_by_side() -> None:
    seen = []

    class Spy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return x.flatten(1).sum(dim=1, keepdim=True)

    x = normal(6, 3, 2, 2)
    critic = PackedCritic(Spy(), 2)
    values = critic(x)
    assert seen[0].shape == (3, *packed_shape((3, 2, 2), 2))
    torch.testing.assert_close(seen[0][1], torch.cat([x[2], x[3]]))
    torch.testing.assert_close(values.flatten(), x.flatten(1).sum(dim=1).view(3, 2).sum(dim=1))
    # the gradient is that of the pack: sqrt(2 * 12) ones
    torch.testing.assert_close(slopes(critic, x), torch.full((3,), 24**0.5))
    with pytest.raises(RuntimeError):
        critic(x[:5])
    assert len(critic.eval()(x[:5])) == 2


def test_a_critic_without_features_cannot_have_two_heads() -> None:
    with pytest.raises(UserError, match=r"needs a critic with `features`.* Linear lacks them"):
        TwoHeadedCritic(nn.Linear(2, 1), 3)


REFUSED = [
    (PLAIN, config(conditional=True), "--training.conditional needs labels; array has none; use an .npz with arrays x"),
    (LABELLED, config("acgan"), "predicts classes, so it needs --training.conditional"),
    (LABELLED, config("infogan", conditional=True), "cannot be combined with an objective that predicts codes"),
    (PLAIN, config(pack=3), "--training.pack must divide --training.batch 8; got 3"),
    (LABELLED, config(pack=2, conditional=True), "--training.pack must be 1 with classes or codes"),
    (PLAIN, config("infogan", pack=2), "--training.pack must be 1 with classes or codes"),
    (PLAIN, config("infogan", replay=0.5), "--training.replay must be 0 with classes"),
    (PLAIN, replace(config(), critic="mlp:outputs=3"), "Wasserstein needs one output per sample; this critic ha"),
    (PLAIN, config("wgan-lipschitz"), "1-Lipschitz"),
]


@pytest.mark.parametrize(("data", "settings", "text"), REFUSED, ids=[text[:40] for *_, text in REFUSED])
def test_combinations_that_are_refused(data: Any, settings: Config, text: str) -> None:
    with pytest.raises(UserError, match=re.escape(text)) as caught:
        assemble(settings, data, CPU)
    assert "\n" not in str(caught.value)


def test_conditional_batches_bring_each_sample_its_class() -> None:
    state, objective, sampler = assemble(config(conditional=True), LABELLED, CPU)
    draw = sampler(0)
    assert draw.labels is not None
    points = LABELLED.codec.decode(draw.real.flatten(0, 1))
    np.testing.assert_array_equal(np.rint(points.mean(axis=1) / 5).clip(0, 2), draw.labels.flatten().numpy())
    before = [parameter.clone() for parameter in state.critic.parameters()]
    terms = train_step(state, objective, draw)
    assert all(np.isfinite(float(value)) for value in terms.values())
    assert isinstance(state.critic, ProjectionCritic)
    assert any(not torch.equal(a, b) for a, b in zip(before, state.critic.parameters(), strict=True))


def test_the_fakes_codes_are_those_of_their_latent_numbers() -> None:
    state, _, sampler = assemble(config("infogan:categories=3:uniform=1"), PLAIN, CPU)
    draw = sampler(0)
    generator = state.generator
    assert isinstance(generator, CodedGenerator)
    assert generator.latent == 3 + 2
    for batch, z in zip(critic_batches(state, draw), draw.latent, strict=False):
        assert batch.codes is not None
        torch.testing.assert_close(batch.fake, generator(z, batch.codes))


def test_replay_keeps_what_the_critic_likes() -> None:
    pool = ReplayPool(8, (1,), CPU)
    critic = nn.Identity()
    fake = torch.arange(8.0)[:, None]
    assert torch.equal(mixed(fake, pool, torch.tensor([0.5])), fake)
    pool.keep(fake, critic, 0)
    assert sorted(pool.samples[0].flatten().tolist()) == [6, 7]
    seen = mixed(fake, pool, torch.tensor([0.0, 0.6, 0.999]))
    assert seen.flatten().tolist() == [7, 6, 6, *range(3, 8)]
    for step in range(1, 200):
        pool.keep(fake + step, critic, step)
    # the oldest gave way
    assert pool.filled == len(pool.samples)
    assert pool.samples.min() >= 200 - len(pool.samples) + 6


def test_replay_resumes_as_if_uninterrupted(tmp_path: Path) -> None:
    ends = []
    for name, stops in (("whole", (12,)), ("parts", (5, 12))):
        for steps in stops:
            rule = replace(config(replay=0.25), steps=steps)
            train_run(rule, PLAIN, run=tmp_path / name, device="cpu", threads=1)
        (last,) = (tmp_path / name / "checkpoints").glob("step-000012")
        ends.append([(last / f"{part}.safetensors").read_bytes() for part in ("generator", "critic")])
    assert ends[0] == ends[1]


@pytest.fixture(scope="module")
def labelled_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    np.savez(folder / "data.npz", x=POINTS + 5 * LABELS[:, None], y=LABELS)
    rule = replace(config(conditional=True), source=str(folder / "data.npz"))
    train_run(rule, open_data(rule.source), run=folder / "run", device="cpu", threads=1)
    return folder


def test_sampling_a_class(labelled_run: Path, tmp_path: Path) -> None:
    run, out = str(labelled_run / "run"), tmp_path / "x.npz"
    assert cli.run(["sample", run, "--class", "2", "-n", "5", "--out", str(out)]) == 0
    found = np.load(out)
    assert found["y"].tolist() == [2] * 5
    assert cli.run(["sample", run, "-n", "30", "--out", str(out)]) == 0
    mixture = np.load(out)
    assert set(mixture["y"]) == {0, 1, 2}
    # what was asked for together is what is asked for alone
    alone = api.open_run(run).sample(30, label="1")
    np.testing.assert_array_equal(mixture["x"][mixture["y"] == 1], alone[mixture["y"] == 1])
    assert "class_agreement" in api.open_run(run).evaluate(thorough=False).metrics


@pytest.mark.parametrize("kind", ["npz", "folders", "table", "memory"])
def test_a_class_without_training_samples(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    y = np.where(np.arange(60) == split(60)[1][0], "rare", np.where(np.arange(60) % 2, "a", "z"))
    source, label = "data", None
    if kind == "npz":
        np.savez(source := "data.npz", x=POINTS, y=y)
    elif kind == "table":
        Path(source := "data.csv").write_text("u,k\n" + "".join(f"{i},{name}\n" for i, name in enumerate(y)))
        label = "k"
    elif kind == "folders":
        assert split(5)[1] == [2]
        for i, name in enumerate(["a", "a", "rare", "z", "z"]):
            Path("data", name).mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 40 * i).save(f"data/{name}/{i}.png")
    data = load_data(POINTS, y=y) if kind == "memory" else load_data(source, label=label)
    small = {"generator": "mlp:width=8", "critic": "mlp:width=8", "steps": 2, "threads": 1, "device": "cpu"}
    rule = {"batch": 4, "conditional": True}
    with pytest.warns(UserWarning, match=r": class 'rare' has no training samples and cannot be learnt$"):
        run = api.train(data, run="run", recipe="vector", training=rule, **small)
    message = "--class rare: no training sample is of this class, so none can be generated"
    for reject in (False, True):
        with pytest.raises(UserError, match=f"^{message}$"):
            run.sample(3, label="rare", reject=reject and kind != "memory")
    with pytest.raises(UserError, match=r"--class 'rara' is not known; allowed: a, z$"):
        run.sample(3, label="rara")
    with_class = (2,)  # as in the file
    assert run.sample(3, label="a").shape == (3, *(with_class if kind == "table" else data.space.raw_shape))
    assert cli.run(["sample", "run", "--class", "rare", "--out", "x.npz"]) == 2
    assert capsys.readouterr().err == f"monge: {message}\n"
    run.write_report(data)  # shows the other classes


def test_rejecting(labelled_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = str(labelled_run / "run"), tmp_path / "x.npz"
    texts = []
    for _ in range(2):
        assert cli.run(["sample", run, "--reject", "-n", "50", "--out", str(out)]) == 0
        texts.append(out.read_bytes())
    assert texts[0] == texts[1]
    assert re.search(r"50 samples in .*, of \d+ generated", capsys.readouterr().out)
    found = np.load(out)
    assert found["x"].shape == (50, 2)
    assert found["y"].shape == (50,)
    with pytest.raises(UserError, match="seed must be at least 0; got -1"):
        api.open_run(run).sample(3, seed=-1, reject=True)


class Mixed(nn.Module):
    """Class 0 is right, N(0, 1); of class 1, N(4, 1), three in ten samples are of class 0."""

    latent = 4

    def forward(self, z: Tensor) -> Tensor:
        right = z[:, 1] > -0.5244
        return z[:, :1] + 4 * (z[:, 3] * right)[:, None]


class Best(nn.Module):
    """The log-ratio of the laws of `Mixed` and of the data for a sample and its class."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        near, far = torch.exp(-(x**2) / 2), torch.exp(-((x - 4) ** 2) / 2)
        return torch.where(y[:, None] == 1, torch.log(far + 1e-30) - torch.log(0.7 * far + 0.3 * near + 1e-30), 0)


@pytest.mark.parametrize("label", ["0", "1", None])
def test_rejecting_makes_a_class_better(label: str | None) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 5000)
    data = in_memory(random.normal(size=(5000, 1)) + 4 * y[:, None], y)
    generator = ConditionalGenerator(Mixed(), torch.tensor([0.5, 0.5]), 2).requires_grad_(False)
    generator.embedding.weight.copy_(torch.eye(2))
    codec = VectorCodec(np.zeros(1), np.ones(1))
    names = ["0", "1"]
    model = TrainedModel("run", generator, Best, codec, names, None, None, config(), "ema", 1)
    found = rejection.rejected(model, lambda: data, 2000, request=Request(label))
    assert found.y is not None
    ones = found.x[found.y == 1] > 2
    assert ((found.x[found.y == 0] > 2).mean() if label != "1" else 0) < 0.05
    # .7 of them as they are generated, .98 of real ones
    assert (ones.mean() if label != "0" else 1) > 0.93
    assert set(found.y.tolist()) == ({0, 1} if label is None else {int(label)})


def test_rejecting_needs_held_out_samples_of_the_class(tmp_path: Path) -> None:
    arrays = {"x_train": POINTS, "y_train": LABELS, "x_test": POINTS[:9]}
    for name, more, text in (
        ("some", {"y_test": LABELS[:9] % 2}, "--reject needs held-out samples of the requested class; some has none"),
        ("none", {}, "--reject needs labelled held-out samples, .*; none has none"),
    ):
        np.savez(tmp_path / f"{name}.npz", **arrays | more)
        rule = replace(config(conditional=True), source=str(tmp_path / f"{name}.npz"))
        run = train_run(rule, open_data(rule.source), run=tmp_path / name, device="cpu", threads=1)
        with pytest.raises(UserError, match=f"^{text}$"):
            run.sample(3, label="2", reject=True)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--reject", "--code", "0=1"], "monge: --reject cannot be combined with --code"),
        (["--reject", "--class", "9"], "monge: --class '9' is not known; allowed: 0, 1, 2"),
        (["--class", "9"], "monge: --class '9' is not known; allowed: 0, 1, 2"),
        (["--code", "0=1"], "monge: --code needs a run with codes; train one with --objective infogan"),
        (["--code", "a"], "monge: --code must be INDEX=VALUE, as in --code 0=3; got a"),
        (["--interpolate", "--reject"], "monge: --interpolate cannot be used with --class, --code or --reject"),
    ],
)
def test_bad_requests(
    labelled_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    out = tmp_path / "x.npz"
    assert cli.run(["sample", str(labelled_run / "run"), *options, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(text)
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("label", [2, np.int64(2)], ids=["int", "numpy"])
def test_classes_are_asked_for_as_samples_name_them(labelled_run: Path, label: Any) -> None:
    run = api.open_run(labelled_run / "run")
    np.testing.assert_array_equal(run.sample(6, label=label), run.sample(6, label="2"))
    with pytest.raises(UserError, match="--class '9' is not known; allowed: 0, 1, 2"):
        run.sample(6, label=9)


def test_sampling_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train_run(config("infogan:categories=4"), PLAIN, run=tmp_path / "run", device="cpu", threads=1)
    kept = run.sample(6, codes={0: 3, 1: 0.5})
    assert kept.shape == (6, 2)
    assert not np.array_equal(kept, run.sample(6, codes={0: 2, 1: 0.5}))
    for codes, text in (
        ({0: 4}, "--code 0 must be a class from 0 to 3; got 4"),
        ({1: 2}, "--code 1 must be from -1 to 1; got 2"),
        ({7: 0}, "--code 7=0: the index must be from 0 to 2; got 7"),
    ):
        with pytest.raises(UserError, match=text):
            run.sample(2, codes=codes)


def test_a_critic_of_ones_own(tmp_path: Path) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

        def forward(self, x: Tensor) -> Tensor:
            value: Tensor = self.body(x)
            return value

    rule: dict[str, Any] = {"steps": 4, "threads": 1, "training": {"batch": 8}, "run": tmp_path / "run"}
    run = api.train(PLAIN, critic=Own(), **rule)
    assert run.facts()["config"]["critic"].startswith("module:")
    assert "absent" in run.evaluate(PLAIN, thorough=False).metrics["critic"]
    assert "mean_distance" in run.evaluate(PLAIN, critic=Own(), thorough=False).metrics["critic"]
    with pytest.raises(UserError, match=r"critic: Linear failed on samples of shape \(2,\)"):
        api.train(PLAIN, critic=nn.Linear(3, 1), **rule | {"run": tmp_path / "other"})
    with pytest.raises(UserError, match=r"critic must return shape \(n, k\) for n samples; got \(2, 2, 1\) for 2"):
        api.train(
            PLAIN, critic=nn.Sequential(nn.Unflatten(1, (2, 1)), nn.Linear(1, 1)), **rule | {"run": tmp_path / "x"}
        )
    with pytest.raises(UserError, match=r"critic must return a tensor \(n, k\) for n samples; got a tuple for 2"):
        api.train(PLAIN, critic=nn.LSTM(2, 1), **rule | {"run": tmp_path / "x"})
    with pytest.raises(UserError, match=r"train: critic must be of type str; got <class .*Own'>"):
        api.train(PLAIN, critic=Own, **rule | {"run": tmp_path / "x"})  # type: ignore[arg-type]


def test_a_critic_of_ones_own_is_copied(tmp_path: Path) -> None:
    critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    before = critic[0].weight.clone()
    rule: dict[str, Any] = {"critic": critic, "steps": 4, "threads": 1, "training": {"batch": 8}}
    runs = [api.train(PLAIN, run=tmp_path / name, **rule) for name in ("a", "b")]
    np.testing.assert_array_equal(*[run.sample(5) for run in runs])
    runs[0].evaluate(PLAIN, critic=critic, thorough=False)
    assert torch.equal(critic[0].weight, before)
    critic[0].weight.requires_grad_(False)
    critic[0].cached = critic(torch.zeros(1, 2))
    with pytest.raises(UserError, match="critic must be a module that can be copied; Sequential is not: "):
        api.train(PLAIN, run=tmp_path / "c", **rule)


def test_folders_are_classes(tmp_path: Path) -> None:
    from PIL import Image

    for index, name in enumerate(("cat", "dog", "cat", "dog", "owl", "cat", "dog")):
        place = tmp_path / "data" / name
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 10 * index).save(place / f"{index}.png")
    data = open_data(str(tmp_path / "data"))
    assert data.info.classes == ["cat", "dog", "owl"]
    assert data.train.labels is not None
    names = {0: "cat", 1: "dog", 2: "cat", 3: "dog", 4: "owl", 5: "cat", 6: "dog"}
    shown = [names[int(image.max()) // 10] for image in data.train.all()]
    assert [data.info.classes[label] for label in data.train.labels] == shown
    Image.new("L", (8, 8)).save(tmp_path / "data" / "lone.png")
    assert open_data(str(tmp_path / "data")).train.labels is None
