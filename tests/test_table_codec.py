"""Rows of tables between their scales, the heads and generators of rows, conditions on them, and the copula beside."""

import itertools
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyarrow import parquet
from scipy.stats import kstest
from torch import nn

import monge
from monge import cli
from monge.config.schema import Config, TrainingConfig
from monge.data.codec import codec_from_state
from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.data.source import in_memory
from monge.data.table.codec import TableCodec
from monge.data.table.column import ColumnCode, step_of
from monge.data.table.quantile import RARE, NumberCode
from monge.data.table.schema import Column, Schema
from monge.errors import UserError
from monge.model import copula
from monge.model.build import build_generator
from monge.model.inference import critic_outputs, generate
from monge.model.random import Purpose, latent, stream
from monge.model.rows import permitted, permitted_latent, rows_balanced, rows_where
from monge.model.trained_model import Request
from monge.nn.condition import ConditionalGenerator
from monge.nn.copula import CopulaGenerator
from monge.nn.level import HeadedGenerator, LevelHead, gumbel
from monge.nn.margin import CUT, LEAST, Layout, Margins, cut_of
from monge.nn.residual import ResidualGenerator
from monge.training.contest import contest
from replay import Replay

SMALL = {"generator": "residual:latent=4:width=16:depth=1", "critic": "mlp:width=16", "threads": 1, "device": "cpu"}
RULE = {"batch": 32, "precision": "float32"}
SPACE = Layout(2, (3, 2), ((1, 4),))
"""Two numbers, the second only with the last level of the first block."""

Values = NDArray[np.float64]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and a quick end of a training."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monge.model.calibration.ROWS", 500)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def people(n: int = 2000, seed: int = 0) -> Any:
    """A table of known law: a pair of levels that never meet, a derived column, a rare level, and missing values."""
    chance = random(seed)
    rare = np.arange(n) % 200 == 7
    sex, minor = chance.choice(["f", "m"], n), (chance.random(n) < 0.4) & ~rare
    married = np.where(minor, "no", chance.choice(["no", "yes"], n))
    height = np.round(np.where(sex == "m", 180, 165) + chance.normal(0, 7, n), 1)
    income = np.where(minor | (chance.random(n) < 0.1), np.nan, np.round(np.exp(chance.normal(8, 1, n))))
    gain = np.where(chance.random(n) < 0.8, 0.0, np.round(chance.exponential(500, n)))
    town = np.where(rare, "rare", chance.choice(["a", "b", "it's"], n))
    columns = {"sex": sex, "minor": minor, "married": married, "height": height, "gain": gain, "town": town}
    columns |= {"income": pyarrow.array(income, from_pandas=True), "metres": height / 100, "kind": ["human"] * n}
    return pyarrow.table(columns)


PEOPLE = in_memory(people(), name="people")


def codec_of(data: ArrayData) -> TableCodec:
    assert isinstance(data.codec, TableCodec)
    return data.codec


CODEC = codec_of(PEOPLE)
FEWER = in_memory(people(500), name="fewer")
LAW = "town != 'rare' or minor = 'false'"
RAW = PEOPLE.train.all()


# one column of numbers


@st.composite
def stepped(draw: st.DrawFn) -> tuple[Values, float]:
    """Values on a step, with ties, gaps and spikes."""
    step = draw(st.sampled_from([1.0, 0.01, 0.1, 60.0]))
    chance, n = random(draw(st.integers(0, 10**6))), draw(st.integers(1, 300))
    spread = draw(st.sampled_from([1, 10, 1000, 10**6]))
    values = np.rint(chance.normal(0, spread, n))
    values[chance.random(n) < draw(st.sampled_from([0, 0.1, 0.7, 1]))] = draw(st.integers(-20, 20))
    digits = max(0, round(-math.log10(step)))
    return np.round(values * step, digits), step


