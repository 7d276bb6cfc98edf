"""What is fuzzed: valid files, how they are made wrong in their structure, and what reads them."""

import atexit
import gzip
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image

import monge
from fuzz import mutation
from monge.cli.train import read_toml
from monge.config.overlay import Given
from monge.config.registry import CRITICS, GENERATORS, OBJECTIVES
from monge.config.schema import DataConfig
from monge.config.spec import build, option
from monge.data import cache as kept
from monge.data import recall
from monge.data.array import read_array
from monge.data.image.file import decode, header
from monge.data.image.folder import read_folder
from monge.data.source import file_and_key, open_data, open_source, shortest
from monge.data.table.reader import has_column, read_table
from monge.errors import LONGEST_LINE, UserError
from monge.evaluation.reference_cache import ReferenceCache
from monge.evaluation.sample_set import SampleSet
from monge.model.load import load
from monge.model.whole import newest
from monge.run.files import read_json
from monge.run.folder import CHECKSUM, RunFolder
from monge.run.index import seal
from monge.training.settings import resolved

SMALL: dict[str, Any] = {"generator": "mlp:width=8", "critic": "mlp:width=8", "threads": 1, "steps": 2}
IMAGES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "gif": "GIF", "bmp": "BMP", "ppm": "PPM"}


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Arguments:
        ending: of its name.
        seeds: makes valid files.
        read: reads one at a path.
        structure: changes of its structure.
    """

    ending: str
    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Path], object]
    structure: mutation.Mutation = mutation.broken

    @property
    def files(self) -> tuple[bytes, ...]:
        """The valid files, made once."""
        return _made(self.seeds)

    def example(self, seed: int) -> bytes:
        """A file that is wrong in most cases."""
        random = Random(seed)
        content = random.choice(self.files)
        if random.random() < (0.9 if self.structure is mutation.json_tree else 0.5):
            return self.structure(content, random)
        return mutation.broken(content, random, self.files)


@cache
def _made(seeds: Callable[[], Sequence[bytes]]) -> tuple[bytes, ...]:
    return tuple(seeds())


@cache
def folder() -> Path:
    """A folder of this process."""
    path = Path(tempfile.mkdtemp(prefix="monge-fuzz-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def finding(target: Target, content: bytes) -> str | None:
    """What reading a file does that it must not, in words; None where it is read, or refused in one line."""
    path = folder() / f"file{target.ending}"
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            target.read(path)
        except UserError as error:
            if len(str(error).splitlines()) != 1 or len(str(error)) > LONGEST_LINE:
                return f"a message of {len(str(error).splitlines())} lines, {len(str(error))} letters"
            if out_of_memory(error):
                return f"out of memory, said as: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:300]}"
    others = [str(one.message) for one in said if one.category is not UserWarning]
    return f"a warning that is not monge's: {others[0][:300]}" if others else None


def out_of_memory(error: BaseException | None) -> bool:
    """Whether something behind an error asked for more memory than there is."""
    while error is not None:
        if isinstance(error, MemoryError) or "allocate memory" in str(error) or "malloc" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


RANDOM = np.random.default_rng(5)


@cache
def run(kind: str) -> Path:
    """A run of two steps on data of a kind: vectors, images or a table."""
    place = folder() / f"run-{kind}"
    data: Any = RANDOM.normal(size=(60, 3))
    if kind == "image":
        data = RANDOM.integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    if kind == "table":
        path = folder() / "rows.csv"
        rows = [f"{i % 7}.5,{'ab'[i % 2]},2020-01-{i % 28 + 1:02},2020-01-{i % 28 + i % 2 + 1:02}\n" for i in range(90)]
        path.write_text("n,c,d,e\n" + "".join(rows))
        data = path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monge.train(data, run=place, training={"batch": 16}, **SMALL)
    return place


def kinds() -> tuple[str, ...]:
    """Kinds of data of which there are runs: one where time is short."""
    return ("vector", "image", "table") if os.environ.get("MONGE_FUZZ_LONG") else ("vector",)


def of_run(name: str) -> Callable[[], list[bytes]]:
    """The files of a name in all runs."""
    return lambda: [next(run(kind).rglob(name)).read_bytes() for kind in kinds()]


def facts_of(kinds: Sequence[str]) -> list[bytes]:
    """The files `run.json` of some runs without their checksum, which older runs have not and a stranger leaves out."""
    found = [json.loads((run(kind) / "run.json").read_text()) for kind in kinds]
    return [json.dumps({key: value for key, value in one.items() if key != CHECKSUM}).encode() for one in found]


def in_run(name: str, read: Callable[[RunFolder], object], kind: str = "vector") -> Callable[[Path], object]:
    """Reads a run on data of a kind in which one file was exchanged."""

    def reading(path: Path) -> object:
        place = folder() / f"read-{kind}"
        if not place.exists():
            shutil.copytree(run(kind), place)
        at = place / name.replace("LAST", f"checkpoints/step-{SMALL['steps']:06d}")
        others = [at, *(place / "checkpoints").glob(f"*/{name}"), *(place / "checkpoints").glob("*/index.json")]
        before = {other: other.read_bytes() for other in others}
        try:
            for other in others[:-1]:
                shutil.copyfile(path, other)
            if name == "run.json":  # a stranger's run agrees with its checkpoints
                index = json.loads(before[others[-1]])
                index["files"]["run.json"] = seal(path.read_bytes())
                others[-1].write_text(json.dumps(index))
            return read(RunFolder(place))
        finally:
            for other, content in before.items():
                other.write_bytes(content)

    return reading


def settings(path: Path) -> object:
    """The settings of a training with a file of some."""
    return resolved(_digits(), [Given("--config x.toml", read_toml(path))])


@cache
def _digits() -> Any:
    return open_source("digits", DataConfig())


def facts(run: RunFolder) -> object:
    """All that the commands ask `run.json` for."""
    model = load(run, facts=run.facts())
    return model.sample(2)


def entries(run: RunFolder) -> object:
    """The log as commands read it, and as a training that continues does."""
    run.forget_after(1)
    return run.entries()


def arrays() -> list[bytes]:
    """Files of single arrays."""
    made = (RANDOM.normal(size=(20, 3)), RANDOM.integers(0, 255, (8, 8, 8, 3), dtype=np.uint8), np.ones((9, 2), bool))
    return [_saved(partial(np.save, arr=array)) for array in (*made, np.asfortranarray(made[0]))]


def archives() -> list[bytes]:
    """Files of several arrays."""
    x, y = RANDOM.normal(size=(20, 3)), np.arange(20) % 3
    parts = {"x_train": x, "x_test": x[:5], "y_train": y, "y_test": y[:5], "classes": np.array(["a", "b", "c"])}
    kinds = ({"x": x, "y": y}, parts, {"arr_0": x.astype(np.float32), "arr_1": y.astype(str)})
    makers = (np.savez, np.savez_compressed)
    return [_saved(partial(maker, **named)) for maker in makers for named in kinds]


def _saved(save: Callable[[Any], None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def pictures(kind: str) -> list[bytes]:
    """Files of images of a kind."""
    pixels = RANDOM.integers(0, 256, (8, 9, 4), dtype=np.uint8)
    grey = Image.fromarray(pixels[..., 0])
    made = [grey, Image.fromarray(pixels[..., :3])]
    if kind in ("PNG", "WEBP", "TIFF"):
        made.append(Image.fromarray(pixels))
    if kind in ("PNG", "TIFF", "GIF", "BMP"):
        made += [grey.convert("P"), grey.convert("1")]
    if kind in ("PNG", "TIFF"):
        made.append(Image.fromarray(RANDOM.integers(0, 2**16, (8, 9), dtype=np.uint16)))
    found = [_saved(partial(image.save, format=kind)) for image in made]
    if kind == "TIFF":
        compressions = ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg")
        found += [_saved(partial(made[1].save, format=kind, compression=one)) for one in compressions]
        found.append(_saved(partial(Image.fromarray(RANDOM.normal(size=(8, 9)).astype(np.float32)).save, format=kind)))
        found.append(_saved(partial(grey.save, format=kind, save_all=True, append_images=[grey])))
    if kind in ("GIF", "WEBP", "PNG"):
        found.append(_saved(partial(grey.save, format=kind, save_all=True, append_images=[made[1].convert("L")] * 2)))
    if kind == "JPEG":
        exif = Image.Exif()
        exif[274] = 6
        found.append(_saved(partial(made[1].save, format=kind, exif=exif, progressive=True)))
    return found


def image(path: Path) -> object:
    """An image alone as it is decoded, and among the images of a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, as where files are decoded
        found = header(path)
        decode(path, (8, 8), 1 if found.grey else 3, found.dtype)
    place = folder() / "images"
    place.mkdir(exist_ok=True)
    at = place / f"a{path.suffix}"
    shutil.copyfile(path, at)
    try:
        return read_folder(place, 8, skip_bad=True)
    finally:
        at.unlink()


