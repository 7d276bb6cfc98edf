"""Generators that are handed over: folders with a card that sample without run and data, and hold no training row."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
import yaml

import monge
from monge.cli import run as command
from monge.data.table.derived import Formula, Lookup, part_of
from monge.data.table.frame import csv_bytes
from monge.data.table.shop import shop_rows
from monge.errors import UserError
from monge.model import decoding, exported, onnx
from monge.run.folder import RunFolder

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (40, 28, 28, 1), np.uint8)
COLOURS = RANDOM.integers(0, 256, (40, 32, 32, 3), np.uint8)
SMALL = RANDOM.integers(0, 256, (80, 8, 8), np.uint8)
POINTS = RANDOM.normal([3, 1e6], [2, 5], (200, 2))
TINY: dict[str, Any] = {"generator": "mlp:width=8:latent=3", "critic": "mlp:width=8"}
DCGAN, RESNET = ({"generator": f"{name}:width=4", "critic": f"{name}:width=4"} for name in ("dcgan", "resnet"))
TABLE: dict[str, Any] = {"generator": "residual:width=16:depth=1", "critic": "mlp:width=16"}
LABELS = np.arange(80) % 10
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "digits": (SMALL, {"recipe": "digits", **TINY}),
    "conditional": ((SMALL, LABELS), {"recipe": "digits", **TINY, "training": {"conditional": True}}),
    "infogan": (SMALL, {"recipe": "digits", "objective": "infogan", **TINY, "generator": "mlp:width=8:latent=12"}),
    "dcgan": (GREY, {"recipe": "image", **DCGAN}),
    "smooth": (GREY, {"recipe": "image", **DCGAN, "generator": "dcgan:width=4:upsampling=bilinear"}),
    "resnet": (COLOURS, {"recipe": "image", **RESNET}),
    "vector": (POINTS, TINY),
    "table": ("table", {"model": "gan", **TABLE}),
    "copula": ("table", {"model": "copula", **TABLE}),
}
"""Data and settings of each kind of generator."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], monge.Run]:
    """Gives a tiny run of a kind, each made once."""
    made: dict[str, monge.Run] = {}
    folder = tmp_path_factory.mktemp("runs")
    (folder / "orders.csv").write_bytes(csv_bytes(*shop_rows(600)))

    def give(kind: str) -> monge.Run:
        if kind not in made:
            source, settings = KINDS[kind]
            if isinstance(source, tuple):
                source = monge.load_data(source[0], y=source[1])
            settings = settings | {"training": {"batch": 8, "n_critic": 1} | settings.get("training", {})}
            source = folder / "orders.csv" if isinstance(source, str) else source
            made[kind] = monge.train(source, run=folder / kind, steps=2, threads=1, device="cpu", **settings)
        return made[kind]

    return give


def same(found: Any, wanted: Any) -> bool:
    """Whether two samples are equal, arrays or frames."""
    return bool(found.equals(wanted)) if isinstance(wanted, pandas.DataFrame) else bool((found == wanted).all())


