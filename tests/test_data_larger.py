"""Arrays that are larger than memory: mapped, converted row by row, surveyed in one pass, and remembered."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from monge.data import cache, lazy, recall, split
from monge.data.dataset import ArrayData
from monge.data.lazy import Complement, LazyArray
from monge.data.selection import selected
from monge.data.source import in_memory, load_data, open_data
from monge.data.split import ArraySplit, chosen
from monge.data.survey import survey
from monge.errors import UserError

RANDOM = np.random.default_rng(9)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache") / "monge"
    monkeypatch.setenv("MONGE_CACHE", str(path))
    return path


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array is large."""
    monkeypatch.setattr(lazy, "COPIED_BYTES", 0)


def opened(path: Path | str, **how: int | str) -> ArrayData:
    data = open_data(str(path), **how)  # type: ignore[arg-type]
    assert isinstance(data, ArrayData)
    return data


def base_of(values: lazy.Values) -> np.ndarray:
    """The array in a file behind some rows."""
    while isinstance(values, LazyArray):
        values = values.base
    return values


def equal(one: ArrayData, other: ArrayData) -> None:
    """Asserts that two data sets are the same."""
    for ours, theirs in ((one.train, other.train), (one.held_out, other.held_out)):
        np.testing.assert_array_equal(ours.all(), theirs.all())
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert ours.all().dtype == theirs.all().dtype
    assert one.codec.state() == other.codec.state()
    assert (one.fingerprint, one.held_out_fingerprint) == (other.fingerprint, other.held_out_fingerprint)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 5)), elements=st.floats(-1e6, 1e6, width=32)),
    st.lists(st.integers(1, 60), max_size=4),
)
def test_a_survey_does_not_depend_on_chunks(rows: np.ndarray, cuts: list[int]) -> None:
    chunks = [chunk for chunk in np.split(rows, sorted(min(cut, len(rows)) for cut in cuts)) if len(chunk)]
    found = survey(chunks, "facts")
    np.testing.assert_array_equal(found.low, rows.min(axis=0))
    np.testing.assert_array_equal(found.high, rows.max(axis=0))
    scale = np.abs(rows).max(axis=0)
    assert (np.abs(found.mean - rows.mean(axis=0, dtype=np.float64)) <= 1e-12 * scale).all()
    assert (np.abs(found.deviation - rows.std(axis=0, dtype=np.float64)) <= 1e-8 * scale).all()
    assert found.fingerprint == survey([rows], "facts").fingerprint


