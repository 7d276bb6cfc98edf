"""Which images of a folder are trained on, held out and left out, and of which class they are."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.data.dataset import ArrayData
from monge.data.source import open_data
from monge.data.summary import summary
from monge.errors import UserError

RANDOM = np.random.default_rng(8)


def fill(root: Path, folders: Sequence[str], n: int = 4) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            pixels = RANDOM.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{i}.png")


def opened(folder: Path, **how: bool) -> ArrayData:
    data = open_data(str(folder), **how)  # type: ignore[arg-type]
    assert isinstance(data, ArrayData)
    return data


def counts(data: ArrayData) -> dict[str, tuple[int, int]]:
    """Training and held-out samples of each class."""
    parts = [data.train.labels, data.held_out.labels]
    assert data.info.classes is not None
    ours, theirs = (np.bincount(y, minlength=len(data.info.classes)).tolist() for y in parts if y is not None)
    return dict(zip(data.info.classes, zip(ours, theirs, strict=True), strict=True))


@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        ("train", "test"),
        ("Training", "Testing"),
        ("TRAIN", "VAL"),
        ("train_set", "validation"),
        ("train2017", "val2017"),
        ("trainset", "eval"),
        ("training-images", "test-images"),
        ("trn", "held_out"),
        ("train", "valid"),
        ("archive/train", "archive/test"),
    ],
)
def test_folders_named_like_parts_are_the_parts(tmp_path: Path, train: str, held_out: str) -> None:
    fill(tmp_path, [f"{train}/cat", f"{train}/dog"])
    fill(tmp_path, [f"{held_out}/cat", f"{held_out}/dog"], n=2)
    data = opened(tmp_path)
    assert counts(data) == {"cat": (4, 2), "dog": (4, 2)}
    stored = [
        np.asarray(Image.open(tmp_path / held_out / name / f"{i}.png")) for name in ("cat", "dog") for i in (0, 1)
    ]
    np.testing.assert_array_equal(data.held_out.all()[..., 0], stored)


def test_parts_may_be_flat(tmp_path: Path) -> None:
    fill(tmp_path, ["train", "test"])
    data = opened(tmp_path)
    assert (data.train.size, data.held_out.size, data.info.classes) == (4, 4, None)
    fill(tmp_path, ["classes/train/cat", "classes/train/dog", "classes/test"])
    half = opened(tmp_path / "classes")
    assert (half.info.classes, half.held_out.labels) == (["cat", "dog"], None)


def test_validation_beside_test_is_left_out(tmp_path: Path) -> None:
    fill(tmp_path, ["train/a", "train/b", "val/a", "test/a", "test/b", "extra"])
    fill(tmp_path, [""], n=1)
    data = opened(tmp_path)
    assert counts(data) == {"a": (4, 4), "b": (4, 4)}
    assert data.info.left_out == {"in val": 4, "in extra": 4, "beside train and test": 1}
    assert summary(data).endswith("held out; left out: 1 beside train and test, 4 in extra, 4 in val")


def test_names_of_parts_alone_are_classes(tmp_path: Path) -> None:
    fill(tmp_path, ["vehicles/train", "vehicles/plane", "single/test", "single/val"])
    assert opened(tmp_path / "vehicles").info.classes == ["plane", "train"]
    assert opened(tmp_path / "single").info.classes == ["test", "val"]


def test_two_folders_of_one_part_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, ["train", "Training", "test"])
    with pytest.raises(
        UserError, match="must have only one training folder; got 'Training' and 'train'; rename all but"
    ):
        open_data(str(tmp_path))


def test_folders_around_all_others_are_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, ["images/train/cat/siamese", "images/train/dog"])
    assert opened(tmp_path).info.classes == ["cat", "dog"]


def test_what_keeps_folders_from_being_classes_is_named(tmp_path: Path) -> None:
    fill(tmp_path, ["cat", "dog"])
    fill(tmp_path, [""], n=3)
    data = opened(tmp_path)
    assert data.info.classes is None
    assert summary(data).endswith("; no classes, because 0.png and 2 more are beside the folders cat, dog")
    fill(tmp_path, ["split/train", "split/train/only", "split/test"])
    assert opened(tmp_path / "split").info.obstacle == "0.png and 3 more are beside the folder only"


ENDINGS = {
    "PNG": ("a.png", "b.PNG"),
    "JPEG": ("c.jpg", "d.JPEG", "e.jfif", "f.jpe"),
    "BMP": ("g.bmp",),
    "TIFF": ("h.tif", "i.TIFF"),
    "GIF": ("j.gif",),
    "WEBP": ("k.webp",),
    "PPM": ("l.pgm", "m.ppm"),
}


def test_all_endings_are_read(tmp_path: Path) -> None:
    for kind, names in ENDINGS.items():
        for name in names:
            Image.new("L", (8, 8), 90).save(tmp_path / name, kind)
    with pytest.warns(UserWarning, match="all training samples are identical"):
        data = opened(tmp_path)
    assert data.train.size + data.held_out.size == sum(map(len, ENDINGS.values()))
    assert data.info.left_out == {}


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    fill(tmp_path, [""], n=6)
    for name in ("a.HEIC", "b.heic", "c.txt", "d", ".e.png", ".f"):
        (tmp_path / name).write_text("no image")
    (tmp_path / ".git").mkdir()
    (tmp_path / "bad.png").write_text("no image")
    with pytest.warns() as caught:
        data = opened(tmp_path, skip_bad=True)
    said = "; ".join(str(warning.message) for warning in caught)
    assert "skipped 2 .heic, as these formats are not supported; convert them to .png" in said
    left_out = {".heic": 2, ".txt": 1, "without an ending": 1, "hidden": 3, "unreadable": 1}
    assert data.info.left_out == left_out
    assert summary(data).endswith("left out: 2 .heic, 1 .txt, 1 without an ending, 3 hidden, 1 unreadable")


def test_rare_endings_are_counted_together(tmp_path: Path) -> None:
    fill(tmp_path, [""])
    for ending in "abcdefg":
        (tmp_path / f"1.{ending}").touch()
    assert opened(tmp_path).info.left_out == {".a": 1, ".b": 1, ".c": 1, ".d": 1, ".e": 1, "other": 2}


def test_folders_without_images_name_what_they_contain(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.heic").touch()
    with pytest.raises(UserError, match=r"must contain images; got only 3 .heic; supported endings: .bmp, .*.webp"):
        open_data(str(tmp_path))


def test_unreadable_images_of_a_part_are_left_out_of_it(tmp_path: Path) -> None:
    fill(tmp_path, ["train/a", "train/b", "test/a", "test/b"])
    for part in ("train/a", "test/b"):
        (tmp_path / part / "0.png").write_text("no image")
    with pytest.warns(UserWarning, match="skipped 2 of 16 images, which cannot be read"):
        data = opened(tmp_path, skip_bad=True)
    assert counts(data) == {"a": (3, 4), "b": (4, 3)}


def test_animations_are_warned_of(tmp_path: Path) -> None:
    fill(tmp_path, [""])
    frames = [Image.new("L", (8, 8), grey) for grey in (10, 90)]
    for name in ("a.gif", "b.tif", "c.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="3 of 7 images have several frames or pages, of which only the first is read"):
        data = opened(tmp_path)
    assert data.train.size + data.held_out.size == 7


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes")
def test_names_need_not_be_utf8(tmp_path: Path) -> None:
    fill(tmp_path, [os.fsdecode(b"Fotos \xe4/K\xe4tze"), os.fsdecode(b"Fotos \xe4/two\nlines")])
    data = opened(tmp_path / os.fsdecode(b"Fotos \xe4"))
    assert (data.info.name, data.info.classes) == ("Fotos \\udce4", ["K\\udce4tze", "two\\nlines"])
    summary(data).encode()
