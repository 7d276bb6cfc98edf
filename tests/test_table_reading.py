"""Tables as people have them: right types, or one line that says what is wrong; and back to files and frames."""

import gzip
import io
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monge.data.table.frame import csv_bytes, like, parquet_bytes, table_of
from monge.data.table.reading import Table, from_frame, parts_of, read, read_folder
from monge.data.table.schema import Schema
from monge.errors import UserError

N = range(20)
SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)


def rows(line: str, count: int = 20) -> str:
    """Lines with the row's number, and a value that repeats, in them."""
    return "".join(
        line.format(i=i, k="xyz"[i % 3], t="YN"[i % 2], j=i % 7, m=f"{1 + i % 12:02}") + "\n" for i in range(count)
    )


def write(content: str | bytes, name: str = "t.csv") -> str:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def kinds(table: Table) -> str:
    """The kinds of the columns, in a word each."""
    return " ".join(column.kind for column in table.schema.columns)


# content, name of the file, kinds, first values of a row, what the notes say
WORLD: dict[str, tuple[str | bytes, str, str, list[Any], str]] = {
    "decimal comma": ("a;b\n" + rows("1,{i};{j}"), "t.csv", "number integer", [1.0, 0], "decimal comma, such as '1,0'"),
    "thousands": ("a,b\n" + rows('"1,{i:03}",{j}'), "t.csv", "integer integer", [1000, 0], "',' between thousands"),
    "sep line": ("sep=;\na;b\n" + rows("{j};{j}.5"), "t.csv", "integer number", [0, 0.5], ""),
    "trailing comma": ("a,b,\n" + rows("{j},{j},"), "t.csv", "integer integer", [0, 0], ""),
    "trailing comma in rows": ("a,b\n" + rows("{j},{j},"), "t.csv", "integer integer", [0, 0], ""),
    "units": ("a,b\n[m],[s]\n" + rows("{j},{j}"), "t.csv", "integer integer", [0, 0], r"units (\[m\], \[s\]) and is"),
    "bare units": (
        "a,b,c\nm,,km/h\n" + rows("{j},{k},{j}.5"),
        "t.csv",
        "integer category number",
        [0, 0, 0.5],
        "units (m, km/h)",
    ),
    "question": (
        "a,b\n?,1\n" + rows("{j},{j}"),
        "t.csv",
        "integer integer",
        [np.nan, 1],
        r"'\?' in 'a' is read as missing (1 time)",
    ),
    "spaces": ("a, k\n" + rows("{j}, {k}  "), "t.csv", "integer category", [0, 0], ""),
    "tsv": ("a\tb\n" + rows("{j}\t{j}"), "t.tsv", "integer integer", [0, 0], ""),
    "txt": ("a|b\n" + rows("{j}|{k}"), "t.TXT", "integer category", [0, 0], ""),
    "gzip": (gzip.compress(("a,b\n" + rows("{j},{k}")).encode()), "t.csv.gz", "integer category", [0, 0], ""),
    "byte order mark": ("\ufeffa,b\n" + rows("{j},{k}"), "t.csv", "integer category", [0, 0], ""),
    "UTF-16": (("a,é\n" + rows("{j},ü{k}")).encode("utf-16"), "t.csv", "integer category", [0, 0], ""),
    "Windows-1252": (
        ("a,é\n" + rows("{j},€{k}")).encode("cp1252"),
        "t.csv",
        "integer category",
        [0, 0],
        "read as Windows-1252",
    ),
    "Latin-1": (
        ("a,é\n" + rows("{j},\x81{k}")).encode("latin-1"),
        "t.csv",
        "integer category",
        [0, 0],
        "read as Latin-1",
    ),
    "line ends": ("a,b\r\n" + rows("{j},{k}").replace("\n", "\r\n"), "t.csv", "integer category", [0, 0], ""),
    "blank lines": ("\n\na,b\n\n" + rows("{j},{k}\n"), "t.csv", "integer category", [0, 0], ""),
    "quotes": ('"a","b c"\n' + rows('"{j}","x, {k}\n"'), "t.csv", "integer category", [0, 0], ""),
    "semicolons in text": ("a,b\n" + rows("{j},x;{k}"), "t.csv", "integer category", [0, 0], ""),
    "points between thousands": (
        "a;b\n" + rows("1.{i:03},5;{j}"),
        "t.csv",
        "number integer",
        [1000.5, 0],
        "decimal comma and '.' between",
    ),
    "spaces between thousands": (
        "a;b\n" + rows("1 {i:03},5;{j}"),
        "t.csv",
        "number integer",
        [1000.5, 0],
        "' ' between thousands",
    ),
    "hard spaces": (
        "a;b\n" + rows("1\u202f{i:03};{j}"),
        "t.csv",
        "integer integer",
        [1000, 0],
        "' ' between thousands",
    ),
    "Swiss": ("a;b\n" + rows("1'{i:03}.50;{j}"), "t.csv", "number integer", [1000.5, 0], "between thousands"),
    "which comma": (
        "a;b\n" + rows("1,{i:03};{j}"),
        "t.csv",
        "number integer",
        [1.0, 0],
        "'1,000', which might be thousands",
    ),
    "money": ("a,b\n" + rows("${i}.50,{j}"), "t.csv", "number integer", [0.5, 0], r"a sign '\$'"),
    "per cent": ("a,b\n" + rows("{i} %,{j}"), "t.csv", "integer integer", [0, 0], "a sign '%'"),
    "brackets": (
        "a,b\n" + rows("({i}.50),{j}") + "7.25,1\n",
        "t.csv",
        "number integer",
        [-0.5, 0],
        "brackets for a minus, such as '(0.50)'",
    ),
    "brackets and dollars": (
        "a\n5\n".replace("5", "$5") + rows("($1{i})"),
        "t.csv",
        "integer",
        [5],
        r"a sign '\$' and br",
    ),
    "numbers in brackets": ("a,b\n" + rows("({j}),{j}"), "t.csv", "category integer", [0, 0], ""),
    "unit": ("a,b\n" + rows("{i}.5 kg,{j}m"), "t.csv", "number integer", [0.5, 0], "the unit 'kg'.*the unit 'm'"),
    "euros": ("a\n" + rows("{i} EUR"), "t.csv", "integer", [0], "the unit 'EUR', such as '0 EUR'"),
    "flats": ("a,b\n" + rows("{j}B,{j}"), "t.csv", "category integer", [0, 0], ""),
    "below the limit": (
        "a,b\n" + rows("<0.1,{j}", 4) + rows("0.{i:02},{j}"),
        "t.csv",
        "number integer",
        [np.nan, 0],
        "'<0.1' in data row 1 is no number and is read as missing (4 such values); --data.columns a:category",
    ),
    "a title": (
        "Sales of 2023\n\nregion,sales\n" + rows("{k},{j}"),
        "t.csv",
        "category integer",
        [0, 0],
        "what is above the names of the columns is skipped, such as 'Sales of 2023'",
    ),
    "a title of a sheet": (
        "Sales;;\nat;n;k\n" + rows("{m};{j};{k}"),
        "t.csv",
        "category integer category",
        [0, 0, 0],
        "such as 'Sales'",
    ),
    "comments": ("# by me\n#\na\tb\n" + rows("{k}\t{t}"), "t.tsv", "category boolean", [0, 1], "such as '# by me'"),
    "no comment": ("#a,b\n" + rows("{j},{k}"), "t.csv", "integer category", [0, 0], ""),
    "names of persons": ("name\n" + rows("{k}y, {t}n"), "t.csv", "category", [1], ""),
    "signs": ("a,b\n+3,1\n" + rows("-{j},1e{j}"), "t.csv", "integer integer", [3, 1], ""),
    "fractions": ("a,b\n" + rows(".{i},{j}."), "t.csv", "number integer", [0, 0], ""),
    "whole fractions": ("a\n" + rows("{j}.0"), "t.csv", "integer", [0], ""),
    "words for nothing": (
        "a,b\n-,NULL\n" + rows("{j},{k}") + "N/A,None\nnan, na \n,\n",
        "t.csv",
        "integer category",
        [np.nan, np.nan],
        "'NULL' in 'b' .*'-' in 'a'|'-' in 'a' .*'NULL' in 'b'",
    ),
    "an odd word": (
        "a\n" + rows("{i}.5") + "unknown\n",
        "t.csv",
        "number",
        [0.5],
        "'unknown' in data row 21 is no number and is read as missing",
    ),
    "infinity": ("a\n" + rows("{i}.5") + "-inf\n", "t.csv", "number", [0.5], "'inf' in 'a' is read as missing"),
    "codes": ("zip,n\n" + rows("0012{j},{j}"), "t.csv", "category integer", [0, 0], ""),
    "codes after numbers": (
        "zip,n\n" + rows("8012{j},{j}") * 3 + rows("0012{j},1"),
        "t.csv",
        "category integer",
        [7, 0],
        "",
    ),
    "truth": ("a,b,c\n" + "True,yes,t\nFalse,no,f\n" * 9, "t.csv", "boolean boolean boolean", [1, 1, 1], ""),
    "yes or no": ("a,b\n" + rows("{t},{j}"), "t.csv", "boolean integer", [1, 0], ""),
    "zero or one": ("a\n" + "0\n1\n" * 9, "t.csv", "integer", [0], ""),
    "constant": ("a,b,c\n" + rows("x,5,{j}"), "t.csv", "constant constant integer", [0, 5, 0], ""),
    "nothing but missing": ("a,b\n" + rows(",{j}"), "t.csv", "constant integer", [np.nan, 0], ""),
    "one level or missing": ("a,b\n" + rows("x,{j}") + ",1\n", "t.csv", "category integer", [0, 0], ""),
    "dates": ("a,b\n" + rows("2020-{m}-28,{j}"), "t.csv", "date integer", [18289, 0], ""),
    "day first": ("a\n" + rows("28/{m}/2020"), "t.csv", "date", [18289], ""),
    "month first": ("a\n" + rows("{m}/28/2020"), "t.csv", "date", [18289], ""),
    "which is first": (
        "d,b\n" + rows("02/{m}/2020,{j}"),
        "t.csv",
        "date integer",
        [18293, 0],
        "'d': '02/01/2020' in data row 1 is read with the month first; --data.columns d:day-first",
    ),
    "German dates": ("a\n" + rows("1.{m}.2020"), "t.csv", "date", [18262], ""),
    "days as numbers": ("a,b\n" + rows("2020{m}28,{j}"), "t.csv", "date integer", [18289, 0], ""),
    "no days": ("a,b\n" + rows("2020{m}28,{j}") + "20200230,1\n", "t.csv", "integer integer", [20200128, 0], ""),
    "late decimal comma": ("a;b\n" + rows("{i};{j}", 99) * 999 + "1,5;1\n", "t.csv", "number integer", [0, 0], "'1,5'"),
    "mostly numbers": (
        "a,b\n" + rows("{j},{j}") + "x,1\n",
        "t.csv",
        "category integer",
        [0, 0],
        "'a' is read as category, as 'x' in data row 21 is no number",
    ),
    "short years": ("a\n" + rows("28/{m}/99"), "t.csv", "date", [10619], ""),
    "named months": (
        "a,b\n" + "28 Jan 2020,January 28, 2020\n".replace("y 28, ", "y 28 ") * 9 + "1 Feb 2020,x\n",
        "t.csv",
        "date category",
        [18289, 0],
        "",
    ),
    "times": ("a\n" + rows("2020-{m}-28 00:00:{i:02}"), "t.csv", "datetime", [18289 * 86400.0], ""),
    "times with a zone": (
        "a\n" + rows("2020-{m}-28T02:00:00.5+02:00"),
        "t.csv",
        "datetime",
        [18289 * 86400.5 - 18288 * 0.5],
        "",
    ),
    "afternoons": ("a\n" + rows("{m}/28/2020 1:{i:02} PM"), "t.csv", "datetime", [18289 * 86400.0 + 46800], ""),
    "times of the day": ("a,b\n" + rows("{j:02}:{i:02},{j}"), "t.csv", "datetime integer", [0, 0], ""),
    "times of halves of the day": ("a\n" + rows("1:{i:02}:30 PM"), "t.csv", "datetime", [46830], ""),
    "no times": ("a,b\n" + rows("2{j}:00,{j}"), "t.csv", "category integer", [0, 0], ""),
    "no dates": (
        "a,b\n" + "2020-02-30,1.2.3.4\n" * 5 + "2020-02-01,1.2.3.5\n" * 5,
        "t.csv",
        "category category",
        [1, 0],
        "",
    ),
    "numbered rows": (
        ",b\n" + rows("{i},{j}"),
        "t.csv",
        "identifier integer",
        [0],
        "'' numbers the rows and is left out",
    ),
    "an id": (
        "id,userId,b\n" + rows("{i},9{i},{j}"),
        "t.csv",
        "identifier identifier integer",
        [0],
        "'userId' has a different number in every row",
    ),
    "counting": (
        "a,b\n" + rows("{i},{j}"),
        "t.csv",
        "integer integer",
        [0, 0],
        "'a' counts the rows and is read as integer; --data.columns a:identifier",
    ),
    "names": (
        "a,b\n" + rows("name {i},{j}"),
        "t.csv",
        "identifier integer",
        [0],
        "'a' has a different text in every row and is left out",
    ),
    "free text": (
        "a,b\nsame,1\nsame,1\n" + rows("text {i},{j}", 40),
        "t.csv",
        "identifier integer",
        [1],
        "'a' has 41 different texts in 42 rows and is left out; --data.columns a:category",
    ),
    "names that are numbers": ("0,1\n" + rows("{j},{k}"), "t.csv", "integer category", [0, 0], ""),
    "one column": ("a\n" + rows("{j},5"), "t.csv", "number", [0.5], "decimal comma"),
}