def tables() -> list[bytes]:
    """Text files of tables."""
    rows = [f"{i},{'abc'[i % 3]},{i / 7:.2f},2021-0{i % 9 + 1}-12,{i % 2 == 0}" for i in range(40)]
    plain = "\n".join(["id,word,number,day,flag", *rows]).encode()
    quoted = ('"a";"b c"\n' + "".join(f'"x ""{i}""";{i},5\n' for i in range(30))).encode("latin-1")
    return [plain, quoted, plain.decode().encode("utf-16"), plain.replace(b",", b"\t").replace(b"\n", b"\r\n")]


def parquets() -> list[bytes]:
    """Files of tables by column."""
    import pyarrow as pa
    from pyarrow import parquet

    numbers = np.arange(40)
    columns = {
        "i": pa.array(numbers),
        "s": pa.array(["a", "b"] * 20),
        "x": pa.array(numbers / 7),
        "d": pa.array(numbers),
    }
    columns["d"] = columns["d"].cast(pa.int32()).cast(pa.date32())
    table = pa.table(columns)
    how: tuple[dict[str, Any], ...] = (
        {},
        {"compression": "zstd", "row_group_size": 7},
        {"use_dictionary": False, "version": "1.0"},
    )
    return [_saved(partial(parquet.write_table, table, **one)) for one in how]


