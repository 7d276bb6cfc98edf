"""From model scale to raw scale in torch alone, as `Codec.decode` does it in numpy: a generator's last layer elsewhere.

What is made here can be exported, so no operation looks at the values, and knots are searched by comparison.
"""

import operator
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from monge.data.codec import ImageCodec, VectorCodec
from monge.data.scale import Codec
from monge.data.table.codec import TableCodec
from monge.data.table.column import DAY, ColumnCode
from monge.data.table.derived import Derivation, Formula, Lookup, Part
from monge.data.table.offset import Offset
from monge.errors import UserError

JOINED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
"""What joins the two sources of a formula."""
WHOLE = {"uint8": torch.uint8, "bool": torch.bool}
"""Types of pixels that are kept; other whole numbers become int32, or int64 where that is too small."""


def decoding(codec: Codec) -> nn.Module:
    """The module from samples (n, *shape) in model scale to raw ones, (n, *raw_shape).

    Raises:
        UserError: a codec that none of them follows.
    """
    if isinstance(codec, ImageCodec):
        return ImageDecoding(codec)
    if isinstance(codec, VectorCodec):
        return VectorDecoding(codec)
    if isinstance(codec, TableCodec):
        return TableDecoding(codec)
    raise UserError(f"samples must be images, vectors or tables to be decoded; got {type(codec).__name__}")


class ImageDecoding(nn.Module):
    """Images (n, C, H, W) in [-1, 1] as pixels (n, H, W, C).

    Arguments:
        codec: of the images.
    """

    def __init__(self, codec: ImageCodec) -> None:
        super().__init__()
        self.codec, kind = codec, np.dtype(codec.space.pixels.dtype)
        floating = torch.float64 if kind.itemsize > 4 else torch.float32
        whole = WHOLE.get(kind.name, torch.int64 if kind.itemsize > 2 else torch.int32)
        self.dtype = floating if kind.kind == "f" else whole

    def forward(self, x: Tensor) -> Tensor:
        """Pixels of images (n, C, H, W)."""
        return self.codec.pixels(x).to(self.dtype)


class VectorDecoding(nn.Module):
    """Standardised vectors (n, d) in the data's units.

    Arguments:
        codec: of the vectors.
    """

    def __init__(self, codec: VectorCodec) -> None:
        super().__init__()
        self.mean, self.scale = nn.Buffer(torch.from_numpy(codec.mean)), nn.Buffer(torch.from_numpy(codec.scale))
        self.dtype = torch.float64 if codec.precision is np.float64 else torch.float32

    def forward(self, x: Tensor) -> Tensor:
        """Vectors in the data's units."""
        return (x.double() * self.scale + self.mean).to(self.dtype)


class TableDecoding(nn.Module):
    """Normal numbers and one-hot levels (n, width) as raw rows (n, columns), float64; see `data.table.schema`.

    Arguments:
        codec: of the rows.
    """

    def __init__(self, codec: TableCodec) -> None:
        super().__init__()
        self.numbers, self.blocks = codec.layout.numbers, list(codec.layout.blocks)
        self.width, self.parts = len(codec.codes), [part[:1] + part[2:] for part in codec.parts()]
        self.columns = nn.ModuleList(ColumnDecoding(code) for _, code in codec.modelled)
        self.restored = nn.ModuleList(map(_restoring, codec.restored))

    def forward(self, x: Tensor) -> Tensor:
        """Raw rows of rows in model scale."""
        z, blocks = x[:, : self.numbers].double(), x[:, self.numbers :].split(self.blocks, 1)
        levels = [block.argmax(1) for block in blocks]
        zero = x[:, 0].double() * 0
        found: dict[int, Tensor] = {}
        for (index, number, block), column in zip(self.parts, self.columns, strict=True):
            decode = cast(ColumnDecoding, column)
            level = levels[block] if decode.levelled else zero.long()
            found[index] = decode(level, z[:, number] if decode.plain else zero)
        for module in self.restored:
            restore = cast(OffsetDecoding | LookupDecoding | FormulaDecoding, module)
            found[restore.column] = restore(*(found[source] for source in restore.sources))
        return torch.stack([found[index] for index in range(self.width)], 1)


