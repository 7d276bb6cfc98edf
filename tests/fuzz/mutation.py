"""Valid files made wrong: some bytes at random, or a part of their structure."""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

WEIRD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3.5, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 10**30, -(10**30)),
    *("", " ", "0", "none", "nan", "x" * 5000, "\0", "\x1b[31m", "two\nlines", "\ud800", "é\u202e", "../..", "~", ":"),
    *("mlp:width=65536:depth=9", "resnet:width=65536", "wgan-gp:weight=nan", "infogan:categories=65536"),
    *([], {}, [None], [[]], {"": ""}, [1, 2], [0.5], ["a", "a"], {"kind": "image"}, {"step": 1}),
)
"""Values that something may not expect."""
NUMBERS = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
"""What lengths and counts are set to."""

Mutation = Callable[[bytes, Random], bytes]


def broken(content: bytes, random: Random, others: tuple[bytes, ...] = ()) -> bytes:
    """Some bytes changed, cut, repeated, or exchanged for those of another file."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        content = random.choice(_OF_BYTES)(content, random)
        if others and random.random() < 0.1:
            content = _spliced(content, random.choice(others), random)
    return content


def _place(content: bytes, random: Random) -> int:
    """A place: anywhere, but more often near the beginning or the end, where formats say what they are."""
    near = random.randrange(3)
    size = len(content)
    place = random.randrange(max(1, min(size, 64) if near < 2 else size))
    return max(0, size - 1 - place) if near == 1 else place


def _flipped(content: bytes, random: Random) -> bytes:
    out = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 4, 32))):
        out[_place(out, random)] ^= 1 << random.randrange(8)
    return bytes(out)


def _numbered(content: bytes, random: Random) -> bytes:
    """A number, at a place that may be a length or a count, set to one at the end of its range."""
    out, width = bytearray(content), random.choice((1, 2, 4, 8))
    number = random.choice(NUMBERS) % 2 ** (8 * width)
    place = _place(content, random)
    out[place : place + width] = number.to_bytes(width, random.choice(("little", "big")))
    return bytes(out)


def _written(content: bytes, random: Random) -> bytes:
    """A number in text set to another."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", content[: 2**16]))
    if not found:
        return content
    one = random.choice(found)
    text = random.choice((b"0", b"-1", b"1e999", b"nan", b"99999999999999999999", b"9" * 5000, b"1.5", b""))
    return content[: one.start()] + text + content[one.end() :]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: _place(content, random)]


def _gap(content: bytes, random: Random) -> bytes:
    place = _place(content, random)
    return content[:place] + content[place + random.choice((1, 2, 7, 64, 1000)) :]


def _inserted(content: bytes, random: Random) -> bytes:
    place = _place(content, random)
    more = random.choice((random.randbytes(random.randrange(1, 40)), b"\0" * 40, b"\n", b'"', b"[" * 3000, b"\xff" * 4))
    return content[:place] + more + content[place:]


def _repeated(content: bytes, random: Random) -> bytes:
    place = _place(content, random)
    size = random.choice((1, 8, 100, 1000))
    return content[:place] + content[place : place + size] * random.choice((2, 2, 50, 300)) + content[place + size :]


def _spliced(content: bytes, other: bytes, random: Random) -> bytes:
    return content[: _place(content, random)] + other[_place(other, random) :]


_OF_BYTES: tuple[Mutation, ...] = (_flipped, _flipped, _numbered, _numbered, _written, _cut, _gap, _inserted, _repeated)


