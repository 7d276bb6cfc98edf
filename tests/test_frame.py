"""Data frames of pandas, polars and pyarrow: read as their `.parquet` files are, and taken by the distances."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from pyarrow import parquet

import monge
from monge import distance
from monge.errors import UserError

NUMBERS = np.random.default_rng(8).normal(size=20)
Columns = dict[str, Any]

FRAMES: dict[str, Columns] = {
    "truth values": {"a": NUMBERS, "b": NUMBERS > 0},
    "truth values, some missing": {"a": NUMBERS, "b": [True, None, *[False] * 18]},
    "whole numbers": {"a": NUMBERS, "b": list(range(20))},
    "whole numbers, some missing": {"a": NUMBERS, "b": [None, *range(19)]},
    "fractions, some missing": {"a": NUMBERS, "b": [None, *NUMBERS[1:]]},
    "decimals": {"a": NUMBERS, "b": [Decimal(i) / 4 for i in range(20)]},
    "text": {"a": NUMBERS, "b": ["x", "y"] * 10},
    "text, some missing": {"a": NUMBERS, "b": [None, *["x", "y"] * 9, "x"]},
    "dates": {"a": NUMBERS, "b": [date(2020, 1, 1 + i) for i in range(20)]},
    "times": {"a": NUMBERS, "b": [datetime(2020, 1, 1 + i) for i in range(20)]},
}
MAKERS: dict[str, Callable[[Columns], Any]] = {
    "pyarrow": pyarrow.table,
    "pandas": pandas.DataFrame,
    "pandas, nullable": lambda columns: pandas.DataFrame(columns).convert_dtypes(),
    "polars": polars.DataFrame,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)


def written(columns: Columns) -> str:
    parquet.write_table(pyarrow.table(columns), "t.parquet")
    return "t.parquet"


def outcome(source: Any, **how: Any) -> tuple[Any, ...]:
    """What is read of a table, or the error without the table's name."""
    try:
        data = monge.load_data(source, **how)
    except UserError as error:
        return (re.sub(r"^(data frame|\S+?):? |(?<=type )\S+", "", str(error)),)
    return data.info.columns, data.info.classes, data.info.label_column, data.fingerprint


@pytest.mark.parametrize("how", [{}, {"skip_bad": True}, {"label": "b"}], ids=["plain", "skip_bad", "label"])
@pytest.mark.parametrize("columns", FRAMES.values(), ids=FRAMES)
@pytest.mark.filterwarnings("ignore:.*are skipped")
def test_a_frame_is_read_as_its_file(columns: dict[str, Any], how: dict[str, Any]) -> None:
    expected = outcome(written(columns), **how)
    for name, make in MAKERS.items():
        assert outcome(make(columns), **how) == expected, name


def test_categories_are_the_values_that_they_stand_for() -> None:
    text, whole = ({"a": NUMBERS, "b": values * 10} for values in (["x", "y"], [2, 1]))
    categories = [
        pandas.DataFrame(text).astype({"b": "category"}),
        polars.DataFrame(text).cast({"b": polars.Categorical}),
        polars.DataFrame(text).cast({"b": polars.Enum(["y", "x", "z"])}),
    ]
    for how in ({}, {"label": "b"}):
        expected = outcome(written(text), **how)
        assert [outcome(frame, **how) for frame in categories] == [expected] * 3
        numbered = pandas.DataFrame(whole).astype({"b": "category"})
        assert outcome(numbered, **how) == outcome(written(whole), **(how or {"columns": "b:category"}))


def test_the_index_of_a_frame_is_not_read() -> None:
    for index in (pandas.RangeIndex(5, 25, name="id"), pandas.Index([f"row {i}" for i in range(20)])):
        assert monge.load_data(pandas.DataFrame({"a": NUMBERS}, index=index)).info.columns == ["a"]


