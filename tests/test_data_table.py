"""Tables as data sets: their rows and classes, what is refused, and how they go through the commands."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

import monge
from monge import cli
from monge.data.builtin import digits
from monge.data.dataset import ArrayData, DataSet
from monge.data.source import open_data
from monge.data.space import ImageSpace, VectorSpace
from monge.data.summary import summary
from monge.data.table.reader import difference, has_column
from monge.data.writer import encode
from monge.errors import UserError

RANDOM = np.random.default_rng(7)
NUMBERS = np.random.default_rng(8).normal(size=20)
SHARED = Path(__file__).parents[2] / "shared" / "data"
SMALL = ["--steps", "4", "--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]
SMALL += ["--training.batch", "16", "--observe.bracket", "4"]
FLOWERS = np.array(["setosa", "ver, si", "virginica"])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def flowers(path: Path, n: int = 150) -> None:
    """Two numbers and a class in every row; the first number tells the class."""
    lines = [f'{10 * (i % 3) + RANDOM.uniform(0, 1)},{i}.5,"{FLOWERS[i % 3]}"' for i in range(n)]
    path.write_text("\n".join(["length,width,species", *lines, ""]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of labelled rows and a conditional run on them."""
    folder = tmp_path_factory.mktemp("trained")
    flowers(folder / "flowers.csv")
    labelled = ["--data.label", "species", "--training.conditional"]
    assert cli.run(["train", str(folder / "flowers.csv"), "--run", str(folder / "run"), *labelled, *SMALL]) == 0
    return folder


def written(columns: dict[str, Any], name: str = "t.parquet") -> str:
    parquet.write_table(pyarrow.table(columns), name)
    return name


def text(content: str, name: str = "t.csv") -> str:
    Path(name).write_text(content)
    return name


def rows_of(data: DataSet) -> np.ndarray:
    """The samples in the order of the file."""
    assert isinstance(data, ArrayData)
    return np.asarray(data.train.values)


def test_rows_of_both_kinds_of_file() -> None:
    a, b = np.arange(20), np.arange(20) / 8
    text("a,b,ok\n" + "".join(f"{i},{i / 8},{('true', 'False')[i % 2]}\n" for i in range(20)))
    written({"a": a, "b": b, "ok": a % 2 == 0})
    for name in ("t.csv", "t.parquet"):
        data = open_data(name)
        assert (data.info.name, data.space.name, data.train.size, data.held_out.size) == ("t", "table", 16, 4)
        assert data.info.columns == ["a", "b", "ok"]
        assert data.train.labels is None
        np.testing.assert_array_equal(rows_of(data), np.column_stack([a, b, a % 2 == 0]))


def test_types_of_numbers() -> None:
    some = np.arange(10)
    kinds = [pyarrow.int8(), pyarrow.uint64(), pyarrow.float16(), pyarrow.decimal128(5, 2), pyarrow.float32()]
    columns = {str(kind): pyarrow.array(some.astype(np.float16).astype(float)).cast(kind) for kind in kinds}
    columns["coded"] = pyarrow.array(some).dictionary_encode()
    columns["large"] = pyarrow.array(some * 2**40)
    data = open_data(written(columns))
    assert data.train.all().dtype == np.float64
    rows = rows_of(data)
    np.testing.assert_array_equal(rows[:, :-1], np.repeat(some[:, None], 6, axis=1))
    np.testing.assert_array_equal(rows[:, -1], some.astype(float) * 2**40)


@pytest.mark.parametrize("content", ["a;b\n{};2.5\n", "a\tb\n{}\t2.5\n", "\ufeffa,b\n{},2.5\n", "a,b\r\n{}, 2.5\r\n"])
def test_ways_to_write_a_table(content: str) -> None:
    head, row = content.splitlines(keepends=True)
    data = open_data(text(head + "".join(row.format(i) for i in range(9)), "T.CSV"))
    assert data.info.columns == ["a", "b"]
    assert rows_of(data)[:, 0].tolist() == list(range(9))


def test_types_are_not_guessed_from_the_first_rows() -> None:
    data = open_data(text("a\n" + "1\n" * 700_000 + "2.5\n"))
    assert (data.train.size, data.held_out.size) == (690_001, 10_000)
    assert max(data.train.all().max(), data.held_out.sample(10_000).max()) == 2.5


