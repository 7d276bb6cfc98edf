"""Pixels that are not 0 to 255: their range, their way through the codec, and comparisons."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from monge.data.codec import codec_from_state
from monge.data.dataset import ArrayData
from monge.data.image import decoding
from monge.data.source import in_memory, open_data
from monge.data.space import Pixels
from monge.errors import UserError
from monge.evaluation.sample_set import SampleSet

RANDOM = np.random.default_rng(9)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path_factory.mktemp("cache")))


def folder_of(path: Path, images: np.ndarray, ending: str = ".png") -> Path:
    path.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(path / f"{i:03}{ending}")
    return path


def opened(path: Path, **how: int) -> ArrayData:
    data = open_data(str(path), **how)
    assert isinstance(data, ArrayData)
    return data


def pixels(data: ArrayData) -> Pixels:
    found: Pixels = data.space.pixels  # type: ignore[attr-defined]
    return found


MEASURED = {
    "12 bits in a PNG of 16": (RANDOM.integers(100, 4000, (10, 8, 8)).astype(np.uint16), ".png"),
    "12 bits in a TIFF of 16": (RANDOM.integers(100, 4000, (10, 8, 8)).astype(np.uint16), ".tif"),
    "32 bits": (RANDOM.integers(-70_000, 70_000, (10, 8, 8)).astype(np.int32), ".tif"),
    "floats": (RANDOM.normal(size=(10, 8, 8)).astype(np.float32), ".tiff"),
    "masks": (RANDOM.integers(0, 2, (10, 8, 8), dtype=np.uint8), ".png"),
}


@pytest.mark.parametrize("name", MEASURED)
def test_measurements_keep_their_numbers(tmp_path: Path, name: str) -> None:
    images, ending = MEASURED[name]
    data = opened(folder_of(tmp_path, images, ending))
    assert data.train.values.dtype == images.dtype
    np.testing.assert_array_equal(data.train.values[..., 0], images)
    raw = data.train.all()
    assert pixels(data) == Pixels(raw.min(), raw.max(), images.dtype.name)
    model = data.codec.encode(raw)
    assert (model.min(), model.max()) == (-1, 1)
    np.testing.assert_allclose(model.flatten(1), data.codec.metric(raw), atol=1e-6)
    stored = codec_from_state(data.codec.state())
    np.testing.assert_allclose(stored.decode(model), raw, rtol=0, atol=0 if pixels(data).whole else 1e-6)
    shown = data.space.shown(raw)  # type: ignore[attr-defined]
    assert (shown.dtype, shown.min(), shown.max()) == (np.uint8, 0, 255)


def test_ordinary_images_are_scaled_as_ever() -> None:
    x = RANDOM.integers(0, 256, (50, 8, 8), dtype=np.uint8)
    assert pixels(in_memory(x)) == Pixels()
    assert pixels(in_memory(x // 8)) == Pixels()  # 0 to 31
    assert pixels(in_memory(200 + x // 9)) == Pixels(200, 228)
    with pytest.warns(UserWarning, match="all training samples are identical"):
        assert pixels(in_memory(np.full((9, 8, 8), 3, np.uint8))) == Pixels()
    assert in_memory(x).codec.state() == {"kind": "image", "shape": [1, 8, 8]}


def test_bits_are_black_and_white(tmp_path: Path) -> None:
    data = opened(folder_of(tmp_path, RANDOM.integers(0, 2, (10, 8, 8)).astype(bool)))
    assert (pixels(data), set(np.unique(data.train.values))) == (Pixels(), {0, 255})


def test_constant_measurements_have_a_range() -> None:
    for value in (0.0, -7.0, 1e30):
        with pytest.warns(UserWarning, match="all training samples are identical"):
            data = in_memory(np.full((9, 8, 8), value))
        assert (data.codec.encode(data.train.all()) == -1).all()


@given(st.integers(0, 50_000), st.integers(1, 1_000), st.sampled_from(["uint16", "int32", "float64"]))
@settings(max_examples=30, deadline=None)
def test_metric_scale_is_that_of_the_range(low: int, width: int, dtype: str) -> None:
    """Shifted and stretched images are as far apart as before, which no scaling of single images would give."""
    x = RANDOM.integers(0, 16, (9, 4, 4))
    x[:, 0, 0], x[:, 0, 1] = 0, 15
    plain, moved = in_memory(x), in_memory((low + width * x).astype(dtype))
    np.testing.assert_allclose(plain.codec.metric(plain.train.all()), moved.codec.metric(moved.train.all()), atol=1e-9)


def test_held_out_images_follow_the_training_range(tmp_path: Path) -> None:
    x = RANDOM.integers(0, 2, (5, 8, 8)).astype(np.uint16) * 2000
    folder_of(tmp_path / "train", x)
    folder_of(tmp_path / "test", 2 * x)
    data = opened(tmp_path)
    assert pixels(data) == Pixels(0, 2000, "uint16")
    assert data.codec.metric(data.held_out.all()).max() == 3


def test_a_few_pixels_that_set_the_scale_are_warned_of(tmp_path: Path) -> None:
    x = RANDOM.integers(0, 300, (20, 40, 40)).astype(np.uint16)
    x[::5, 3, 3] = 60_000
    with pytest.warns(
        UserWarning, match="range from 0 to 60000, but 99.8 % of them from 0 to 299; a few outliers set the scale"
    ):
        opened(folder_of(tmp_path, x), size=40)


def test_types_that_share_no_scale_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, RANDOM.integers(0, 256, (4, 8, 8), dtype=np.uint8))
    folder_of(tmp_path, RANDOM.normal(size=(4, 8, 8)).astype(np.float32), ".tif")
    with pytest.raises(UserError, match=r"one type; got float32 \(000.tif\), uint8 \(000.png\), which share no scale"):
        open_data(str(tmp_path))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_of_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    x = RANDOM.normal(size=(6, 8, 8)).astype(np.float32)
    x[2, 3, 3] = value
    folder_of(tmp_path, x, ".tif")
    with pytest.raises(
        UserError,
        match=r"002.tif is not a readable image .it contains NaN or infinite values.; --data.skip-bad skips it",
    ):
        open_data(str(tmp_path))
    with pytest.warns(UserWarning, match="skipped 1 of 6 images, which cannot be read"):
        open_data(str(tmp_path), skip_bad=True)


def test_colours_of_16_bits_are_warned_of(tmp_path: Path) -> None:
    folder_of(tmp_path, RANDOM.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    # Pillow writes none
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + RANDOM.bytes(48) for _ in range(8)))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(content)
    with pytest.warns(UserWarning, match="1 of 5 images have 16 bits per channel, of which only the upper 8 are read"):
        open_data(str(tmp_path))


def test_large_folders_of_measurements_are_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = RANDOM.integers(0, 4096, (10, 8, 8)).astype(np.uint16)
    small = opened(folder_of(tmp_path, x))
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 0)
    large = opened(tmp_path)
    assert isinstance(large.train.values, np.memmap)
    np.testing.assert_array_equal(small.train.values, large.train.values)
    monkeypatch.setattr(decoding, "decode", None)
    assert opened(tmp_path).fingerprint == large.fingerprint


def test_sets_are_compared_in_the_range_of_the_first(tmp_path: Path) -> None:
    x = RANDOM.integers(0, 4, (40, 4, 4)) * 1000
    wide, narrow = in_memory(x.astype(np.uint16)), in_memory((x // 2).astype(np.uint16))
    a = SampleSet.draw(wide, "a")
    b = SampleSet.draw(narrow, "b", side=1, like=a)
    assert (a.points.max(), b.points.max()) == (1, 0)
    with pytest.warns(UserWarning, match="its pixels are float64 from 0 to 3000, and are compared .* with uint16 from"):
        SampleSet.draw(in_memory(x.astype(float)), "c", side=1, like=a)