def test_unnamed_columns_of_a_frame_are_numbered() -> None:
    points = np.stack([NUMBERS, NUMBERS], axis=1)
    assert monge.load_data(pandas.DataFrame(points)).info.columns == ["0", "1"]
    assert monge.load_data(polars.DataFrame(points)).info.columns == ["column_0", "column_1"]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_distances_take_frames(make: Callable[[Columns], Any]) -> None:
    columns = {"a": NUMBERS, "b": NUMBERS > 0, "c": list(range(20)), "d": [Decimal(i) / 4 for i in range(20)]}
    points = np.stack([np.asarray(values, float) for values in columns.values()], axis=1)
    frame, other = make(columns), make(columns | {"a": NUMBERS + 3})
    shifted = points + np.array([3, 0, 0, 0])
    assert distance.wasserstein(frame, other) == distance.wasserstein(points, shifted)
    found, expected = (
        distance.bracket(*sides, draws=1, families=["linear"]) for sides in ((frame, other), (points, shifted))
    )
    assert found == expected


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_distances_refuse_what_is_no_number(make: Callable[[Columns], Any]) -> None:
    """Dates most of all, which an array of the whole frame can contain as large numbers."""
    for kind in ("times", "dates", "text"):
        with pytest.raises(UserError, match=r"^x\['b'\] must contain real numbers; got an array of type "):
            distance.wasserstein(make(FRAMES[kind]), make(FRAMES[kind]))
    for kind in ("whole numbers, some missing", "fractions, some missing"):
        with pytest.raises(UserError, match=r"^x must be finite; x\[0, 1\] is nan \(1 in all\)"):
            distance.wasserstein(make(FRAMES[kind]), make(FRAMES[kind]))
    empty = make({})
    with pytest.raises(UserError, match=r"^x and y must be non-empty \(n, d\) and \(m, d\)"):
        distance.wasserstein(empty, empty)


def test_what_a_frame_needs() -> None:
    for frame, message in (
        (pyarrow.table([NUMBERS, NUMBERS], ["a", "a"]), ": column names must be unique; got 'a' more than once"),
        (pyarrow.table([NUMBERS, NUMBERS], ["a", ""]), ": column 2 of 2 has no name"),
        (pyarrow.table({"a": NUMBERS[:0]}), " must have at least one row"),
    ):
        with pytest.raises(UserError, match=f"^data frame{message}"):
            monge.load_data(frame)
    for name, value in (("size", 8), ("layout", "nhwc")):
        with pytest.raises(UserError, match=f"^--data.{name} cannot be used with 'a data frame'$"):
            monge.load_data(pyarrow.table({"a": NUMBERS}), **{name: value})
    with pytest.raises(UserError, match=r"^data frame: --data.label 'c' is not known; allowed: a$"):
        monge.load_data(pyarrow.table({"a": NUMBERS}), label="c")


def test_row_names_stored_with_a_frame_are_not_read() -> None:
    """As pandas stores them: the names of the columns that are row names, or a description of their range."""
    table = pyarrow.table({"id": np.arange(20), "a": NUMBERS})
    stored = table.replace_schema_metadata({"pandas": json.dumps({"index_columns": ["id", {"kind": "range"}]})})
    parquet.write_table(stored, "t.parquet")
    for source in (stored, "t.parquet"):
        assert monge.load_data(source).info.columns == ["a"]
    assert monge.load_data(table, columns="id:integer").info.columns == ["id", "a"]


def test_labels_from_a_series() -> None:
    frame, named = pandas.DataFrame({"a": NUMBERS}), ["x", "y"] * 10
    for y in (
        pandas.Series(named),
        pandas.Series(named, dtype="category"),
        pandas.DataFrame({"y": named}),
        polars.Series(named),
        polars.Series(named, dtype=polars.Categorical),
    ):
        assert monge.load_data(frame, y=y).info.classes == ["x", "y"]
    for y in (pandas.Series([None, *range(19)], dtype="Int64"), polars.Series([None, *range(19)])):
        with pytest.raises(UserError, match=r"^y: every label must be a whole number or text; got nan for sample 0"):
            monge.load_data(frame, y=y)


def test_labels_beside_a_frame() -> None:
    frame, y = pyarrow.table({"a": [None, *range(1, 20)]}), np.arange(20) % 2
    data = monge.load_data(frame, y=y)
    known = ~np.isnan(data.train.all()[:, 0])
    assert data.train.labels is not None
    np.testing.assert_array_equal(data.train.all()[known, 0] % 2, data.train.labels[known])
    assert (data.info.columns, data.info.classes, data.info.label_column) == (["a"], ["0", "1"], None)
    with pytest.raises(UserError, match=r"^y: labels must have shape \(20,\), one per sample; got \(3,\)"):
        monge.load_data(frame, y=[0, 1, 0])
    with pytest.raises(
        UserError, match=r"^y cannot be combined with --data.label a: both give the classes; leave one out$"
    ):
        monge.load_data(frame, y=y, label="a")