@settings(max_examples=80, deadline=None)
@given(stepped())
def test_numbers_return_on_their_step_and_within_their_bounds(column: tuple[Values, float]) -> None:
    values, step = column
    code = NumberCode.fit(values, step)
    if not code.plain:
        np.testing.assert_array_equal(code.spikes[code.level(values)], values)
        return
    z = np.append(random().normal(size=500), [-40, 40])
    made = code.value(z)
    assert made.min() >= values.min()
    assert made.max() <= values.max()
    np.testing.assert_array_equal(code.rounded(made), made)
    assert (np.diff(code.z) >= 0).all()
    assert (np.diff(code.value(np.sort(z))) >= 0).all()
    spiked = np.isin(values, code.spikes)
    np.testing.assert_array_equal(code.level(values) < len(code.spikes), spiked & (len(code.spikes) > 0))
    low, high = code.interval(values)
    assert (low <= high).all()
    middle = code.normal(torch.from_numpy(values)).numpy()
    assert ((middle >= low - 1e-6) & (middle <= high + 1e-6)).all()
    again = NumberCode.from_state(json.loads(json.dumps(code.state())))
    np.testing.assert_array_equal(again.value(z), made)


@settings(max_examples=80, deadline=None)
@given(stepped())
def test_values_seen_often_return_exactly_and_rare_ones_nearby(column: tuple[Values, float]) -> None:
    """Where a column has few values; a rare value comes back as one between its neighbours."""
    values, step = column
    code, distinct, counts = NumberCode.fit(values, step), *np.unique(values, return_counts=True)
    if not code.plain or len(distinct) > 200:
        return
    rest = ~np.isin(values, code.spikes)
    again = code.value(np.mean(code.interval(values[rest]), 0))
    often = counts[np.searchsorted(distinct, values[rest])] >= RARE
    np.testing.assert_array_equal(again[often], values[rest][often])


def test_no_rare_value_is_passed_on_by_itself() -> None:
    """Wherever it stands, the interval of z of a value seen less than 3 times gives other values, too."""
    popular = np.repeat(np.arange(10.0, 90, 10), 100)
    for rare in (
        [5.0],
        [95.0],
        [24.0],
        [24.0, 24],
        [24.0, 25, 27, 28],
        [1.0, 24, 25, 99, 100],
        [44.0, 45, 46, 46, 46, 48],
    ):
        values = np.concatenate([popular, np.repeat(np.arange(200.0, 400, 7), 3), rare])
        code, seen = NumberCode.fit(values, 1.0), set(values)
        assert code.plain
        for value in {value for value in rare if rare.count(value) < RARE}:
            low, high = code.interval(np.array([value]))
            width = high[0] - low[0]
            near = code.value(np.linspace(low[0] - 2 * width, high[0] + 2 * width, 41))
            assert value in near
            assert set(near) - {value}
            if len(rare) == 1:
                assert set(near) - seen, rare  # what is between it and the next


def test_tiny_tables_have_no_spikes_of_one_row() -> None:
    code = NumberCode.fit(np.array([3.0, 8, 15, 15, 40, 77]), 1.0)
    assert len(code.spikes) == 0
    assert len(np.unique(code.value(np.linspace(-2, 2, 500)))) > 40


def test_numbers_become_standard_normal() -> None:
    values = random().exponential(3, 4000)
    code = NumberCode.fit(values, 0.0)
    low, high = code.interval(values)
    np.testing.assert_array_equal(low, high)
    assert kstest(low, "norm").statistic < 0.02
    ages = np.clip(np.rint(random(1).normal(40, 12, 4000)), 17, 90)
    code = NumberCode.fit(ages, 1.0)
    low, high = code.interval(ages[~np.isin(ages, code.spikes)])
    assert kstest(low + random(2).random(len(low)) * (high - low), "norm").statistic < 0.02


def test_spikes_are_what_stands_out() -> None:
    hours = np.append(np.rint(random().normal(42, 8, 3000)), np.repeat(40, 1500))
    code = NumberCode.fit(np.append(hours, np.repeat(0, 50)), 1.0)
    assert code.spikes.tolist() == [0, 40]
    assert code.level(np.array([0.0, 40, 41, 39])).tolist() == [0, 1, 2, 2]


def test_a_missing_number_beside_knots_in_single_precision() -> None:
    """Times in seconds, of which single precision holds only some."""
    code = NumberCode.fit(1.6e9 + np.arange(300.0), 1.0)
    x = torch.tensor([1.6e9, 1.6e9 + 150, 1.6e9 + 400, 0], dtype=torch.float32)
    assert torch.isfinite(code.normal(x)).all()


