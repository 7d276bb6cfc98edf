"""The cache on disk, and decoded images in it."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.data import cache as module
from monge.data.image import decoding
from monge.data.source import open_data
from monge.errors import MongeError, UserError

RANDOM = np.random.default_rng(6)
NUMBERS = RANDOM.normal(size=(40, 3))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache") / "monge"
    monkeypatch.setenv("MONGE_CACHE", str(path))
    return path


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder of images is one of many."""
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 0)


def store(name: str, numbers: np.ndarray = NUMBERS) -> str:
    key = module.key_of("array", name)
    with module.storing(key) as entry:
        np.testing.assert_array_equal(entry.write("numbers", [numbers[:7], numbers[7:]], (3,), "float64"), numbers)
    return key


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def picture(width: int = 8, height: int = 8, mode: str = "RGB") -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = RANDOM.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def fill(folder: Path, n: int = 5, mode: str = "RGB") -> None:
    folder.mkdir(exist_ok=True)
    for i in range(n):
        picture(mode=mode).save(folder / f"{i}.png")


def outside(folder: Path, **how: int) -> np.ndarray:
    """All samples in order."""
    data = open_data(str(folder), **how)
    return data.train.values  # type: ignore[attr-defined]


def truncated(path: Path) -> None:
    picture(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def test_entries_are_stored_once_and_mapped(cache: Path) -> None:
    key = store("a")
    found = module.load(key)
    assert found is not None
    assert isinstance(found["numbers"], np.memmap)
    np.testing.assert_array_equal(found["numbers"], NUMBERS)
    assert module.load(module.key_of("array", "b")) is None
    assert module.key_of("array", "ab", "c") != module.key_of("array", "a", "bc")
    assert [path.name for path in entries(cache)] == [key]


@pytest.mark.parametrize("kind", [np.dtype(">u2"), np.dtype("float32"), np.dtype("int64")])
def test_arrays_of_any_type_of_number(kind: np.dtype) -> None:
    numbers = RANDOM.integers(0, 99, (6, 2, 2)).astype(kind)
    with module.storing("array-x") as entry:
        found = entry.write("numbers", iter(numbers), (2, 2), kind)
        empty = entry.write("empty", [], (5,), kind)
    np.testing.assert_array_equal(found, numbers)
    assert (found.dtype, empty.shape) == (kind, (0, 5))


def damages() -> dict[str, object]:
    def flip(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

    return {
        "a flipped bit": flip,
        "short": lambda file: file.write_bytes(file.read_bytes()[:-8]),
        "empty": lambda file: file.write_bytes(b""),
        "long": lambda file: file.write_bytes(file.read_bytes() + b"0"),
        "gone": lambda file: file.unlink(),
        "a folder": lambda file: (file.unlink(), file.mkdir()),
        "nothing but zeros": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    }


@pytest.mark.parametrize("damage", damages().values(), ids=damages())
@pytest.mark.parametrize("name", ["numbers", "index.json"])
def test_damage_is_noticed(name: str, damage, cache: Path) -> None:
    key = store("a")
    state = (cache / key / name).stat()
    damage(cache / key / name)
    if (cache / key / name).exists():
        os.utime(cache / key / name, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert module.load(key) is None
    store("a")
    assert module.load(key) is not None


def test_a_copied_cache_is_used_once_it_was_checked(cache: Path) -> None:
    key = store("a")
    before = (cache / key / "index.json").read_bytes()
    content = (cache / key / "numbers").read_bytes()
    (cache / key / "numbers").unlink()
    (cache / key / "numbers").write_bytes(content)
    assert module.load(key) is not None
    assert (cache / key / "index.json").read_bytes() != before


def test_the_oldest_entries_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3 * NUMBERS.nbytes)
    keys = [store("a"), store("b")]
    other = cache / "holiday.png"
    other.write_bytes(bytes(10 * NUMBERS.nbytes))  # of somebody who chose a folder in use
    old, left = cache / f"{'0' * 32}-median-pixels.npy", cache / "monge-left.tmp"
    old.write_bytes(bytes(NUMBERS.nbytes))
    left.mkdir()
    young = cache / "monge-young.tmp"
    young.mkdir()
    now = time.time()
    for path, age in ((cache / keys[0], 300), (cache / keys[1], 200), (old, 400), (left, 90_000), (young, 80_000)):
        os.utime(path, (now - age, now - age))
    assert module.load(keys[0]) is not None  # which is now the one that was used last
    keys.append(store("c"))
    assert {path.name for path in entries(cache)} == {keys[0], keys[2], other.name, young.name}
    big = store("big", np.zeros((400, 3)))
    assert {path.name for path in entries(cache)} == {big, other.name, young.name}


def test_a_failed_entry_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), module.storing("array-x") as entry:
        entry.write("numbers", (NUMBERS / 0 if i else NUMBERS for i in [0, 1 // 0]), (3,), "float64")
    assert entries(cache) == []

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        MongeError, match=r"cache .* cannot be written \(No space left on device\); choose .*MONGE_CACHE"
    ):
        store("a")
    assert entries(cache) == []


def where(**environment: str) -> str:
    """The cache's folder in an environment without a home of a user who has none."""
    code = "import os\nfrom monge.data import cache\nif not os.getuid(): os.setuid(54321)\nprint(cache.folder())"
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=kept | environment
    )
    return done.stdout.strip()


def test_places_of_the_cache() -> None:
    assert where(MONGE_CACHE="/a", XDG_CACHE_HOME="/b", HOME="/c") == "/a"
    assert where(XDG_CACHE_HOME="/b", HOME="/c") == "/b/monge"
    assert where(XDG_CACHE_HOME="relative", HOME="/c") == "/c/.cache/monge"


@pytest.mark.skipif(os.getuid() != 0, reason="becomes a user without a home")
def test_a_user_without_a_home_has_a_cache() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o777)
        assert where(TMPDIR=place) == f"{place}/monge-54321"
        assert where(TMPDIR=place) == f"{place}/monge-54321"
        assert Path(f"{place}/monge-54321").stat().st_mode & 0o77 == 0
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o777)
        Path(f"{place}/monge-54321").mkdir()  # of somebody else
        assert where(TMPDIR=place) != f"{place}/monge-54321"


