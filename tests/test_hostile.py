"""Files that claim too much, or are no files: each is refused in one line that says what is allowed, and soon."""

import gzip
import io
import json
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

import monge
from monge.cli import run
from monge.data import growth
from monge.data.array import read_array
from monge.data.table import rows
from monge.data.table.reader import has_column, kinds_of, read_table
from monge.data.table.schema import Column, Schema
from monge.errors import LONGEST_LINE, MongeError, UserError, one_line
from monge.run import archive, files, log
from monge.run.files import ordinary, parse_json, parse_toml, read_file
from monge.run.folder import CHECKSUM
from monge.run.index import seal
from monge.run.tensor import read_tensors

MEMORY = 2 * 2**30
SECONDS = 10


def test_messages_are_one_line_of_bounded_length() -> None:
    error = UserError("name\n\x1b[31m" + "x" * 10_000 + " must be short; " + "and, " * 1000 + "say so")
    assert str(error).startswith("name \\x1b[31mxxx")
    assert str(error).endswith("and, say so")
    assert len(str(error)) == LONGEST_LINE
    assert one_line(str(error)) == str(error)
    assert str(MongeError()) == ""


def test_names_in_an_archive_are_shortened(tmp_path: Path) -> None:
    names = {f"q\x1b[2J{number}": np.eye(3) for number in range(30)} | {"z" * 5000: np.eye(3)}
    np.savez(tmp_path / "a.npz", **names)
    with pytest.raises(UserError, match=r"q\\x1b\[2J0.* and 11 more; choose one with a.npz:KEY"):
        read_array(tmp_path / "a.npz")


def test_an_archive_of_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"a{number}": np.eye(2) for number in range(30)} | {"x": np.eye(3)}
    for comment in (b"", b"a comment"):
        np.savez(tmp_path / "a.npz", **many)
        with zipfile.ZipFile(tmp_path / "a.npz", "a") as file:
            file.comment = comment
        read_array(tmp_path / "a.npz")
        with monkeypatch.context() as patched:
            patched.setattr(archive, "_LISTED_BYTES", 1000)
            with pytest.raises(UserError, match=r"its list of members must have at most 1,000 bytes; got 1,6\d\d"):
                read_array(tmp_path / "a.npz")


def test_the_list_of_a_large_archive_is_found_behind_its_other_record(tmp_path: Path) -> None:
    content = large_archive(100_000)
    with pytest.raises(ValueError, match=r"at most 4,194,304 bytes; got 5,800,000"):
        archive.opened(io.BytesIO(content))


def large_archive(members: int) -> bytes:
    """An archive that says to have so many members, all of them at its beginning, in the form for large ones."""
    start = b"PK\3\4" + bytes(26)
    one = struct.pack("<I6H3I5H2I", 0x02014B50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0)
    listed = b"".join(one + b"a%07d.npy" % number for number in range(members))
    place = len(start) + len(listed)
    end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, members, members, len(listed), len(start))
    end += struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    return (
        start + listed + end + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    )


def test_classes_and_labels_that_are_too_many(tmp_path: Path) -> None:
    names = np.arange(2**16 + 1).astype(str)
    np.savez(tmp_path / "a.npz", x=np.eye(3), y=np.arange(3), classes=names)
    with pytest.raises(UserError, match="`classes` must have at most 65,536 names; got 65,537"):
        read_array(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=np.ones((len(names), 1)), y=names)
    with pytest.raises(UserError, match="labels must have at most 65,536 different values; got 65,537"):
        read_array(tmp_path / "a.npz")


