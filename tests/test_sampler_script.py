"""The parts of a report's sampler, each against Python: random numbers, layers, and the decoding of tables."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import monge
from browser import Tab, browser
from monge.config import spec
from monge.config.registry import GENERATORS
from monge.data.dataset import DataSet
from monge.data.source import load_data
from monge.data.table.codec import TableCodec
from monge.data.table.frame import csv_bytes
from monge.data.table.shop import shop_rows
from monge.model import copula
from monge.nn.code import CodedGenerator, Codes
from monge.nn.condition import ConditionalGenerator
from monge.nn.dcgan import DCGANGenerator
from monge.nn.level import HeadedGenerator, LevelHead, gumbel
from monge.nn.margin import Layout, Margins
from monge.nn.mlp import MLPGenerator
from monge.nn.residual import ResidualGenerator
from monge.nn.resnet import ResNetGenerator
from monge.report.sampler.decoding import table, weighting
from monge.report.sampler.graph import SamplerError, Weights, graph

pytestmark = pytest.mark.web

SCRIPTS = Path(monge.__file__).parent / "report" / "sampler"
LAYOUT = Layout(2, (3, 2), ((1, 6),))
SHARES = (0.2, 0.5, 0.3, 0.9, 0.1)


def headed(tail: int = 0) -> HeadedGenerator:
    """A generator of rows: two numbers, of which a level switches one, and five levels."""
    return HeadedGenerator(MLPGenerator((7,), latent=4 + tail, width=16), LevelHead(LAYOUT, SHARES), tail)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: MLPGenerator((1, 4, 4), latent=5, width=16, norm="batch"),
    "mlp of vectors": lambda: MLPGenerator((4,), latent=5, width=16, norm="layer"),
    "residual": lambda: ResidualGenerator((5,), latent=6, width=16),
    "dcgan": lambda: DCGANGenerator((1, 28, 28), latent=5, width=4, mapping=2),
    "dcgan of colours": lambda: DCGANGenerator((3, 12, 16), latent=5, width=4, norm="layer", mapping=1),
    "constant dcgan": lambda: DCGANGenerator((2, 16, 16), latent=5, width=4, norm="none", constant=True),
    "resnet": lambda: ResNetGenerator((3, 16, 8), latent=5, width=4),
    "resnet of layer norm": lambda: ResNetGenerator((1, 12, 12), latent=5, width=4, norm="layer"),
    "classes": lambda: ConditionalGenerator(MLPGenerator((3,), latent=9, width=8), torch.tensor([0.5, 0.2, 0.3]), 4),
    "codes": lambda: CodedGenerator(MLPGenerator((3,), latent=14, width=8), Codes(3, 2, 1, 1)),
    "levels": headed,
    "levels of classes": lambda: ConditionalGenerator(headed(3), torch.tensor([0.5, 0.5]), 3),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """A table with columns of all kinds: dates and times in several forms, derived ones, missing values."""
    random, n = np.random.default_rng(0), 400
    folder = tmp_path_factory.mktemp("table")
    lines = csv_bytes(*shop_rows(n)).decode().splitlines()
    days = np.datetime64("1999-12-20") + random.integers(0, 5000, n)
    lines[0] += ",born,seen,exact,opens,flag"
    for index, day in enumerate(days.tolist(), 1):
        exact = "" if random.random() < 0.3 else repr(float(random.normal() * 10.0 ** random.integers(-3, 4)))
        seen = "" if random.random() < 0.2 else f"{day:%d.%m.%y} {random.integers(24):02}:{random.integers(60):02}"
        opens = f"{1 + random.integers(12)}:{random.integers(60):02} {random.choice(['AM', 'PM'])}"
        flag = random.choice(["yes", "no, but", 'a "no"'])
        lines[index] += (
            f',"{day:%b} {day.day}, {day.year}",{seen},{exact},{opens},"{flag.replace(chr(34), 2 * chr(34))}"'
        )
    (folder / "all.csv").write_text("\n".join(lines) + "\n")
    return load_data(folder / "all.csv")


@pytest.fixture(scope="module")
def networks(data: DataSet) -> dict[str, nn.Module]:
    """Networks whose weights, and statistics of batch norm, are anything but the first ones."""
    torch.manual_seed(0)
    made = {name: network() for name, network in NETWORKS.items()}
    for network in made.values():
        for part in network.parameters():
            nn.init.normal_(part, std=0.5)
        with torch.no_grad():
            network(torch.randn(64, int(network.latent)))
    return {name: network.eval() for name, network in made.items()} | {"copula": copula.fit(data)}


@pytest.fixture(scope="module")
def margins(data: DataSet) -> Margins:
    """Margins of the table's rows with weights."""
    torch.manual_seed(0)
    assert isinstance(data.codec, TableCodec)
    found = Margins(data.codec.layout)
    found.multipliers.normal_()
    found.cut.fill_(1.0)
    return found


