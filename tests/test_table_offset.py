"""Columns modelled by their difference to another, and columns that keep an order."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import monge
from monge.data.codec import codec_from_state
from monge.data.source import load_data
from monge.data.table import combination, offset
from monge.data.table.codec import TableCodec
from monge.data.table.combination import Combinations
from monge.data.table.schema import Column, Kind, Schema
from monge.errors import UserError
from monge.model import copula, decoding
from monge.nn.copula import CopulaGenerator

Array = NDArray[np.float64]
DAYS = Schema(tuple(Column(name, "date") for name in ("ordered", "shipped", "delivered", "born")))


def deliveries(n: int = 800) -> Array:
    """Orders of two years, shipped within days and delivered within days of it, or not yet; and dates of birth."""
    random = np.random.default_rng(0)
    ordered = 18_000.0 + random.integers(0, 730, n)
    shipped = ordered + random.poisson(2, n)
    delivered = shipped + 1 + random.poisson(3, n)
    shipped[random.random(n) < 0.2] = np.nan
    delivered[np.isnan(shipped) | (random.random(n) < 0.2)] = np.nan
    return np.column_stack([ordered, shipped, delivered, random.integers(-9000, 9000, n)])


def written(codec: TableCodec, z: torch.Tensor) -> Array:
    """Rows of model scale, decoded; they are the same from a state, and in torch."""
    again = codec_from_state(json.loads(json.dumps(codec.state())))
    rows = codec.decode(z)
    np.testing.assert_array_equal(again.decode(z), rows)
    np.testing.assert_allclose(decoding.decoding(codec)(z).numpy(), rows, rtol=1e-12, equal_nan=True)
    return rows


def test_each_date_is_modelled_by_the_difference_that_varies_least() -> None:
    raw = deliveries()
    codec = TableCodec.fit(DAYS, raw)
    assert [one.described(DAYS) for one in codec.offsets] == ["shipped - ordered", "delivered - shipped"]
    rows = codec.decode(codec.encode(raw))
    np.testing.assert_array_equal(np.isnan(rows), np.isnan(raw))
    np.testing.assert_allclose(rows[:, 1] - rows[:, 0], raw[:, 1] - raw[:, 0], atol=1)  # a rare one joins the next
    np.testing.assert_allclose(rows[:, 2] - rows[:, 1], raw[:, 2] - raw[:, 1], atol=1)


def test_whatever_is_generated_keeps_the_bounds_of_differences_and_of_columns() -> None:
    raw = deliveries()
    codec = TableCodec.fit(DAYS, raw)
    rows = written(codec, 3 * torch.randn(4000, codec.layout.width, generator=torch.Generator().manual_seed(0)))
    for one in codec.offsets:
        difference, real = one.difference(rows), one.difference(raw)
        inside = rows[:, one.column] < one.high
        assert np.nanmin(difference) >= np.nanmin(real)
        assert np.nanmax(difference[inside]) <= np.nanmax(real)
    assert (np.nanmin(rows, axis=0) >= np.nanmin(raw, axis=0)).all()
    assert (np.nanmax(rows, axis=0) <= np.nanmax(raw, axis=0)).all()
    assert not codec.combinations.violated(rows[~np.isnan(rows).any(axis=1)]).any()


def test_metric_scale_becomes_model_scale() -> None:
    raw = deliveries()
    codec = TableCodec.fit(DAYS, raw)
    points = torch.from_numpy(codec.metric(raw)).requires_grad_()
    model = codec.from_metric(points)
    torch.testing.assert_close(model.detach().float(), codec.encode(raw), rtol=0, atol=0.05)
    model.sum().backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()


def two(kinds: tuple[Kind, Kind], x: Array, y: Array) -> tuple[Schema, Array]:
    return Schema((Column("x", kinds[0]), Column("y", kinds[1]))), np.column_stack([x, y])


def test_what_is_not_modelled_by_a_difference() -> None:
    random = np.random.default_rng(0)
    x, near = random.normal(0, 100, (2, 500))
    near = x + near / 100
    gap = np.where(np.arange(500) % 50 == 0, np.nan, x)
    cases = {
        "independent": two(("number", "number"), x, random.normal(0, 100, 500)),
        "loosely joined": two(("number", "number"), x, x + random.normal(0, 60, 500)),
        "days and seconds": two(("date", "datetime"), np.rint(x), np.rint(near)),
        "missing where the other is not": two(("number", "number"), gap, near),
        "few rows": two(("number", "number"), x[:40], near[:40]),
    }
    for name, table in cases.items():
        found = offset.find(*table)
        if name == "missing where the other is not":  # but the other way it is
            assert [one.described(table[0]) for one in found] == ["x - y"]
        else:
            assert not found, name
    assert len(offset.find(*two(("number", "number"), x, near))) == 1


def test_dates_in_order_need_not_be_close_and_numbers_need_be() -> None:
    random = np.random.default_rng(0)
    start = random.integers(0, 5000, 900).astype(float)
    end = start + random.integers(0, 3000, 900)
    table = two(("date", "date"), start, end)
    assert [one.described(table[0]) for one in offset.find(*table)] == ["y - x"]
    assert not offset.find(*two(("integer", "integer"), start, end))


@given(
    places=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    spread=st.sampled_from([0.001, 0.05, 0.25]),
    centre=st.sampled_from([0.0, -40.0, 1e6]),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_numbers_keep_their_digits_and_bounds(places: tuple[int, int], spread: float, centre: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = centre + random.normal(0, 50, 300)
    raw = np.column_stack([np.round(x, places[0]), np.round(x + random.normal(0, 50 * spread, 300), places[1])])
    columns = [Column(name, "number", decimals=digits) for name, digits in zip("xy", places, strict=True)]
    codec = TableCodec.fit(Schema(tuple(columns)), raw)
    rows = written(codec, torch.randn(200, codec.layout.width, generator=torch.Generator().manual_seed(seed)))
    for index, digits in enumerate(places):
        np.testing.assert_array_equal(rows[:, index], np.round(rows[:, index], digits))
        assert raw[:, index].min() <= rows[:, index].min() <= rows[:, index].max() <= raw[:, index].max()


def test_a_run_from_before_there_were_differences_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(offset, "find", lambda *_: ())
        monge.train("toy:shop", run=tmp_path / "run", steps=2, threads=1)
    assert len(monge.open_run(tmp_path / "run").sample(5)) == 5
    with pytest.raises(UserError, match="encoded its columns in another way"):
        monge.train("toy:shop", run=tmp_path / "run", steps=4, threads=1)


# --- orders


def test_an_order_is_found_unless_a_row_breaks_it() -> None:
    random = np.random.default_rng(0)
    schema = Schema(tuple(Column(name, "number", decimals=1) for name in ("low", "other", "high")))
    low, other, high = random.normal(0, 1, 2000), random.normal(0, 1, 2000), random.exponential(1, 2000)
    raw = np.column_stack([low, other, low + high])
    raw[:100, 0] = np.nan
    found = combination.find(schema, raw)
    assert [one.described(schema) for one in found.orders] == ["low <= high"]
    assert found.violated(np.array([[2.0, 0, 1], [1, 0, 1], [np.nan, 0, 1], [2, 0, np.nan]])).tolist() == [1, 0, 0, 0]
    assert Combinations.from_json(json.loads(json.dumps(found.as_json()))) == found
    raw[-1, 0] = raw[-1, 2] + 0.1
    assert not combination.find(schema, raw).orders


@pytest.mark.parametrize("rows", [60, 2000])
def test_independent_columns_keep_no_order(rows: int) -> None:
    raw = np.random.default_rng(0).random((rows, 5)) + np.arange(5) * 0.9
    schema = Schema(tuple(Column(f"x{index}", "number") for index in range(5)))
    assert combination.find(schema, raw).orders == ()


def test_too_few_rows_show_no_order() -> None:
    random = np.random.default_rng(0)
    low, high = np.sort(random.random((2, 250)), axis=0)
    schema = Schema((Column("low", "number"), Column("high", "number")))
    assert combination.find(schema, np.column_stack([low, high])).orders == ()
    low, high = np.sort(random.random((2, 1500)), axis=0)
    assert len(combination.find(schema, np.column_stack([low, high])).orders) == 1


def test_the_copula_of_differences_has_their_spikes() -> None:
    """Most deliveries are the day after the order: the copula has as many."""
    random = np.random.default_rng(0)
    ordered = random.integers(18_000, 19_000, 900).astype(float)
    days = np.where(random.random(900) < 0.7, 1.0, random.integers(2, 60, 900))
    frame = {"ordered": ordered, "delivered": ordered + days}
    table = pyarrow.table(
        {name: pyarrow.array(values.astype(np.int32), pyarrow.date32()) for name, values in frame.items()}
    )
    data = load_data(table)
    assert isinstance(data.codec, TableCodec)
    assert len(data.codec.offsets) == 1
    made = data.codec.decode(copula.fit(data, 0)(torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))))
    assert abs(np.mean(made[:, 1] - made[:, 0] == 1) - 0.7) < 0.05
    other = CopulaGenerator(data.codec.layout._replace(blocks=()), 2)
    with pytest.raises(ValueError, match="places up to"):
        other.load_state_dict(copula.fit(data, 0).state_dict())


def test_numbers_in_a_chain_are_modelled_by_their_steps() -> None:
    """So that rows of a generator that knows nothing keep forty orders: hardly any would by chance."""
    raw = np.sort(np.random.default_rng(0).normal(size=(3000, 10)), axis=1)
    codec = TableCodec.fit(Schema(tuple(Column(f"q{index}", "number") for index in range(10))), raw)
    assert len(codec.combinations.orders) > 20
    assert len(codec.offsets) == 9
    rows = written(codec, torch.randn(500, codec.layout.width, generator=torch.Generator().manual_seed(0)))
    assert codec.combinations.violated(rows).mean() < 0.2