@pytest.mark.usefixtures("many")
def test_large_folders_are_decoded_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    truncated(tmp_path / "2a.png")
    large = outside_with_skip(tmp_path)
    assert isinstance(large, np.memmap)
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 10**9)
    monkeypatch.setenv("MONGE_CACHE", f"{cache}2")
    np.testing.assert_array_equal(outside_with_skip(tmp_path), large)
    monkeypatch.setenv("MONGE_CACHE", str(cache))
    monkeypatch.setattr(decoding, "decode", None)
    np.testing.assert_array_equal(outside_with_skip(tmp_path), large)


def outside_with_skip(folder: Path) -> np.ndarray:
    with pytest.warns(UserWarning, match="skipped 1 of 6 images"):
        return outside(folder, size=8, skip_bad=True)


@pytest.mark.usefixtures("many")
def test_interrupted_decoding_leaves_no_cache(tmp_path: Path, cache: Path) -> None:
    fill(tmp_path)
    truncated(tmp_path / "bad.png")
    with pytest.raises(UserError, match=r"bad.png"):
        open_data(str(tmp_path), size=8)
    assert entries(cache) == []


@pytest.mark.usefixtures("many")
def test_the_fingerprint_is_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "a")
    first = open_data(str(tmp_path / "a"))
    (tmp_path / "a" / "1.png").touch()
    assert open_data(str(tmp_path / "a")).fingerprint == first.fingerprint
    (tmp_path / "a").rename(tmp_path / "b")
    moved = open_data(str(tmp_path / "b"))
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 10**9)
    assert open_data(str(tmp_path / "b")).fingerprint == moved.fingerprint == first.fingerprint
    picture().save(tmp_path / "b" / "new.png")
    assert open_data(str(tmp_path / "b")).fingerprint != first.fingerprint


@pytest.mark.usefixtures("many")
def test_an_image_that_changes_without_its_size_and_time_is_noticed(tmp_path: Path) -> None:
    for i in range(5):
        Image.new("L", (8, 8), 40 * i).save(tmp_path / f"{i}.bmp")
    before = open_data(str(tmp_path))
    (number,) = before.train.index[:1]  # type: ignore[attr-defined]
    path = tmp_path / f"{number}.bmp"
    state = path.stat()
    Image.new("L", (8, 8), 7).save(path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    after = open_data(str(tmp_path))
    assert after.train.values[number].max() == 7  # type: ignore[attr-defined]
    assert after.fingerprint != before.fingerprint


@pytest.mark.usefixtures("many")
def test_folders_of_equal_names_sizes_and_times_keep_their_own_images(tmp_path: Path) -> None:
    found = []
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.fromarray(RANDOM.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / name / f"{i}.bmp")
            os.utime(tmp_path / name / f"{i}.bmp", (10**9, 10**9))
        found.append(open_data(str(tmp_path / name)))
    for name, data in zip("ab", found, strict=True):
        stored = [np.asarray(Image.open(tmp_path / name / f"{i}.bmp")) for i in range(5)]
        np.testing.assert_array_equal(data.train.values[..., 0], stored)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("many")
def test_what_was_resized_is_known_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    picture(12, 8).save(tmp_path / "wide.png")
    first = open_data(str(tmp_path))
    monkeypatch.setattr(decoding, "decode", None)
    second = open_data(str(tmp_path))
    assert (first.info.resized, second.info.resized) == (1, 1)
    assert first.fingerprint == second.fingerprint


@pytest.mark.usefixtures("many")
def test_unwritable_cache(tmp_path: Path, cache: Path) -> None:
    fill(tmp_path)
    cache.write_text("a file")
    with pytest.raises(MongeError, match=r"cannot be written.*MONGE_CACHE"):
        open_data(str(tmp_path))
