"""The Inception network of the FID: its parts in closed form, files of weights, and what `monge evaluate` does."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from monge.api import open_run
from monge.cli import run
from monge.data.source import in_memory
from monge.errors import UserError
from monge.evaluation.features import features_of
from monge.evaluation.inception import load_inception
from monge.metric.frechet import frechet, frechet_estimate
from monge.nn import inception
from monge.nn.inception import Inception

TINY = ["--steps", "2", "--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]
LAST = [
    ("Mixed_5b", 256, {"branch1x1": (0, 64), "branch5x5_2": (64, 128), "branch3x3dbl_3": (128, 224)}),
    ("Mixed_6a", 768, {"branch3x3": (0, 384), "branch3x3dbl_3": (384, 480)}),
    ("Mixed_6c", 768, {"branch1x1": (0, 192), "branch7x7_3": (192, 384), "branch7x7dbl_5": (384, 576)}),
    ("Mixed_7a", 1280, {"branch3x3_2": (0, 320), "branch7x7x3_4": (320, 512)}),
    (
        "Mixed_7c",
        2048,
        {
            "branch1x1": (0, 320),
            "branch3x3_2a": (320, 704),
            "branch3x3_2b": (704, 1088),
            "branch3x3dbl_3a": (1088, 1472),
            "branch3x3dbl_3b": (1472, 1856),
            "branch_pool": (1856, 2048),
        },
    ),
]
"""Of a block: channels of its output, and those of the last convolution of each branch."""


@pytest.fixture(scope="module")
def network() -> Inception:
    """Random weights that keep the scale of the images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Inception()
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.running_mean, 0, 0.1)
                nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def weights(network: Inception, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file, as old ones are: without counters."""
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    state = {name: value for name, value in network.state_dict().items() if not name.endswith(inception.COUNTER)}
    torch.save(state, path)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of the least size that the network takes, to save time."""
    monkeypatch.setattr(inception, "SIDE", 75)


def images(n: int, channels: int = 3) -> Tensor:
    """Random ones in [-1, 1]."""
    return 2 * torch.rand(n, channels, 8, 8, generator=torch.Generator().manual_seed(n)) - 1


def test_the_network_has_the_published_size(network: Inception) -> None:
    # 23,834,568 parameters with 1,000 classes and without the auxiliary ones, and 8 classes of 2,048 + 1 more
    assert sum(values.numel() for values in network.parameters()) == 23_834_568 + 8 * 2049
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert len(shapes) == 94 * 6 + 2
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_6b.branch7x7dbl_5.conv.weight"] == (192, 128, 1, 7)
    assert shapes["Mixed_7c.branch3x3dbl_3b.conv.weight"] == (384, 384, 3, 1)
    assert shapes["fc.weight"] == (1008, 2048)


def test_blocks_have_the_published_resolutions(network: Inception) -> None:
    seen: dict[str, int] = {}
    hooks = [
        block.register_forward_hook(lambda block, _, out, name=name: seen.__setitem__(name, out.shape[-1]))
        for name, block in network.named_children()
    ]
    features = network(images(1))
    for hook in hooks:
        hook.remove()
    assert features.shape == (1, inception.FEATURES)
    expected = {"Conv2d_1a_3x3": 149, "Conv2d_2b_3x3": 147, "Conv2d_4a_3x3": 71, "Mixed_5d": 35, "Mixed_6e": 17}
    assert seen | expected | {"Mixed_7c": 8} == seen


@pytest.mark.parametrize(("name", "channels", "branches"), LAST)
def test_branches_lie_side_by_side_in_their_order(
    network: Inception, name: str, channels: int, branches: dict[str, tuple[int, int]]
) -> None:
    block = getattr(network, name)
    fan_in = next(block.children()).conv.in_channels
    x = torch.rand(1, fan_in, 9, 9, generator=torch.Generator().manual_seed(1))
    before = block(x)
    assert before.shape[1] == channels
    for branch, (start, stop) in branches.items():
        norm = block.get_submodule(branch).bn
        kept = norm.weight.clone(), norm.bias.clone()
        norm.weight.zero_()
        norm.bias.fill_(3)
        after = block(x)
        norm.weight.copy_(kept[0])
        norm.bias.copy_(kept[1])
        assert (after[:, start:stop] == 3).all()
        after[:, start:stop] = before[:, start:stop]
        assert torch.equal(after, before)


def test_means_leave_out_what_lies_beyond_the_edge(network: Inception) -> None:
    ones = torch.ones(1, 1, 5, 5)
    assert torch.equal(network.Mixed_5b.pool(ones), ones)
    spot = torch.zeros(1, 1, 5, 5)
    spot[0, 0, 0, 0] = 36
    assert network.Mixed_7b.pool(spot)[0, 0, :3, :3].tolist() == [[9, 6, 0], [6, 4, 0], [0, 0, 0]]
    assert network.Mixed_7c.pool(spot)[0, 0, :3, :3].tolist() == [[36, 36, 0], [36, 36, 0], [0, 0, 0]]


@pytest.mark.usefixtures("small")
def test_files_of_both_kinds_give_the_same_features(network: Inception, weights: Path, tmp_path: Path) -> None:
    save_file(network.state_dict(), tmp_path / "inception.safetensors")
    x = images(2)
    expected = network(x)
    assert expected.std() > 0.1
    for path in (weights, tmp_path / "inception.safetensors"):
        assert torch.equal(load_inception(path)(x), expected)


@pytest.mark.usefixtures("small")
def test_grey_images_are_repeated_and_pixels_are_scaled(network: Inception, weights: Path) -> None:
    grey = (images(40, 1) * 127.5 + 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    sets = [in_memory(x) for x in (grey, grey.repeat(3, axis=3))]
    metric = [data.codec.metric(x[:3]) for data, x in zip(sets, (grey, grey.repeat(3, axis=3)), strict=True)]
    found = [features_of(data, f"inception:{weights}").encode(x) for data, x in zip(sets, metric, strict=True)]
    assert found[0].shape == (3, inception.FEATURES)
    np.testing.assert_array_equal(found[0], found[1])
    scaled = torch.from_numpy(grey[:3]).permute(0, 3, 1, 2).float() / 127.5 - 1
    np.testing.assert_allclose(found[0], network(scaled.expand(-1, 3, -1, -1)).numpy(), rtol=1e-4, atol=1e-4)


def test_wrong_files_are_refused(network: Inception, tmp_path: Path) -> None:
    state = network.state_dict()
    lacking = {name: value for name, value in state.items() if name != "Mixed_5c.branch5x5_1.bn.bias"}
    wrong = {
        "a list": ([1, 2], "it contains no state dict"),
        "a module": (nn.Linear(1, 1), "it contains no state dict that can be read safely"),
        "lacking": (lacking, r"it lacks Mixed_5c\.branch5x5_1\.bn\.bias"),
        "other": (
            state | {"fc.weight": torch.zeros(1000, 2048)},
            r"fc\.weight must have shape \(1008, 2048\); got \(1000, 2048\)",
        ),
        "more": (state | {"AuxLogits.fc.bias": torch.zeros(1)}, r"it also has AuxLogits\.fc\.bias"),
    }
    for name, (content, text) in wrong.items():
        torch.save(content, tmp_path / name)
        with pytest.raises(UserError, match=f"{name} does not contain the FID's Inception weights: {text}"):
            load_inception(tmp_path / name)
        (tmp_path / name).unlink()
    for name in ("torn.pth", "torn.safetensors"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 torn")
        with pytest.raises(UserError, match="it contains no state dict that can be read safely"):
            load_inception(tmp_path / name)


def test_what_has_no_inception_features_is_refused(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(5).normal(size=(80, 2)))
    assert run(["train", str(tmp_path / "v.npy"), "--run", str(tmp_path / "run"), "--training.batch", "16", *TINY]) == 0
    capsys.readouterr()
    missing = tmp_path / "none.pth"
    for name, text in (
        ("inception", "needs a file of weights: inception:FILE"),
        (f"inception:{weights}", "needs images of 1 or 3 channels; v contains vectors"),
        ("raw:x", "'raw:x' is not known; did you mean 'raw'? allowed: classifier, inception:FILE, raw"),
    ):
        assert run(["evaluate", str(tmp_path / "run"), "--features", name]) == 2
        printed = capsys.readouterr().err
        assert printed.startswith("monge: --features ")
        assert printed.endswith(f"{text}\n")
        assert printed.count("\n") == 1
    pictures = in_memory(np.zeros((20, 8, 8, 1), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None])
    with pytest.raises(UserError, match=f"--features inception:{missing}: no such file"):
        features_of(pictures, f"inception:{missing}")


@pytest.mark.usefixtures("small")
def test_the_command_measures_on_inception_features(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "p.npy", pictures)
    assert run(["train", str(tmp_path / "p.npy"), "--run", str(tmp_path / "run"), "--training.batch", "8", *TINY]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--json", "--features", f"inception:{weights}"]) == 0
    document = json.loads(capsys.readouterr().out)
    raw = open_run(tmp_path / "run").evaluate(thorough=False).as_json()
    assert document["features"] == f"inception {hashlib.sha256(weights.read_bytes()).hexdigest()[:8]}"
    compared = {"precision", "recall", "density", "coverage", "kid", "variance_ratio", "novelty", "copying_rank"}
    assert compared | {"frechet", "copying_share"} <= document["metrics"].keys() & document["floors"].keys()
    assert "frechet" not in raw["metrics"]
    assert document["unreliable"]["frechet"] == "8 samples in 2,048 dimensions; 20,480 are needed"
    assert 0 < document["floors"]["frechet"] < document["metrics"]["frechet"]
    assert document["metrics"]["kid"] != raw["metrics"]["kid"]
    assert document["bracket"]["excess"] == raw["bracket"]["excess"]


def test_the_frechet_distance_of_few_samples_is_that_in_all_dimensions() -> None:
    draw = np.random.default_rng(0)
    real, fake = draw.normal(size=(12, 40)), draw.normal(size=(9, 40)) + 0.5
    found = frechet_estimate(real, fake)
    assert found.value == pytest.approx(frechet(real, fake))
    assert 0 < found.standard_error < found.value
    # of two points a side on lines apart: the squared distance of the means, and both variances in full
    line = np.array([[-1.0], [1.0]]) * np.eye(6)[0]
    other = np.array([[-2.0], [2.0]]) * np.eye(6)[1] + 3 * np.eye(6)[2]
    assert frechet_estimate(line, other).value == pytest.approx(9 + 2 + 8)