def table(path: Path) -> object:
    """A table, by itself and where its columns are asked for."""
    has_column(str(path), "word")
    return read_table(path, missing=None)


def compressed() -> list[bytes]:
    """Text files of tables by gzip."""
    return [gzip.compress(one, mtime=0) for one in tables()]


NAMES = (
    "mlp",
    "mlp:width=8:depth=2",
    "wgan-gp:weight=5",
    "infogan:categories=3",
    "toy:moons",
    "digits",
    "a.npz:x",
    "runs/a",
)


def spec(path: Path) -> object:
    """A name with options, in every place where one is taken; refused in one is not refused in all."""
    text = os.fsdecode(path.read_bytes())
    refusals = []
    calls: list[Callable[[], object]] = [
        lambda: build(OBJECTIVES, "--objective", text),
        lambda: option(GENERATORS, "--generator", text, "width"),
        lambda: option(CRITICS, "--critic", text, "outputs"),
        lambda: open_data(text),
        lambda: shortest(text),
        lambda: file_and_key(text),
        lambda: resolved(_digits(), [Given("the command line", {"generator": text, "objective": text})]),
        lambda: resolved(_digits(), [Given("the command line", {"training": {"batch": text}, "augment": text})]),
    ]
    for call in calls:
        try:
            call()
        except UserError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]
    return None


OPTIONS = {"samples": 10}


def references() -> list[bytes]:
    """What `--reference-cache` writes."""
    path = folder() / "reference.npz"
    data = open_source("digits", DataConfig())
    raw = data.held_out.rows(np.arange(10))
    made = ReferenceCache.open(path, "digits", OPTIONS)
    made.recall("floor", lambda: np.arange(3.0))
    made.save(SampleSet("digits", data.codec, data.codec.metric(raw), 10, None, None, None, raw=raw, origin=data.space))
    return [path.read_bytes()]


def reference(path: Path) -> object:
    """The samples of a reference, or that another file is there."""
    found = ReferenceCache.open(path, "digits", OPTIONS)
    return found.recall("floor", lambda: np.arange(3.0))


def exported() -> list[bytes]:
    """What `monge export` says of a generator."""
    return [(_export() / "config.json").read_bytes()]


@cache
def _export() -> Path:
    return Path(monge.export(monge.open_run(run("vector")), folder() / "exported", onnx=False))


