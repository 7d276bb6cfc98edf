"""The sentence that says what was read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.cli import run
from monge.data.builtin import digits
from monge.data.source import in_memory, open_data
from monge.data.summary import details, summary
from monge.data.toy import ring8
from monge.errors import legible

SMALL = ["--steps", "4", "--threads", "1", "--training.batch", "8", "--training.conditional"]
SMALL += ["--generator", "mlp:width=8", "--critic", "mlp:width=8", "--observe.bracket", "4"]


def test_digits() -> None:
    text = "digits: 1,797 images 8 x 8 x 1, values 0 to 255, 10 classes; 1,300 for training, 497 held out"
    assert summary(digits()) == text


def test_arrays(tmp_path: Path) -> None:
    x = np.linspace(-1.5, 2, 20).reshape(10, 2)
    assert summary(in_memory(x)) == "array: 10 vectors of 2 numbers, values -1.5 to 2; 8 for training, 2 held out"
    np.savez(tmp_path / "a.npz", x_train=x[:6], x_test=x[6:], y_train=[0, 1] * 3, y_test=[1, 1, 0, 0])
    text = "a: 10 vectors of 2 numbers, values -1.5 to 2, 2 classes (0, 1); 6 for training, 4 held out"
    assert summary(open_data(str(tmp_path / "a.npz"))) == text


def test_measurements_say_what_is_black_and_white() -> None:
    x = np.arange(640, dtype=np.uint16).reshape(10, 8, 8) * 3
    text = summary(in_memory(x))
    assert "10 images 8 x 8 x 1, values 0 to 1,917 (uint16; 0 is black, 1," in text


def test_fresh_draws_have_no_number() -> None:
    assert summary(ring8()).startswith("ring8: fresh draws of vectors of 2 numbers, values -")
    assert "held out" not in summary(ring8())


def test_tables(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n" + "".join(f"{i},{i / 2},{'xyz'[i % 3]}\n" for i in range(29)) + "1,,x\n")
    data = open_data(str(path), label="kind", skip_bad=True)
    text = "t: 30 rows of 2 columns (a, b), 3 classes (x, y, z); 24 for training, 6 held out"
    assert summary(data) == text
    assert details(data)[:3] == ["integers: a", "numbers: b", "with missing values: b"]


def test_names_are_legible() -> None:
    assert legible("two\nlines, \x1b[31m, K\udce4tze, Käse, \u0645\u06cc\u200c") == (
        "two\\nlines, \\x1b[31m, K\\udce4tze, Käse, \u0645\u06cc\u200c"
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes")
def test_train_says_what_it_read_and_takes_names_that_are_not_utf8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data, folder = os.fsdecode(b"Fotos \xe4"), os.fsdecode(b"r\xe4")
    random = np.random.default_rng(0)
    for name in (b"K\xe4tze", b"hund"):
        place = tmp_path / data / os.fsdecode(name)
        place.mkdir(parents=True)
        for i in range(10):
            Image.fromarray(random.integers(0, 4096, (8, 8)).astype(np.uint16)).save(place / f"{i}.png")
    train = ["train", data, *SMALL, "--run", folder]
    done = subprocess.run([sys.executable, "-m", "monge", *train], capture_output=True, text=True, check=True)
    assert "run     r\\udce4\n" in done.stdout
    first = done.stderr.splitlines()[0]
    assert first.startswith("monge: Fotos \\udce4: 20 images 8 x 8 x 1, values ")
    assert first.endswith("2 classes (K\\udce4tze, hund); 16 for training, 4 held out")
    assert "Fotos \\udce4" in (tmp_path / folder / "report.html").read_text()
    assert run([*train, "--json"]) == 0
    again = capsys.readouterr()
    assert json.loads(again.out)["run"] == folder
    assert again.err.splitlines() == [first]
    assert run(["sample", folder, "--class", "K\\udce4tze", "-n", "3", "--out", f"{folder}.npz", "--json"]) == 0
    with np.load(tmp_path / f"{folder}.npz") as file:
        assert (file["x"].dtype, file["x"].max() > 255) == (np.uint16, True)


def test_classes_that_are_in_the_way_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("a/0.png", "b/1.png", "2.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) + len(place)).save(tmp_path / place)
    assert run(["train", str(tmp_path), *SMALL[:4], "--training.batch", "2", "--training.conditional"]) == 2
    text = "has no classes, because 2.png is beside the folders a, b"
    assert capsys.readouterr().err == f"monge: --training.conditional: {tmp_path.name} {text}\n"


def test_panels_take_names_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("$a$_{.npy", os.fsdecode(b"b\xe4.npy"))
    for name in names:
        with open(name, "wb") as file:
            np.save(file, np.random.default_rng(0).normal(size=(20, 2)))
    assert run(["distance", *names, "--families", "linear", "--json"]) == 0
    assert (tmp_path / "distance.png").stat().st_size > 1000