@pytest.mark.parametrize(("content", "name", "expected", "first", "said"), WORLD.values(), ids=WORLD)
def test_tables_of_the_world(content: str | bytes, name: str, expected: str, first: list[Any], said: str) -> None:
    table = read(write(content, name))
    assert kinds(table) == expected
    np.testing.assert_array_equal(table.raw[0], first)
    notes = " ".join(table.notes).replace("(", "").replace(")", "")
    if said:
        assert re.search(said.replace("(", "").replace(")", ""), notes), notes
    assert not any("\n" in note for note in table.notes)


REFUSED: dict[str, tuple[str | bytes, str, dict[str, str], str]] = {
    "nothing": ("", "t.csv", {}, r"t.csv cannot be read as .csv: Empty CSV file"),
    "no rows": ("a,b\n", "t.csv", {}, "t.csv must have at least one row; got none"),
    "no header": (
        "0.5,2\n" + rows("{j},{j}"),
        "t.csv",
        {},
        "first line must name the columns; got numbers such as 0.5",
    ),
    "no name": ("a,,b\n" + rows("1,{j},2"), "t.csv", {}, "column 2 of 3 has no name; name it, or drop it"),
    "no name in front": (",b\n" + rows("{j},{j}"), "t.csv", {}, "column 1 of 2 has no name"),
    "no name at the end": ("a,\n" + rows("{j},{j}"), "t.csv", {}, "column 2 of 2 has no name"),
    "twice": ("a, a\n" + rows("{j},{j}"), "t.csv", {}, "names must be unique; got 'a' more than once"),
    "ragged": (
        "a,b\n" + rows("{j},{j}") + "1,2,3\n",
        "t.csv",
        {},
        "every row must have 2 values, .*; got 3 in '1,2,3'",
    ),
    "spaces": ("a b\n" + rows("{j}  {j}"), "t.txt", {}, "divided by commas, semicolons, tabs or |; got spaces"),
    "zero bytes": (b"a,b\n\0\1,2\n", "t.csv", {}, "cannot be read as .csv: it is not text, as it has zero bytes"),
    "a page": (
        "<!DOCTYPE html>\n<p>Not found, sorry\n",
        "t.csv",
        {},
        "t.csv cannot be read as .csv: it is HTML or XML",
    ),
    "no gzip": ("a,b\n1,2\n", "t.csv.gz", {}, "t.csv.gz cannot be read as .csv.gz: "),
    "cut gzip": (
        gzip.compress(("a,b\n" + rows("{i},{k}", 9999)).encode())[:-99],
        "t.csv.gz",
        {},
        "cannot be read as .csv.gz",
    ),
    "no Parquet": ("hello", "t.parquet", {}, "t.parquet cannot be read as .parquet"),
    "too large": ("a\n1\n1e39\n", "t.csv", {}, "t.csv: column 'a' must be within float32; got 1e[+]39 in data row 2"),
    "only names": (
        "a,b\n" + rows("x{i},y{i}"),
        "t.csv",
        {},
        "must have a column that is not left out: .*'a' has a diff",
    ),
    "unknown column": (
        "age,b\n1,2\n",
        "t.csv",
        {"columns": "aeg:integer"},
        "column 'aeg' is not known; did you mean 'age'",
    ),
    "unknown kind": (
        "age,b\n1,2\n",
        "t.csv",
        {"columns": "age:int"},
        "age: kind 'int' is not known; did you mean 'integer'",
    ),
    "no kind": ("age,b\n1,2\n", "t.csv", {"columns": "age"}, "must be NAME:KIND,NAME:KIND,...; got 'age'"),
    "no integer": (
        "a\n1\n2.5\n",
        "t.csv",
        {"columns": "a:integer"},
        "a:integer: every value must be a whole number; got '2.5' in data row 2",
    ),
    "no number": (
        "a\n1\n2\nx\n",
        "t.csv",
        {"columns": "a:number"},
        "a:number: every value must be a number; got 'x' in data row 3",
    ),
    "no date": (
        "a\n2020-01-01\nx\n",
        "t.csv",
        {"columns": "a:date"},
        "a:date: every value must be a date; got 'x' in data row 2",
    ),
    "no day": (
        "a\n2020-01-01T00:01\n2020-01-01T00:00\n",
        "t.csv",
        {"columns": "a:date"},
        "must be a day; got '2020-01-01T00:01' in data row 1",
    ),
    "month first": (
        "a\n13/01/2020\n",
        "t.csv",
        {"columns": "a:month-first"},
        "must be a date; got '13/01/2020' in data row 1",
    ),
    "no truth": ("a\nx\ny\nz\n", "t.csv", {"columns": "a:boolean"}, "must be one of two; got 'z' in data row 3"),
    "no constant": ("a\n1\n1\n2\n", "t.csv", {"columns": "a:constant"}, "must be '1'; got '2' in data row 3"),
}