@pytest.mark.parametrize("width", [1, 3, 700, 5000])
def test_the_moments_of_narrow_and_of_wide_rows(width: int) -> None:
    rows = RANDOM.normal(100, 3, size=(1_000_003 // width, width)).astype(np.float32)
    found = survey([rows], "")
    np.testing.assert_allclose(found.mean, rows.mean(axis=0, dtype=np.float64), rtol=1e-13)
    np.testing.assert_allclose(found.deviation, rows.std(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_array_equal((found.low, found.high), (rows.min(axis=0), rows.max(axis=0)))


def test_few_vectors_keep_the_moments_that_numpy_gives() -> None:
    rows = RANDOM.normal(size=(500, 3))
    found = survey([rows], "")
    np.testing.assert_array_equal(found.mean, rows.mean(axis=0))
    np.testing.assert_array_equal(found.deviation, rows.std(axis=0))


@given(st.integers(0, 50), st.sets(st.integers(0, 49)), st.lists(st.integers(0, 49)), st.slices(50))
def test_a_complement_is_what_is_left(n: int, without: set[int], which: list[int], some: slice) -> None:
    left_out = np.array(sorted(position for position in without if position < n), np.int64)
    found, expected = Complement(n, left_out), np.setdiff1d(np.arange(n), left_out)
    assert len(found) == len(expected)
    np.testing.assert_array_equal(found[:], expected)
    assert list(found) == expected.tolist()
    np.testing.assert_array_equal(found[some], expected[some])
    inside = np.array([place for place in which if place < len(expected)], np.int64)
    np.testing.assert_array_equal(found[inside], expected[inside])


def test_some_of_many_are_chosen_without_a_permutation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(set(chosen(10**12, 1000, seed=1).tolist())) == 1000
    np.testing.assert_array_equal(chosen(10**12, 9, seed=2), chosen(10**12, 9, seed=2))
    monkeypatch.setattr(split, "PERMUTED", 99)
    values = np.arange(100.0)[:, None]
    data = in_memory(values)
    both = np.concatenate([data.train.all(), data.held_out.all()])
    np.testing.assert_array_equal(np.sort(both, axis=0), values)


ARRAYS = {
    "float32": RANDOM.normal(size=(50, 3)).astype(np.float32),
    "big endian": RANDOM.normal(size=(50, 3)).astype(">f8"),
    "half": RANDOM.normal(size=(50, 3)).astype(np.float16),
    "whole": RANDOM.integers(-9, 9, (50, 3)),
    "truth": RANDOM.integers(0, 2, (50, 8, 8)).astype(bool),
    "fortran": np.asfortranarray(RANDOM.normal(size=(50, 3))),
    "channels first": RANDOM.integers(0, 256, (50, 3, 8, 8), dtype=np.uint8),
    "grey": RANDOM.integers(0, 256, (50, 9, 9), dtype=np.uint8),
    "deep": RANDOM.integers(0, 4000, (50, 8, 8), dtype=np.uint16),
}


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.usefixtures("small_memory")
def test_mapped_arrays_are_the_data_that_they_are_in_memory(array: np.ndarray, kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.npy" if kind == "npy" else "a.npz")
    if kind == "npy":
        np.save(path, array)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, array)
    data = opened(path)
    assert isinstance(base_of(data.train.values), np.memmap)
    equal(data, in_memory(np.array(array)))
    equal(opened(path), data)


def test_both_parts_and_labels_of_a_mapped_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, path = RANDOM.normal(size=(50, 3)), RANDOM.integers(0, 2, 50), tmp_path / "a.npz"
    np.savez(path, x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    before = opened(path)
    monkeypatch.setattr(lazy, "COPIED_BYTES", 400)  # labels are small, samples are not
    equal(opened(path), before)
    assert isinstance(opened(path).held_out.values, np.memmap)


@pytest.mark.usefixtures("small_memory")
def test_resized_and_selected_arrays(tmp_path: Path, own_cache: Path) -> None:
    images, vectors = RANDOM.integers(0, 256, (20, 9, 9), dtype=np.uint8), RANDOM.normal(size=(20, 4))
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "vectors.npy", vectors)
    for _ in range(2):  # the second time from the cache
        data = opened(tmp_path / "images.npy", size=6)
        assert isinstance(data.train.values, np.memmap)
        np.testing.assert_array_equal(data.train.all(), in_memory(images, size=6).train.all())
    assert [path for path in own_cache.iterdir() if path.name.startswith("resized-")]
    some = selected(load_data(tmp_path / "vectors.npy"), columns="2,4")
    assert isinstance(some, ArrayData)
    equal(some, in_memory(vectors[:, [1, 3]]))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many parts were read in full."""
    passes: list[int] = []
    plain = ArraySplit.survey.func  # type: ignore[attr-defined]

    def count(part: ArraySplit) -> object:
        if part.known is None:
            passes.append(part.size)
        return plain(part)

    monkeypatch.setattr(ArraySplit, "survey", property(count))
    return passes


@pytest.mark.usefixtures("small_memory")
def test_a_file_is_read_in_full_once(tmp_path: Path, counted: list[int]) -> None:
    path, values = tmp_path / "a.npy", RANDOM.normal(size=(50, 3))
    np.save(path, values)
    first = opened(path)
    assert counted == [40, 10]
    second = opened(path)
    assert counted == [40, 10]
    equal(first, second)
    os.utime(path)  # it could have changed
    assert opened(path).fingerprint == first.fingerprint
    assert counted == [40, 10] * 2
    state = path.stat()
    values[first.train.index[:1], 0] += 1
    np.save(path, values)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # of equal size and time, but not unchanged
    assert opened(path).fingerprint == in_memory(values).fingerprint != first.fingerprint


@pytest.mark.usefixtures("small_memory")
def test_a_survey_that_cannot_be_kept_is_made_again(tmp_path: Path, own_cache: Path) -> None:
    own_cache.write_text("a file")
    np.save(tmp_path / "a.npy", ARRAYS["float32"])
    equal(opened(tmp_path / "a.npy"), in_memory(ARRAYS["float32"]))


@pytest.mark.usefixtures("small_memory")
def test_values_that_are_not_finite_are_located_in_a_mapped_file(tmp_path: Path) -> None:
    x = np.zeros((9, 2), np.float32)
    x[4, 1] = np.inf
    x[6, 0] = np.nan
    np.save(tmp_path / "a.npy", x)
    for _ in range(2):
        with pytest.raises(UserError, match=r"a.npy must have finite float32 values; got 2 .*, the first at \[4, 1\]"):
            opened(tmp_path / "a.npy")


@pytest.mark.usefixtures("small_memory")
def test_a_compressed_array_that_ends_early(tmp_path: Path, own_cache: Path) -> None:
    header = (
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (90, 2), }".ljust(117)
        + b"\n"
    )
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", kind) as archive:
            archive.writestr("x.npy", header + RANDOM.bytes(800))
        with pytest.raises(UserError, match=r"a.npz cannot be read as .npy or .npz: (it ends early|90 x 2 numbers)"):
            opened(tmp_path / "a.npz")
    assert not own_cache.exists() or not list(own_cache.iterdir())


def test_archives_that_grow_beyond_measure_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**10, 2)})
        file.write(bytes(10**6))
    with pytest.raises(
        UserError,
        match=r"a.npz:x.npy: 1,068 bytes become 160,000,000,000 in memory.* at most 100 times as many; save it",
    ):
        opened(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "its header must have at most 10,000 bytes; got 2,147,483,647"),
        (b"\x93NUMPY\x03\x00\x40\x00\x00\x00{", "its version must be 1.0 or 2.0; got 3.0"),
        (b"\x93NUMPY\x01\x00", "it ends within its header"),
        (b"\x93NUMPY\x01\x00\xff\x10" + b"(" * 4351, ""),
    ],
)
def test_headers_are_bounded(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UserError, match=f"a.npy cannot be read as .npy or .npz: .*{text}") as caught:
        opened(tmp_path / "a.npy")
    assert len(str(caught.value)) < 300


def test_surveys_survive_the_cache() -> None:
    part = in_memory(RANDOM.normal(size=(50, 3)), RANDOM.integers(0, 2, 50)).train
    first, second = (recall.surveyed(part, "here").survey for _ in range(2))
    assert len(list(cache.folder().iterdir())) == 1
    for name in ("low", "high", "mean", "deviation"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.fingerprint == second.fingerprint
