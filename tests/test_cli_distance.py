"""`monge distance A B`: what it prints, writes and refuses, by real command lines."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import monge
from monge.cli import distance as command
from monge.cli import run
from monge.distance.divergence.discriminator import LEAST
from monge.distance.summary import Bracket
from monge.evaluation.estimates import ESTIMATES

pytestmark = pytest.mark.usefixtures("few_relabellings")

RANDOM = np.random.default_rng(11)
QUICK = ["--families", "linear", "--no-explain"]
QUIET = [*QUICK, "--no-picture"]
NAMES = [entry.name for entry in ESTIMATES]
NO_KL = "not defined: all samples of one set are identical"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with some sample sets in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(2)
    for name, size, shift in (("a", (150, 2), 0), ("b", (120, 2), 0), ("far", (130, 2), 2), ("wide", (90, 12), 0)):
        np.save(f"{name}.npy", random.normal(size=size) + shift)
    return tmp_path


def document(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """The one JSON document that a command prints; NaN and infinity are none."""
    capsys.readouterr()
    assert run(["distance", *arguments, "--json"]) == 0

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(capsys.readouterr().out, parse_constant=refuse)


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], *said: str) -> None:
    capsys.readouterr()
    assert run(["distance", *arguments]) == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line != "reading ..."]
    assert shown.out == ""
    assert len(lines) == 1, shown.err
    assert lines[0].startswith("monge: ")
    for text in said:
        assert text in lines[0]
    assert not Path("distance.png").exists()


def test_the_document_and_the_python_call(capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["a.npy", "far.npy", "--seed", "3", *QUICK], capsys)
    checks = {"differ", "shown_by", "verdict", "warnings", "shared", "repeated", "dependence", "scales"}
    checks |= {"tests", "missed", "all_rows"}
    assert set(said) == {"a", "b", "seed", "bracket", "written", "standardise", "units", "left_out", *checks, *NAMES}
    assert (said["differ"], said["shown_by"]) == (True, ["tests", "lower limit"])
    assert (said["warnings"], said["dependence"], said["scales"]) == ([], [None, None], None)
    assert said["a"] == {"data": "a.npy", "kind": "vector", "shape": [2], "available": 150, "used": 150}
    assert (said["b"]["used"], said["seed"], said["shared"], said["written"]) == (130, 3, 0, ["distance.png"])
    example = Bracket(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert list(said["bracket"]) == list(example.as_json())
    assert (said["bracket"]["family"], said["bracket"]["lipschitz"]) == ("linear", "certified")
    for name in NAMES:
        assert set(said[name]) == {"value", "error", "n", "note"}
        assert said[name]["n"] == [150, 130]
    x, y = np.load("a.npy"), np.load("far.npy")
    assert said["sliced"]["value"] == pytest.approx(monge.distance.sliced(x, y, seed=3).value)
    assert said["energy"]["value"] == pytest.approx(monge.distance.energy(x, y).squared)
    measured = monge.distance.bracket(x, y, families=["linear"])
    assert said["bracket"]["upper"] == pytest.approx(measured.upper, rel=0.1)


def test_equal_seeds_give_equal_documents_and_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (
        document(["toy:moons", "toy:ring8", "--samples", "60", "--seed", seed, "--out", f"{out}.png", *QUICK], capsys)
        for seed, out in (("5", "first"), ("5", "second"), ("6", "third"))
    )
    assert first | {"written": []} == second | {"written": []}
    assert Path("first.png").read_bytes() == Path("second.png").read_bytes()
    assert first["sliced"]["value"] != third["sliced"]["value"]
    assert first["a"]["available"] is None
    assert first["a"]["used"] == 60


@pytest.mark.parametrize("data", ["toy:ring8", "toy:swissroll"])
def test_two_draws_of_one_law_are_close(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = document([data, data, "--samples", "400", *QUIET], capsys)
    assert said["shared"] == 0
    assert abs(said["bracket"]["excess"]) <= 3 * said["bracket"]["excess_error"]
    assert said["p_value"]["value"] > 0.01
    for name in ("energy", "mmd2"):
        assert abs(said[name]["value"]) <= 4 * said[name]["error"]


def test_a_shift_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["a.npy", "far.npy", *QUIET], capsys)
    truth = 2 * math.sqrt(2)
    assert 0.75 * truth < said["bracket"]["lower"] < truth + 0.3
    assert said["bracket"]["excess"] > 10 * said["bracket"]["excess_error"]
    assert said["p_value"]["value"] == pytest.approx(1 / 120)
    assert 0.4 < said["js"]["value"] <= math.log(2)
    assert run(["distance", "a.npy", "far.npy", *QUIET]) == 0
    assert "A and B differ (p = 0.00833, 7 tests together; clearest: energy); W1 is at least" in capsys.readouterr().out


def test_the_table_says_what_everything_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distance", "a.npy", "b.npy", *QUICK]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0] == "Euclidean distances in the data's own units (--standardise none)"
    assert lines[1] == "A  a.npy  150 of 150 samples  vectors of 2 numbers"
    for name in ("lower", "upper", "floor", "spread", "excess", *(entry.shown for entry in ESTIMATES)):
        assert any(line.startswith(f"{name} ") for line in lines)
    assert any(line.startswith("No difference detected (p = ") for line in lines[-4:])
    assert lines[-1] == "The picture is distance.png."
    assert max(map(len, lines)) <= 120
    assert shown.err.splitlines()[0] == "transport ..."


def test_unreliable_estimates_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("few.npy", RANDOM.normal(size=(10, 12)))
    said = document(["wide.npy", "few.npy", *QUIET], capsys)
    assert said["frechet"]["note"] == "unreliable: 10 samples in 12 dimensions"
    assert said["kl"]["note"] == "unreliable: nearest neighbours in 12 dimensions"
    assert "few samples" in said["js"]["note"]
    assert document(["wide.npy", "wide.npy", *QUIET], capsys)["frechet"]["note"].startswith("rough")


@pytest.mark.parametrize("dimension", [1, 2, 12])
def test_the_picture(dimension: int, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "xy":
        np.save(f"{name}.npy", RANDOM.normal(size=(40, dimension)))
    assert document(["x.npy", "y.npy", "--out", "picture.png", *QUICK], capsys)["written"] == ["picture.png"]
    with Image.open("picture.png") as image:
        assert image.info == {}
        assert image.width > 2 * image.height > 800
    assert document(["x.npy", "y.npy", *QUIET], capsys)["written"] == []
    assert not Path("distance.png").exists()


def test_images_from_a_folder_against_built_in_ones(capsys: pytest.CaptureFixture[str]) -> None:
    Path("noise").mkdir()
    for i in range(20):
        Image.fromarray(RANDOM.integers(0, 256, (12, 10), dtype=np.uint8)).save(f"noise/{i:02}.png")
    said = document(["digits", "noise", "--data.size", "8", "--samples", "100", *QUIET], capsys)
    assert said["a"] == {"data": "digits", "kind": "image", "shape": [8, 8, 1], "available": 1797, "used": 100}
    assert (said["b"]["shape"], said["b"]["used"]) == ([8, 8, 1], 20)
    assert said["p_value"]["value"] < 0.01
    refused(["digits", "digits", "--data.size", "8"], capsys, "--data.size cannot be used with 'digits'")


def test_all_parts_of_a_file_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.load("a.npy")
    np.savez("two.npz", x_train=x[:100], x_test=x[100:], other=x)
    whole, parts, key = (document([name, "b.npy", *QUIET], capsys) for name in ("a.npy", "two.npz", "two.npz:other"))
    for said in (whole, parts, key):
        assert said["a"]["used"] == said["a"]["available"] == 150
        assert said["energy"]["value"] == pytest.approx(whole["energy"]["value"])


BAD = {
    "missing file": (["no.npy", "b.npy"], ["A", "'no.npy'", "no such file", "digits"]),
    "missing second file": (["a.npy", "no.npy"], ["B", "'no.npy'"]),
    "unknown name": (["a.npy", "toy:grid52"], ["B", "did you mean 'toy:grid25'"]),
    "dimensions": (["a.npy", "wide.npy"], ["A and B", "a.npy has vectors of 2 num", "wide.npy has vectors of 12 num"]),
    "images and vectors": (["digits", "a.npy"], ["digits has images 8 x 8 x 1", "a.npy has vectors of 2 numbers"]),
    "nan": (["a.npy", "nan.npy"], ["B", "nan.npy", "NaN", "[7, 1]"]),
    "one sample": (["one.npy", "a.npy"], ["A one.npy", "samples", "got 1"]),
    "few samples": (["a.npy", "five.npy"], ["B", "five.npy must have at least 8 samples; got 5"]),
    "1-D array": (["flat.npy", "a.npy"], ["A", "flat.npy", "(40,)", "(n, 1)"]),
    "text": (["a.npy", "text.npy"], ["B", "text.npy", "dtype"]),
    "one data set": (["a.npy"], ["B is missing"]),
    "seed": (["a.npy", "b.npy", "--seed", "-1"], ["--seed must be at least 0; got -1"]),
    "samples": (["a.npy", "b.npy", "--samples", "7"], ["--samples must be at least 8; got 7"]),
    "family": (["a.npy", "b.npy", "--families", "cone"], ["--families 'cone'", "did you mean 'cones'"]),
    "ending": (["a.npy", "b.npy", "--out", "x.gif"], ["--out must end in .png, .html, .md or .csv; got x.gif"]),
    "folder": (["a.npy", "b.npy", "--out", "no/x.png"], ["--out no/x.png", "folder"]),
    "size for vectors": (["a.npy", "b.npy", "--data.size", "8"], ["--data.size", "a.npy"]),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input(arguments: list[str], said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with_nan = np.load("a.npy")
    with_nan[7, 1] = np.nan
    arrays = {"nan": with_nan, "one": np.ones((1, 2)), "five": np.eye(5, 2), "flat": np.ones(40), "text": np.array("a")}
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    refused(arguments, capsys, *said)


def test_the_least_number_of_samples_is_the_estimators_own() -> None:
    assert command.LEAST == LEAST


def test_identical_sets(capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["a.npy", "a.npy", *QUIET], capsys)
    assert said["shared"] == 150
    assert said["bracket"]["lower"] == 0
    assert said["bracket"]["excess"] <= 3 * said["bracket"]["excess_error"]
    assert said["sliced"]["value"] == pytest.approx(0, abs=1e-9)
    assert said["frechet"]["value"] == pytest.approx(0, abs=1e-9)
    assert said["p_value"]["value"] > 0.5
    assert "150 points are in both" in said["kl"]["note"]
    assert run(["distance", "a.npy", "a.npy", *QUIET]) == 0
    assert "150 points are in both sets" in capsys.readouterr().out


def test_copies_within_a_set_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.load("a.npy")
    np.save("twice.npy", np.concatenate([x[:70], x[:60]]))
    said = document(["twice.npy", "b.npy", *QUIET], capsys)
    assert said["repeated"] == [60, 0]
    assert run(["distance", "twice.npy", "b.npy", *QUIET]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    text = "60 samples of A repeat an earlier one: if these are copies of one sample, the p-value, the limit and all"
    assert text in shown
    assert "samples of B repeat" not in shown
    assert said["warnings"][0].startswith(text)


@pytest.mark.filterwarnings("ignore:.*all training samples are identical")
def test_constant_data(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("zeros.npy", np.zeros((30, 2)))
    said = document(["zeros.npy", "zeros.npy", *QUICK], capsys)
    assert said["bracket"]["lower"] == said["bracket"]["upper"] == said["bracket"]["excess"] == 0
    assert said["energy"]["value"] == said["mmd2"]["value"] == said["frechet"]["value"] == 0
    assert said["kl"] == {"value": None, "error": None, "n": [30, 30], "note": NO_KL}
    assert said["p_value"]["value"] == 1
    assert said["warnings"][1:] == ["All 30 samples of A are equal.", "All 30 samples of B are equal."]
    np.save("ones.npy", np.ones((30, 2)))
    said = document(["zeros.npy", "ones.npy", *QUICK], capsys)
    # fifteen samples of either set are judged, which do not prove that all others are equal too
    assert 0.5 * math.sqrt(2) < said["bracket"]["lower"] < 0.9 * math.sqrt(2)
    assert said["bracket"]["excess"] == pytest.approx(math.sqrt(2))


def test_a_column_that_drowns_the_others_is_in_the_output_and_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    for name in "ab":
        np.save(f"{name}.npy", random.normal(size=(200, 3)) * (1000, 1, 1))
    said = document(["a.npy", "b.npy", *QUIET], capsys)
    assert said["scales"] == {"dominant": ["column 1"], "share": said["scales"]["share"]} | {
        "barely_tested": ["column 2", "column 3"]
    }
    assert said["scales"]["share"] > 0.9999
    assert not said["differ"]
    assert said["warnings"] == [
        "column 1 makes up 99.9 % of the variance, so the distances say little about column 2 and column 3. "
        "--standardise std counts all alike."
    ]
    assert run(["distance", "a.npy", "b.npy", *QUIET]) == 0
    shown, told = capsys.readouterr()
    assert said["warnings"][0] in " ".join(shown.split())
    assert "of the variance" not in told


def table(name: str, n: int, seed: int, *, shift: float = 0, jobs: str = "abc") -> None:
    """Rows of an age, a job, whether somebody is a member, and a day, some of them missing."""
    random = np.random.default_rng(seed)
    lines = ["age,job,member,day"]
    for _ in range(n):
        age, job = round(random.normal(40 + shift, 12)), jobs[random.integers(len(jobs))]
        known = random.random(2) > 0.1
        lines.append(
            f"{age if known[0] else ''},{job if known[1] else ''},"
            f"{'yes' if random.random() < 0.3 else 'no'},2020-01-{random.integers(1, 29):02}"
        )
    Path(name).write_text("\n".join(lines) + "\n")


def test_mixed_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """B is read with the kinds of A, and measured by its scales; levels that only B has count as differing."""
    pytest.importorskip("pyarrow")
    table("a.csv", 300, 0)
    table("b.csv", 200, 1)
    table("c.csv", 200, 2, jobs="abd")
    table("d.csv", 200, 3, shift=12)
    same, levels, numbers = (document(["a.csv", name, *QUIET], capsys) for name in ("b.csv", "c.csv", "d.csv"))
    assert (same["a"]["kind"], same["a"]["shape"], same["differ"], same["scales"]) == ("table", [4], False, None)
    assert (levels["differ"], numbers["differ"]) == (True, True)
    assert all(said["bracket"]["excess"] > 2 * said["bracket"]["excess_error"] for said in (levels, numbers))
    table("e.csv", 300, 0, jobs="def")
    renamed = document(["a.csv", "e.csv", *QUIET], capsys)  # the same rows but for the names of all levels
    assert renamed["bracket"]["lower"] > 0.3
    assert renamed["bracket"]["upper"] > 0.7
    unknown = document(["c.csv", "a.csv", *QUIET], capsys)
    assert unknown["bracket"]["excess"] == pytest.approx(levels["bracket"]["excess"], abs=0.1)
    assert run(["distance", "a.csv", "d.csv", "--out", "x.png", "--families", "linear"]) == 0
    with Image.open("x.png") as picture:
        assert picture.size[0] > 1000
    assert "A and B differ" in capsys.readouterr().out


def test_tables_that_cannot_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    table("a.csv", 60, 0)
    lines = Path("a.csv").read_text().splitlines()
    texts = {
        "order": [re.sub("^([^,]*),([^,]*)", r"\2,\1", row) for row in lines],
        "fewer": [row.rpartition(",")[0] for row in lines],
        "words": [lines[0], *(f"old{row}" for row in lines[1:])],
    }
    for name, some in texts.items():
        Path(f"{name}.csv").write_text("\n".join(some))
    for name, said in {
        "order": "the same columns in one order: of those of a.csv, order.csv has them in another order",
        "fewer": "of those of a.csv, fewer.csv lacks 'day'",
        "words": "B: words.csv: --data.columns age:number: every value must be a number; got 'old",
    }.items():
        assert run(["distance", "a.csv", f"{name}.csv", *QUIET]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line


def test_b_is_read_as_a(capsys: pytest.CaptureFixture[str]) -> None:
    """Where B alone would be read otherwise: constants, fractions, days that could be months, columns of nothing."""
    pytest.importorskip("pyarrow")
    head = "n,k,day,some\n"
    rows = {"a": "{j},{k},{day:02}/03/2020,{m}\n", "b": "{j}.5,x,{few:02}/03/2020,\n"}
    for name, row in rows.items():
        filled = (row.format(j=i % 7, k="xy"[i % 2], day=1 + i % 28, few=1 + i % 9, m=i % 3) for i in range(80))
        Path(f"{name}.csv").write_text(head + "".join(filled))
    assert document(["a.csv", "b.csv", *QUIET], capsys)["bracket"]["excess"] > 0.5
    assert run(["distance", "b.csv", "a.csv", *QUIET]) == 2  # b.csv alone is read with the month first
    said = "a.csv: --data.columns day:month-first: every value must be a date; got '13/03/2020' in data row 13"
    assert said in capsys.readouterr().err


def test_dependent_rows_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    walk = RANDOM.normal(size=(400, 2)).cumsum(axis=0)
    np.save("walk.npy", walk)
    np.save("shuffled.npy", RANDOM.permutation(walk))
    said = document(["walk.npy", "shuffled.npy", "--samples", "200", *QUIET], capsys)
    assert said["dependence"][0]["correlation"] > 0.8
    assert said["dependence"][1] is None
    (warning,) = [text for text in said["warnings"] if "resemble" in text]
    assert "Rows of A resemble those before them (rank correlation 0.9" in warning
    assert "the p-value, the limit and all errors promise too much" in warning


def test_rows_are_in_the_order_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    walk = RANDOM.normal(size=(200, 1)).cumsum(axis=0)
    np.savez("parts.npz", x_train=walk[:150], x_test=walk[150:])
    classes = np.sort(RANDOM.integers(0, 2, 200))
    np.savez("classes.npz", x=RANDOM.normal(size=(200, 1)) + 5 * classes[:, None], y=classes)
    said = document(["parts.npz", "classes.npz", *QUIET], capsys)
    assert said["dependence"][0]["correlation"] > 0.8
    assert said["dependence"][1] is None


def test_a_million_points_are_subsampled(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("million.npy", RANDOM.normal(size=(1_000_000, 2)).astype(np.float32))
    said = document(["million.npy", "a.npy", "--samples", "200", *QUIET], capsys)
    assert (said["a"]["available"], said["a"]["used"], said["b"]["used"]) == (1_000_000, 200, 150)
    assert said["sliced"]["n"] == [1_000_000, 150]  # all rows are read once
    assert said["frechet"]["n"] == [200, 150]
    assert said["p_value"]["value"] > 0.01


def test_a_real_command_line() -> None:
    command = [sys.executable, "-m", "monge", "distance"]
    done = subprocess.run([*command, "a.npy", "b.npy", *QUICK, "--json"], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)["bracket"]["lipschitz"] == "certified"
    assert Path("distance.png").read_bytes().startswith(b"\x89PNG")
    done = subprocess.run([*command, "a.npy", "b.npy", "--samples", "7"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "monge: --samples must be at least 8; got 7\n"