def test_a_table_may_have_one_column_or_numbered_ones() -> None:
    assert open_data(text("a\n1\n2\n3\n4\n")).space.raw_shape == (1,)
    assert open_data(text("0,1,y\n1,5,3\n2,5,2\n3,8,1\n")).info.columns == ["0", "1", "y"]


def test_row_names_of_pandas_are_not_read() -> None:
    columns = {"a.b": RANDOM.normal(size=9), "__index_level_0__": np.arange(9)}
    data = open_data(written(columns))
    assert data.info.columns == ["a.b"]


LABELS = {
    "text": (["b", "a", "b"], ["a", "b"]),
    "numbers": ([10, 2, 10], ["2", "10"]),
    "numbers as text": (["10", "2", "10"], ["2", "10"]),
    "leading zeros": (["007", "7", "7"], ["007", "7"]),
    "truth": ([True, False, True], ["false", "true"]),
    "whole floats": ([1.0, 2.0, 1.0], ["1", "2"]),
    "fractions": ([0.5, 1.0, 0.5], ["0.5", "1"]),
    "category": (pyarrow.array(["b", "a", "b"] * 5).dictionary_encode(), ["a", "b"]),
    "large text": (pyarrow.array(["b", "a", "b"] * 5, pyarrow.large_string()), ["a", "b"]),
}


@pytest.mark.parametrize(("column", "classes"), LABELS.values(), ids=LABELS)
def test_labels(column: Any, classes: list[str]) -> None:
    column = column * 5 if isinstance(column, list) else column
    data = open_data(written({"a": np.arange(15) % 3, "c": column}), label="c")
    assert (data.info.columns, data.info.label_column, data.info.classes) == (["a"], "c", classes)
    assert data.train.labels is not None
    assert data.info.classes is not None
    assert data.held_out.labels is not None
    assert (
        len(np.unique(np.column_stack([data.train.all()[:, 0], data.train.labels]), axis=0)) == 3
    )  # rows keep their classes
    assert len(data.held_out.labels) == 3


def test_classes_are_as_they_are_written() -> None:
    for entries in (["True", "False"], ["007", "012"], ["2020-01-01", "x"], ["1.0", "2"]):
        text("a,c\n" + "".join(f"{i},{entries[i % 2]}\n" for i in range(9)))
        assert open_data("t.csv", label="c").info.classes == sorted(entries)


ROWS = "\n1,2\n3,4\n5,6\n1,0\n"
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "one row": ("a,b\n1,2\n", {}, "at least 3 samples, .*; got 1"),
    "beyond": ("a,b\n1,2\n1e39,3\n", {}, "column 'a' must be within float32; got 1e.39 in data row 2"),
    "label": (
        "kind,b\nx,1\n",
        {"label": "knid"},
        "t.csv: --data.label 'knid' .* did you mean 'kind'. allowed: b, kind",
    ),
    "missing label": (
        "k,b" + "\nx,1\n,2\ny,4" * 3,
        {"label": "k"},
        "3 of 9 rows have no class .*'k', .* row 2; --data",
    ),
    "labels alone": ("k\nx\ny\n", {"label": "k"}, "t.csv must have a column besides 'k'"),
    "one class": ("k,b\nx,1\nx,2\n", {"label": "k"}, "--data.label k must have at least 2 classes; got 1"),
    "too many classes": (
        "k,b\n" + "".join(f"{i // 2},{i}\n" for i in range(2400)),
        {"label": "k"},
        "--data.label k must have at most 1,000 classes, .*; got 1,200 different values in 2,400 rows",
    ),
    "size": ("a,b" + ROWS, {"size": 8}, "--data.size cannot be used with 't.csv'"),
    "layout": ("a,b" + ROWS, {"layout": "nhwc"}, "--data.layout cannot be used with 't.csv'"),
    "kind": ("a,b" + ROWS, {"columns": "b:boolean"}, "t.csv: --data.columns b:boolean: .* one of two; got '6'"),
    "rule": (
        "a,b" + ROWS,
        {"rule": "a < b"},
        "--data.rule must hold in the data; 1 of 3 training rows break it: a",
    ),
    "no rule": ("a,b" + ROWS, {"rule": "a < c"}, "--data.rule.*'c'"),
}