def test_steps_of_columns() -> None:
    steps = [0.0, 0.01, 1.0, 86400.0, 3600.0, 60.0, 1.0, 0.0]
    known = np.array([0.5])
    times = [np.array([0.0, size]) for size in (86400, 3600, 120, 7, 0.5)]
    columns = [Column("a", "number"), Column("a", "number", decimals=2), Column("a", "integer")]
    found = [step_of(column, known) for column in columns]
    assert [*found, *(step_of(Column("a", "datetime"), time) for time in times)] == steps


# a row


def test_what_the_table_became() -> None:
    assert [code.column.kind for code in CODEC.codes][-1] == "constant"
    (derived,) = CODEC.derivations
    assert derived.described(CODEC.schema) in ("metres = 0.01 * height", "height = 100 * metres")
    assert sum(code.shares.sum() for _, code in CODEC.modelled if code.levels) == len(CODEC.layout.blocks)
    assert all(gate >= CODEC.layout.numbers for _, gate in CODEC.layout.gates)


def test_rows_return() -> None:
    decoded = CODEC.decode(CODEC.encode(RAW))
    for index, column in enumerate(CODEC.schema):
        np.testing.assert_array_equal(np.isnan(decoded[:, index]), np.isnan(RAW[:, index]))
        if not column.numeric:
            np.testing.assert_array_equal(decoded[:, index], RAW[:, index])
    gain, height, metres = (CODEC.schema.position(name) for name in ("gain", "height", "metres"))
    np.testing.assert_array_equal(decoded[:, gain] == 0, RAW[:, gain] == 0)
    np.testing.assert_allclose(decoded[:, height], RAW[:, height], atol=1.5)
    np.testing.assert_allclose(decoded[:, metres], decoded[:, height] / 100, rtol=1e-12)


def test_drawn_batches_decode_as_rows_do() -> None:
    """The place in an interval is chance, what it stands for is not."""
    made = [CODEC.decode(CODEC.finish(CODEC.prepare(RAW), torch.Generator().manual_seed(seed))) for seed in (0, 1)]
    levels = [index for index, column in enumerate(CODEC.schema) if not column.numeric]
    np.testing.assert_array_equal(made[0][:, levels], RAW[:, levels])
    np.testing.assert_array_equal(np.isnan(made[0]), np.isnan(made[1]))
    batch = CODEC.finish(CODEC.prepare(RAW), torch.Generator().manual_seed(0))
    blocks = batch[:, CODEC.layout.numbers :].split(CODEC.layout.blocks, 1)
    assert all((block.sum(1) == 1).all() for block in blocks)


def test_state() -> None:
    again = codec_from_state(json.loads(json.dumps(CODEC.state())))
    assert isinstance(again, TableCodec)
    assert again.state() == CODEC.state()
    assert (again.space, again.layout) == (CODEC.space, CODEC.layout)
    assert torch.equal(again.encode(RAW), CODEC.encode(RAW))
    np.testing.assert_array_equal(again.metric(RAW), CODEC.metric(RAW))
    z = torch.randn(50, CODEC.layout.width)
    np.testing.assert_array_equal(again.decode(z), CODEC.decode(z))


def test_metric() -> None:
    """Numbers in standard deviations; a level that differs, and a missing value, count 1."""
    schema = Schema((Column("n", "number"), Column("k", "category", levels=("x", "y", "z"))))
    raw = np.column_stack([random().normal(5, 3, 400), np.arange(400) % 3])
    codec = TableCodec.fit(schema, raw)
    deviation = raw[:, 0].std()
    points = codec.metric(np.array([[5, 0], [5 + deviation, 0], [5, 1], [5, 3], [5, np.nan], [np.nan, 0]]))
    away = np.linalg.norm(points[0] - points, axis=1)
    missing = np.hypot(1, (raw[:, 0].mean() - 5) / deviation)
    np.testing.assert_allclose(away, [0, 1, 1, 1, 1, missing], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(points[3] - points[4]), 1)
    np.testing.assert_allclose(
        codec.raw(points[:, :]), np.array([[5, 0], [5 + deviation, 0], [5, 1], [5, 3], [5, np.nan], [np.nan, 0]])
    )


def test_metric_scale_becomes_model_scale() -> None:
    points = torch.from_numpy(CODEC.metric(RAW)).requires_grad_()
    model = CODEC.from_metric(points)
    close = (model.detach() - CODEC.encode(RAW)).abs()
    assert close[:, CODEC.layout.numbers :].max() < 1e-12
    assert close.max() < 0.08
    np.testing.assert_array_equal(np.isnan(CODEC.raw(points.detach().numpy())), np.isnan(RAW))
    model.sum().backward()
    assert points.grad is not None
    number = CODEC.groups[CODEC.schema.position("height")].start
    modelled = {index for index, _ in CODEC.modelled}
    assert (points.grad[:, number] != 0).any() == (CODEC.schema.position("height") in modelled)
    assert points.grad.isfinite().all()