def json_tree(content: bytes, random: Random) -> bytes:
    """A JSON document with some parts exchanged, renamed, doubled or taken away."""
    document = json.loads(content)
    for _ in range(random.choice((1, 1, 2, 4))):
        inner = random.choice(("codec", "config", ""))  # where runs have most of what can be wrong
        if isinstance(document, dict) and isinstance(document.get(inner), dict):
            document[inner] = _tree(document[inner], random)
        else:
            document = _tree(document, random)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _tree(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.85:
        key, out = random.choice(list(value)), dict(value)
        action = random.randrange(8)
        if action == 0:
            del out[key]
        elif action == 1:
            out[random.choice((key.upper(), key + " ", "", "\ud800", "kind"))] = out[key]
        elif action == 2:
            out[key] = value[random.choice(list(value))]
        else:
            out[key] = _tree(value[key], random)
        return out
    if isinstance(value, list) and value and random.random() < 0.85:
        place = random.randrange(len(value))
        action = random.randrange(6)
        if action == 0:
            return value[:place] + value[place + 1 :]
        if action == 1:
            return value[:place] + [value[place]] * random.choice((2, 300)) + value[place:]
        return [*value[:place], _tree(value[place], random), *value[place + 1 :]]
    return weird(random)


def weird(random: Random) -> Any:
    """A value that something may not expect."""
    if random.random() < 0.02:
        deep: Any = []
        for _ in range(300):
            deep = [deep] if random.random() < 0.5 else {"a": deep}
        return deep
    return random.choice(WEIRD)


def safetensors(content: bytes, random: Random) -> bytes:
    """The header's JSON changed, with a length that is right."""
    size = int.from_bytes(content[:8], "little")
    header = json_tree(content[8 : 8 + size], random)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def npy(content: bytes, random: Random) -> bytes:
    """An array whose header says something else."""
    kinds = (
        "<f4",
        "<f8",
        "<u1",
        "|b1",
        "<i8",
        ">i2",
        "<c16",
        "|O",
        "<U3",
        "|S0",
        "<M8[ns]",
        "|V8",
        "<f2",
        "<U0",
        "(2,3)f4",
    )
    dtype: Any = random.choice((*kinds, *kinds, [("a", "<f4")], [("a", "<f4", (2**20, 2**20))], 3, None, "x" * 3000))
    sizes = (0, 1, 2, 3, 7, 100, -1, 2**31, 2**62, True, 1.5, "a")
    shape = tuple(random.choice(sizes) for _ in range(random.randrange(6)))
    header: Any = {"descr": dtype, "fortran_order": random.choice((True, False, False, 0, None)), "shape": shape}
    text = repr(header if random.random() < 0.9 else random.choice((shape, [header], {**header, "more": 1})))
    padded = (text + " " * random.randrange(64) + "\n").encode()
    version, form = random.choice(((1, "<H"), (1, "<H"), (2, "<I"), (3, "<I")))
    start = content.find(b"\n") + 1
    body = content[start:] if random.random() < 0.7 else bytes(random.choice((0, 1, 24, 2400)))
    return b"\x93NUMPY" + bytes((version, 0)) + struct.pack(form, len(padded)) + padded + body


def npz(content: bytes, random: Random) -> bytes:
    """An archive with some members changed, renamed, added or taken away, stored or compressed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in list(members):
        action = random.randrange(7)
        if action == 0:
            del members[name]
        elif action == 1:
            members[name] = npy(members[name], random)
        elif action == 2:
            members[name] = broken(members[name], random)
        elif action == 3:
            names = (
                "x.npy",
                "X.npy",
                "y.npy",
                "x_train.npy",
                "x_test.npy",
                "classes.npy",
                "data.npy",
                "a/../b.npy",
                "q",
            )
            members[random.choice(names)] = members.pop(name)
    if random.random() < 0.2:
        members["classes.npy"] = npy(b"\n", random)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", random.choice((0, 8, 8, 12, 14))) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return broken(buffer.getvalue(), random) if random.random() < 0.3 else buffer.getvalue()


def png(content: bytes, random: Random) -> bytes:
    """A chunk changed, doubled, moved or made, with checksums that are right."""
    chunks, place = list[tuple[bytes, bytes]](), 8
    while place + 12 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        chunks.append((kind, content[place + 8 : place + 8 + size]))
        place += 12 + size
    index = random.randrange(len(chunks))
    kind, body = chunks[index]
    kinds = (
        b"tRNS",
        b"PLTE",
        b"gAMA",
        b"iCCP",
        b"zTXt",
        b"iTXt",
        b"eXIf",
        b"acTL",
        b"fcTL",
        b"fdAT",
        b"cHRM",
        b"pHYs",
        b"xxxx",
    )
    action = random.randrange(5)
    if action == 0:
        chunks[0] = (b"IHDR", _header(random))
    elif action == 1:
        chunks[index] = (kind, broken(body, random))
    elif action == 2:
        chunks.insert(index, random.choice(chunks))
    elif action == 3:
        made = random.choice(
            (b"", b"a\0\0" + zlib.compress(bytes(10**6)), random.randbytes(30), bytes(768), b"Exif\0\0MM\0*")
        )
        chunks.insert(max(1, index), (random.choice(kinds), made))
    else:
        packed = zlib.compress(broken(bytes(600), random))
        chunks[index] = (b"IDAT", packed)
    return content[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _header(random: Random) -> bytes:
    side = lambda: random.choice((0, 1, 2, 8, 9, 255, 4000, 65535, 2**31 - 1))  # noqa: E731
    depth, colour = random.choice((1, 2, 4, 8, 16, 3)), random.choice((0, 2, 3, 4, 6, 5))
    return struct.pack(">IIBBBBB", side(), side(), depth, colour, 0, 0, random.choice((0, 1)))


def tiff(content: bytes, random: Random) -> bytes:
    """A tag's type, count or value changed."""
    out = bytearray(content)
    order = "<" if content[:2] == b"II" else ">"
    (place,) = struct.unpack_from(order + "I", content, 4)
    if place + 2 > len(content):
        return broken(content, random)
    (count,) = struct.unpack_from(order + "H", content, place)
    for _ in range(random.choice((1, 1, 2, 3))):
        at = place + 2 + 12 * random.randrange(max(1, count))
        if at + 12 <= len(out):
            tag, kind, number, value = struct.unpack_from(order + "HHII", out, at)
            tags = (
                254,
                256,
                257,
                258,
                259,
                262,
                273,
                274,
                277,
                278,
                279,
                284,
                317,
                320,
                322,
                323,
                324,
                325,
                338,
                339,
                700,
            )
            field = random.randrange(4)
            tag = random.choice(tags) if field == 0 else tag
            kind = random.randrange(20) if field == 1 else kind
            number = random.choice(NUMBERS[:12]) if field == 2 else number
            value = random.choice((*NUMBERS[:12], 3, 4, 5, 6, 7, 8, 9, 32773, 34712, 50000)) if field == 3 else value
            struct.pack_into(order + "HHII", out, at, tag, kind, number, value)
    return bytes(out)


def csv(content: bytes, random: Random) -> bytes:
    """Rows of cells of all kinds."""
    cells = (
        "1",
        "-2.5",
        "1e400",
        "nan",
        "",
        "NA",
        "a",
        "a b",
        "007",
        "2021-02-30",
        "31/12/2020",
        "12:99",
        "1,5",
        "1.234,5",
    )
    cells += (
        "€ 3",
        "5%",
        '"q',
        '"a""b"',
        '"two\nlines"',
        "\t",
        "true",
        "x" * 200,
        "\0",
        "\u2009",
        "9" * 400,
        "=1+1",
        "\x1b[2J",
    )
    separator = random.choice(",;\t| ")
    width, rows = random.randrange(1, 8), random.choice((0, 1, 2, 5, 30))
    columns = [random.sample(cells, random.choice((1, 2, 4))) for _ in range(width)]
    names = [random.choice((f"c{index}", f"c{index}", "", "a", "split", "c\x1b[1m")) for index in range(width)]
    lines = [separator.join(names)]
    for _ in range(rows):
        row = [random.choice(column) for column in columns]
        lines.append(separator.join(row[: random.choice((width,) * 20 + (0, 1))]))
    text = random.choice(("", "", "sep=;\n", "\ufeff")) + random.choice(("\n", "\n", "\r\n", "\r")).join(lines)
    return text.encode(random.choice(("utf-8", "utf-8", "utf-16", "latin-1", "utf-16-le")), "replace")


def parquet(content: bytes, random: Random) -> bytes:
    """A table of columns of all kinds, some of them of types that are not read."""
    import pyarrow as pa
    from pyarrow import parquet as file

    rows = random.choice((0, 1, 3, 50))
    numbers = np.arange(rows)
    made: list[Callable[[], Any]] = [
        lambda: pa.array(numbers * random.choice((0, 1, 10**17))),
        lambda: pa.array([random.choice((0.5, 1e307, np.nan, -np.inf)) for _ in numbers], pa.float64()),
        lambda: pa.array([random.choice(("a", "b", "", None, "x" * 3000)) for _ in numbers], pa.string()),
        lambda: pa.array([random.choice(("a", None)) for _ in numbers], pa.large_string()).dictionary_encode(),
        lambda: pa.array([random.choice((b"\xff", None)) for _ in numbers], pa.binary()),
        lambda: pa.array([[1.0]] * rows, pa.list_(pa.float64())),
        lambda: pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int64())])),
        lambda: pa.nulls(rows, random.choice((pa.null(), pa.int8(), pa.string(), pa.bool_()))),
        lambda: pa.array(numbers * random.choice((0, 10**9, 2**40)), pa.int64()).cast(random.choice(_TIMES(pa))),
        lambda: pa.array([random.choice((True, False, None)) for _ in numbers], pa.bool_()),
        lambda: pa.array(numbers, pa.uint64()).cast(pa.decimal128(30, random.choice((0, 5)))),
        lambda: pa.array(numbers.astype(np.float16)),
    ]
    arrays = [random.choice(made)() for _ in range(random.choice((1, 2, 3, 6)))]
    names = [
        random.choice((f"c{index}", "a", "", "c.d", "__index_level_0__", "c\x1b[1m")) for index in range(len(arrays))
    ]
    buffer = io.BytesIO()
    meta = random.choice((None, {b"pandas": b"[" * 3000}, {b"pandas": b'{"index_columns": [{"kind": "range"}]}'}))
    table = pa.table(arrays, names=names).replace_schema_metadata(meta)
    file.write_table(table, buffer, compression=random.choice(("snappy", "zstd", "none", "gzip")))
    return broken(buffer.getvalue(), random) if random.random() < 0.5 else buffer.getvalue()


