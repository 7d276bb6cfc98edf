"""`--reference-cache`: what depends on the reference alone, kept between comparisons."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from monge.cli import run
from monge.distance.bounds import DRAWS
from monge.distance.excess_split import _parts as split_parts
from monge.evaluation import reference_cache as module
from monge.evaluation.question import Question

pytestmark = pytest.mark.usefixtures("few_relabellings")

QUICK = ["--families", "linear", "--no-picture"]
CACHE = ["--reference-cache", "ref.npz"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("monge.distance.split_test.RELABELLINGS", 19)
    monkeypatch.setattr("monge.distance.split_test.MOST", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.LEAST", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.MOST", 19)
    monkeypatch.setattr("monge.distance.two_sample.missed.SIMULATIONS", 2)
    random = np.random.default_rng(0)
    np.save("a.npy", random.normal(size=(60, 2)))
    np.save("b.npy", random.normal(size=(50, 2)))
    old("a.npy")
    return tmp_path


def old(*names: str) -> None:
    """Lets files have changed a day ago."""
    for name in names:
        os.utime(name, ns=(0, os.stat(name).st_mtime_ns - 86_400 * 10**9))


def document(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run(["distance", *arguments, *QUICK, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def table(name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    lines = ["n,job,day"]
    for _ in range(60):
        number, job, day = random.normal(), random.choice(["x", "y", "w z"]), random.integers(1, 28)
        lines.append(f"{number:.3f},{job},2020-02-{day:02}")
    Path(name).write_text("\n".join(lines))


def kinds() -> dict[str, tuple[str, str]]:
    """Data of every kind, by what they are."""
    table("a.csv", 0)
    table("b.csv", 1)
    images = np.random.default_rng(1).integers(0, 255, (2, 20, 5, 4), dtype=np.uint8)
    for folder, some in zip(("fa", "fb"), images, strict=True):
        Path(folder).mkdir()
        for i, image in enumerate(some):
            Image.fromarray(image).save(f"{folder}/{i}.png")
    np.savez("two.npz", x_train=np.load("a.npy")[:40], x_test=np.load("a.npy")[40:])
    return {
        "array": ("a.npy", "b.npy"),
        "parts": ("two.npz", "b.npy"),
        "table": ("a.csv", "b.csv"),
        "images": ("fa", "fb"),
        "toy": ("toy:moons", "b.npy"),
    }


@pytest.mark.parametrize("kind", ["array", "parts", "table", "images", "toy"])
def test_results_are_equal_bit_for_bit(
    kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "table":
        pytest.importorskip("pyarrow")
    a, b = kinds()[kind]
    old(*(str(path) for _, path in module.files_of(a)))
    pair = [a, b, "--samples", "60", *(["--standardise", "quantile"] if kind == "array" else [])]
    expected, first = document(pair, capsys), document([*pair, *CACHE], capsys)
    sides: list[int] = []
    splits: list[None] = []

    question_read = Question.read

    def read(question: Question, side: int, *like: Any) -> Any:
        sides.append(side)
        return question_read(question, side, *like)

    def split(*given: Any) -> Any:
        splits.append(None)
        return split_parts(*given)

    monkeypatch.setattr(Question, "read", read)
    monkeypatch.setattr("monge.distance.excess_split._parts", split)
    second = document([*pair, *CACHE], capsys)
    assert (sides, len(splits)) == ([1], 2 * DRAWS)
    assert first.pop("reference") == {"cache": "ref.npz", "state": "made", "reason": ""}
    assert second.pop("reference")["state"] == "used"
    assert expected == first == second
    assert [path.name for path in Path().glob(".partial*")] == []


def reference(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    found = document([*arguments, *CACHE], capsys)["reference"]
    return found["state"], found["reason"]


def test_a_change_of_the_reference_or_of_options_makes_it_anew(capsys: pytest.CaptureFixture[str]) -> None:
    pair = ["a.npy", "b.npy"]
    assert reference(pair, capsys) == ("made", "")
    assert reference([*pair, "--seed", "1"], capsys) == ("rebuilt", "it had seed 0, now 1")
    assert reference([*pair, "--seed", "1", "--standardise", "std"], capsys) == (
        "rebuilt",
        "it had standardise None, now std",
    )
    assert reference([*pair, "--seed", "1", "--standardise", "std"], capsys)[0] == "used"
    a = np.load("a.npy")
    np.save("a.npy", a)  # another time, the same content
    assert reference([*pair, "--seed", "1", "--standardise", "std"], capsys)[0] == "used"
    np.save("a.npy", a + 1)
    assert reference([*pair, "--seed", "1", "--standardise", "std"], capsys) == ("rebuilt", "A has changed")
    Path("place").mkdir()
    Path("a.npy").rename("place/a.npy")
    moved = ["place/a.npy", "b.npy", "--seed", "1", "--standardise", "std"]
    assert reference(moved, capsys)[0] == "used"
    assert run(["distance", *pair, *QUICK, *CACHE]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_a_quick_change_of_equal_size_and_time_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    """As git does: what changed just before the cache was written is not trusted by its time."""
    pair, changed = ["a.npy", "b.npy"], os.stat("b.npy").st_mtime_ns
    os.utime("a.npy", ns=(changed, changed))
    reference(pair, capsys)
    np.save("a.npy", np.load("a.npy") + 1)
    os.utime("a.npy", ns=(changed, changed))
    os.utime("ref.npz", ns=(changed, changed))
    assert reference(pair, capsys) == ("rebuilt", "A has changed")


def test_other_sizes_of_b_measure_the_floor_again(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("c.npy", np.load("b.npy")[:30])
    reference(["a.npy", "b.npy"], capsys)
    found = document(["a.npy", "c.npy", *CACHE], capsys)
    assert found.pop("reference")["state"] == "used"
    assert found == document(["a.npy", "c.npy"], capsys)
    assert reference(["a.npy", "b.npy"], capsys)[0] == "used"


def test_what_is_stored_needs_no_pickle_and_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    reference(["a.npy", "b.npy"], capsys)
    first = Path("ref.npz").read_bytes()
    with np.load("ref.npz", allow_pickle=False) as file:
        meta = json.loads(str(file["meta"]))
        assert file["raw"].shape == (60, 2)
    assert meta["key"]["format"] == module.FORMAT
    assert set(module.VERSIONED) < set(meta["key"])
    assert len(meta["content"]) == 32
    Path("ref.npz").unlink()
    reference(["a.npy", "b.npy"], capsys)
    assert Path("ref.npz").read_bytes() == first


def test_other_files_are_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    contents = {"text": b"mine", "empty": b"", "array": Path("a.npy").read_bytes()}
    np.savez("arrays.npz", x=np.zeros(3), meta=np.array("{}"))
    contents["arrays"] = Path("arrays.npz").read_bytes()
    for name, content in contents.items():
        Path("ref.npz").write_bytes(content)
        assert run(["distance", "a.npy", "b.npy", *QUICK, *CACHE]) == 2, name
        said = capsys.readouterr().err
        assert said.startswith("monge: --reference-cache must be a file that this option wrote, or a new one; delete")
        assert said.count("\n") == 1
        assert Path("ref.npz").read_bytes() == content


@pytest.mark.parametrize(
    ("name", "said"),
    [("ref.npy", "--reference-cache must end in .npz; got ref.npy"), ("no/ref.npz", "no/ref.npz cannot be written")],
)
def test_bad_places(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distance", "a.npy", "b.npy", *QUICK, "--reference-cache", name]) == 2
    assert said in capsys.readouterr().err


def test_the_text_says_what_became_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    for said in ("was made.", "was used.", "was made anew: it had samples 5000, now 40."):
        extra = ["--samples", "40"] if "anew" in said else []
        capsys.readouterr()
        assert run(["distance", "a.npy", "b.npy", *QUICK, *CACHE, *extra]) == 0
        assert capsys.readouterr().out.endswith(f"The reference cache ref.npz {said}\n")
