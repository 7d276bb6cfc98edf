"""Rows that are asked for: on conditions, in equal numbers, completed; by the command, by a run, by scikit-learn."""

import json
import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from pyarrow import parquet
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import monge
from monge import TableGenerator, cli
from monge.data.table import frame
from monge.data.table.frame import csv_bytes
from monge.data.table.incomplete import read_incomplete
from monge.data.table.schema import Column, Schema
from monge.data.table.shop import shop_rows
from monge.errors import UserError

RULE = "delivered is null or delivered > ordered"
NEVER_MISSING = ["ordered", "product", "customer", "payment", "price", "quantity", "total", "returned"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run on a file of 600 orders with a column that identifies them and a rule."""
    folder = tmp_path_factory.mktemp("trained")
    schema, raw = shop_rows(600)
    schema = Schema((schema.columns[0], Column("order id", "identifier"), *schema.columns[1:]))
    (folder / "orders.csv").write_bytes(csv_bytes(schema, raw, identifiers=True))
    settings: dict[str, Any] = {"generator": "residual:width=32:depth=1", "critic": "mlp:width=16", "model": "gan"}
    settings |= {"training": {"batch": 32}, "observe": {"bracket": 20}, "data": {"rule": RULE}}
    monge.train(folder / "orders.csv", run=folder / "run", steps=20, threads=1, device="cpu", **settings)
    return str(folder / "run")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run on points in the plane."""
    folder = tmp_path_factory.mktemp("points") / "run"
    monge.train(np.zeros((9, 2)) + np.arange(9)[:, None], run=folder, steps=1, threads=1, training={"batch": 4})
    return str(folder)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)