def _TIMES(pa: Any) -> tuple[Any, ...]:  # noqa: N802
    units = [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")]
    return (*units, pa.timestamp("s", "Europe/Berlin"), pa.time64("us"), pa.duration("ms"), pa.date64())


def toml(content: bytes, random: Random) -> bytes:
    """Lines of settings, some of them known, with values of all kinds."""
    keys = (
        "steps",
        "seed",
        "recipe",
        "objective",
        "generator",
        "critic",
        "model",
        "augment",
        "start-from",
        "training.batch",
    )
    keys += (
        "training.learning-rate",
        "training.beta1",
        "training.ema",
        "data.size",
        "data.columns",
        "data.rule",
        "observe",
    )
    keys += (
        "training",
        "data",
        "a",
        '"a b"',
        "training.n_critic",
        "training.conditional",
        "source",
        "training.decay-from",
    )
    values = (
        "1",
        "-1",
        "0.5",
        "nan",
        "inf",
        "true",
        '"none"',
        '"mlp:width=8"',
        '"mlp:width=1e9"',
        '"wgan-gp:weight=-1"',
        "[]",
    )
    values += (
        "{}",
        "[1, [2]]",
        "1979-05-27T07:32:00Z",
        '"""a\nb"""',
        "'''",
        "0xff",
        "1_000",
        "9" * 30,
        "{a = 1}",
        '"x\\u0000"',
    )
    lines = []
    for _ in range(random.randrange(1, 6)):
        if random.random() < 0.15:
            lines.append(f"[{random.choice(keys)}]")
        else:
            lines.append(f"{random.choice(keys)} = {random.choice(values)}")
    return "\n".join(lines).encode()


def name(content: bytes, random: Random) -> bytes:
    """A name with options, or what looks like one."""
    names = (
        "mlp",
        "dcgan",
        "resnet",
        "residual",
        "sngan",
        "wgan-gp",
        "wgan",
        "infogan",
        "lsgan",
        "toy:moons",
        "toy",
        "digits",
        "",
    )
    options = (
        "width",
        "depth",
        "weight",
        "layer",
        "norm",
        "latent",
        "outputs",
        "categories",
        "n",
        "a",
        "",
        "std",
        "scale",
    )
    values = (
        "8",
        "1",
        "0",
        "-1",
        "1e9",
        "nan",
        "inf",
        "true",
        "x",
        "",
        "9" * 5000,
        "1.5",
        "٣",
        "0x10",
        "\x1b[1m",
        "=",
        "65536",
    )
    text = random.choice(names)
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        text += (
            random.choice((":", ":", "::", ","))
            + random.choice(options)
            + random.choice(("=", "=", "", "=="))
            + random.choice(values)
        )
    return text.encode()