@pytest.mark.parametrize(("content", "name", "how", "said"), REFUSED.values(), ids=REFUSED)
def test_refused_tables(content: str | bytes, name: str, how: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        read(write(content, name), **how)
    assert "\n" not in str(caught.value)


def test_kinds_can_be_chosen() -> None:
    write("zip,n,on,d,no:te,id\n" + rows("{j},{j},{j},0{j}/01/2020,free {i},{i}").replace("00/", "08/"))
    how = "zip:category,n:number,on:constant,d:day-first,no:te:category,id:integer"
    with pytest.raises(UserError, match="on:constant"):
        read("t.csv", how)
    table = read("t.csv", how.replace("on:constant", "on:identifier"))
    assert kinds(table) == "category number identifier date category integer"
    assert table.schema.columns[0].levels == tuple("0123456")
    assert (table.raw[1, 2], table.schema.columns[3].form) == (18262.0, "%d/%m/%Y")


def test_words_for_missing_values_can_be_chosen() -> None:
    write("a,b\nNone,1\nleft,x\n" + "some,1\n" * 9)
    table = read("t.csv", missing="x, left")
    assert (table.schema.columns[0].levels, kinds(table)) == (("None", "some"), "category integer")
    np.testing.assert_array_equal(np.isnan(table.raw[:3]), [[False, False], [True, True], [False, False]])


def test_held_out_rows_are_marked_by_a_column() -> None:
    for words in (("Train", "test"), ("training", "held-out"), ("train", "validation")):
        table = read(write("a,Split\n" + f"1,{words[0]}\n2,{words[1]}\n3,{words[0]}\n"))
        assert table.schema.names == ["a"]
        assert table.held_out is not None
        assert table.held_out.tolist() == [False, True, False]
        assert any("says which rows are held out (1 of 3)" in note for note in table.notes)
    for words in (("train", "left"), ("train", ""), ("train", "train")):
        assert read(write("a,split\n" + f"1,{words[0]}\n2,{words[1]}\n3,{words[0]}\n")).held_out is None
    assert read("t.csv", "split:category").held_out is None


def test_held_out_rows_are_in_a_file_of_their_own() -> None:
    write("a,b\n1,x\n2.5,y\n", "Train.csv")
    write("b;a;c\ny;3;1\nz;4;1\n", "test.txt")
    assert parts_of(Path()) == (Path("Train.csv"), Path("test.txt"))
    table = read_folder(".")
    assert table.schema.columns[1].levels == ("x", "y", "z")
    np.testing.assert_array_equal(table.raw, [[1, 0], [2.5, 1], [3, 1], [4, 2]])
    assert table.held_out is not None
    assert table.held_out.tolist() == [False, False, True, True]
    write("b\ny\n", "test.txt")
    table = read_folder(".")
    assert (len(table.raw), table.held_out, table.notes[0]) == (2, None, "test.txt lacks 'a' and is not read")
    write("b\ny\n", "test.csv")
    with pytest.raises(UserError, match="must have a table train and a table test"):
        read_folder(".")


STAMPS = [datetime(2020, 1, 1 + i, i, 30, 0, 250_000) for i in N]
TYPED: dict[str, tuple[Any, str]] = {
    "int8": (pyarrow.array([i % 5 for i in N], "int8"), "integer"),
    "uint64": (pyarrow.array([i % 5 for i in N], "uint64"), "integer"),
    "nullable": (pyarrow.array([None, *[i % 5 for i in N[1:]]], "int64"), "integer"),
    "float": (pyarrow.array([i / 10 for i in N], "float32"), "number"),
    "half": (pyarrow.array(np.arange(20, dtype=np.float16) / 2), "number"),
    "double": (pyarrow.array(np.linspace(0, np.pi, 20)), "number"),
    "decimal": (pyarrow.array([Decimal(i) / 4 for i in N], pyarrow.decimal128(9, 2)), "number"),
    "truth": (pyarrow.array([i % 3 == 0 for i in N[1:]] + [None]), "boolean"),
    "text": (pyarrow.array([None, *["xyz"[i % 3] for i in N[1:]]]), "category"),
    "large text": (pyarrow.array(["xyz"[i % 3] for i in N], "large_string"), "category"),
    "view": (pyarrow.array(["xyz"[i % 3] for i in N], "string_view"), "category"),
    "dictionary": (pyarrow.array(["xyz"[i % 3] for i in N]).dictionary_encode(), "category"),
    "dictionary of numbers": (pyarrow.array([i % 3 for i in N], "int16").dictionary_encode(), "category"),
    "date32": (pyarrow.array([date(2020, 1, 1 + i) for i in N]), "date"),
    "date64": (pyarrow.array([date(2020, 1, 1 + i) for i in N], "date64"), "date"),
    "days": (pyarrow.array([datetime(2020, 1, 1 + i) for i in N], pyarrow.timestamp("ns")), "date"),
    "stamps": (pyarrow.array(STAMPS, pyarrow.timestamp("us")), "datetime"),
    "zoned": (pyarrow.array(STAMPS, pyarrow.timestamp("ms", "UTC")), "datetime"),
    "time": (pyarrow.array([time(i, 30) for i in N], "time64[us]"), "datetime"),
    "fractions of seconds": (pyarrow.array([time(i, 30, 1, 250_000) for i in N], "time64[us]"), "datetime"),
    "seconds of the day": (pyarrow.array([None, *[time(i % 5, 30) for i in N[1:]]], "time32[ms]"), "datetime"),
    "duration": (pyarrow.array([timedelta(seconds=i % 7) for i in N], "duration[us]"), "integer"),
    "text of dates": (pyarrow.array([f"{1 + i}/1/2020" for i in N]), "date"),
    "text of numbers": (pyarrow.array([f"{i % 7},5" for i in N]), "number"),
    "text of truth": (pyarrow.array([("true", "false")[i % 2] for i in N]), "boolean"),
    "null": (pyarrow.nulls(20), "constant"),
    "one number": (pyarrow.array([7] * 20, "int32"), "constant"),
    "one text": (pyarrow.array(["x"] * 20), "constant"),
    "one day": (pyarrow.array([date(2020, 1, 1)] * 20), "date"),
}


@pytest.mark.parametrize(("values", "kind"), TYPED.values(), ids=TYPED)
def test_types_of_columns_return(values: Any, kind: str) -> None:
    """A table, its rows, and the table of them: the same kinds, types and values."""
    source = pyarrow.table({"a": values})
    table = from_frame(source)
    assert kinds(table) == kind
    back = table_of(table.schema, table.raw)
    assert back.schema.types == source.schema.types
    if kind == "number" and pyarrow.types.is_string(values.type):
        assert back.column("a").to_pylist() == [text.replace(",", ".") for text in source.column("a").to_pylist()]
    else:
        assert back.column("a").to_pylist() == source.column("a").to_pylist()
    again = read(write(parquet_bytes(table.schema, table.raw), "t.parquet"))
    if values.type not in ("date64", pyarrow.dictionary("int32", "int16")):  # of which that format keeps no word
        assert again.schema == table.schema
        assert parquet_bytes(table.schema, table.raw) == parquet_bytes(again.schema, again.raw)
    again = from_frame(back)
    assert again.schema == table.schema
    np.testing.assert_array_equal(again.raw, table.raw)


def test_nested_columns_are_refused() -> None:
    for values in ([[1], [2]], [{"x": 1}, {"x": 2}], [b"x", b"y"]):
        with pytest.raises(UserError, match=r"data frame: column 'a' contains values of type .*--data.columns a:ident"):
            from_frame(pyarrow.table({"a": values, "b": [1, 2]}))
        assert from_frame(pyarrow.table({"a": values, "b": [1, 2]}), "a:identifier").schema.names == ["b"]


COLUMNS: dict[str, Any] = {
    "n": [i % 5 for i in N],
    "x": [i / 4 for i in N],
    "some": [None, *[i / 4 for i in N[1:]]],
    "ok": [i % 2 == 0 for i in N],
    "k": ["xyz"[i % 3] for i in N],
    "gap": [None, *["xyz"[i % 3] for i in N[1:]]],
    "day": [datetime(2020, 1, 1 + i) for i in N],
    "at": STAMPS,
}
FRAMES: dict[str, Callable[[], Any]] = {
    "pyarrow": lambda: pyarrow.table(COLUMNS),
    "pandas": lambda: pandas.DataFrame(COLUMNS),
    "pandas, nullable": lambda: pandas.DataFrame(COLUMNS).convert_dtypes(),
    "pandas, of pyarrow": lambda: pandas.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, objects": lambda: pandas.DataFrame(COLUMNS).astype({"k": object, "gap": object, "ok": object}),
    "pandas, small": lambda: pandas.DataFrame(COLUMNS).astype(
        {"k": "category", "x": "float32", "n": "uint8", "gap": "category"}
    ),
    "pandas, numbered": lambda: pandas.DataFrame(COLUMNS).set_axis(range(8), axis=1),
    "polars": lambda: polars.DataFrame(COLUMNS),
    "polars, categories": lambda: polars.DataFrame(COLUMNS).cast(
        {"k": polars.Enum(["z", "y", "x", "w"]), "gap": polars.Categorical, "n": polars.UInt8}
    ),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_frames_return(make: Callable[[], Any]) -> None:
    """A frame read and made anew is the same frame."""
    frame = make()
    table = from_frame(frame)
    assert kinds(table) == "integer number number boolean category category date datetime"
    back = like(table_of(table.schema, table.raw), frame)
    if isinstance(frame, pandas.DataFrame):
        pandas.testing.assert_frame_equal(back, frame)
    else:
        assert type(back) is type(frame)
        assert back.equals(frame)


def test_identifiers_are_made_anew_when_asked_for() -> None:
    table = from_frame(
        pyarrow.table({"id": pyarrow.array([7, 3, 9], "int16"), "a": [1, 2, 2], "name": ["u", "v", "w"]})
    )
    assert table_of(table.schema, table.raw).column_names == ["a"]
    back = table_of(table.schema, table.raw[::-1], identifiers=True)
    assert back.schema.types == ["int16", "int64", "string"]
    assert back.to_pylist()[0] == {"id": 1, "a": 2, "name": "1"}
    assert csv_bytes(table.schema, table.raw, identifiers=True) == b"id,a,name\n1,1,1\n2,2,2\n3,2,3\n"


def test_written_values_fit_their_types() -> None:
    """Whatever a generator makes: fractions, numbers beyond a type's, halves of days."""
    columns = {"n": pyarrow.array([0, 3, 3], "uint8"), "m": [-(2**40), 5, 5], "x": [0.25, 0.5, 0.5]}
    columns["d"] = pyarrow.array([1, 2, 2], "date32")
    schema = from_frame(pyarrow.table(columns)).schema
    raw = np.array([[300.2, 1e30, 0.128, 1.4], [-5, 2.5, -0.001, 1.6], [np.nan] * 4])
    back = table_of(schema, raw).to_pydict()
    assert (back["n"], back["x"]) == ([255, 0, None], [0.13, 0.0, None])
    assert back["m"][1:] == [2, None]
    assert back["d"] == [date(1970, 1, 2), date(1970, 1, 3), None]
    assert csv_bytes(schema, raw[1:]) == b"n,m,x,d\n-5,2,0.00,1970-01-03\n,,,\n"


def numbers(decimals: int) -> st.SearchStrategy[list[Any]]:
    whole = st.integers(-(10**9), 10**9).map(lambda n: n / 10**decimals)
    return st.lists(st.none() | whole, min_size=12, max_size=12)


def levels(*words: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | st.sampled_from(words), min_size=12, max_size=12)


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "n": numbers(0),
            "x": numbers(3),
            "full": st.lists(st.none() | st.floats(-1e30, 1e30), min_size=12, max_size=12),
            "k": levels("x", "y, z", '"q"', "01", "ü\n"),
            "ok": levels("true", "false"),
            "d": st.lists(st.none() | st.dates(), min_size=12, max_size=12),
            "us": st.lists(st.none() | st.dates(date(1900, 1, 1)), min_size=12, max_size=12),
            "t": st.lists(
                st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), min_size=12, max_size=12
            ),
        }
    )
)
def test_what_is_written_is_read_again(columns: dict[str, list[Any]]) -> None:
    columns["us"] = [None if day is None else f"{day.month}/{day.day}/{day.year:04}" for day in columns["us"]]
    columns["line"] = ["x", *["y"] * 11]  # a row of nothing would be an empty line
    buffer = io.StringIO()
    pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in columns.items()}).to_csv(
        buffer, index=False
    )
    table = read(write(buffer.getvalue()))
    for again in (
        read(write(csv_bytes(table.schema, table.raw), "again.csv")),
        read(write(parquet_bytes(table.schema, table.raw), "again.parquet")),
    ):
        kept = Schema(table.schema.kept)
        assert [(c.name, c.kind, c.levels, c.missing) for c in again.schema] == [
            (c.name, c.kind, c.levels, c.missing) for c in kept
        ]
        np.testing.assert_array_equal(again.raw, table.raw)