def export(path: Path) -> object:
    """A generator that was exported, by its description, which must not need its hash to be harmless."""
    from monge.model import exported as module

    place = folder() / "exported"
    before = (_export() / "config.json").read_bytes()
    try:
        document = read_json(path)
        document["sha256"] = module._own_hash(document)
        (place / "config.json").write_bytes(json.dumps(document).encode())
        return monge.load(place).sample(2)
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from error
    finally:
        (place / "config.json").write_bytes(before)


def cached(path: Path) -> object:
    """An entry of the cache whose index is whole but says something else; damage is no error there."""
    key = kept.key_of("survey", "fuzz")
    with kept.storing(key) as entry:
        for name in ("low", "high", "mean", "deviation"):
            entry.write(name, [np.ones(3)], (), "float64")
        entry.write("fingerprint", [np.frombuffer(b"a" * 32, np.uint8)], (), "uint8")
    at, content = kept.folder() / key / "index.json", path.read_bytes()
    if at.exists():
        at.write_bytes(kept._hash_of(content) + b"\n" + content)
    return recall._loaded(key, (3,))


def indices() -> list[bytes]:
    """The index of an entry of the cache."""
    key = kept.key_of("survey", "fuzz")
    with kept.storing(key) as entry:
        for name in ("low", "high", "mean", "deviation"):
            entry.write(name, [np.ones(3)], (), "float64")
        entry.write("fingerprint", [np.frombuffer(b"a" * 32, np.uint8)], (), "uint8")
    return [(kept.folder() / key / "index.json").read_bytes().split(b"\n", 1)[1]]


def checkpoint(run: RunFolder) -> object:
    """The weights of the last checkpoint, as if their checksums fitted, and what is not a network."""
    from monge.model.build import build_generator
    from monge.model.load import codec_of_run, config_of
    from monge.model.weights import folder_of, load_network, read_weights, unreadable
    from monge.run.tensor import read_state

    place, facts = folder_of(run.checkpoints, SMALL["steps"]), run.facts()
    read_weights(place, "generator")
    load_network(build_generator(config_of(run, facts), codec_of_run(run, facts).space, None), place, "generator")
    try:
        return read_state(place / "state.pt")
    except Exception as error:
        raise unreadable(place / "state.pt", error) from error


TARGETS: dict[str, Target] = {
    "toml": Target(
        ".toml", lambda: [b'steps = 5\n[training]\nbatch = 8\n[data]\nsize = "8x8"\n'], settings, mutation.toml
    ),
    "run-json": Target(".json", lambda: facts_of(kinds()), in_run("run.json", facts), mutation.json_tree),
    "run-json-table": Target(
        ".json",
        lambda: facts_of(["table"]),
        in_run("run.json", facts, "table"),
        mutation.json_tree,
    ),
    "log": Target(".jsonl", of_run("log.jsonl"), in_run("log.jsonl", entries)),
    "index": Target(
        ".json",
        of_run("index.json"),
        in_run("LAST/index.json", lambda run: newest(run, run.facts())),
        mutation.json_tree,
    ),
    "safetensors": Target(
        ".safetensors",
        of_run("generator.safetensors"),
        in_run("LAST/generator.safetensors", checkpoint),
        mutation.safetensors,
    ),
    "state": Target(".pt", of_run("state.pt"), in_run("LAST/state.pt", checkpoint)),
    "npy": Target(".npy", arrays, read_array, mutation.npy),
    "npz": Target(".npz", archives, read_array, mutation.npz),
    **{ending: Target(f".{ending}", partial(pictures, kind), image) for ending, kind in IMAGES.items()},
    "csv": Target(".csv", tables, table, mutation.csv),
    "csv-gz": Target(".csv.gz", compressed, table),
    "parquet": Target(".parquet", parquets, table, mutation.parquet),
    "name": Target(".txt", lambda: [name.encode() for name in NAMES], spec, mutation.name),
    "reference": Target(".npz", references, reference, mutation.npz),
    "export": Target(".json", exported, export, mutation.json_tree),
    "cache": Target(".json", indices, cached, mutation.json_tree),
}
TARGETS["png"] = Target(".png", partial(pictures, "PNG"), image, mutation.png)
TARGETS["tif"] = Target(".tif", partial(pictures, "TIFF"), image, mutation.tiff)

torch.set_num_threads(1)
kept.TICK = 0  # which waits until a file that was just written can be told from a later one
