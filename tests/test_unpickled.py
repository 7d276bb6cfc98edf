"""Nothing that monge reads is ever unpickled: a payload lies in every kind of file, and never runs."""

import hashlib
import io
import json
import os
import pickle
import re
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image, PngImagePlugin
from pyarrow import parquet

import monge
from monge.cli import run as command
from monge.data import cache
from monge.errors import MongeError
from monge.evaluation.inception import load_inception
from monge.experiment.bracket.funnel import published
from monge.experiment.sweep import remembered
from monge.metric.classifier import Classifier

SOURCE = Path(monge.__file__).parent
SMALL = ["--steps", "2", "--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1"]


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def payload(tmp_path: Path) -> Iterator[Payload]:
    """A payload of which the test fails if it ran."""
    planted = Payload(tmp_path / "it-ran")
    yield planted
    assert not planted.marker.exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    points = folder.parent / "points.npy"
    np.save(points, np.random.default_rng(0).normal(size=(400, 2)))
    assert command(["train", str(points), "--run", str(folder), *SMALL]) == 0
    return folder


def forms(payload: Payload) -> list[bytes]:
    """Files that run the payload when they are unpickled: alone, by numpy, and by torch in both its formats."""
    objects = np.array([payload], object)
    array, archive, state, old = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(array, objects, allow_pickle=True)
    np.savez(archive, x=objects, y=objects, classes=objects, meta=objects, mean=objects, w0=objects)
    torch.save({"step": payload}, state)
    torch.save({"step": payload}, old, _use_new_zipfile_serialization=False)
    return [pickle.dumps(payload), *(buffer.getvalue() for buffer in (array, archive, state, old))]


def quietly(read: Callable[[], object]) -> None:
    """Reads what may well be refused, in one line or, where it is damage that a command works around, not at all."""
    with warnings.catch_warnings(), suppress(MongeError):
        warnings.simplefilter("ignore")
        read()


def test_the_payload_runs_when_it_is_unpickled(tmp_path: Path) -> None:
    for number, read in enumerate(
        (
            lambda path: pickle.loads(path.read_bytes()),
            lambda path: np.load(path, allow_pickle=True),
            lambda path: np.load(path, allow_pickle=True)["x"],
            lambda path: torch.load(path, weights_only=False),
            lambda path: torch.load(path, weights_only=False),
        )
    ):
        planted = Payload(tmp_path / f"ran-{number}")
        path = tmp_path / f"file-{number}"
        path.write_bytes(forms(planted)[number])
        read(path)
        assert planted.marker.exists()


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".csv.gz", ".tsv", ".txt", ".parquet"])
def test_data(payload: Payload, tmp_path: Path, ending: str) -> None:
    for content in forms(payload):
        path = tmp_path / f"data{ending}"
        path.write_bytes(content)
        with pytest.raises(monge.UserError):
            monge.load_data(path)
        if ending == ".npz":
            for key in ("x", "y", "classes"):
                with pytest.raises(monge.UserError):
                    monge.load_data(f"{path}:{key}")


def test_labels_and_classes(payload: Payload, tmp_path: Path) -> None:
    objects = np.array([payload] * 3, object)
    for more in ({"y": objects}, {"y": np.arange(3), "classes": objects}):
        np.savez(tmp_path / "data.npz", x=np.eye(3), allow_pickle=True, **more)
        with pytest.raises(monge.UserError, match="never unpickled"):
            monge.load_data(tmp_path / "data.npz")


def test_images_with_texts_and_profiles(payload: Payload, tmp_path: Path) -> None:
    said = PngImagePlugin.PngInfo()
    said.add(b"tEXt", b"pickle\0" + pickle.dumps(payload))
    image = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    exif = Image.Exif()
    exif[0x9286] = pickle.dumps(payload)
    for number in range(3):
        image.save(tmp_path / f"{number}.png", pnginfo=said, icc_profile=pickle.dumps(payload), exif=exif)
        image.save(tmp_path / f"{number}.webp", exif=exif)
    for number, content in enumerate(forms(payload)):
        (tmp_path / f"pickle-{number}.png").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the pictures that are left out
        data = monge.load_data(tmp_path, skip_bad=True)
    assert data.info.left_out["unreadable"] == len(forms(payload))


def test_parquet_files_with_metadata_of_pandas_and_of_extensions(payload: Payload, tmp_path: Path) -> None:
    planted = pickle.dumps(payload)
    own = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": planted}
    fields = [pyarrow.field("a", pyarrow.int64(), metadata=own), pyarrow.field("b", pyarrow.int64())]
    meta = {
        b"pandas": json.dumps({"index_columns": ["b"], "pandas_version": planted.hex()}).encode(),
        b"pickle": planted,
    }
    columns = [pyarrow.array([1, 2, 4]), pyarrow.array([3, 1, 2])]
    parquet.write_table(pyarrow.table(columns, pyarrow.schema(fields, meta)), tmp_path / "a.parquet")
    quietly(lambda: monge.load_data(tmp_path / "a.parquet"))


