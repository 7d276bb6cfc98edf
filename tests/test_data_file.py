"""Files of arrays, and data by name."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from monge.config.schema import DataConfig
from monge.data import dataset
from monge.data.builtin import digits
from monge.data.dataset import ArrayData
from monge.data.source import in_memory, open_data, open_source
from monge.errors import UserError

RANDOM = np.random.default_rng(5)


def pixels(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_npy_and_resizing(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", pixels(12, 2, 10, 6))
    data = open_data(str(tmp_path / "faces.npy"), size=5)
    assert (data.info.name, data.codec.space.shape, data.train.size, data.held_out.size) == ("faces", (2, 5, 5), 10, 2)


def test_large_npy_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monge.data.lazy.COPIED_BYTES", 0)
    monkeypatch.setattr(dataset, "ENCODE_AHEAD_BYTES", 0)
    x = pixels(12, 3, 8, 8)
    np.save(tmp_path / "a.npy", x)
    data = open_data(str(tmp_path / "a.npy"))
    assert isinstance(data, ArrayData)
    assert isinstance(data.train.values, np.memmap)
    assert torch.equal(data.batch(9, generator()), in_memory(x).batch(9, generator()))
    assert data.fingerprint == in_memory(x).fingerprint


def test_npz_with_its_own_held_out_part(tmp_path: Path) -> None:
    x, y = pixels(10, 6, 6), np.arange(10) % 2
    path = tmp_path / "a.npz"
    np.savez(path, x_train=x[:7], y_train=y[:7], x_test=x[7:], y_test=y[7:], classes=["no", "yes"])
    data = open_data(str(path))
    assert (data.train.size, data.held_out.size, data.info.classes) == (7, 3, ["no", "yes"])
    np.testing.assert_array_equal(data.train.all(), x[:7, ..., None])
    assert data.train.labels is not None
    assert data.held_out.labels is not None
    np.testing.assert_array_equal(data.held_out.labels, y[7:])
    np.testing.assert_array_equal(np.sort(data.held_out.sample(3), axis=0), np.sort(x[7:, ..., None], axis=0))


def test_npz_choices(tmp_path: Path) -> None:
    x, path = np.arange(20.0).reshape(10, 2), tmp_path / "a.npz"
    np.savez(path, x=x, y=np.arange(10) % 5, other=x)
    assert open_data(str(path)).info.classes == list("01234")
    assert open_data(f"{path}:other").info.name == "a-other"
    np.savez(path, x_train=x, y_train=np.arange(10) % 5)
    data = open_data(str(path))
    np.testing.assert_array_equal(data.train.all()[:, 0] // 2 % 5, data.train.labels)
    np.savez(path, only=x)
    assert open_data(str(path)).train.size == 8
    np.savez(path, some=x, other=x)
    with pytest.raises(
        UserError, match=r"contains the arrays some, other; choose one with a.npz:KEY; labels come with x and y, im"
    ):
        open_data(str(path))
    with pytest.raises(UserError, match=r"arrays some, other; 'more' is not among them"):
        open_data(f"{path}:more")
    np.savez(path)
    with pytest.raises(UserError, match=r"must contain an array; got none"):
        open_data(str(path))


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x_train": np.eye(5), "x_test": np.ones((3, 4))}, r"got float64 \(5,\) and float64 \(4,\)"),
        ({"x_train": np.eye(5), "x_test": np.ones((3, 5, 5), np.uint8)}, "and uint8"),
        ({"x_train": np.eye(1), "x_test": np.ones((3, 1))}, "at least 2 training and 1 held-out samples; got 1 and 3"),
        ({"x_train": np.eye(5), "x_test": np.ones((0, 5))}, "x_test must contain samples"),
        ({"x_train": np.eye(5), "y_train": np.arange(4)}, "labels must have shape"),
        (
            {"x": np.eye(5), "y": np.arange(5), "classes": ["a", "b"]},
            "labels must be from 0 to 1, as `classes` has 2 names; got 0 to 4",
        ),
        (
            {"x_train": np.eye(5), "x_test": np.eye(5), "y_train": np.arange(5), "y_test": np.array(list("abcde"))},
            "strings",
        ),
    ],
)
def test_refused_npz(tmp_path: Path, arrays: dict, text: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=text):
        open_data(str(tmp_path / "a.npz"))


NUMBERS, CLASSES = np.arange(20.0).reshape(10, 2), np.arange(10) % 5


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("X", "Y"),
        ("X", "y"),
        ("images", "labels"),
        ("Images", "Labels"),
        ("data", "target"),
        ("data", "targets"),
        ("data", "labels"),
        ("arr_0", "arr_1"),
        ("X_train", "Y_train"),
        ("X_Test", "y_test"),
    ],
)
def test_npz_names_that_bring_labels(tmp_path: Path, x: str, y: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **{y: CLASSES.astype(np.float32), x: NUMBERS})
    data = open_data(str(path))
    assert data.info.classes == list("01234")
    np.testing.assert_array_equal(data.train.all()[:, 0] // 2 % 5, data.train.labels)


def test_npz_parts_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X_train=NUMBERS[:6], Y_train=CLASSES[:6], X_test=NUMBERS[6:], Y_test=CLASSES[6:].astype(float))
    data = open_data(str(path))
    assert (data.train.size, data.held_out.size, data.info.classes) == (6, 4, list("01234"))
    np.testing.assert_array_equal(data.held_out.labels, CLASSES[6:])
    np.savez(path, x=NUMBERS, X=NUMBERS + 1, y=CLASSES, Y=CLASSES * 0)
    data = open_data(str(path))
    assert data.train.all().max() < 20
    assert data.info.classes == list("01234")


@pytest.mark.parametrize("names", [("images", "data"), ("arr_0", "arr_1", "arr_2"), ("a", "y"), ("y", "labels")])
def test_npz_that_is_not_clear(tmp_path: Path, names: tuple[str, ...]) -> None:
    np.savez(tmp_path / "a.npz", **dict.fromkeys(names, NUMBERS))
    with pytest.raises(
        UserError, match=f"contains the arrays {', '.join(names)}; choose one with a.npz:KEY; labels come with x and"
    ):
        open_data(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        (
            {"x": np.eye(5), "y": np.ones(5) / 2},
            "a.npz:y: every label .*; got 0.5 for sample 0; .*a.npz:x for the data",
        ),
        (
            {"X": np.eye(5), "Y": np.ones((5, 2))},
            r"a.npz:Y: labels must have shape .*got \(5, 2\); use .*a.npz:X for the data",
        ),
        (
            {"arr_0": np.eye(5), "arr_1": np.eye(5)},
            "a.npz:arr_1: labels must have shape .*a.npz:arr_0 for the data without",
        ),
        (
            {"x_train": np.eye(5), "x_test": np.eye(5), "y_train": np.arange(5), "y_test": np.full(5, np.nan)},
            "a.npz:y_train and y_test: .* got nan for sample 0; .*a.npz:x_train for the data without labels",
        ),
    ],
)
def test_refused_labels_say_how_to_do_without(tmp_path: Path, arrays: dict, text: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=text) as caught:
        open_data(str(path))
    assert (
        open_data(str(caught.value).split("; use ")[1].removesuffix(" for the data without labels")).train.labels
        is None
    )


def test_broken_files(tmp_path: Path) -> None:
    good = tmp_path / "good.npy"
    np.save(good, np.eye(9))
    content = good.read_bytes()
    np.save(tmp_path / "object.npy", np.array([{}, {}, {}], object), allow_pickle=True)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "short.npy").write_bytes(content[:-7])
    (tmp_path / "header.npy").write_bytes(content[:40])
    (tmp_path / "huge.npy").write_bytes(content.replace(b"(9, 9), }     ", b"(9, 9000000), }"[:14]))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "short.npz").write_bytes(b"PK\x03\x04" + b"0" * 50)
    with zipfile.ZipFile(tmp_path / "member.npz", "w") as archive:
        archive.writestr("a.txt", "hello")
    for path in sorted(tmp_path.iterdir()):
        if path != good:
            with pytest.raises(UserError, match=f"{path.name} cannot be read as") as caught:
                open_data(str(path))
            assert "\n" not in str(caught.value)


def test_missing_and_strange_sources(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such file.*'digit'.*did you mean 'digits'\? allowed: digits, toy:moons"):
        open_data("digit", builtin={"digits": digits, "toy:moons": digits})
    with pytest.raises(UserError, match="no such file"):
        open_data(str(tmp_path / "none.npz:x"))
    with pytest.raises(UserError, match="no such file"):
        open_data("")
    (tmp_path / "a.dat").write_text("1,2")
    for path in (str(tmp_path / "a.dat"), "/dev/null"):
        with pytest.raises(UserError, match=r"must be a folder of images or a file of one of the kinds .npy, .*; got"):
            open_data(path)
    for path in ("a\0b", "a" * 5000):
        with pytest.raises(UserError, match="cannot be read"):
            open_data(path)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", np.eye(9))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"a.npy cannot be read as .npy or .npz: Permission denied"):
        open_data(str(tmp_path / "a.npy"))


def test_one_place_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").mkdir()
    np.savez("a/b.npz", **{"x/./y": np.eye(9)})
    for path, expected in (("./a//b.npz", "a/b.npz"), ("a/./b.npz:x/./y", "a/b.npz:x/./y"), ("a/../a/b.npz",) * 2):
        assert open_source(path, DataConfig()).info.source == expected
    assert open_source("toy:ring8", DataConfig()).info.source == "toy:ring8"


def test_builtin_data_and_options() -> None:
    assert open_data("digits", builtin={"digits": digits}).info.name == "digits"
    with pytest.raises(UserError, match=r"--data.size cannot be used with 'digits'"):
        open_data("digits", size=8, builtin={"digits": digits})
    with pytest.raises(UserError, match=r"--data.layout cannot be used with 'digits'"):
        open_data("digits", layout="nhwc", builtin={"digits": digits})