@pytest.mark.skipif(not (SHARED / "adult.parquet").exists(), reason="needs the real data")
def test_real_tables() -> None:
    adult = read(SHARED / "adult.parquet")
    assert (adult.raw.shape, adult.schema.position("income")) == ((48842, 15), 14)
    assert adult.held_out is not None
    assert adult.held_out.sum() == 16281
    assert int(np.isnan(adult.raw).sum()) == 2799 + 2809 + 857
    homes = read(SHARED / "california_housing.parquet")
    assert kinds(homes) == "number number integer integer integer integer integer number integer category"


def test_types_of_frames_can_be_overridden() -> None:
    columns = {
        "k": pyarrow.array(["1,5", "2,5", "1,5"]).dictionary_encode(),
        "d": pyarrow.array([1, 2, 2], "date32"),
        "big": [2**60, 2**60 + 1, 5],
        "n": pyarrow.array([3, 1, 3], "int8"),
        "x": [0.5, 0.25, 0.5],
    }
    frame = pyarrow.table(columns)
    plain = from_frame(frame)
    assert kinds(plain) == "category date identifier integer number"
    assert any("'big' has whole numbers of over 15 digits" in note for note in plain.notes)
    table = from_frame(frame, "k:number,d:category,big:number,n:category,x:category")
    assert kinds(table) == "number category number category category"
    assert [column.levels for column in table.schema.columns[3:]] == [("1", "3"), ("0.25", "0.5")]
    back = table_of(table.schema, table.raw)
    assert back.schema.types == frame.schema.types
    assert back.column("k").to_pylist() == ["1.5", "2.5", "1.5"]
    assert back.select(["d", "n", "x"]).equals(frame.select(["d", "n", "x"]))
    for how in ("d:integer", "x:integer", "x:date", "n:boolean,d:constant"):
        with pytest.raises(UserError, match=how[-9:]):
            from_frame(frame, how)