def put(file: Path, content: bytes, folder: Path) -> None:
    """Puts a file into a checkpoint, whose index then says that it is whole."""
    index = json.loads((folder / "index.json").read_text())
    file.write_bytes(content)
    if file.name in index["files"]:
        index["files"][file.name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (folder / "index.json").write_text(json.dumps(index))


def names() -> list[str]:
    """Every file of a run's folder but the pictures, which are images."""
    weights = ["generator.safetensors", "generator_ema.safetensors", "critic.safetensors", "state.pt"]
    return [
        "run.json",
        "log.jsonl",
        *(f"checkpoints/step-000002/{name}" for name in (*weights, "run.json", "index.json")),
    ]


@pytest.mark.parametrize("name", names())
def test_runs(payload: Payload, trained: Path, tmp_path: Path, name: str) -> None:
    for number, content in enumerate(forms(payload)):
        run = tmp_path / f"run-{number}"
        shutil.copytree(trained, run)
        checkpoint = run / "checkpoints" / "step-000002"
        put(run / name, content, checkpoint)
        quietly(lambda run=run: monge.open_run(run).sample(2))
        quietly(lambda run=run: monge.open_run(run).model("raw").sample(2))
        quietly(lambda run=run: monge.open_run(run).model().critic)
        if number and "state" not in name:  # the other files have been read in all their forms
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            command(["train", "--resume", str(run), "--steps", "3"])
            new, points = str(tmp_path / f"new-{number}"), str(trained.parent / "points.npy")
            command(["train", points, "--run", new, "--start-from", str(checkpoint), *SMALL])


def test_the_run_folder_has_no_other_files(trained: Path) -> None:
    """A new kind of file needs its line in `names`."""
    found = {str(path.relative_to(trained)) for path in trained.rglob("*") if path.is_file()}
    assert {name for name in found if not name.endswith((".png", ".html", ".lock"))} == set(names())


def test_exported_generators(payload: Payload, trained: Path, tmp_path: Path) -> None:
    folder = monge.export(monge.open_run(trained), tmp_path / "exported", onnx=False)
    for path in [path for path in Path(folder).iterdir() if path.is_file()]:
        before = path.read_bytes()
        for content in forms(payload):
            path.write_bytes(content)
            quietly(lambda: monge.load(folder).sample(2))
        path.write_bytes(before)


def test_caches(payload: Payload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    planted = pickle.dumps(payload)
    with cache.storing("survey-" + "0" * 32) as entry:
        entry.write("low", [np.frombuffer(planted + bytes(-len(planted) % 8), np.uint8)], (), "uint8")
    place = cache.folder() / ("survey-" + "0" * 32)
    size = (place / "low").stat().st_size
    for kind in ("|O", "O", "|V8", object.__name__):
        index = cache._read_index(place)
        index["low"] |= {"dtype": kind, "shape": [size // 8]}
        cache._write_index(place, index)
        assert (cache.load("survey-" + "0" * 32) is None) == (kind != "|V8")
    for content in forms(payload):
        (place / "index.json").write_bytes(content)
        assert cache.load("survey-" + "0" * 32) is None
        (tmp_path / "classifier.npz").write_bytes(content)
        assert Classifier.load(tmp_path / "classifier.npz", 2) is None
        (tmp_path / "result.json").write_bytes(content)
        assert remembered(tmp_path / "result.json") is None


def test_options_that_name_files(payload: Payload, tmp_path: Path) -> None:
    for content in forms(payload):
        for name in ("a.pth", "a.safetensors"):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(monge.UserError, match="no state dict"):
                load_inception(tmp_path / name)
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(monge.UserError):
            published(tmp_path / "a.npz", 2, 4)
        assert command(["distance", "toy:moons", "toy:moons", "--reference-cache", str(tmp_path / "a.npz")]) == 2
        assert command(["train", "digits", "--config", str(tmp_path / "a.npz")]) == 2


def test_a_state_that_torch_may_read_is_bounded(tmp_path: Path) -> None:
    from monge.run.tensor import read_state

    path = tmp_path / "a.pt"
    torch.save({"a": torch.zeros(1).expand(2**40)}, path)
    with pytest.raises(ValueError, match=r"1,099,511,627,776 numbers has only 4 bytes"):
        read_state(path)
    torch.save({"a": torch.ones(3)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="must not be compressed"):
        read_state(path)


def test_no_source_unpickles() -> None:
    """Whatever could: torch.load without weights_only, numpy's load, pickle and its relatives."""
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            safe = "weights_only=True" in line if "torch.load(" in line else "allow_pickle=False" in line
            if re.search(r"torch\.load\(|np\.load\(|numpy\.load\(|allow_pickle|fromfile\(", line) and not safe:
                wrong.append(f"{path.name}:{number}: {line.strip()}")
            if re.search(r"\b(import|from) (pickle|cPickle|dill|joblib|shelve|marshal|cloudpickle)\b", line):
                wrong.append(f"{path.name}:{number}: {line.strip()}")
    assert [one for one in wrong if not one.startswith("array.py:")] == []
    assert len(wrong) == 1  # which looks for numpy's advice to unpickle, in order not to pass it on
