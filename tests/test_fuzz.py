"""A few seconds of fuzzing, and all that an hour of it found before: see `fuzz/__main__.py`."""

import os
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fuzz.__main__ import CORPUS
from fuzz.target import TARGETS, finding, mutation, out_of_memory
from monge.errors import UserError

EXAMPLES = 20
"""Files of each kind."""
FOUND = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("kind", TARGETS)
def test_valid_files_are_read(kind: str, tmp_path: Path) -> None:
    target = TARGETS[kind]
    for number, content in enumerate(target.files):
        path = tmp_path / f"{number}{target.ending}"
        path.write_bytes(content)
        if kind == "name" or kind in ("png", "jpg", "webp", "tif", "gif", "bmp", "ppm"):
            continue  # a name is no name everywhere, and one image is no data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            target.read(path)


@pytest.mark.parametrize("kind", TARGETS)
def test_broken_files_are_read_or_refused_in_one_line(kind: str) -> None:
    target = TARGETS[kind]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**62))
    def check(seed: int) -> None:
        assert finding(target, target.example(seed)) is None

    check()


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    assert finding(TARGETS[path.parent.name], path.read_bytes()) is None


def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind one."""
    errors = (ValueError("of numpy"), UserError("two"), MemoryError())
    errors[1].args = ("two\nlines",)

    def reader(error: Exception):
        def read(path: Path) -> None:
            raise error

        return read

    target = TARGETS["npy"]
    said = [finding(type(target)(".npy", target.seeds, reader(error)), b"") for error in errors]
    assert said == ["ValueError: of numpy", "a message of 2 lines, 9 letters", "MemoryError: "]
    refused = UserError("a")
    refused.__cause__ = MemoryError()
    assert out_of_memory(refused)
    assert os.path.isdir(CORPUS)
    assert mutation.WEIRD
