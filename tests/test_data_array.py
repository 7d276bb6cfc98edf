"""Arrays, labels, splits and batches."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import monge
from monge.config.registry import DATA
from monge.data import dataset
from monge.data.builtin import digits
from monge.data.dataset import DataInfo, split_data
from monge.data.source import in_memory
from monge.data.split import split
from monge.errors import UserError

RANDOM = np.random.default_rng(5)


def pixels(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(3, 60_000))
def test_split_holds_out_a_fifth(n: int) -> None:
    train, held = split(n)
    assert len(held) == min(10_000, max(1, n // 5))
    assert len(train) >= 2
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held])), np.arange(n))


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_samples(n: int) -> None:
    with pytest.raises(UserError, match=f"at least 3 samples, .*; got {n}"):
        in_memory(pixels(n, 8, 8))


def test_digits() -> None:
    data = digits()
    assert (data.info.name, data.space.name, data.train.size, data.held_out.size) == ("digits", "image", 1300, 497)
    assert data.codec.space.shape == (1, 8, 8)
    assert data.train.all().shape == (1300, 8, 8, 1)
    assert (data.train.all().min(), data.train.all().max()) == (0, 255)
    assert data.info.classes == list("0123456789")
    assert data.train.labels is not None
    assert data.train.labels.shape == (1300,)
    assert len(data.fingerprint) == 32
    assert data.fingerprint == digits().fingerprint
    assert data.info.centres is None


def test_labels_stay_with_their_samples() -> None:
    values = np.arange(40.0).reshape(40, 1)
    data = in_memory(values, np.arange(40) % 4)
    np.testing.assert_array_equal(data.train.all()[:, 0] % 4, data.train.labels)
    held = data.held_out.sample(8)
    assert set(held.ravel()).isdisjoint(data.train.all().ravel())


@pytest.mark.parametrize("ahead", [0, 2**26])
def test_batches_depend_on_the_generator_alone(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "ENCODE_AHEAD_BYTES", ahead)
    data = in_memory(pixels(30, 5, 5, 3))
    batch = data.batch(100, generator())
    assert batch.shape == (100, 3, 5, 5)
    assert batch.dtype == torch.float32
    data.batch(7, generator(8))
    assert torch.equal(batch, data.batch(100, generator()))
    assert not torch.equal(batch, data.batch(100, generator(4)))
    known = {row.tobytes() for row in data.train.all()}
    assert all(row.tobytes() in known for row in data.codec.decode(batch))


def test_rows_are_read_alone(tmp_path: Path) -> None:
    values, labels = np.arange(40.0).reshape(40, 1), np.arange(40) % 4
    np.save(tmp_path / "x.npy", values)
    data = split_data(DataInfo("x"), np.load(tmp_path / "x.npy", mmap_mode="r"), labels)
    which = np.array([5, 0, 3])
    rows, train = data.train.rows(which), data.train.all()
    np.testing.assert_array_equal(rows, train[which])
    assert data.train.labels is not None
    assert data.held_out.labels is not None
    np.testing.assert_array_equal(rows[:, 0] % 4, data.train.labels[which])
    np.testing.assert_array_equal(data.held_out.rows(which)[:, 0] % 4, data.held_out.labels[which])
    assert not isinstance(rows, np.memmap)
    with pytest.raises(UserError, match="ring8: fresh draws have no positions"):
        DATA["toy:ring8"].load()().held_out.rows(which)


@pytest.mark.parametrize("rows", [None, 1, 7, 100])
def test_chunks_read_every_row_once_in_order(rows: int | None) -> None:
    values = np.arange(40.0).reshape(40, 1)
    array, fresh = in_memory(values), DATA["toy:ring8"].load()()
    for part in (array.train, array.held_out, fresh.train):
        found = list(part.chunks(rows))
        np.testing.assert_array_equal(np.concatenate(found), part.all())
        assert rows is None or all(len(chunk) == rows for chunk in found[:-1])
    both = np.concatenate([*array.train.chunks(rows), *array.held_out.chunks(rows)])
    np.testing.assert_array_equal(np.sort(both, axis=0), values)


def test_samples_are_distinct_and_seeded() -> None:
    data = in_memory(np.arange(50.0).reshape(50, 1))
    for draw, n in ((data.train.sample, 40), (data.held_out.sample, 10)):
        assert len(np.unique(draw(n))) == n
        np.testing.assert_array_equal(draw(5, seed=1), draw(5, seed=1))
        assert not np.array_equal(draw(n, seed=1), draw(n, seed=2))
    with pytest.raises(UserError, match="number of training samples must be at most 40; got 41"):
        data.train.sample(41)
    with pytest.raises(UserError, match="number of held-out samples must be at most 10; got 11"):
        data.held_out.sample(11)


def test_fingerprint_follows_training_content() -> None:
    values = RANDOM.normal(size=(20, 2))
    base = in_memory(values).fingerprint
    assert in_memory(values.copy(), name="other").fingerprint == base
    train, held = split(20)
    for rows, same in ((held, True), (train, False)):
        changed = values.copy()
        changed[rows[0], 0] += 1
        assert (in_memory(changed).fingerprint == base) is same
    assert in_memory(values, np.arange(20) % 2).fingerprint != base


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((9, 8, 8, 3), "auto", (3, 8, 8)),
        ((9, 3, 8, 8), "auto", (3, 8, 8)),
        ((9, 4, 4, 3), "auto", (3, 4, 4)),
        ((9, 8, 6, 3), "auto", (3, 8, 6)),
        ((9, 3, 8, 6), "auto", (3, 8, 6)),
        ((9, 8, 6), "auto", (1, 8, 6)),
        ((9, 4, 4, 4), "nhwc", (4, 4, 4)),
        ((9, 3, 4, 4), "nchw", (3, 4, 4)),
        ((9, 1, 6, 3), "nchw", (1, 6, 3)),
    ],
)
def test_layouts(shape: tuple[int, ...], layout: str, expected: tuple[int, ...]) -> None:
    x = pixels(*shape)
    data = in_memory(x, layout=layout)
    assert data.space.name == "image"
    assert data.codec.space.shape == expected
    if layout == "nchw":
        np.testing.assert_array_equal(data.train.all()[0], x[split(9)[0][0]].transpose(1, 2, 0))


@pytest.mark.parametrize("dtype", [np.float32, ">f4", np.float64, np.float16, np.int64, np.bool_, np.uint8, "<u2"])
def test_vector_types(dtype: str) -> None:
    data = in_memory((np.arange(30).reshape(10, 3) % 2).astype(dtype))
    assert data.space.name == "vector"
    assert data.codec.space.shape == (3,)
    single = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize == 4
    assert data.train.all().dtype == (np.float32 if single else np.float64)
    assert data.train.all().dtype.isnative


BAD = [
    (np.zeros((9, 4, 4, 4), np.uint8), {}, r"\(9, 4, 4, 4\) fits both .*--data.layout nhwc or nchw"),
    (np.zeros((9, 3, 5, 3), np.uint8), {}, r"fits both"),
    (np.zeros((9, 8, 8, 5), np.uint8), {}, "must have 1 to 4 channels on the last or the second axis"),
    (np.zeros((9, 8, 8, 3), np.uint8), {"layout": "nchw"}, "layout nchw needs 1 to 4 channels; got shape"),
    (np.zeros((9, 8, 8), np.uint8), {"layout": "nchw"}, "layout nchw needs images with 4 axes"),
    (np.zeros((9, 8, 8, 3), np.uint8), {"layout": "nwhc"}, "did you mean 'nhwc'"),
    (np.zeros((9, 3)), {"layout": "nhwc"}, "--data.layout needs images; got vectors"),
    (np.zeros((9, 3)), {"size": 8}, "--data.size needs images; got vectors"),
    *(
        (
            np.zeros((9, 8, 8), np.uint8),
            {"size": size},
            f"a side or HEIGHTxWIDTH, from 4 to 512 pixels each; got {size}$",
        )
        for size in (3, 513, -8, "3x8", "8x513", "8x", "8x8x8", "8.5", "8 x 8", "", "x8")
    ),
    (np.zeros(9), {}, r"must be vectors .*; got shape \(9,\); reshape it to \(n, 1\)"),
    (np.zeros(()), {}, "must be vectors"),
    (np.zeros((9, 2, 2, 2, 2), np.uint8), {}, "must be vectors"),
    (np.zeros((0, 3)), {}, "must contain samples"),
    (np.zeros((9, 0)), {}, "must contain samples"),
    (np.zeros((9, 2), complex), {}, "got dtype complex128"),
    (np.full((9, 2), "a"), {}, "got dtype <U1"),
    (np.full((9, 2), None), {}, "got dtype object"),
    (np.zeros((9, 2), "M8[s]"), {}, "got dtype datetime64"),
    (
        np.full((9, 2), 1e39),
        {},
        r"finite float32 values; got 18 that are NaN, infinite or too large, the first at \[0, 0\]",
    ),
]


@pytest.mark.parametrize(("x", "how", "text"), BAD)
def test_refused_arrays(x: np.ndarray, how: dict, text: str) -> None:
    with pytest.raises(UserError, match=text) as caught:
        in_memory(x, **how)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_values_are_located(value: float) -> None:
    x = np.zeros((9, 2), np.float32)
    x[4, 1] = x[6, 0] = value
    with pytest.raises(
        UserError, match=r"finite float32 values; got 2 that are NaN, infinite or too large, the first at \[4, 1\]"
    ):
        in_memory(x)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "<u2", ">u2", "int64", "float16", "float32", ">f8"])
@pytest.mark.parametrize("shape", [(9, 8, 8), (9, 8, 8, 3), (9, 3, 8, 8)])
def test_images_of_any_type_keep_their_numbers(dtype: str, shape: tuple[int, ...]) -> None:
    x = RANDOM.integers(0, 2, shape).astype(dtype)
    data = in_memory(x)
    pixels = data.space.pixels  # type: ignore[attr-defined]
    assert data.space.shape == (3 if len(shape) == 4 else 1, 8, 8)
    assert (pixels.low, pixels.high, np.dtype(pixels.dtype).kind) == (0, 1, "u" if dtype == "bool" else x.dtype.kind)
    raw = data.train.all()
    np.testing.assert_array_equal(data.codec.decode(data.codec.encode(raw)), raw)
    assert set(np.unique(data.codec.metric(raw))) == {-1, 1}


def test_images_without_finite_values_are_located() -> None:
    x = np.zeros((9, 8, 8))
    x[4, 1, 2] = np.nan
    with pytest.raises(
        UserError,
        match=r"finite float32 values; got 1 that are NaN, infinite or too large, the first at \[4, 1, 2, 0\]",
    ):
        in_memory(x)


@pytest.mark.parametrize("dtype", [np.uint16, np.int64, np.float32])
def test_resized_measurements_stay_in_their_range(dtype: type) -> None:
    x = (1000 * RANDOM.integers(1, 4, (9, 9, 9))).astype(dtype)
    data = in_memory(x, size="6x7")
    assert data.train.all().shape[1:] == (6, 7, 1)
    assert data.train.all().dtype == dtype
    assert data.train.all().min() >= 1000
    assert data.train.all().max() <= 3000


@pytest.mark.parametrize("make", [np.ndarray.tolist, torch.from_numpy, np.asarray], ids=["list", "tensor", "array"])
def test_all_that_numpy_makes_an_array_of(make) -> None:
    x = RANDOM.normal(size=(9, 2))
    assert in_memory(make(x)).fingerprint == in_memory(x).fingerprint


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([[1.0, 2.0], [3.0]], "array: numpy cannot convert this list to an array: .*; pass images or vectors"),
        (torch.zeros(9, 2, requires_grad=True), r"this Tensor to an array: .*detach\(\).*; pass images or vectors"),
        ({"x": [[1.0, 2.0]]}, "array must contain images or vectors of real numbers; got dtype object"),
        (None, "array must contain images or vectors of real numbers; got dtype object"),
    ],
)
def test_what_is_no_array(x: object, text: str) -> None:
    with pytest.raises(UserError, match=text) as caught:
        in_memory(x)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_constant_data_warn() -> None:
    with pytest.warns(UserWarning, match="all training samples are identical"):
        data = in_memory(np.full((9, 2), 7.0))
    assert torch.equal(data.batch(5, generator()), torch.zeros(5, 2))


def test_labels_become_indices() -> None:
    data = in_memory(RANDOM.normal(size=(6, 2)), np.array(list("bababc"))[:, None])
    assert data.info.classes == ["a", "b", "c"]
    data = in_memory(RANDOM.normal(size=(6, 2)), np.array([10, 30, 10, 30, 30, 20]))
    assert data.info.classes == ["10", "20", "30"]
    assert data.train.labels is not None
    assert set(data.train.labels) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (np.zeros(5, int), r"labels must have shape \(6,\), one per sample; got \(5,\)$"),
        (np.eye(6), r"labels must have shape \(6,\), one per sample; got \(6, 6\)$"),
        ([0, 1, 2, 1, 0.5, 1], "every label must be a whole number or text; got 0.5 for sample 4$"),
        ([0, 1, np.nan, 1, 0, 1], "got nan for sample 2$"),
        ([1e30, 0, 0, 1, 1, 1], r"got 1e\+30 for sample 0$"),
        (["a", "b", None, "a", "b", "a"], "got None for sample 2$"),
        (np.array(["a", 1] * 3, object), "labels must be all text or all numbers; got both, such as 'a' and 1$"),
        (np.zeros(6, "M8[s]"), r"labels must be integers or strings; got datetime64\[s\]"),
        ([[0], [0, 1]] * 3, "inhomogeneous"),
        (np.ma.masked_array(np.arange(6), np.arange(6) > 4), "must have no masked values; got 1"),
    ],
    ids=range(10),
)
def test_refused_labels(y: np.ndarray, text: str) -> None:
    with pytest.raises(UserError, match=f"^y:? .*{text}"):
        monge.load_data(RANDOM.normal(size=(6, 2)), y=y)


@pytest.mark.parametrize(
    "y", [[1, 2] * 3, [1.0, 2.0] * 3, np.array([1, 2] * 3, object), np.array([[1.0], [2.0]] * 3, np.float16)]
)
def test_labels_of_any_kind_of_whole_number(y: object) -> None:
    data = monge.load_data(np.arange(6.0)[:, None], y=y)  # type: ignore[arg-type]
    assert data.info.classes == ["1", "2"]
    np.testing.assert_array_equal(data.train.all()[:, 0] % 2, data.train.labels)


def test_labels_belong_to_data_in_memory() -> None:
    with pytest.raises(
        UserError, match=r"^y needs data in memory; got the name or path 'a.npy'; files bring their own labels$"
    ):
        monge.load_data("a.npy", y=[0, 1])


def test_split_data_holds_out_the_given_number() -> None:
    data = split_data(DataInfo("a"), np.arange(20.0).reshape(10, 2), held_out=3)
    assert (data.train.size, data.held_out.size) == (7, 3)