class ColumnDecoding(nn.Module):
    """One column, see `ColumnCode.value`.

    Arguments:
        code: of the column.
    """

    def __init__(self, code: ColumnCode) -> None:
        super().__init__()
        self.plain, self.levelled, self.gate = code.plain, bool(code.levels), code.gate
        levels = np.arange(max(code.levels, 1))
        # what every level stands for; where a normal number stands in its place, that is read off below
        self.table = nn.Buffer(torch.from_numpy(code.value(levels, np.zeros(len(levels)))))
        number = code.number
        if code.plain and number is not None:
            self.z, self.x = nn.Buffer(torch.from_numpy(number.z)), nn.Buffer(torch.from_numpy(number.x))
            self.step, self.low, self.high = number.step, number.low, number.high

    def forward(self, level: Tensor, z: Tensor) -> Tensor:
        """Raw values (n,) of levels (n,) and normal numbers (n,)."""
        out = self.table[level]
        if not self.plain:
            return out
        above = (z[:, None] >= self.z).sum(1).clamp(1, len(self.z) - 1)
        slope = (self.x[1:] - self.x[:-1]) / (self.z[1:] - self.z[:-1])
        near = torch.minimum(torch.maximum(z, self.z[0]), self.z[-1])
        value = slope[above - 1] * (near - self.z[above - 1]) + self.x[above - 1]
        if self.step:
            value = (value / self.step).round() * self.step
            if self.step < 1:
                value = rounded(value, int(np.rint(-np.log10(self.step))))
        value = value.clamp(self.low, self.high)
        return value if self.gate is None else torch.where(level == self.gate, value, out)


def _restoring(found: Offset | Derivation) -> nn.Module:
    if isinstance(found, Offset):
        return OffsetDecoding(found)
    return LookupDecoding(found) if isinstance(found, Lookup) else FormulaDecoding(found)


class OffsetDecoding(nn.Module):
    """A column whose difference to another is modelled, see `data.table.offset.Offset`.

    Arguments:
        found: the difference.
    """

    def __init__(self, found: Offset) -> None:
        super().__init__()
        self.column, self.sources, self.found = found.column, found.sources, found

    def forward(self, base: Tensor, difference: Tensor) -> Tensor:
        """The column's values (n,) of its base's and of the differences."""
        out = base + difference
        out = out if self.found.decimals is None else rounded(out, self.found.decimals) + 0.0
        return out.clamp(self.found.low, self.found.high)


class LookupDecoding(nn.Module):
    """A column that is read off a table, see `data.table.derived.Lookup`.

    Arguments:
        found: the table.
    """

    def __init__(self, found: Lookup) -> None:
        super().__init__()
        self.column, self.sources, self.part, self.date = found.column, found.sources, found.part, found.date
        keys = np.array([key for key in found.keys if key is not None])
        values = np.array([np.nan if value is None else value for value in found.values], np.float64)
        whole = values[[index for index, key in enumerate(found.keys) if key is not None]]
        self.missing = float(values[-1]) if len(whole) < len(values) else float("nan")
        self.middle = nn.Buffer(torch.from_numpy((keys[1:] + keys[:-1]) / 2))
        self.values = nn.Buffer(torch.from_numpy(whole if len(whole) else np.full(1, np.nan)))

    def forward(self, source: Tensor) -> Tensor:
        """The column's values (n,) of its source's (n,)."""
        given = part_of(source, self.part, date=self.date)
        found = self.values[(given[:, None] >= self.middle).sum(1)]
        return torch.where(given.isnan(), self.missing, found)


class FormulaDecoding(nn.Module):
    """A column that is computed from one or two others, see `data.table.derived.Formula`.

    Arguments:
        found: the formula.
    """

    def __init__(self, found: Formula) -> None:
        super().__init__()
        self.column, self.sources, self.found = found.column, found.sources, found

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        """The column's values (n,) of its sources' (n,)."""
        operation, out = self.found.operation, first
        if operation == "date":
            out = (first / DAY).floor()
        elif second is not None:
            joined = JOINED[operation](first, second)
            out = torch.where(joined.isinf(), torch.nan, joined)
        out = self.found.weight * out + self.found.intercept
        return out if self.found.decimals is None else rounded(out, self.found.decimals) + 0.0


def rounded(values: Tensor, decimals: int) -> Tensor:
    """Values rounded to digits after the point, as numpy does it."""
    power = 10.0**decimals
    return (values * power).round() / power


def part_of(values: Tensor, part: Part, *, date: bool) -> Tensor:
    """A part of dates in days, or of times in seconds, since 1970 (n,); see `data.table.derived.part_of`.

    Reference: Hinnant 2013, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    if part == "value":
        return values
    if part == "hour":
        seconds = values - (values / DAY).floor() * DAY
        return (seconds / 3600).floor()
    days = values.floor() if date else (values / DAY).floor()
    if part == "weekday":
        return (days + 3) - ((days + 3) / 7).floor() * 7
    shifted = days + 719468
    era = (shifted / 146097).floor()
    day = shifted - era * 146097
    year = ((day - (day / 1460).floor() + (day / 36524).floor() - (day / 146096).floor()) / 365).floor()
    of_year = day - (365 * year + (year / 4).floor() - (year / 100).floor())
    month = ((5 * of_year + 2) / 153).floor()  # from March on
    if part == "day":
        return of_year - ((153 * month + 2) / 5).floor() + 1
    civil = torch.where(month < 10, month + 3, month - 9)
    return civil if part == "month" else year + era * 400 + (civil <= 2)