def test_a_folder_samples_as_its_run(trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    for kind in ("digits", "conditional", "infogan", "vector", "table", "copula"):
        run = trained(kind)
        model = monge.load(monge.export(run, tmp_path / kind, onnx=False))
        assert same(model.sample(5, seed=3), run.sample(5, seed=3)), kind
        assert not (tmp_path / kind / "model.onnx").exists()
    assert "It is a Gaussian copula fitted to the training rows" in (tmp_path / "copula" / "README.md").read_text()
    labelled, coded = monge.load(tmp_path / "conditional"), monge.load(tmp_path / "infogan")
    assert same(labelled.sample(3, label=7), trained("conditional").sample(3, label=7))
    assert same(coded.sample(3, codes={0: 2}), trained("infogan").sample(3, codes={0: 2}))
    assert same(labelled.interpolate(2, 3), trained("conditional").interpolate(2, 3))
    rows = monge.load(tmp_path / "table")
    assert set(rows.sample(4, where="payment = 'invoice'")["payment"]) == {"invoice"}


def test_weights_are_those_that_were_asked_for(trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    run = trained("vector")
    raw = monge.load(monge.export(run, tmp_path / "raw", weights="raw", onnx=False))
    assert same(raw.sample(5), run.sample(5, weights="raw"))
    assert not same(raw.sample(5), run.sample(5))
    # the log's bracket is of averaged weights
    assert "Not measured" in (tmp_path / "raw" / "README.md").read_text()


def test_the_folder_is_enough_in_a_new_process(trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    run = trained("vector")
    wanted = run.sample(2, seed=1).tolist()
    folder = monge.export(run, tmp_path / "made", onnx=False)
    folder.rename(tmp_path / "moved")
    code = f"import monge; print(monge.load({str(tmp_path / 'moved')!r}).sample(2, seed=1).tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == wanted


def test_the_card_carries_the_bracket_with_its_floor(trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    run = trained("digits")
    text = (monge.export(run, tmp_path / "our-digits", license="mit", onnx=False) / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "mit"
    assert front["pipeline_tag"] == "unconditional-image-generation"
    assert {"monge", "gan", "image"} <= set(front["tags"])
    (entry,) = front["model-index"]
    assert entry["name"] == "our-digits"
    (result,) = entry["results"]
    bracket = [one for one in run.entries() if "bracket" in one][-1]["bracket"]
    found = {metric["type"].removeprefix("wasserstein-1-"): metric["value"] for metric in result["metrics"]}
    names = ("excess", "lower", "upper", "floor", "spread", "estimate")
    assert found == pytest.approx({name: bracket[name] for name in names}, abs=1e-6)
    assert "## Limits" in text
    assert "`steps` | `2`" in text


@pytest.mark.parametrize("kind", ["digits", "vector", "table", "copula"])
def test_no_training_row_is_in_any_file(kind: str, trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    run = trained(kind)
    monge.export(run, tmp_path / "out", onnx=False)
    assert_no_row(run, kind, tmp_path / "out")


def assert_no_row(run: monge.Run, kind: str, folder: Path) -> None:
    """Looks for training rows as bytes, in each scale and width, and as text."""
    source = KINDS[kind][0]
    if isinstance(source, str):
        text = (run.path.parent / "orders.csv").read_text().splitlines()[1:]
        data = monge.load_data(run.path.parent / "orders.csv")
    else:
        data, text = monge.load_data(source[0] if isinstance(source, tuple) else source), []
    rows = data.train.all()
    model = data.codec.encode(rows).numpy()
    needles = [row.encode() for row in text]
    for raw, encoded in zip(rows, model, strict=True):
        needles += [raw.tobytes(), raw.astype(np.float32).tobytes(), encoded.tobytes()]
        needles += [", ".join(map(str, raw.ravel().tolist())).encode()]
    places = [str(run.path).encode(), str(Path.cwd()).encode(), str(Path(monge.__file__).parent).encode()]
    for file in folder.iterdir():
        content = file.read_bytes()
        assert not [needle for needle in [*needles, *places] if needle in content], file.name
        if file.suffix == ".json":  # however a list is broken into lines
            content = json.dumps(json.loads(content)).encode()
            assert not [needle for needle in needles if needle in content]


def test_a_changed_file_is_refused(trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    folder = monge.export(trained("vector"), tmp_path / "out", onnx=False)
    (folder / "README.md").write_text("edited")
    monge.load(folder)
    for name in ("generator.safetensors", "samples.png", "config.json"):
        file = folder / name
        before = file.read_bytes()
        changed = before.replace(b'"mean"', b'"mean" ').replace(b'"step": 2', b'"step": 3') + b" "
        file.write_bytes(changed)
        with pytest.raises(UserError, match=rf"{name} does not match its hash"):
            monge.load(folder)
        file.write_bytes(before)
    (folder / "samples.png").unlink()
    monge.load(folder)
    (folder / "generator.safetensors").unlink()
    with pytest.raises(UserError, match=r"it contains no generator\.safetensors"):
        monge.load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        monge.load(folder)
    with pytest.raises(UserError, match=r"contains no config\.json"):
        monge.load(tmp_path / "nothing")


def test_bad_input_is_one_line(
    trained: Callable[[str], monge.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, full = trained("vector"), tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("kept")
    (tmp_path / "file").write_text("kept")
    for arguments, said in (
        ([str(tmp_path / "no-run"), "--out", "x"], "is not a run folder"),
        ([str(run.path), "--out", str(full)], "is a folder with files in it; name a new or empty one"),
        ([str(run.path), "--out", str(tmp_path / "file")], "is a file; name a new or empty folder"),
        ([str(run.path), "--out", str(tmp_path / "file" / "x"), "--no-onnx"], "cannot be written"),
        ([str(run.path), "--out", "x", "--weights", "last"], "--weights 'last' is not known"),
        ([str(run.path), "--out", "x", "--weights", "best"], "use --weights ema"),
        ([str(run.path)], "--out"),
    ):
        assert command(["export", *arguments]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


@pytest.mark.filterwarnings("always")
def test_an_unfinished_run_says_which_checkpoint_it_is(
    trained: Callable[[str], monge.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(trained("vector").path)
    run.update(status="interrupted")
    try:
        out = tmp_path / "a" / "out"
        assert command(["export", str(run.path), "--out", str(out), "--no-onnx", "--json"]) == 0
    finally:
        run.update(status="finished")
    said = capsys.readouterr()
    assert json.loads(said.out)["files"] == ["README.md", "config.json", "generator.safetensors", "samples.png"]
    assert "is interrupted: its last checkpoint is exported, of step 2 of 2" in said.err
    assert "the run is interrupted" in (out / "README.md").read_text()


def test_without_the_extra_all_but_one_file_is_written(
    trained: Callable[[str], monge.Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "PACKAGES", ("json", "no_such_package"))
    with pytest.warns(UserWarning, match=r"model\.onnx is left out: it needs no_such_package; pip install"):
        folder = monge.export(trained("vector"), tmp_path / "out")
    assert len(list(folder.iterdir())) == 4
    monge.load(folder)


def test_nothing_is_left_where_writing_fails(
    trained: Callable[[str], monge.Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UserError, match=r"cannot be written: No space left"):
        monge.export(trained("vector"), tmp_path / "out", onnx=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["digits", "conditional", "infogan", "vector", "table", "copula"])
def test_decoding_in_torch_is_that_of_the_codec(kind: str, trained: Callable[[str], monge.Run]) -> None:
    model = trained(kind).model()
    with torch.no_grad():
        x = model.generator(onnx.inputs(model, 200)[0])
    found, wanted = decoding.decoding(model.codec)(x).numpy(), model.codec.decode(x)
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize("part", ["value", "year", "month", "day", "weekday", "hour"])
def test_parts_of_dates_are_those_of_numpy(part: Any) -> None:
    days = np.concatenate([np.arange(-800, 800), RANDOM.integers(-700_000, 700_000, 2000), [np.nan]]).astype(float)
    for values, date in ((days, True), (days * 86400 + RANDOM.integers(0, 86400, len(days)), False)):
        if part == "hour" and date:
            continue
        found = decoding.part_of(torch.from_numpy(values), part, date=date).numpy()
        np.testing.assert_array_equal(found, part_of(values, part, date=date))


@pytest.mark.parametrize(
    "derivation",
    [
        Lookup(1, 0, "value", False, (1.0, 2.0, 5.0, None), (3.0, None, 4.0, 9.0)),
        Lookup(1, 0, "weekday", True, (0.0, 1.0, 2.0), (3.0, 1.0, 4.0)),
        *(Formula(2, (0, 1), operation, 1.5, -2.0, 2) for operation in ("+", "-", "*", "/")),
        Formula(2, (0,), "", 0.1, 0.0, None),
        Formula(2, (0,), "date", 1.0, 0.0, 0),
    ],
)
def test_derived_columns_are_those_of_numpy(derivation: Lookup | Formula) -> None:
    raw = np.column_stack([RANDOM.normal(2, 3, (200, 2)), np.zeros(200)])
    raw[:5, 0], raw[3:8, 1] = np.nan, 0
    lookup = isinstance(derivation, Lookup)
    module = decoding.LookupDecoding(derivation) if lookup else decoding.FormulaDecoding(derivation)  # type: ignore[arg-type]
    found = module(*(torch.from_numpy(raw[:, source]) for source in derivation.sources)).numpy()
    np.testing.assert_allclose(found, derivation.compute(raw), rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize(
    "kind", [kind if kind == "vector" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_the_onnx_file_gives_the_samples(kind: str, trained: Callable[[str], monge.Run], tmp_path: Path) -> None:
    import onnxruntime

    run = trained(kind)
    folder = monge.export(run, tmp_path / "out")
    model = monge.load(folder).model
    session = onnxruntime.InferenceSession(folder / exported.ONNX)
    for n in (1, 2, 7):
        given = onnx.inputs(model, n)
        feed = {name: part.numpy() for name, part in zip(onnx.input_names(model), given, strict=True)}
        raw, x = session.run(["raw", "model"], feed)
        with torch.no_grad():
            np.testing.assert_allclose(x, model.generator(*given).numpy(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(raw, model.codec.decode(torch.from_numpy(x)), rtol=1e-5, equal_nan=True)
    assert_no_row(run, kind, folder)