@pytest.fixture(scope="module")
def tab(
    tmp_path_factory: pytest.TempPathFactory, data: DataSet, networks: dict[str, nn.Module], margins: Margins
) -> Iterator[Tab]:
    """A page with the scripts, all networks as `generator.layers`, and the decoding of the table."""
    folder, weights = tmp_path_factory.mktemp("page"), Weights()
    layers = {name: graph(network, weights) for name, network in networks.items()}
    assert isinstance(data.codec, TableCodec)
    decoding = {**table(data.codec), "margins": weighting(margins)}
    generator = {"layers": layers, "weights": weights.text(), "half": False, "decoding": decoding, "classes": None}
    content = json.dumps(generator).replace("<", "\\u003c")
    scripts = "\n".join((SCRIPTS / f"{name}.js").read_text() for name in ("random", "network", "decoding", "samples"))
    page = folder / "page.html"
    page.write_text(f'<script type="application/json" id="generator">{content}</script><script>{scripts}</script>')
    with browser(folder / "profile") as new:
        tab = new()
        tab.open(page)
        yield tab
        assert tab.console == []


def test_random_numbers_are_those_of_the_paper_and_normal(tab: Tab) -> None:
    known = {
        "[0, 0, 0, 0], [0, 0]": "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        f"{[2**32 - 1] * 4}, {[2**32 - 1] * 2}": "408f276d 41c83b0e a20bc7c6 6d5451fd",
        "[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]": (
            "d16cfe09 94fdcceb 5001e420 24126ea1"
        ),
    }  # of the authors' own library
    for given, wanted in known.items():
        assert " ".join(f"{word:08x}" for word in tab.run(f"philox({given})")) == wanted
    numbers = np.array(tab.run("Array.from({ length: 2000 }, (none, i) => [...normal(5, 0, i, 5)])"))
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(numbers.T) - np.eye(5)).max() < 0.1
    assert (numbers == numbers.astype(np.float32)).all()
    assert tab.run("[...normal(5, 0, 3, 3)]") == numbers[3, :3].tolist()
    assert tab.run("[...normal(6, 0, 3, 3)]") != numbers[3, :3].tolist()


def test_functions_are_those_of_python(tab: Tab) -> None:
    at = np.linspace(-6, 6, 241)
    np.testing.assert_allclose(tab.run(f"{at.tolist()}.map(erfc)"), [math.erfc(x) for x in at], rtol=1e-12)
    np.testing.assert_allclose(tab.run(f"{at.tolist()}.map(gumbel)"), gumbel(torch.from_numpy(at)), rtol=1e-9)
    bits = np.arange(0, 2**16, 7, np.uint16)
    bits = bits[np.isfinite(bits.view(np.float16))]
    assert tab.run(f"{bits.tolist()}.map(ofHalf)") == bits.view(np.float16).tolist()
    halves = np.arange(-5, 6) / 2
    assert tab.run(f"{halves.tolist()}.map(x => rint(x) + 0)") == (np.rint(halves) + 0).tolist()


@pytest.mark.parametrize("name", [*NETWORKS, "copula"])
def test_layers_compute_what_torch_computes(tab: Tab, networks: dict[str, nn.Module], name: str) -> None:
    z = torch.randn(16, int(networks[name].latent), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = networks[name](z).flatten(1).numpy()
    found = tab.run(f"{z.tolist()}.map(z => [...run(generator.layers['{name}'], flat(z), {{}}).values])")
    assert wanted.std() > 0.1
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", GENERATORS)
def test_every_network_has_layers(name: str) -> None:
    network = spec.build(GENERATORS, "--generator", name, (1, 8, 8))
    weights = Weights()
    assert len(graph(network, weights)) > 3
    assert weights.size == sum(part.numel() for part in network.parameters())


def test_a_layer_without_a_function_is_named() -> None:
    class Other(MLPGenerator):
        """Could compute anything."""

    for network, name in ((Other((3,)), "Other"), (MLPGenerator((3,), last=nn.Sigmoid()), "Sigmoid")):
        with pytest.raises(SamplerError, match=f"no layer {name}"):
            graph(network, Weights())


def test_weights_beyond_all_bounds_are_not_drawn_from() -> None:
    network, weights = MLPGenerator((3,)), Weights()
    nn.init.constant_(network.body[0].weight, float("inf"))
    graph(network, weights)
    with pytest.raises(SamplerError, match="not finite"):
        weights.text()


def test_tables_are_decoded_weighted_and_written_as_in_python(tab: Tab, data: DataSet, margins: Margins) -> None:
    codec, random = data.codec, torch.Generator().manual_seed(0)
    assert isinstance(codec, TableCodec)
    x = codec.encode(data.train.sample(300))
    x[:, : codec.layout.numbers] += 0.3 * torch.randn(300, codec.layout.numbers, generator=random)
    tab.run(f"globalThis.made = {x.tolist()}.map(x => Float64Array.from(x)).map(x => [x, DECODE.table(codec, x)]), 0")
    found = json.loads(tab.run("JSON.stringify(made.map(([x, row]) => [...row]))"))
    rows = np.array([[np.nan if value is None else value for value in row] for row in found])
    np.testing.assert_allclose(rows, codec.decode(x), rtol=1e-9, atol=1e-9)
    text = tab.run("csv(texts(made.map(([x, row]) => ({ row, label: null }))))")
    assert text == csv_bytes(codec.schema, rows).decode()
    chances = tab.run("made.map(([x, row]) => chanceOf(codec, x, row))")
    np.testing.assert_allclose(chances, margins.chance(codec.encode(rows)), rtol=1e-3)