def test_values_that_no_training_row_has() -> None:
    """Unknown levels are all zeros and disturb no other block; neither do missing values that are new."""
    schema = Schema(
        (
            Column("k", "category", levels=("x", "y", "z")),
            Column("l", "category", levels=("p", "q")),
            Column("n", "integer"),
        )
    )
    raw = np.array(list(itertools.product([0, 1], [0, 1], [0, 0, 0, 5, 6, 7])), np.float64)
    codec = TableCodec.fit(schema, np.tile(raw, (5, 1)))
    odd = np.array([[1, 2, 0], [2, 1, 5], [3, np.nan, np.nan], [1, 1, 0]], np.float64)
    model = codec.encode(odd)
    assert model[:, codec.layout.numbers :].tolist()[0][:4] == [0, 1, 0, 0]
    assert model[:, codec.layout.numbers :].tolist()[1][:4] == [0, 0, 0, 1]
    assert model[2, codec.layout.numbers :].sum() == 0
    again = codec.from_metric(torch.from_numpy(codec.metric(odd))).float()
    torch.testing.assert_close(again[:, codec.layout.numbers :], model[:, codec.layout.numbers :])
    assert critic_outputs(nn.Linear(codec.layout.width, 1), codec, codec.metric(odd)).shape == (4, 1)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (Column("c", "constant", low=7.0, high=7.0), np.full(40, 7.0)),
        (Column("c", "constant", low=-0.5, high=-0.5), np.full(40, -0.5)),
        (Column("c", "constant", levels=("x",)), np.zeros(40)),
        (Column("c", "constant", missing=True), np.full(40, np.nan)),
        (Column("c", "integer", missing=True), np.full(40, np.nan)),
        (Column("c", "category", levels=("x", "y")), np.where(np.arange(40) % 2, 1, np.nan)),
        (Column("c", "date"), np.where(np.arange(40) % 2, 18262.0, np.nan)),
    ],
)  # fmt: skip
def test_columns_of_hardly_anything(column: Column, values: Values) -> None:
    code = ColumnCode.fit(column, values)
    level = code.level(values) if code.levels else np.zeros(40, np.int64)
    np.testing.assert_array_equal(code.value(level, np.zeros(40)), values)
    np.testing.assert_array_equal(code.raw(code.metric(values)), values)


# heads and generators


def test_levels_follow_the_softmax() -> None:
    shares = [0.5, 0.3, 0.2, 0.9, 0.1]
    head, logits, n = LevelHead(SPACE, shares), torch.tensor([0.3, 2.0, 1.0, -1.0, -1.0, 0.0, 2.0]), 40_000
    noise = torch.randn(n, 5, generator=torch.Generator().manual_seed(0))
    rows = head(logits.expand(n, 7), noise)
    weights = [part.softmax(0) for part in (logits[2:] + torch.tensor(shares).log()).split([3, 2])]
    np.testing.assert_allclose(rows[:, 2:].mean(0), torch.cat(weights), atol=0.01)
    np.testing.assert_array_equal(rows[:, 0], np.full(n, np.float32(0.3)))
    np.testing.assert_array_equal(rows[:, 1], 2 * rows[:, 4])  # on with its level only


def test_allowed_levels_and_their_chance() -> None:
    head, n = LevelHead(SPACE, [0.5, 0.3, 0.2, 0.9, 0.1]), 40_000
    x, noise = (
        torch.tensor([0, 0, 1.0, -1, -1, 0, 2]).expand(n, 7),
        torch.randn(n, 5, generator=torch.Generator().manual_seed(0)),
    )
    allowed = torch.tensor([False, True, True, False, True])
    free, held = head(x, noise)[:, 2:], head(x, noise, allowed)[:, 2:]
    assert held[:, ~allowed].sum() == 0
    assert (held.sum(1) == 2).all()
    met = (free * ~allowed).sum(1) == 0
    assert met.double().mean() == pytest.approx(head.chance(x, allowed)[0].item(), abs=0.01)
    np.testing.assert_allclose(held.mean(0), free[met].mean(0), atol=0.03)


