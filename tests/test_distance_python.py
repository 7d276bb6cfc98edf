"""`monge.two_samples` and its result: what it takes, and how it shows itself."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import monge
from monge.evaluation.two_samples import Comparison

pytestmark = pytest.mark.usefixtures("few_relabellings")

HOW: Any = {"families": ["linear"]}


@pytest.fixture(autouse=True)
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monge.distance.split_test.RELABELLINGS", 19)
    monkeypatch.setattr("monge.distance.split_test.MOST", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.LEAST", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.MOST", 19)
    monkeypatch.setattr("monge.distance.two_sample.missed.SIMULATIONS", 2)


def points() -> Any:
    return np.random.default_rng(0).normal(size=(2, 50, 2)).round(2) + np.array([[[0, 0]], [[0, 1]]])


def test_arrays_tensors_lists_and_paths_are_alike() -> None:
    x, y = points()
    np.save("x.npy", x)
    np.savez("y.npz", y)
    expected = monge.two_samples(x, y, **HOW)
    given: list[tuple[Any, Any]] = [
        ("x.npy", Path("y.npz")),
        (torch.from_numpy(x), torch.from_numpy(y)),
        (x.tolist(), y.tolist()),
        (Path("x.npy"), y),
    ]
    for a, b in given:
        found = monge.two_samples(a, b, **HOW)
        assert found.bracket == expected.bracket
        assert found.figures == expected.figures
    assert (found.a.name, found.b.name, expected.a.name) == ("x.npy", "y", "x")


def test_frames_of_all_kinds_are_alike() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    arrow = pytest.importorskip("pyarrow")
    x, y = ({"n": side[:, 0], "job": ["x", "y"] * 25} for side in points())
    frames = [
        tuple(pandas.DataFrame(side) for side in (x, y)),
        tuple(polars.DataFrame(side) for side in (x, y)),
        tuple(arrow.table(side) for side in (x, y)),
    ]
    for name, side in zip("xy", frames[0], strict=True):
        side.to_csv(f"{name}.csv", index=False)
        side.to_parquet(f"{name}.parquet")
    frames += [("x.csv", "y.csv"), ("x.parquet", "y.parquet"), (frames[1][0], "y.csv")]
    brackets = [monge.two_samples(*pair, explain=False, **HOW).bracket for pair in frames]
    assert all(bracket == brackets[0] for bracket in brackets)


@pytest.fixture
def found() -> Comparison:
    x, y = points()
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    names = ["<script>alert(1)</script>", "b & c"]
    return monge.two_samples(pandas.DataFrame(x, columns=names), pandas.DataFrame(y, columns=names), **HOW)


def test_a_notebook_shows_tables_with_every_name_escaped(found: Comparison) -> None:
    shown = found._repr_html_()
    opened: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: opened.append(tag)  # type: ignore[method-assign]
    parser.feed(shown)
    assert set(opened) == {"h4", "p", "table", "tr", "th", "td"}
    assert "<pre>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "b &amp; c" in shown
    assert found.verdict.verdict[0].removesuffix(".") in shown
    assert repr(found).startswith("Euclidean distances")


def test_the_features_are_a_frame(found: Comparison) -> None:
    pandas = pytest.importorskip("pandas")
    frame = found.features
    assert isinstance(frame, pandas.DataFrame)
    assert frame.to_dict("records") == found.as_json()["explanation"]["features"]
    assert frame["excess"].sum() == pytest.approx(found.bracket.excess)
    x, y = points()
    with pytest.raises(monge.UserError, match="explain=True"):
        _ = monge.two_samples(x, y, explain=False, **HOW).features


def test_without_pandas_the_extra_is_named(found: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(monge.UserError, match=r"needs the package pandas \(monge's extra `frame`\)"):
        _ = found.features


def test_reports_are_written_by_their_ending(found: Comparison) -> None:
    for name, start in {"a.html": b"<!doctype", "a.md": b"# x and y", "a.csv": b"name,", "a.png": b"\x89PNG"}.items():
        found.report(name)
        assert Path(name).read_bytes().lstrip().startswith(start)
    with pytest.raises(monge.UserError, match=re.escape("path must end in .png, .html, .md or .csv; got a.txt")):
        found.report("a.txt")
    with pytest.raises(monge.UserError, match=r"path no/a.html cannot be written"):
        found.report(Path("no/a.html"))
    assert found.plot().width == 1600