def sampled(capsys: pytest.CaptureFixture[str], run: str, *arguments: str) -> tuple[dict[str, Any], pandas.DataFrame]:
    """What `monge sample` prints, and the rows that it writes."""
    capsys.readouterr()
    assert cli.run(["sample", run, "--out", "rows.csv", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out), pandas.read_csv("rows.csv", parse_dates=["ordered", "delivered"])


CONDITIONS: dict[str, Callable[[pandas.DataFrame], Any]] = {
    "payment = 'invoice'": lambda rows: rows.payment == "invoice",
    "product in (desk, mug) and price >= 20": lambda rows: rows["product"].isin(["desk", "mug"]) & (rows.price >= 20),
    "rating is null or rating < 3": lambda rows: rows.rating.isna() | (rows.rating < 3),
    "ordered >= 2023-03-01 and not returned = true": lambda rows: (rows.ordered >= "2023-03-01") & ~rows.returned,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_row_meets_a_condition(condition: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    said, rows = sampled(capsys, run, "-n", "200", "--where", condition)
    assert len(rows) == 200 <= said["tried"]
    assert CONDITIONS[condition](rows).all()
    assert (rows.delivered.isna() | (rows.delivered > rows.ordered)).all()
    np.testing.assert_allclose(rows.total, rows.price * rows.quantity, atol=0.006)


def test_levels_in_equal_numbers(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    said, rows = sampled(capsys, run, "-n", "90", "--balance", "payment")
    assert rows.payment.value_counts().to_dict() == {"card": 30, "invoice": 30, "wallet": 30}
    assert said["tried"] >= 90


def test_a_number_of_rows_and_identifiers(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    said, rows = sampled(capsys, run, "--identifiers")
    assert said["n"] == 1000
    assert list(rows.columns)[:3] == ["ordered", "order id", "product"]
    assert rows["order id"].tolist() == list(range(1, 1001))
    assert "order id" not in sampled(capsys, run, "-n", "5")[1]
    assert cli.run(["sample", run, "--out", "rows.png", "-n", "50"]) == 0
    assert capsys.readouterr().out == "50 samples in rows.png\n"


GAPS = """note,order id,product,price,quantity,returned,total,ordered
first,A7,zither,12.345,,FALSE,,05.03.2022
"a, b",A8,mug,,2,TRUE,,
,A9,,39.99,1,,77.5,31.12.2023
last,A10,mug,8.99,3,TRUE,26.97,01.01.2022
"""


@pytest.mark.slow
def test_known_values_stay_and_others_are_completed(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("gaps.csv").write_text(GAPS)
    said, rows = sampled(capsys, run, "--fill", "gaps.csv")
    head = ["note", "order id", "product", "price", "quantity", "returned", "total", "ordered"]
    assert list(rows.columns) == [*head, "customer", "payment", "delivered", "carrier", "rating"]
    given = pandas.read_csv("gaps.csv", parse_dates=["ordered"], dayfirst=True)
    for name in head:
        known = given[name].notna()
        assert (rows[name][known] == given[name][known]).all(), name
    assert rows[NEVER_MISSING].notna().all().all()
    assert rows.note.isna().tolist() == [False, False, True, False]
    unknown = given.total.isna()
    np.testing.assert_allclose(rows.total[unknown], (rows.price * rows.quantity)[unknown], atol=0.006)
    still = int(rows[["delivered", "carrier", "rating"]].isna().sum().sum())
    assert (said["n"], said["missing"], said["completed"]) == (4, still, 7 + 5 * 4 - still)
    assert sampled(capsys, run, "--fill", "gaps.csv")[1].equals(rows)
    assert not sampled(capsys, run, "--fill", "gaps.csv", "--seed", "1")[1].equals(rows)
    assert cli.run(["sample", run, "--fill", "gaps.csv", "--out", "full.parquet"]) == 0
    typed = parquet.read_table("full.parquet")
    assert typed.schema.field("ordered").type == pyarrow.date32()
    assert typed.schema.field("returned").type == pyarrow.bool_()
    assert typed.column("order id").to_pylist() == ["A7", "A8", "A9", "A10"]


@pytest.mark.filterwarnings("default:.*break the rule")
def test_completed_rows_that_break_the_rule_are_told(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("gaps.csv").write_text("ordered,delivered\n2022-01-01,2022-01-02\n2022-05-01,2022-04-01\n")
    capsys.readouterr()
    assert cli.run(["sample", run, "--fill", "gaps.csv", "--out", "rows.csv"]) == 0
    found = capsys.readouterr()
    assert found.out.startswith("2 rows in rows.csv; ")
    assert found.err == "monge: warning: 1 of 2 completed rows break the rule, the first data row 2\n"


REFUSED = {
    "--fill cannot be used with -n 3; it completes all rows of the table": ["-n", "3", "--fill", "gaps.csv"],
    "--fill cannot be used with --where": ["--fill", "gaps.csv", "--where", "price > 1"],
    "--where cannot be used with --balance": ["--where", "price > 1", "--balance", "payment"],
    "--balance cannot be used with --reject": ["--balance", "payment", "--reject"],
    "--where cannot be used with --interpolate": ["--where", "price > 1", "--interpolate"],
    "--fill needs --out to end in .csv or .parquet; got x.png": ["--fill", "gaps.csv", "--out", "x.png"],
    "--identifiers needs --out to end in .csv or .parquet; got x.npz": ["--identifiers", "--out", "x.npz"],
    "--where: position 1: column 'pice' is not known; did you mean 'price'?": ["--where", "pice > 1"],
    "--balance must be a column with levels (product,": ["--balance", "price"],
    "other.csv must have a column of 'ordered', 'product', 'customer', 'payment', 'price' and 6 more; got 'a', 'b'": [
        "--fill",
        "other.csv",
    ],
    "wrong.csv: column 'price' is number in the run: every value must be a number; got 'dear' in data row 2": [
        "--fill",
        "wrong.csv",
    ],
    "no.csv cannot be read": ["--fill", "no.csv"],
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(said: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("gaps.csv").write_text(GAPS)
    Path("other.csv").write_text("a,b\n1,2\n")
    Path("wrong.csv").write_text("price\n1.5\ndear\n2.5\n")
    capsys.readouterr()
    assert cli.run(["sample", run, "--out", "rows.csv", *REFUSED[said]]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("\n") == 1
    assert said in found.err
    assert not Path("rows.csv").exists()


@pytest.mark.parametrize("option", ["where", "balance", "fill", "identifiers"])
def test_runs_of_other_data_are_refused(option: str, points: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = [] if option == "identifiers" else ["a.csv"]
    capsys.readouterr()
    assert cli.run(["sample", points, "--out", "rows.csv", f"--{option}", *value]) == 2
    said = f"monge: --{option} needs a run trained on a table; {points} generates vectors of 2 numbers\n"
    assert capsys.readouterr().err == said
    with pytest.raises(UserError, match="needs a run trained on a table"):
        monge.open_run(points).fill(pandas.DataFrame({"a": [1]}))


def test_a_run_gives_data_frames(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = monge.open_run(run)
    rows = opened.sample(40, where="customer = guest", seed=3)
    assert (rows.customer == "guest").all()
    assert rows.dtypes[["price", "quantity", "returned"]].tolist() == ["float64", "int64", "bool"]
    assert pandas.api.types.is_datetime64_dtype(rows.ordered)
    assert opened.sample(4, identifiers=True)["order id"].tolist() == [1, 2, 3, 4]
    with pytest.raises(UserError, match="--reject cannot be used with --where or --balance"):
        opened.sample(4, where="price > 1", reject=True)
    given = pandas.DataFrame({"product": ["mug", None], "price": [8.99, np.nan]}, index=["x", "y"])
    filled = opened.fill(given)
    assert list(filled.index) == ["x", "y"]
    assert filled.loc["x", ["product", "price"]].tolist() == ["mug", 8.99]
    assert filled[NEVER_MISSING].notna().all().all()
    monkeypatch.setattr(frame, "find_spec", lambda name: None)
    assert isinstance(opened.sample(2), pyarrow.Table)


def test_kinds_of_incomplete_columns() -> None:
    """Kinds are the other table's, whatever a few values look like; what is constant there need not be here."""
    schema = Schema(
        (
            Column("zip", "category", "string", ("04", "12")),
            Column("day", "date", "date32[day]", form="%d/%m/%Y"),
            Column("land", "constant", "string", ("CH",)),
            Column("one", "constant", "int64", low=1, high=1),
            Column("gone", "constant", "null", missing=True),
        )
    )
    Path("t.csv").write_text("zip,day,land,one,gone\n12,01/02/2020,DE,,5\n?,,CH,2,\n")
    found = read_incomplete("t.csv", schema)
    assert found.schema.kept[2].levels == ("CH", "DE")
    day = (date(2020, 2, 1) - date(1970, 1, 1)).days
    np.testing.assert_array_equal(found.raw[:, :4], [[1, day, 1, np.nan], [np.nan, np.nan, 0, 2]])
    table, raw = found.completed(np.where(np.isnan(found.raw), found.raw[::-1], found.raw))
    lines = csv_bytes(table, raw).decode().splitlines()
    assert lines == ["zip,day,land,one,gone", "12,01/02/2020,DE,2,5", "12,01/02/2020,CH,2,5"]


COLUMNS: dict[str, Any] = {
    "name": [f"secret {i}" for i in range(90)],
    "age": [20 + i % 45 for i in range(90)],
    "score": [None if i % 9 == 0 else i / 4 for i in range(90)],
    "city": ["Bern", "Oslo", "Rom"] * 30,
    "ok": [i % 2 == 0 for i in range(90)],
    "day": [date(2020, 1, 1 + i % 28) for i in range(90)],
}
MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pandas": lambda columns: pandas.DataFrame(columns).astype({"city": "category", "age": "int32"}),
    "polars": lambda columns: polars.DataFrame(columns).cast({"city": polars.Categorical, "age": polars.UInt8}),
    "pyarrow": lambda columns: pyarrow.table(columns, pyarrow.schema([*pyarrow.table(columns).schema])),
}


def types_of(table: Any) -> list[tuple[str, str]]:
    """Names and types of the columns of a data frame."""
    if isinstance(table, pyarrow.Table):
        return [(field.name, str(field.type)) for field in table.schema]
    return list(zip(table.columns, map(str, table.dtypes), strict=True))


@pytest.fixture(scope="module", params=MAKERS)
def fitted(request: pytest.FixtureRequest) -> tuple[TableGenerator, Any]:
    made = MAKERS[request.param](COLUMNS)
    with pytest.warns(UserWarning, match="batch reduced"):
        return TableGenerator(threads=1, model="copula", columns="age:integer", rule="age >= 18").fit(made), made


@pytest.mark.filterwarnings("ignore:batch reduced")
def test_a_generator_of_tables_gives_the_kind_of_frame_that_it_was_given(fitted: tuple[TableGenerator, Any]) -> None:
    model, made = fitted
    rows = model.sample(30, where="city = Oslo", seed=1, identifiers=True)
    assert type(rows) is type(made)
    assert types_of(rows) == types_of(made)
    assert types_of(model.sample(3)) == types_of(made)[1:]
    assert set(rows["city"].to_pylist() if isinstance(rows, pyarrow.Table) else rows["city"]) == {"Oslo"}
    assert model.n_features_in_ == 6
    balanced = model.sample(30, balance="city")["city"]
    assert np.unique(np.asarray(balanced).astype(str), return_counts=True)[1].tolist() == [10, 10, 10]
    carried = pickle.dumps(model)
    assert b"secret" not in carried  # nor any other value that only one row has
    again = pickle.loads(carried)
    assert again.sample(9, seed=4).equals(model.sample(9, seed=4))
    gaps = MAKERS["pandas"](COLUMNS).assign(city=pandas.Categorical(["Rom", *[None] * 89], ["Bern", "Oslo", "Rom"]))
    filled = again.fill(gaps)
    assert types_of(filled) == types_of(gaps)
    assert filled["city"].notna().all()
    assert filled["name"].tolist() == COLUMNS["name"]
    assert filled["city"][0] == "Rom"


@pytest.mark.filterwarnings("ignore:batch reduced")
def test_the_contract_of_scikit_learn(fitted: tuple[TableGenerator, Any]) -> None:
    model, made = fitted
    near, far = made, MAKERS["pandas"](COLUMNS | {"age": [99] * 90, "city": ["Paris"] * 90})
    assert model.score(far.astype({"city": "str"})) < model.score(near) < 0
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        clone(model).sample(3)
    with pytest.raises(UserError, match=r"^X must have the columns seen by fit; it lacks 'city', 'day'$"):
        model.score(pandas.DataFrame(COLUMNS).drop(columns=["city", "day"]))
    with pytest.raises(UserError, match=r"^X must be a data frame of pandas, polars or pyarrow; got ndarray; "):
        clone(model).fit(np.zeros((9, 2)))


def test_the_last_step_of_a_pipeline() -> None:
    steps = make_pipeline(
        FunctionTransformer(lambda frame: frame.drop(columns="name")), TableGenerator(threads=1, model="copula")
    )
    with pytest.warns(UserWarning, match="batch reduced"):
        steps.fit(pandas.DataFrame(COLUMNS))
    assert list(steps[-1].sample(3).columns) == list(COLUMNS)[1:]
    assert steps.score(pandas.DataFrame(COLUMNS)) < 0


@pytest.mark.filterwarnings("ignore:batch reduced")
def test_train_takes_frames_with_kinds_and_a_rule() -> None:
    random = np.random.default_rng(0)
    spent = random.uniform(size=90)
    table = pyarrow.table({"spent": spent, "saved": (1 - spent) * random.uniform(size=90), "grade": np.arange(90) % 4})
    data = {"columns": "grade:category", "rule": "spent + saved <= 1"}
    free, bound = (
        monge.train(table, run=name, model="copula", threads=1, data=how).sample(200)
        for name, how in (("free", {}), ("bound", data))
    )
    assert (free.spent + free.saved > 1).any()
    assert (bound.spent + bound.saved <= 1).all()
    assert set(bound.grade) == {0, 1, 2, 3}