def test_gradients_pass_levels() -> None:
    """As the Jacobian of the softmax at the temperature, of logits with noise."""
    head, x = LevelHead(SPACE, [1 / 3] * 3 + [1 / 2] * 2), torch.randn(6, 7, requires_grad=True)
    noise, weight = torch.randn(6, 5), torch.randn(5)
    (head(x, noise)[:, 2:] * weight).sum().backward()
    assert x.grad is not None
    logits = x.detach().clone().requires_grad_()
    score = (head.logits(logits) + gumbel(noise)).split([3, 2], 1)
    (torch.cat([(part / 0.5).softmax(1) * 0.5 for part in score], 1) * weight).sum().mul(2).backward()
    assert logits.grad is not None
    torch.testing.assert_close(x.grad[:, 2:], logits.grad[:, 2:], rtol=1e-4, atol=1e-6)


def test_gumbel_numbers() -> None:
    drawn = gumbel(torch.randn(20_000, generator=torch.Generator().manual_seed(0))).double().numpy()
    assert kstest(drawn, "gumbel_r").statistic < 0.01
    assert np.isfinite(gumbel(torch.tensor([-12.0, 12.0])).numpy()).all()


def test_residual_generators() -> None:
    for shape, bound in (((5,), math.inf), ((1, 4, 4), 1.0)):
        made = ResidualGenerator(shape, latent=3, width=8, depth=2)(100 * torch.randn(64, 3))
        assert made.shape == (64, *shape)
        assert made.abs().max() <= bound
    assert (
        ResidualGenerator((5,), latent=3, width=8, last=nn.Softmax(1))(torch.randn(4, 3)).sum(1).allclose(torch.ones(4))
    )


def generator_of(data: ArrayData, seed: int = 0, **options: Any) -> nn.Module:
    config = Config(generator=SMALL["generator"], critic="mlp", seed=seed, **options)
    shares = torch.tensor([0.5, 0.5]) if config.training.conditional else None
    return build_generator(config, data.space, shares).eval()


def test_generators_of_rows() -> None:
    network = generator_of(PEOPLE)
    assert isinstance(network, HeadedGenerator)
    assert network.latent == 4 + sum(CODEC.layout.blocks)
    z = torch.randn(300, network.latent)
    rows = network(z)
    assert all((block.sum(1) == 1).all() for block in rows[:, CODEC.layout.numbers :].split(CODEC.layout.blocks, 1))
    assert generate(network, CODEC, z).shape == (300, len(CODEC.schema))
    again = network.restricted(z, torch.ones(sum(CODEC.layout.blocks), dtype=torch.bool))
    assert torch.equal(again[0], rows)
    assert again[1].tolist() == pytest.approx([1.0] * 300)


def test_generators_of_rows_with_classes_and_codes() -> None:
    network = generator_of(PEOPLE, training=TrainingConfig(conditional=True))
    assert isinstance(network, ConditionalGenerator)
    z = torch.randn(50, network.latent)
    own = network.labels(z)
    assert torch.equal(network(z), network(z, own))
    assert not torch.equal(network(z, own), network(z, 1 - own))
    shifted = z.clone()
    shifted[:, -1] *= 3  # decides nothing but the class
    assert torch.equal(network(shifted), network(z))
    coded = generator_of(PEOPLE, objective="infogan")
    rows = coded(torch.randn(50, coded.latent))
    assert rows.shape == (50, CODEC.layout.width)
    assert (rows[:, CODEC.layout.numbers :].sum(1) == len(CODEC.layout.blocks)).all()


# the copula


def test_the_copula_has_the_margins_and_the_signs() -> None:
    found, n = copula.fit(PEOPLE), 20_000
    rows = generate(found, CODEC, latent(n, found.latent, stream(0, Purpose.SAMPLE)))
    for index, column in enumerate(CODEC.schema):
        known, theirs = rows[:, index], RAW[:, index]
        assert np.isnan(known).mean() == pytest.approx(np.isnan(theirs).mean(), abs=0.01)
        sides = [some[~np.isnan(some)] for some in (known, theirs)]
        if column.numeric:
            assert kstest(*sides).statistic < 0.02, column.name
        else:
            shares = [np.bincount(some.astype(int), minlength=len(column.levels)) / len(some) for some in sides]
            np.testing.assert_allclose(*shares, atol=0.01)
    sex, height, gain = (CODEC.schema.position(name) for name in ("sex", "height", "gain"))
    for some in (rows, RAW):
        assert some[some[:, sex] == 1, height].mean() > some[some[:, sex] == 0, height].mean() + 5
    assert np.corrcoef(rows[:, height], rows[:, gain])[0, 1] == pytest.approx(0, abs=0.1)