@pytest.mark.parametrize(("content", "how", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(content: str, how: dict[str, Any], said: str) -> None:
    text(content)
    with pytest.raises(UserError, match=said) as caught:
        open_data("t.csv", **how)
    assert "\n" not in str(caught.value)


def test_options_of_tables_need_one() -> None:
    np.save("v.npy", NUMBERS[:, None])
    for option in ("columns", "missing", "rule"):
        with pytest.raises(UserError, match=f"^--data.{option} cannot be used with 'v.npy'$"):
            open_data("v.npy", **{option: "a"})


def test_rows_are_raw() -> None:
    """Levels by their positions, dates as days, what is missing as NaN, and no identifiers."""
    lines = [f"{i:05}x,{'ba'[i % 2]},2020-01-{1 + i % 9:02},{i % 4 or ''}" for i in range(20)]
    data = open_data(text("id,k,day,n\n" + "\n".join(lines) + "\n"))
    assert data.info.columns == ["k", "day", "n"]
    number = np.arange(20)
    expected = [1 - number % 2, 18262 + number % 9, np.where(number % 4, number % 4, np.nan)]
    np.testing.assert_array_equal(rows_of(data), np.column_stack(expected))


def test_how_a_table_is_read_can_be_said() -> None:
    text("a,b\n" + "".join(f"{i % 3},{'x' if i % 5 else 'nil'}\n" for i in range(30)))
    data = open_data("t.csv", columns="a:category", missing="nil", rule="a = '0' or a != '0'")
    a, b = data.codec.space.schema
    assert (a.kind, a.levels, b.levels, b.missing) == ("category", ("0", "1", "2"), ("x",), True)


def test_a_folder_with_a_training_and_a_held_out_table() -> None:
    Path("d").mkdir()
    text("a,k\n" + "1,x\n2,y\n" * 5, "d/train.csv")
    text("k,a\n" + "z,3\nx,4\n" * 2, "d/test.csv")
    data = open_data("d", label="k")
    assert (data.info.name, data.train.size, data.held_out.size, data.info.classes) == ("d", 10, 4, ["x", "y", "z"])
    assert data.held_out.labels is not None
    assert sorted(zip(data.held_out.sample(4)[:, 0], data.held_out.labels, strict=True))[0][0] == 3


def test_refused_files() -> None:
    parquet.write_table(pyarrow.table([[1, 2, 3]] * 2, names=["a", "a"]), "t.parquet")
    with pytest.raises(UserError, match="got 'a' more than once"):
        open_data("t.parquet")
    content = Path(written({"a": [1, 2, 3]})).read_bytes()
    for broken in (b"", b"hello", content[:-9], content[:20] + content[-20:]):
        Path("t.parquet").write_bytes(broken)
        with pytest.raises(UserError, match=r"t.parquet cannot be read as .parquet: ") as caught:
            open_data("t.parquet")
        assert "\n" not in str(caught.value)


def test_rows_without_a_class_are_left_out_and_counted() -> None:
    rows = [f"{i},{i % 2}" for i in range(20)]
    rows[3], rows[5] = "3,", ",1"
    text("a,k\n" + "\n".join(rows) + "\n")
    data = open_data("t.csv", label="k", skip_bad=True)
    assert data.info.left_out == {"without a class": 1}
    expected = np.array([np.nan if i == 5 else i for i in range(20) if i != 3])
    np.testing.assert_array_equal(rows_of(data)[:, 0], expected)
    known = ~np.isnan(data.train.all()[:, 0])
    assert data.train.labels is not None
    np.testing.assert_array_equal(data.train.all()[known, 0] % 2, data.train.labels[known])
    assert "left out: 1 without a class" in summary(data)


def test_labels_of_what_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("a.npz", x=RANDOM.normal(size=(40, 2)), y=np.arange(40) % 2)
    for source in ("a.npz", "digits"):
        with pytest.raises(UserError, match=f"--data.label y needs a table .*; got '{source}'; .* y of"):
            open_data(source, label="y", builtin={"digits": digits})
    with pytest.raises(UserError, match="needs a table"):
        monge.load_data(np.eye(9), label="y")
    assert cli.run(["train", "a.npz", "--data.label", "y", *SMALL]) == 2
    assert capsys.readouterr().err.startswith("monge: --data.label y needs a table")


def test_pyarrow_is_an_extra(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text("a,b" + ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    advice = "tables need the package pyarrow (monge's extra `table`): pip install 'pyarrow>=20'\n"
    for arguments, what in [
        (["train", "t.csv"], "t.csv"),
        (["train", "t.csv", "--data.label", "a"], "t.csv"),
        (["sample", str(trained / "run"), "--out", "x.parquet"], "--out x.parquet"),
    ]:
        assert cli.run(arguments) == 2
        assert capsys.readouterr().err == f"monge: {what}: {advice}"
    assert cli.run(["sample", str(trained / "run"), "--out", "x.csv"]) == 0
    assert open_data("digits", builtin={"digits": digits}).train.size == 1300


def test_a_conditional_run_remembers_its_columns(trained: Path) -> None:
    facts = json.loads((trained / "run" / "run.json").read_text())
    assert facts["config"]["data"]["label"] == "species"
    assert (facts["columns"], facts["label_column"]) == (["length", "width"], "species")
    assert facts["classes"] == list(FLOWERS)
    run = str(trained / "run")
    for suffix in (".csv", ".parquet"):
        for name in "ab":
            assert cli.run(["sample", run, "-n", "40", "--seed", "3", "--out", name + suffix]) == 0
        assert Path(f"a{suffix}").read_bytes() == Path(f"b{suffix}").read_bytes()
        data = open_data(f"a{suffix}", label="species")
        assert data.info.columns == ["length", "width"]
        assert set(data.info.classes or ()) <= set(FLOWERS)
        drawn = monge.open_run(run).sample(40, seed=3)
        np.testing.assert_allclose(rows_of(data), drawn[["length", "width"]], rtol=1e-14)
    assert cli.run(["sample", run, "--class", "ver, si", "-n", "3", "--out", "c.csv"]) == 0
    lines = Path("c.csv").read_text().splitlines()
    assert lines[0] == "length,width,species"
    assert all(line.endswith(',"ver, si"') for line in lines[1:])
    assert cli.run(["sample", run, "-n", "2", "--interpolate", "--out", "path.csv"]) == 0
    assert Path("path.csv").read_text().splitlines()[0] == "length,width"


def test_a_run_goes_on(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flowers(Path("flowers.csv"))
    train = ["train", "flowers.csv", "--run", "r", "--data.label", "species", "--training.conditional", *SMALL]
    assert cli.run(train) == 0
    assert cli.run([*train, "--steps", "6"]) == 0
    assert monge.open_run("r").facts()["step"] == 6
    capsys.readouterr()
    assert cli.run([*train[:4], *SMALL, "--steps", "6"]) == 2
    assert "its columns differ: it also has 'species'" in capsys.readouterr().err
    Path("flowers.csv").write_text(Path("flowers.csv").read_text().replace("length", "depth", 1))
    assert cli.run([*train, "--steps", "6"]) == 2
    assert "its columns differ: it lacks 'length' and also has 'depth'" in capsys.readouterr().err


def test_runs_from_before_there_were_tables() -> None:
    np.save("v.npy", RANDOM.normal(size=(40, 2)))
    train = ["train", "v.npy", "--run", "r", *SMALL]
    assert cli.run(train) == 0
    facts = json.loads(Path("r/run.json").read_text())
    del facts["columns"], facts["label_column"], facts["config"]["data"]["label"], facts["sha256"]
    Path("r/run.json").write_text(json.dumps(facts))
    assert cli.run(["sample", "r", "-n", "3", "--out", "x.csv"]) == 0
    assert Path("x.csv").read_text().splitlines()[0] == "x0,x1"
    assert cli.run([*train, "--steps", "6"]) == 0
    assert monge.open_run("r").evaluate(thorough=False).bracket.n == 8


def test_evaluating(trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monge.evaluation.reference.CERTIFIED", ("linear",))
    run = str(trained / "run")
    assert "class_agreement" in monge.open_run(run).evaluate().metrics
    flowers(Path("other.csv"), 60)
    assert cli.run(["evaluate", run, "--data", "other.csv", "--json"]) == 0
    assert "class_agreement" in json.loads(capsys.readouterr().out)["metrics"]
    text("length,width\n" + "".join(f"{i},{i}\n" for i in range(60)))
    assert cli.run(["evaluate", run, "--data", "t.csv", "--json"]) == 0
    assert "class_shares" not in json.loads(capsys.readouterr().out)["metrics"]
    text("length,height" + ROWS)
    assert cli.run(["evaluate", run, "--data", "t.csv"]) == 2
    said = "--data must have the columns of the run, in order; t lacks 'width' and also has 'height'"
    assert capsys.readouterr().err == f"monge: {said}\n"
    two = "length,width,species\n" + "".join(f"{i},{i},{FLOWERS[1 + i % 2].split(',')[0]}\n" for i in range(60))
    assert cli.run(["evaluate", run, "--data", text(two), "--json"]) == 0
    assert "class_agreement" not in json.loads(capsys.readouterr().out)["metrics"]


@pytest.mark.slow
def test_distance(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real, how = str(trained / "flowers.csv"), ["--families", "linear", "--no-picture"]
    assert cli.run(["sample", str(trained / "run"), "-n", "40", "--out", "x.parquet"]) == 0
    assert cli.run(["distance", real, "x.parquet", "--data.label", "species", *how, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["a"]["shape"] == [2]
    text("length,width\n" + "".join(f"{i},{i}\n" for i in range(60)))
    assert cli.run(["distance", real, "t.csv", "--data.label", "species", *how]) == 0
    assert cli.run(["distance", "t.csv", real, "--data.label", "species", *how]) == 0
    np.save("x.npy", RANDOM.normal(size=(40, 2)))
    text("width,length\n" + "".join(f"{i},{i}\n" for i in range(60)), "swapped.csv")
    capsys.readouterr()
    for other, label, said in [
        ("swapped.csv", "species", "the same columns in one order: of those of t.csv, swapped.csv has them in another"),
        ("swapped.csv", "x", "A t.csv: --data.label 'x' is not known"),
        (real, "", "the same columns in one order: of those of t.csv, "),
        ("x.npy", "", "the same kind of samples: t.csv has rows of 2 columns, x.npy has vectors of 2 numbers"),
    ]:
        option = ["--data.label", label] if label == "x" else []
        assert cli.run(["distance", "t.csv", other, *option, *how]) == 2
        error = capsys.readouterr().err
        assert said.removeprefix("A ") in error
        assert error.count("\n") == 1


def test_differences_between_columns() -> None:
    assert difference(["a", "b"], ["a", "b"]) is None
    assert difference(None, ["a"]) is None
    assert difference(["a", "b"], ["b", "a"]) == "has them in another order"
    assert difference(["a", "b"], ["a"]) == "lacks 'b'"
    assert difference(["a"], ["a", "c", "d"]) == "also has 'c', 'd'"
    assert has_column(text('"a ""b""",c\n1,2\n'), 'a "b"')
    assert not has_column("t.csv", "d")
    assert not has_column("none.csv", "c")


def test_vectors_without_names_and_images_as_tables() -> None:
    x = np.array([[1, 2.5]], np.float32)
    assert encode(VectorSpace(2), x, ".csv") == b"x0,x1\n1,2.5\n"
    assert encode(VectorSpace(2), x, ".csv", np.array([7])) == b"x0,x1,y\n1,2.5,7\n"
    Path("x.parquet").write_bytes(encode(VectorSpace(2), x, ".parquet", np.array(["a"])))
    assert parquet.read_table("x.parquet").to_pylist() == [{"x0": 1, "x1": 2.5, "y": "a"}]
    with pytest.raises(UserError, match=r"--out must end in .png, .tif, .npz or .npy for images; got .parquet"):
        encode(ImageSpace(1, 8, 8), np.zeros((1, 8, 8, 1), np.uint8), ".parquet")


@pytest.mark.parametrize(("name", "columns"), [("california_housing", 9), ("adult", 14)])
def test_real_tables(name: str, columns: int) -> None:
    path = SHARED / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: it is no part of the project")
    label = {"california_housing": "ocean_proximity", "adult": "income"}[name]
    data = open_data(str(path), label=label)
    assert (data.space.raw_shape, len(data.info.classes or ())) == ((columns,), 5 if columns == 9 else 2)