def test_growth_is_refused_beyond_a_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    growth.refuse_growth("a", 1, growth.FREE_BYTES, "")
    growth.refuse_growth("a", 10**7, 10**9, "")
    with pytest.raises(UserError, match=r"a: 9,999,999 bytes become 1,000,000,000 in memory, .* 100 times as many; do"):
        growth.refuse_growth("a", 10**7 - 1, 10**9, "do")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data of more than some bytes must not grow much."""
    monkeypatch.setattr(growth, "FREE_BYTES", 50_000)


@pytest.mark.usefixtures("small")
def test_compressed_text_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 50_000))
    with pytest.raises(UserError, match=r"a.csv.gz: \d+ bytes become 200,004 in memory.* unpack it first"):
        read_table(path)


@pytest.mark.usefixtures("small")
def test_a_footer_that_says_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"a": np.zeros(100_000), "b": np.zeros(100_000)}), path)
    with pytest.raises(UserError, match=r"a.parquet: [\d,]+ bytes become 1,600,000 in memory.* without compression"):
        read_table(path)
    monkeypatch.setattr(rows, "_FOOTER_BYTES", 100)
    with pytest.raises(UserError, match=r"its footer must have at most 100 bytes; got \d+"):
        read_table(path)


def test_a_parquet_file_of_too_many_columns(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({f"c{number}": [1.0] for number in range(10_001)}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="must have at most 10,000 columns; got 10,001"):
        read_table(tmp_path / "a.parquet")


def test_a_few_long_texts_do_not_fill_all_rows(tmp_path: Path) -> None:
    texts = pyarrow.array([letter * 100_000 for letter in "abcdefgh"])
    codes = pyarrow.array(np.arange(20_000) % 8, pyarrow.int32())
    column = pyarrow.DictionaryArray.from_arrays(codes, texts)
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"x": np.arange(20_000) / 7, "text": column})
    parquet.write_table(table, path, store_schema=False)
    assert parquet.read_schema(path).field("text").type == pyarrow.string()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_table(path).train.all().shape[1] == 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 2**10  # of 2 GB


def test_levels_that_are_long_texts_are_no_category(tmp_path: Path) -> None:
    texts = ["a" * 3 * 2**20, "b" * 2**20] * 20
    parquet.write_table(pyarrow.table({"x": np.arange(40) / 7, "text": texts}), tmp_path / "a.parquet")
    data = read_table(tmp_path / "a.parquet")
    assert data.info.columns == ["x"]
    assert "column 'text' has long texts and is left out; --data.columns text:category keeps it" in data.info.notes


def test_a_row_that_is_too_long(tmp_path: Path) -> None:
    for row in ("x" * 5_000_000, '"' + "x\n" * 2_500_000 + '"', "1," * 3_000_000):
        (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 300_000 + row + ",2\n")
        with pytest.raises(UserError, match=r"a.csv: every row must be shorter than 2,097,152 bytes"):
            read_table(tmp_path / "a.csv")


def special(folder: Path) -> dict[str, Path]:
    """What is no ordinary file, by what it is called."""
    os.mkfifo(folder / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "socket"))
    server.close()
    (folder / "folder").mkdir()
    (folder / "device").symlink_to("/dev/zero")
    return {name: folder / name for name in ("pipe", "socket", "folder", "device")}


def test_only_ordinary_files_are_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, path in special(tmp_path).items():
        for read in (ordinary, lambda path: read_file(path, 10), read_tensors):
            with pytest.raises(ValueError, match=f"must be an ordinary file; got a {name}"):
                read(path)
        assert run(["train", "digits", "--config", str(path)]) == 2
        assert f"it must be an ordinary file; got a {name}" in capsys.readouterr().err
        assert run(["distance", "toy:moons", "toy:moons", "--reference-cache", str(path)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        for ending in (".csv", ".parquet", ".npy", ".npz", ".png"):
            link = tmp_path / f"link{ending}"
            link.symlink_to(path)
            with pytest.raises(UserError, match=r"data must be|must contain|must have a table"):
                monge.load_data(link)
            assert not has_column(str(link), "a")
            assert kinds_of(Schema((Column("a", "number"),)), link) is None
            link.unlink()


def test_broken_pictures_are_told_in_one_line(tmp_path: Path) -> None:
    """Pillow and libtiff say nothing by themselves."""
    Image.new("RGB", (9, 9), "red").save(tmp_path / "a.tif", compression="packbits")
    content = (tmp_path / "a.tif").read_bytes()
    samples = content.index(struct.pack("<HHI", 277, 3, 1)) + 8
    for broken in (
        content[:8] + bytes(20) + content[28:],  # its pixels
        content[:samples] + b"\xff\xff" + content[samples + 2 :],
    ):
        (tmp_path / "a.tif").write_bytes(broken)
        command = [sys.executable, "-c", f"import monge; monge.load_data({str(tmp_path)!r})"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[0].startswith("Traceback")
        assert done.stderr.splitlines()[-1].startswith("monge.errors.UserError")


def test_folders_of_pipes_and_links_in_circles(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match=r"train.csv cannot be read as .csv: it must be an ordinary file; got a pipe"):
        monge.load_data(tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        Image.new("L", (8, 8), number).save(images / f"{number}.png")
    (images / "loop.png").symlink_to("loop.png")
    os.mkfifo(images / "pipe.png")
    with pytest.raises(UserError, match=r"loop.png is not a file"):
        monge.load_data(images)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = " + b"[" * 3000 + b"]" * 3000, "nested too deeply"),
        (b"a = " + b"{a=" * 3000 + b"1" + b"}" * 3000, "nested too deeply"),
        (b".".join([b"a"] * 30_000) + b" = 1", "line 1 must have at most 100 points; got 29,999"),
        (b"x = 1\n[" + b" . ".join([b"a"] * 9000) + b"]", "line 2 must have at most 100 points; got 8,999"),
        (b"steps = " + b"9" * 5000, "is not TOML"),
        (b"\xff\xfe\0", "is not UTF-8"),
        (b"\n".join(b"steps.b%d.c = 1" % number for number in range(3000)), "steps must be of type int"),
        (b"#" * 2**16 + b"\n", "must have at most 65,536 bytes; got 65,537"),
    ],
)
def test_configs(content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    begun = time.process_time()
    assert run(["train", "digits", "--config", str(path)]) == 2
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert len(shown) < LONGEST_LINE + 10
    assert said in shown
    assert time.process_time() - begun < SECONDS


def test_a_config_of_usual_size_is_read() -> None:
    lines = ["# what this setting does, in a sentence of some length. And another one.\nseed = 1"]
    assert parse_toml("\n".join(lines).encode()) == {"seed": 1}


def test_json_of_too_many_parts() -> None:
    with pytest.raises(ValueError, match="at most 1,000,000 lists and mappings"):
        parse_json(b'{"a": [' + b"[]," * files.MOST_PARTS + b"1]}")


def test_headers_of_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="its header must have at most 8,388,608 bytes; got 1,099,511,627,776"):
        read_tensors(path)


def test_a_run_cannot_ask_for_a_network_that_it_has_no_weights_of(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(400, 2))
    small = {"generator": "mlp:width=8", "critic": "mlp:width=8", "threads": 1}
    path = monge.train(points, run=tmp_path / "run", steps=1, **small).path
    checkpoint = path / "checkpoints" / "step-000001"
    index = json.loads((checkpoint / "index.json").read_text())
    for place in (path, checkpoint):
        facts = json.loads((place / "run.json").read_text())
        del facts[CHECKSUM]  # which older runs have not
        content = json.dumps(facts).replace("mlp:width=8", "mlp:width=65536:depth=60")
        (place / "run.json").write_text(content)
        index["files"]["run.json"] = seal(content.encode())
    (checkpoint / "index.json").write_text(json.dumps(index))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=r"generator_ema.safetensors cannot be read: Error"):
        monge.open_run(path).model()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 2**10  # of 500 GB


def test_a_log_of_nothing_but_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_DAMAGED", 5)
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\n' + b"\n" * 1000 + b'{"step": 2}\n')
    with pytest.warns(UserWarning, match=r"lines 2, 3, 4 and 2 more \(it is blank\) and all behind these, passed"):
        assert log.Log(path).entries() == [{"step": 1}]
    with pytest.warns(UserWarning, match=r"left out; the log as it was is kept as log.jsonl.damaged"):
        log.Log(path).forget_after(5)
    assert path.read_bytes() == b'{"step": 1}\n'


def test_of_a_large_log_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(b'{"step": %d}\n' % step for step in range(10, 20)))
    monkeypatch.setattr(log, "LARGEST", 30)
    with pytest.warns(UserWarning, match="all but its last 30 bytes, passed over"):
        assert log.Log(path).entries() == [{"step": 18}, {"step": 19}]
    log.Log(path).forget_after(18)
    assert len(path.read_bytes().splitlines()) == 9


def test_a_long_line_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LONGEST", 20)
    path = tmp_path / "log.jsonl"
    for size in range(15, 70):
        path.write_bytes(b'{"step": 1}\n' + b"x" * size + b'\n{"step": 2}\n' + b"x" * size)
        with pytest.warns(UserWarning, match=r"damaged line 2 \((it has more than 20 bytes|Expecting value)"):
            assert log.Log(path).entries() == [{"step": 1}, {"step": 2}]


def zeros_in(path: Path, members: dict[str, tuple[tuple[int, ...], str]]) -> None:
    """A compressed `.npz` file of zeros by shape and type."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, (shape, kind) in members.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as stream:
                header = {"descr": kind, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                left = int(np.prod(shape)) * np.dtype(kind).itemsize
                for start in range(0, left, 2**24):
                    stream.write(bytes(min(2**24, left - start)))


def columns_in(path: Path, rows: int, columns: int, groups: int) -> None:
    """A `.parquet` file of zeros."""
    part = pyarrow.table({f"c{number}": np.zeros(rows) for number in range(columns)})
    with parquet.ParquetWriter(path, part.schema, compression="zstd") as writer:
        for _ in range(groups):
            writer.write_table(part)


def long_texts_in(path: Path) -> None:
    """A `.parquet` file of 0.4 MB with 200 GB of texts, if each row had its own."""
    texts = pyarrow.array([f"{number}" + "y" * 10**6 for number in range(50)])
    codes = pyarrow.array(np.arange(200_000) % 50, pyarrow.int32())
    table = pyarrow.table({"text": pyarrow.DictionaryArray.from_arrays(codes, texts), "x": np.zeros(200_000)})
    parquet.write_table(table, path, store_schema=False, compression="zstd")


def pictures_in(path: Path) -> None:
    """A folder of three images of 100 million pixels."""
    path.mkdir()
    for number in range(3):
        Image.new("RGBA", (10_000, 10_000), (number, 9, 9, 9)).save(path / f"{number}.png", compress_level=1)


BOMBS: dict[str, Callable[[Path], object]] = {
    "x.npz": lambda path: zeros_in(path, {"x": ((2**20, 1024), "<f4")}),
    "labels.npz": lambda path: zeros_in(path, {"x": ((100, 3), "<f4"), "y": ((2**28,), "<f4")}),
    "classes.npz": lambda path: zeros_in(
        path, {"x": ((100, 3), "<f4"), "y": ((100,), "<i8"), "classes": ((2**26,), "<U1")}
    ),
    "members.npz": lambda path: path.write_bytes(large_archive(2 * 10**6)),
    "rows.parquet": lambda path: columns_in(path, 2**20, 2, 300),
    "columns.parquet": lambda path: columns_in(path, 2, 50_000, 1),
    "texts.parquet": long_texts_in,
    "line.csv": lambda path: path.write_text("a,b\n" + "1,2\n" * 100 + "x" * 10**8 + ",2\n"),
    "header.csv": lambda path: path.write_text("x" * 10**8 + ",b\n1,2\n"),
    "columns.csv": lambda path: path.write_text("a," * 12_000_000 + "a\n" + "1," * 12_000_000 + "1\n"),
    "lines.csv.gz": lambda path: path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**28)),
    "pictures": pictures_in,
}
"""Files that have more than they seem to."""
HARMLESS = ("texts.parquet", "pictures")
"""Those that are read, within bounds."""

CHILD = """
import resource, sys
import monge, monge.data.source, monge.data.table.reader
def used():
    seconds = resource.getrusage(resource.RUSAGE_SELF)
    return seconds.ru_utime + seconds.ru_stime
before = used()
status = 0
try:
    print(monge.load_data(sys.argv[1]).info.name)
except monge.UserError as error:
    print(error)
    status = 2
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(used() - before, int(peak) * 1024)
sys.exit(status)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BOMBS))
def test_bombs(name: str, tmp_path: Path) -> None:
    """A real one each, read by a process of its own: at most 10 seconds of the processor and 2 GiB."""
    BOMBS[name](tmp_path / name)
    command = [sys.executable, "-c", CHILD, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    shutil.rmtree(tmp_path)
    said, figures = done.stdout.splitlines()
    seconds, memory = map(float, figures.split())
    print(f"{name}: exit status {done.returncode}, {seconds:.1f} s, {memory / 2**30:.2f} GiB: {said}")
    assert done.returncode == (0 if name in HARMLESS else 2), done.stderr
    assert memory < MEMORY
    if name not in HARMLESS:
        assert seconds < SECONDS