def test_the_copula_joins_numbers_as_they_are_joined() -> None:
    x = random().normal(size=3000)
    frame = pyarrow.table({"x": x, "up": x + random(1).normal(size=3000), "down": -x})
    data = in_memory(frame, rule=None)
    found = copula.fit(data)
    rows = generate(found, data.codec, latent(20_000, found.latent, stream(0, Purpose.SAMPLE)))
    matrix = np.corrcoef(rows.T)
    assert matrix[0, 1] == pytest.approx(math.sqrt(0.5), abs=0.03)
    assert matrix[0, 2] < -0.98


def test_permitted_rows_of_a_copula_have_as_many_missing_values_as_the_data() -> None:
    missing, kind = random().random(4000) < 0.06, random(1).integers(0, 3, 4000)
    columns = {name: pyarrow.array(np.array(["u", "v", "w"])[kind], mask=missing) for name in ("work", "trade")}
    data = in_memory(pyarrow.table({**columns, "x": random(2).normal(size=4000) + kind}), rule=None)
    found = copula.fit(data)
    z = permitted_latent(
        found, partial(generate, found, data.codec), data.codec, 6000, found.latent, stream(0, Purpose.SAMPLE)
    )
    rows = generate(found, data.codec, z)
    gone = np.isnan(rows)
    assert (gone[:, 0] == gone[:, 1]).all()
    assert gone[:, 0].mean() == pytest.approx(0.06, abs=0.015)  # .01 by itself
    assert rows[:, 2].std() == pytest.approx(data.train.all()[:, 2].std(), abs=0.1)


def test_weights_of_a_copula_without_margins_keep_all_rows() -> None:
    found = copula.fit(PEOPLE)
    old = {name: value for name, value in found.state_dict().items() if not name.startswith("margins.")}
    again = CopulaGenerator(found.layout, found.latent)
    again.load_state_dict(old)
    x = CODEC.encode(RAW[:50])
    assert (again.margins.chance(x) == 1).all()
    assert torch.equal(again.root, found.root)


def test_a_cut_takes_its_share_of_the_weight() -> None:
    weight = torch.cat([torch.ones(990), torch.full((10,), 5.0)]).double()
    cut = cut_of(weight)
    assert cut == 5  # of a weight of 1,040 2.08 may be cut off, and at 1 that would be 40
    many = torch.linspace(0, 1, 10_001).double()
    assert (many - cut_of(many)).clamp_min(0).sum() / many.sum() == pytest.approx(CUT, rel=0.02)
    assert cut_of(torch.ones(7)) == 1
    wild = torch.logspace(0, 6, 1000).double()
    assert (wild / cut_of(wild)).clamp_max(1).mean() == pytest.approx(LEAST, abs=0.01)


