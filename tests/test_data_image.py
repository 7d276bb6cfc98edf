"""Folders of images."""

import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.config.schema import DataConfig
from monge.data.image import file
from monge.data.image.decoding import Budget
from monge.data.image.file import decode, header
from monge.data.image.listing import TWICE
from monge.data.source import open_data, open_like, open_source
from monge.data.space import VectorSpace
from monge.data.summary import summary
from monge.errors import UserError

RANDOM = np.random.default_rng(6)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache") / "monge"
    monkeypatch.setenv("MONGE_CACHE", str(path))
    return path


def picture(width: int = 8, height: int = 8, mode: str = "RGB") -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = RANDOM.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def fill(folder: Path, n: int = 5, mode: str = "RGB") -> None:
    for i in range(n):
        picture(mode=mode).save(folder / f"{i}.png")


def bomb(path: Path, width: int = 40_000, height: int = 40_000) -> None:
    """A PNG whose header promises many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def save_deep(path: Path, pixels: np.ndarray) -> None:
    """A PNG (H, W, 3 or 4) of 16 bits per channel."""
    height, width, channels = pixels.shape
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    data = b"IDAT" + zlib.compress(rows)
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def outside(folder: Path, **how: int | str) -> np.ndarray:
    """All samples in order."""
    data = open_data(str(folder), **how)
    return data.train.values  # type: ignore[attr-defined]


def test_common_square_size_is_kept(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    data = open_data(str(tmp_path))
    assert (data.space.name, data.codec.space.shape, data.train.size, data.held_out.size) == ("image", (3, 8, 8), 8, 2)
    assert data.info.name == tmp_path.name
    np.testing.assert_array_equal(outside(tmp_path)[3], np.asarray(Image.open(tmp_path / "3.png")))
    assert data.fingerprint == open_data(str(tmp_path)).fingerprint


def test_files_of_all_formats_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    colours = [(i * 50, 100, 0) for i in range(5)]
    names = ["a.PNG", "b/c.JPeG", "b/d.webp", "e.jpg", "f.png"]
    for name, colour in zip(names, colours, strict=True):
        Image.new("RGB", (8, 8), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".DS.png").write_text("no image")
    (tmp_path / ".hidden" / "a.png").write_text("no image")
    found = outside(tmp_path)
    assert found.shape == (5, 8, 8, 3)
    np.testing.assert_allclose(found.mean((1, 2)), colours, atol=3)


def test_links_are_followed_and_end(tmp_path: Path) -> None:
    pool, folder = tmp_path / "pool", tmp_path / "data"
    for name in ("cats", "dogs"):
        (pool / name).mkdir(parents=True)
        fill(pool / name, 3)
    folder.mkdir()
    for name, target in (("cat", "cats"), ("dog", "dogs"), ("pup", "dogs")):
        (folder / name).symlink_to(pool / target)
    # loops: to a folder that it lies in, and by way of another
    (pool / "cats" / "back").symlink_to(folder)
    (pool / "dogs" / "self").symlink_to(pool / "dogs")
    data = open_data(str(folder))
    assert data.info.classes == ["cat", "dog"]
    stored = [np.asarray(Image.open(pool / name / f"{i}.png")) for name in ("cats", "dogs") for i in range(3)]
    np.testing.assert_array_equal(outside(folder), stored)
    assert summary(data).endswith("left out: 3 reached again by a link")


def test_each_file_is_read_once(tmp_path: Path) -> None:
    """Where it lies, or else by the first link; in one of the parts rather than beside them."""
    pool, folder = tmp_path / "pool", tmp_path / "data"
    for place in (pool, folder / "v1"):
        place.mkdir(parents=True)
        fill(place, 4)
    (folder / "current").symlink_to("v1")
    (folder / "again.png").symlink_to("v1/0.png")
    (folder / "v1" / "hard.png").hardlink_to(folder / "v1" / "1.png")
    for name in ("0.png", "1.png"):
        (folder / "v1" / f"pool-{name}").symlink_to(pool / name)
    data = open_data(str(folder))
    assert data.info.left_out == {TWICE: 3}
    assert data.train.size + data.held_out.size == 6  # type: ignore[operator]
    for name in ("train", "test"):
        (tmp_path / "parts" / name).mkdir(parents=True)
    (tmp_path / "parts" / "all").symlink_to(pool)
    for name, target in (("train", "0"), ("train", "1"), ("train", "2"), ("test", "2"), ("test", "3")):
        (tmp_path / "parts" / name / f"{target}.png").symlink_to(f"../all/{target}.png")
    parts = open_data(str(tmp_path / "parts"))
    assert (parts.train.size, parts.held_out.size) == (2, 2)
    assert parts.info.left_out == {"in all": 4, TWICE: 1}


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    names = [f"{i}" for i in range(6)]
    for name in names:
        (tmp_path / name).mkdir()
        picture().save(tmp_path / name / "a.png")
    for name in names:
        for other in names:
            (tmp_path / name / f"to-{other}").symlink_to(tmp_path / other)
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.warns(UserWarning, match="skipped 1 of 7 images"):
        data = open_data(str(tmp_path), skip_bad=True)
    assert data.train.size + data.held_out.size == 6  # type: ignore[operator]


def modes() -> dict[str, tuple[Image.Image, tuple[int, int, int]]]:
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([255, 0, 0, 10, 20, 30])
    clear = palette.copy()
    clear.info["transparency"] = 1
    deep = Image.fromarray(np.full((8, 8), 200 * 257, np.uint16))
    return {
        "bit.png": (Image.new("1", (8, 8), 1), (255, 255, 255)),
        "clear.png": (clear, (255, 255, 255)),
        "cmyk.jpg": (Image.new("CMYK", (8, 8), (0, 255, 255, 0)), (255, 0, 0)),
        "deep.png": (deep, (200, 200, 200)),
        "grey.png": (Image.new("L", (8, 8), 77), (77, 77, 77)),
        "la.png": (Image.new("LA", (8, 8), (0, 51)), (204, 204, 204)),
        "palette.png": (palette, (10, 20, 30)),
        "rgba.png": (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), (255, 255, 255)),
        "rgba.webp": (Image.new("RGBA", (8, 8), (0, 0, 255, 51)), (204, 204, 255)),
    }


def test_all_modes_become_colour(tmp_path: Path) -> None:
    for name, (image, _) in modes().items():
        image.save(tmp_path / name, **({"transparency": 1} if name == "clear.png" else {}))
    with pytest.warns(UserWarning, match="1 of 9 images have 16 bits and the others 8, so they are divided by 257"):
        found = outside(tmp_path)
    expected = [colour for _, (_, colour) in sorted(modes().items())]
    np.testing.assert_allclose(found.mean((1, 2)), expected, atol=4)


@pytest.mark.parametrize("channels", [1, 3])
def test_large_images_are_converted_in_strips(channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {name: image for name, (image, _) in modes().items()}
    cases |= {f"{mode}.png": picture(9, 30, mode) for mode in ("L", "LA", "RGB", "RGBA")}
    for name, image in cases.items():
        image.save(tmp_path / name, **({"transparency": 1} if name == "clear.png" else {}))
    if channels == 3:
        save_deep(tmp_path / "deep-colours.png", RANDOM.integers(0, 65_536, (30, 9, 4), dtype=np.uint16))
    paths = sorted(tmp_path.iterdir())
    kinds = [(path, header(path).dtype) for path in paths]
    whole = [decode(path, (6, 6), channels, kind) for path, kind in kinds]
    monkeypatch.setattr(file, "_STRIP_PIXELS", 40)
    for (path, kind), expected in zip(kinds, whole, strict=True):
        np.testing.assert_array_equal(decode(path, (6, 6), channels, kind), expected, err_msg=path.name)


@pytest.mark.parametrize("most", [1, 100, 10**6])
def test_a_budget_holds(most: int) -> None:
    budget, taken, seen, lock = Budget(most), [0], list[int](), threading.Lock()

    def work(size: int) -> int:
        with budget.taken(size):
            with lock:
                taken[0] += size
                seen.append(taken[0])
            time.sleep(0.001)
            with lock:
                taken[0] -= size
        return size

    sizes = [int(size) for size in RANDOM.integers(1, 60, 60)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, sizes)) == sizes
    assert max(seen) <= max(most, max(sizes))


@pytest.mark.slow
def test_an_image_of_a_hundred_million_pixels_takes_bounded_memory(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    for i in range(2):
        Image.new("RGBA", (10_000, 10_000), (i, 200, 30, 90)).save(tmp_path / f"large{i}.png", compress_level=1)
    code = (
        "import resource, sys; from monge.data.source import load_data;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; load_data(sys.argv[1], size=32);"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1100, done.stdout


def test_all_grey_has_one_channel(tmp_path: Path) -> None:
    grey = Image.new("P", (8, 8), 1)
    grey.putpalette([0, 0, 0, 33, 33, 33])
    grey.save(tmp_path / "palette.png")
    for name in ("bit.png", "deep.png", "grey.png", "la.png"):
        modes()[name][0].save(tmp_path / name)
    with pytest.warns(UserWarning, match="divided by 257"):
        found = outside(tmp_path)
    assert found.shape == (5, 8, 8, 1)
    np.testing.assert_array_equal(found[:, 0, 0, 0], [255, 200, 77, 204, 33])


def test_exif_rotation(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    image = Image.new("RGB", (8, 8))
    image.paste((255, 255, 255), (0, 0, 8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter: the top becomes the right
    image.save(tmp_path / "z.png", exif=exif)
    upright = outside(tmp_path)[3]
    assert upright[:, 4:].min() == 255
    assert upright[:, :4].max() == 0


def test_shorter_side_is_resized_and_the_centre_kept(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    image = Image.new("RGB", (40, 20))
    image.paste((255, 255, 255), (10, 0, 30, 20))
    image.save(tmp_path / "z.png")
    assert outside(tmp_path, size=10)[3].min() > 230  # the filter reaches beyond the crop
    wide = outside(tmp_path, size="10x20")
    assert wide.shape == (4, 10, 20, 3)
    assert max(wide[3, :, :4].max(), wide[3, :, 16:].max()) < 20
    assert wide[3, :, 6:14].min() > 235
    np.testing.assert_array_equal(outside(tmp_path, size="10x10"), outside(tmp_path, size=10))


def sized(folder: Path, *sizes: tuple[int, int]) -> Path:
    for i, (height, width) in enumerate(sizes):
        picture(width, height).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    ("sizes", "expected", "resized"),
    [
        ([(8, 8)] * 4 + [(8, 9)], (8, 8), 1),
        ([(640, 960), (600, 1000), (480, 720)], (80, 128), 3),
        ([(64, 96), (61, 96), (63, 95)], (64, 96), 2),
        ([(6, 300)] * 3, (8, 128), 3),
        ([(10, 13)] * 3, (8, 12), 3),
        ([(20, 100)] * 3, (20, 100), 0),
        ([(256, 256)] * 3, (128, 128), 3),
    ],
)
def test_the_default_size_follows_the_median(
    tmp_path: Path, sizes: list[tuple[int, int]], expected: tuple[int, int], resized: int
) -> None:
    data = open_data(str(sized(tmp_path, *sizes)))
    assert data.codec.space.shape == (3, *expected)
    assert data.info.resized == resized
    text = summary(data)
    said = (
        f"; {resized} resized to {expected[0]} x {expected[1]}, the size nearest to their median that all networks take"
    )
    assert (f"{said}; --data.size chooses another" in text) == (resized > 0)
    chosen = open_data(str(tmp_path), size="4x12")
    assert (chosen.codec.space.shape, chosen.info.resized) == ((3, 4, 12), 0)
    assert "resized" not in summary(chosen)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_the_median_is_of_upright_images(tmp_path: Path, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        picture(24, 16).save(tmp_path / f"{i}.{ending}", exif=exif)
    data = open_data(str(tmp_path))
    assert (data.codec.space.shape, data.info.resized) == ((3, 24, 16), 0)


def test_other_images_get_the_size_of_those_they_are_compared_with(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sized(tmp_path / "a", (16, 24), (16, 25), (16, 23))
    sized(tmp_path / "b", (12, 24), (13, 24), (12, 25))
    one, other = (str(tmp_path / name) for name in "ab")
    space = open_source(one, DataConfig()).space
    assert space.shape == (3, 16, 24)
    assert open_source(other, DataConfig()).space.shape == (3, 12, 24)
    assert open_like(other, DataConfig(), space).space == space
    assert open_like(other, DataConfig(), VectorSpace(3)).space.shape == (3, 12, 24)
    assert open_like(other, DataConfig(size=8), space).space.shape == (3, 8, 8)


def test_refused_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must contain images; it is empty; supported endings: \.bmp, "):
        open_data(str(tmp_path))
    folder = tmp_path / "a.npy"
    folder.mkdir()
    with pytest.raises(UserError, match=r"a.npy must contain images; it is empty"):
        open_data(str(folder))
    fill(folder, 2)
    with pytest.raises(UserError, match=r"at least 3 samples, .*; got 2"):
        open_data(str(folder))
    with pytest.raises(UserError, match=r"--data.layout cannot be used"):
        open_data(str(folder), layout="nhwc")
    with pytest.raises(
        UserError, match=r"--data.size must be a side or HEIGHTxWIDTH, from 4 to 512 pixels each; got 2"
    ):
        open_data(str(folder), size=2)


def test_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(UserError, match=r"folder .* cannot be read: Permission denied"):
        open_data(str(tmp_path))


def truncated(path: Path) -> None:
    picture(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda path: path.write_bytes(b""), "is not a readable image"),
        (lambda path: path.write_text("GIF89a hello"), "is not a readable image"),
        (truncated, "is not a readable image"),
        (dangling, "is not a file"),
        (bomb, "must have at most 100 million pixels"),
        (lambda path: bomb(path, 11_000, 9_100), "must have at most 100 million pixels"),
    ],
    ids=["empty", "text", "truncated", "dangling", "bomb", "small-bomb"],
)
def test_bad_images(tmp_path: Path, spoil: object, text: str) -> None:
    fill(tmp_path)
    assert callable(spoil)
    spoil(tmp_path / "bad.png")
    with pytest.raises(UserError, match=f"bad.png {text}.*--data.skip-bad") as caught:
        open_data(str(tmp_path), size=8)
    assert "\n" not in str(caught.value)
    with pytest.warns(UserWarning, match="skipped 1 of 6 images, which cannot be read"):
        data = open_data(str(tmp_path), size=8, skip_bad=True)
    assert data.train.size == 4


def test_pillow_warnings_do_not_leak(tmp_path: Path) -> None:
    fill(tmp_path, mode="L")
    Image.new("1", (9_600, 9_600)).save(tmp_path / "large.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_data(str(tmp_path), size=8).codec.space.shape == (1, 8, 8)


def test_only_bad_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match="none of the 1 images can be read"):
        open_data(str(tmp_path), skip_bad=True)
