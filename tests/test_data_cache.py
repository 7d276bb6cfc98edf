"""Decoded images on disk."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.data.image import decoding as module
from monge.data.source import open_data
from monge.errors import MongeError, UserError

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


def outside(folder: Path, **how: int) -> np.ndarray:
    """All samples in order."""
    data = open_data(str(folder), **how)
    return data.train.values  # type: ignore[attr-defined]


def truncated(path: Path) -> None:
    picture(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def test_large_folders_are_decoded_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    truncated(tmp_path / "2a.png")
    small = outside_with_skip(tmp_path)
    monkeypatch.setattr(module, "MEMORY_BYTES", 0)
    large = outside_with_skip(tmp_path)
    assert isinstance(large, np.memmap)
    np.testing.assert_array_equal(small, large)
    assert [path.suffix for path in cache.iterdir()] == [".npy"] * 2
    monkeypatch.setattr(module, "decode", None)
    np.testing.assert_array_equal(outside_with_skip(tmp_path), small)
    with pytest.warns(UserWarning, match="skipped 1 of 6"):
        data = open_data(str(tmp_path), size=8, skip_bad=True)
    assert {path.stem for path in cache.iterdir()} == {f"{data.fingerprint}-pixels", f"{data.fingerprint}-flags"}


def outside_with_skip(folder: Path) -> np.ndarray:
    with pytest.warns(UserWarning, match="skipped 1 of 6 images"):
        return outside(folder, size=8, skip_bad=True)


def test_interrupted_decoding_leaves_no_cache(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    truncated(tmp_path / "bad.png")
    monkeypatch.setattr(module, "MEMORY_BYTES", 0)
    with pytest.raises(UserError, match=r"bad.png"):
        open_data(str(tmp_path), size=8)
    assert list(cache.iterdir()) == []


def test_changed_folders_and_broken_caches_are_decoded_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.setattr(module, "MEMORY_BYTES", 0)
    first = open_data(str(tmp_path))
    for stored in list(cache.iterdir()):
        stored.write_bytes(b"")
        assert open_data(str(tmp_path)).fingerprint == first.fingerprint
    # as version 0.1 named it
    assert first.fingerprint == module._listing_fingerprint(tmp_path, sorted(tmp_path.iterdir()), None, False)
    picture().save(tmp_path / "new.png")
    assert open_data(str(tmp_path)).fingerprint != first.fingerprint


def test_what_was_resized_is_known_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    picture(12, 8).save(tmp_path / "wide.png")
    monkeypatch.setattr(module, "MEMORY_BYTES", 0)
    first = open_data(str(tmp_path))
    monkeypatch.setattr(module, "decode", None)
    second = open_data(str(tmp_path))
    assert (first.info.resized, second.info.resized) == (1, 1)
    assert first.fingerprint == second.fingerprint


def test_unwritable_cache(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.setattr(module, "MEMORY_BYTES", 0)
    cache.write_text("a file")
    with pytest.raises(MongeError, match=r"cannot be written.*MONGE_CACHE"):
        open_data(str(tmp_path))
