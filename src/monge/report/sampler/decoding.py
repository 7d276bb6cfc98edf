"""What the script of a page needs to turn what a network gives into raw samples, as plain values; see `decoding.js`."""

from typing import Any

import numpy as np

from monge.data.codec import ImageCodec, VectorCodec
from monge.data.scale import Codec
from monge.data.table import date_form
from monge.data.table.codec import TableCodec
from monge.data.table.column import DAY, ColumnCode
from monge.data.table.frame import SINGLE, digits
from monge.data.table.schema import Column
from monge.model.rows import margins_of
from monge.model.trained_model import TrainedModel
from monge.nn.margin import RANGES, Margins


def decoding(model: TrainedModel) -> dict[str, Any]:
    """The decoding of a model's samples."""
    codec: Codec = model.codec
    if isinstance(codec, ImageCodec):
        space, pixels = codec.space, codec.space.pixels
        size = {"channels": space.channels, "height": space.height, "width": space.width}
        scale = {"low": pixels.low, "high": pixels.high, "whole": pixels.whole, "binary": pixels.dtype == "bool"}
        return {"kind": "image", **size, **scale}
    if isinstance(codec, VectorCodec):
        names = list(model.columns or (f"x{index + 1}" for index in range(len(codec.mean))))
        scale = {"mean": codec.mean.tolist(), "scale": codec.scale.tolist()}
        return {"kind": "vector", "names": names, "single": codec.precision is np.float32, **scale}
    assert isinstance(codec, TableCodec)
    margins = margins_of(model.generator)
    return table(codec) | {"margins": None if margins is None else weighting(margins)}


def table(codec: TableCodec) -> dict[str, Any]:
    """The decoding of rows, and the combinations of values that they do not have."""
    starts = codec.layout.numbers + np.cumsum([0, *codec.layout.blocks])
    bases = {found.column: found.base for found in codec.offsets}
    columns = [
        {"column": index, "number": number, "start": int(starts[block]), "base": bases.get(index), **column(code)}
        for index, code, number, block in codec.parts()
    ]
    combinations = [
        {"columns": list(one.columns), "values": list(one.values), "rate": one.rate} for one in codec.combinations.found
    ]
    orders = [list(one.columns) for one in codec.combinations.orders]
    written = [{"name": one.name, **writing(one)} for one in codec.schema]
    restored = [one.as_json() for one in codec.restored]
    parts = {"columns": columns, "restored": restored, "combinations": combinations, "orders": orders}
    return {"kind": "table", "width": len(codec.schema), "written": written, **parts}


def column(code: ColumnCode) -> dict[str, Any]:
    """How one column's level and normal number become its value, see `ColumnCode.value`; a missing one is None."""
    levels = np.arange(max(code.levels, 1))
    values = [None if np.isnan(value) else value for value in code.value(levels, np.zeros(len(levels))).tolist()]
    number = code.number if code.plain else None
    knots = None if number is None else number.state() | {"missing": code.missing}
    return {"levels": code.levels, "gate": code.gate, "values": values, "knots": knots}


def writing(column: Column) -> dict[str, Any]:
    """How a column's values are written as text, see `data.table.frame.texts`."""
    if column.levels:
        return {"levels": list(column.levels)}
    if column.kind in ("date", "datetime"):
        places = column.decimals or 0
        fields = date_form.fields_of(column.kind, column.form, places)
        return {"fields": fields, "unit": DAY if column.kind == "date" else 1, "decimals": places}
    return {"digits": digits(column), "single": column.type in SINGLE}


def weighting(margins: Margins) -> dict[str, Any]:
    """The weights by which rows are kept so that they have the data's margins, see `nn.margin`."""
    sizes = {"ranges": RANGES, "edges": margins.edges.tolist()}
    return {**sizes, "multipliers": margins.multipliers.tolist(), "cut": float(margins.cut)}
