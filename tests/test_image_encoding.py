"""Images as files, at the depth of their numbers: written, read back, and drawn from a run."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge import plot
from monge.cli import run
from monge.data.image.encoding import image_file, tiff, usual_suffix
from monge.data.source import open_data
from monge.data.space import ImageSpace
from monge.errors import UserError

RANDOM = np.random.default_rng(12)
TRAIN = ["--steps", "2", "--threads", "1", "--training.batch", "8", "--observe.bracket", "2"]
TRAIN += ["--generator", "mlp:width=8", "--critic", "mlp:width=8"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))


def images(dtype: str, channels: int, count: int = 5, height: int = 12, width: int = 8) -> np.ndarray:
    shape = count, height, width, channels
    if dtype.startswith("float"):
        return RANDOM.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RANDOM.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def deep_tiff(image: np.ndarray, order: str, deflated: bool) -> bytes:
    """Colours of 16 bits (H, W, C) in a TIFF file, which Pillow does not write (TIFF 6.0, sections 2 and 6)."""
    height, width, channels = image.shape
    data = image.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if deflated else data
    data += b"\0" * (len(data) % 2)
    short = {256: [width], 257: [height], 258: [16] * channels, 259: [8 if deflated else 1], 262: [2]}
    tags = [(tag, "H", values) for tag, values in short.items()]
    tags += [(273, "I", [8]), (277, "H", [channels]), (278, "H", [height]), (279, "I", [len(data)])]
    tags += [(338, "H", [2])] if channels == 4 else []
    entries, beyond, start = b"", b"", 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, kind, values in tags:
        content = struct.pack(order + kind * len(values), *values)
        if len(content) > 4:
            content, beyond = struct.pack(f"{order}I", start + len(beyond)), beyond + content
        entries += struct.pack(f"{order}HHI", tag, 3 if kind == "H" else 4, len(values)) + content.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(data))
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + beyond


def on_white(image: np.ndarray) -> np.ndarray:
    """Colours of 16 bits with transparency, (..., 4), on white."""
    share = image[..., 3:] / 65535
    return np.asarray(share * image[..., :3] + (1 - share) * 65535)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_of_8_bits(channels: int) -> None:
    x = images("uint8", channels)
    assert usual_suffix("uint8") == ".png"
    found = Image.open(io.BytesIO(image_file(x[0], ".png")))
    assert found.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    np.testing.assert_array_equal(np.asarray(found).reshape(12, 8, channels), x[0])
    pages = Image.open(io.BytesIO(tiff(x)))
    assert pages.n_frames == 5
    for i in range(5):
        pages.seek(i)
        np.testing.assert_array_equal(np.asarray(pages).reshape(12, 8, channels), x[i])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pngs_of_16_bits(channels: int) -> None:
    x = images("uint16", channels)[0]
    assert usual_suffix("uint16") == ".png"
    content = image_file(x, ".png")
    assert content == image_file(x, ".png")
    assert content[24:26] == bytes([16, {1: 0, 2: 4, 3: 2, 4: 6}[channels]])
    found = np.asarray(Image.open(io.BytesIO(content)))
    if channels == 1:
        np.testing.assert_array_equal(found, x[..., 0])
    else:  # Pillow decodes the upper bytes, and grey as colours
        expected = x[..., [0, 0, 0, 1]] if channels == 2 else x
        np.testing.assert_array_equal(found, expected >> 8)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", ["png", "tif, little", "tif, big", "tif, little, deflated", "tif, big, deflated"])
def test_colours_of_16_bits_are_read(kind: str, channels: int) -> None:
    x = images("uint16", channels)
    Path("data").mkdir()
    for i, image in enumerate(x):
        content = image_file(image, ".png")
        if kind != "png":
            content = deep_tiff(image, "<" if "little" in kind else ">", "deflated" in kind)
        Path(f"data/{i}.{kind[:3]}").write_bytes(content)
    found = open_data("data").train.values  # type: ignore[attr-defined]
    assert found.dtype == np.uint16
    if channels == 3:
        np.testing.assert_array_equal(found, x)
    else:
        np.testing.assert_allclose(found, on_white(x), rtol=0, atol=0.51)


def test_grey_among_colours_of_16_bits() -> None:
    Path("data").mkdir()
    grey, colours = images("uint16", 1), images("uint16", 3)
    for i in range(5):
        Path(f"data/{i}a.png").write_bytes(image_file(grey[i], ".png"))
        Path(f"data/{i}b.png").write_bytes(image_file(colours[i], ".png"))
    found = open_data("data").train.values  # type: ignore[attr-defined]
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[::2], grey.repeat(3, axis=3))
    np.testing.assert_array_equal(found[1::2], colours)
    smaller = open_data("data", size="8x4").train.values  # type: ignore[attr-defined]
    assert (smaller.shape, smaller.dtype) == ((10, 8, 4, 3), np.uint16)


@pytest.mark.parametrize(("dtype", "read"), [("uint16", "uint16"), ("int32", "int32"), ("float32", "float32")])
def test_grey_tiffs(dtype: str, read: str) -> None:
    x = images(dtype, 1)
    Path("data").mkdir()
    for i, image in enumerate(x):
        Path(f"data/{i}.tif").write_bytes(image_file(image, ".tif"))
    found = open_data("data").train.values  # type: ignore[attr-defined]
    assert found.dtype == read
    np.testing.assert_array_equal(found, x)


@pytest.mark.parametrize(("dtype", "wider"), [("int16", "int32"), ("uint32", "int32"), ("float64", "float32")])
def test_types_that_a_tiff_keeps_in_wider_ones(dtype: str, wider: str) -> None:
    x = images(dtype, 1) // 2 if dtype == "uint32" else images(dtype, 1)
    assert usual_suffix(dtype) == ".tif"
    found = np.asarray(Image.open(io.BytesIO(image_file(x[0], ".tif"))))
    assert found.dtype == wider
    np.testing.assert_allclose(found, x[0, ..., 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "channels", "text"),
    [
        ("uint16", 3, "a .npz or .npy file for images of uint16 with 3 channels, .*; a folder .* takes them as .png$"),
        ("float32", 4, "for images of float32 with 4 channels, which TIFF files cannot contain here$"),
        ("int64", 1, "for images of int64 with 1 channel, which"),
    ],
)
def test_what_no_tiff_contains(dtype: str, channels: int, text: str) -> None:
    with pytest.raises(UserError, match=text):
        tiff(images(dtype, channels))


@pytest.mark.parametrize(("dtype", "channels"), [("uint8", 2), ("uint8", 4), ("uint16", 3), ("float32", 1)])
def test_samples_have_the_depth_of_the_data(dtype: str, channels: int) -> None:
    np.save("data.npy", images(dtype, channels, count=40))
    assert run(["train", "data.npy", "--data.layout", "nhwc", "--run", "r", *TRAIN]) == 0
    for out in ("x.npy", "x.npz", "x/", "x.png"):
        assert run(["sample", "r", "-n", "3", "--out", out]) == 0
    x = np.load("x.npy")
    assert (x.dtype, x.shape) == (dtype, (3, 12, 8, channels))
    np.testing.assert_array_equal(np.load("x.npz")["x"], x)
    suffix = usual_suffix(dtype)
    for i in range(3):
        assert Path(f"x/000{i}{suffix}").read_bytes() == image_file(x[i], suffix)
    if (dtype, channels) == ("uint16", 3):
        assert run(["sample", "r", "-n", "3", "--out", "x.tif"]) == 2
        return
    assert run(["sample", "r", "-n", "3", "--out", "x.TIF"]) == 0
    assert Path("x.TIF").read_bytes() == tiff(x)


def test_vectors_are_no_pages(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("data.npy", RANDOM.normal(size=(40, 3)))
    assert run(["train", "data.npy", "--run", "r", *TRAIN]) == 0
    capsys.readouterr()
    assert run(["sample", "r", "--out", "x.tif"]) == 2
    text = "monge: --out must end in .png, .npz, .npy, .csv or .parquet for vectors; got .tif\n"
    assert capsys.readouterr().err == text


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_of_any_channels(channels: int) -> None:
    x, space = images("uint8", channels), ImageSpace(channels, 12, 8)
    sheet = plot.picture(space, x)
    assert sheet.getbands() == {1: ("L",), 2: ("L", "A"), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}[channels]
    factor = 3  # enlarged until the longer side has 32 pixels
    np.testing.assert_array_equal(
        np.asarray(sheet).reshape(sheet.height, sheet.width, channels)[2 : 2 + 12 * factor : factor, 2:26:factor], x[0]
    )
    beside = plot.side_by_side(space, {"a": x}, x)
    assert np.asarray(beside).std() > 10