# rows that are asked for


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A generator with its initial weights, from which every level has some chance."""
    return generator_of(PEOPLE)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("sex = 'm'", lambda sex, height, income: sex == 1),
        ("sex = 'm' and height > 170", lambda sex, height, income: (sex == 1) & (height > 170)),
        ("income is null", lambda sex, height, income: np.isnan(income)),
        ("income > 3000 or height < 160", lambda sex, height, income: (income > 3000) | (height < 160)),
    ],
)
def test_every_row_meets_the_condition(network: nn.Module, text: str, holds: Callable[..., NDArray[np.bool_]]) -> None:
    rows, tried = rows_where(network, CODEC, text, 300, stream(0, Purpose.SAMPLE))
    assert rows.shape == (300, len(CODEC.schema))
    assert tried >= 300
    assert holds(*(rows[:, CODEC.schema.position(name)] for name in ("sex", "height", "income"))).all()
    assert not CODEC.combinations.violated(rows).any()
    again, _ = rows_where(network, CODEC, text, 300, stream(0, Purpose.SAMPLE))
    np.testing.assert_array_equal(rows, again)


def test_weights_give_rows_the_margins_that_are_asked_for() -> None:
    """Two columns that go together exactly, as missing values do, and a number that is on with one of their levels."""
    random = torch.Generator().manual_seed(0)
    level = (torch.rand(20_000, generator=random) < 0.3).long()
    one = torch.nn.functional.one_hot(level, 2).float()
    x = torch.cat([torch.randn(20_000, 1, generator=random) * one[:, 1:], one, one], 1)
    margins = Margins(Layout(1, (2, 2), ((0, 2),)))
    assert (margins.chance(x) == 1).all()  # until they are fitted
    inside = margins.of(x)
    assert inside[:, : margins.ends[1]].sum(1).tolist() == level.tolist()
    shares = inside.mean(0)
    wanted = shares.clone()
    wanted[-4:] = torch.tensor([0.8, 0.2, 0.8, 0.2])
    wanted[: margins.ends[1]] = 0.2 * torch.tensor([0.05] * 5 + [0.15] * 5)
    margins.fit(x, wanted)
    kept = torch.rand(20_000, generator=random) < margins.chance(x)
    assert 0.3 < kept.float().mean() < 1
    torch.testing.assert_close(margins.of(x[kept]).mean(0), wanted, atol=0.012, rtol=0)


def test_a_rare_level_can_be_asked_for(network: nn.Module) -> None:
    rows, tried = rows_where(network, CODEC, "town = 'rare'", 500, stream(0, Purpose.SAMPLE))
    town = CODEC.schema.position("town")
    assert (rows[:, town] == CODEC.schema.kept[town].levels.index("rare")).all()
    assert tried < 500 * 40  # rejection alone takes 200 for each


def test_what_is_asked_for_follows_the_generator(network: nn.Module) -> None:
    """The share of another level given one, by asking for it and by picking rows that have it."""
    everything = generate(network, CODEC, latent(40_000, network.latent, stream(1, Purpose.SAMPLE)))  # type: ignore[arg-type]
    sex, town, n = CODEC.schema.position("sex"), CODEC.schema.position("town"), 4000
    picked = everything[everything[:, town] == 0]
    picked = picked[permitted(network, CODEC, picked, 0)]
    rows, _ = rows_where(network, CODEC, "town = 'a'", n, stream(2, Purpose.SAMPLE))
    assert rows[:, sex].mean() == pytest.approx(picked[:, sex].mean(), abs=0.05)
    height = CODEC.schema.position("height")
    assert kstest(rows[:, height], picked[:, height]).statistic < 0.05


def test_levels_that_are_impossible_beside_those_asked_for_are_not_proposed(network: nn.Module) -> None:
    rows, tried = rows_where(network, CODEC, "minor = 'true'", 20_000, stream(0, Purpose.SAMPLE))
    married, income = CODEC.schema.position("married"), CODEC.schema.position("income")
    assert (rows[:, married] == 0).all()
    assert np.isnan(rows[:, income]).all()
    _, asked = rows_where(
        network, CODEC, "minor = 'true' and married = 'no' and income is null", 20_000, stream(0, Purpose.SAMPLE)
    )
    assert tried < 1.3 * asked  # several times as many if they were


REFUSED = {
    "town = 'nowhere'": "--where.*'nowhere'",
    "sex = 'm' and sex = 'f'": "^--where must allow a level of sex; got conditions that exclude each other$",
    "sex is null": "^--where must allow a level of sex that a training row has; got null$",
    "kind is null": "^--where must allow a level of kind that a training row has; got null$",
    "height > 1000": "^--where 'height > 1000': only 0 of [0-9,]+ generated rows meet it; ask for as many or for less$",
    "minor = 'true' and married = 'yes'": "only 0 of",
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_conditions_that_no_row_meets(
    network: nn.Module, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monge.model.rows.LEAST_TRIES", 10_000)
    with pytest.raises(UserError, match=said) as caught:
        rows_where(network, CODEC, text, 10, stream(0, Purpose.SAMPLE))
    assert "\n" not in str(caught.value)


def test_levels_in_equal_numbers(network: nn.Module) -> None:
    rows, _ = rows_balanced(network, CODEC, "town", 402, stream(0, Purpose.SAMPLE))
    assert np.bincount(rows[:, CODEC.schema.position("town")].astype(int)).tolist() == [101, 101, 100, 100]
    for name in ("height", "nothing"):
        with pytest.raises(UserError, match=rf"^--balance must be a column with levels \(.*sex.*\); got '{name}'$"):
            rows_balanced(network, CODEC, name, 4, stream(0, Purpose.SAMPLE))


# whole runs


def test_impossible_pairs_and_the_rule() -> None:
    data = in_memory(people(), rule=LAW)
    codec = codec_of(data)
    run = monge.train(data, run="r", steps=1, training=RULE, model="gan", **SMALL)
    network, rows = run.model().generator, run.draw(3000, seed=1).x
    free = generate(network, codec, latent(3000, network.latent, stream(1, Purpose.SAMPLE)))  # type: ignore[arg-type]
    assert codec.rule is not None
    assert codec.combinations.violated(free).any()  # so that the following says something
    assert not codec.rule.holds(free).all()
    assert not codec.combinations.violated(rows).any()
    assert codec.rule.holds(rows).all()


def test_classes_that_are_asked_for_keep_the_rule() -> None:
    data = in_memory(people(), rule=LAW, label="sex")
    codec = codec_of(data)
    run = monge.train(data, run="r", steps=1, training=RULE | {"conditional": True}, **SMALL)
    assert "model" not in run.facts()  # no copula can be asked for a class
    assert codec.rule is not None
    for label in "fm":
        rows = run.draw(1000, seed=1, request=Request(label)).x
        assert codec.rule.holds(rows).all()
        assert not codec.combinations.violated(rows).any()
    with pytest.raises(UserError, match=r"^--where cannot be used with --class, --code or a conditional run"):
        run.draw(4, request=Request(where="gain > 0"))


def test_a_run_of_the_copula() -> None:
    parquet.write_table(people(), "people.parquet")
    run = monge.train("people.parquet", run="r", steps=4, training=RULE, model="copula", **SMALL)
    assert (run.facts()["status"], run.facts()["model"]) == ("finished", "copula")
    rows = run.draw(400, seed=1).x
    assert isinstance(run.model().generator, CopulaGenerator)
    assert not CODEC.combinations.violated(rows).any()
    assert cli.run(["sample", "r", "-n", "400", "--seed", "1", "--out", "x.parquet"]) == 0
    assert parquet.read_table("x.parquet").schema.names == people().schema.names
    found = run.draw(50, request=Request(where="sex = 'm'")).x
    assert (found[:, CODEC.schema.position("sex")] == 1).all()
    measured = run.evaluate(thorough=False)
    assert measured.bracket.excess < 0.1
    with pytest.raises(UserError, match=r"^run 'r' keeps a copula, which has no critic$"):
        run.model().judge()
    np.testing.assert_array_equal(monge.resume("r", steps=6).draw(400, seed=1).x, rows)


def test_the_nearer_model_is_kept() -> None:
    kept, validation = PEOPLE.validated()
    found = copula.fit(kept)
    for network, name in ((generator_of(PEOPLE), "copula"), (Replay(CODEC.encode(kept.train.all())), "gan")):
        said = contest(network, found, validation, 0)
        assert said["model"] == name
        assert min(said["validation"], key=said["validation"].get) == name


def test_auto_keeps_the_copula_after_three_steps() -> None:
    run = monge.train(FEWER, run="r", steps=3, training=RULE, **SMALL)
    facts = run.facts()
    assert (facts["config"]["recipe"], facts["config"]["model"], facts["model"]) == ("table", "auto", "copula")
    assert facts["validation"]["copula"] < facts["validation"]["gan"]
    assert isinstance(run.model().generator, CopulaGenerator)


def test_tables_that_cannot_be_trained_on() -> None:
    pictures = split_data(DataInfo("pictures"), random().integers(0, 256, (60, 8, 8, 1)).astype(np.uint8))
    with pytest.raises(UserError, match=r"^--model must be gan for images, as a copula is one of tables; got copula$"):
        monge.train(pictures, run="r", recipe="digits", steps=1, training={"batch": 8}, model="copula", threads=1)
    with pytest.warns(UserWarning, match="all training samples are identical"):
        equal = in_memory(pyarrow.table({"a": [1] * 30, "b": ["x"] * 30}))
    with pytest.raises(
        UserError, match=r"must have a column whose values differ; got rows of 2 columns, all of them equal$"
    ):
        monge.train(equal, run="r", steps=1, training={"batch": 8}, threads=1)
    assert not Path("r").exists()
