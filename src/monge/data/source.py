"""Data by name: built in, a folder of images, a file of arrays, or a table."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from monge.config import registry
from monge.config.overlay import overlay
from monge.config.schema import Config, DataConfig
from monge.data.array import from_array, read_array, reason
from monge.data.dataset import ArrayData, DataSet
from monge.data.image.folder import read_folder
from monge.data.space import ImageSpace, Space, TableSpace
from monge.data.table.reader import has_column, is_frame, is_table, kinds_of, parts_of, read_frame, read_table
from monge.data.table.rows import SUFFIXES
from monge.errors import UserError, refuse_masked, unknown_name

MEMORY = "memory:"
"""Prefix of a config's source for data given in memory."""
ARRAYS = (".npy", ".npz")
"""Endings of files of arrays."""


def open_data(
    path: str,
    *,
    size: int | str | None = None,
    layout: str = "auto",
    skip_bad: bool = False,
    label: str | None = None,
    columns: str | None = None,
    missing: str | None = None,
    rule: str | None = None,
    builtin: Mapping[str, Callable[[], DataSet]] = MappingProxyType({}),
) -> DataSet:
    """Opens data.

    Arguments:
        path: a built-in name, a folder of images, a `.npy` or `.npz` file, `FILE.npz:KEY`, a table (see
            `data.table.reader.read_table`), or a folder of a table `train` and a table `test`.
        size: side, or height and width such as "64x96", to which images are cropped and resized, or None.
        layout: auto, nhwc or nchw: order of the axes of an array of images.
        skip_bad: leave out unreadable images of a folder, and rows of a table without a class.
        label: the column of a table that contains the classes.
        columns, missing, rule: how a table is read, as in `data.table.reader.read_table`.
        builtin: constructors of the built-in data.

    Raises:
        UserError: unknown or unreadable data, or an option that does not apply to it.
    """
    of_tables = {"columns": columns, "missing": missing, "rule": rule}
    tables = is_tables(path)
    if label is not None and not tables:
        refuse_label(path, label)
    if path in builtin:
        _refuse(path, size=size, layout=layout, **of_tables)
        return builtin[path]()
    file, key = file_and_key(path)
    mode = _mode(file, path, builtin)
    if tables and (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        _refuse(path, size=size, layout=layout)
        return read_table(Path(file), label, skip_bad, **of_tables)
    _refuse(path, **of_tables)
    if stat.S_ISDIR(mode):
        _refuse(path, layout=layout)
        return read_folder(Path(file), size, skip_bad)
    if not stat.S_ISREG(mode) or Path(file).suffix.lower() not in ARRAYS:
        raise unknown_kind(path)
    return read_array(Path(file), key, layout=layout, size=size)


def unknown_kind(path: str) -> UserError:
    """An error for data of a kind that is not read."""
    kinds = ", ".join((*ARRAYS, *SUFFIXES))
    return UserError(f"data must be a folder of images or a file of one of the kinds {kinds}; got {path!r}")


def is_tables(path: str) -> bool:
    """Whether a path is a table, or a folder of a training and a held-out one."""
    return is_table(path) or (os.path.isdir(path) and parts_of(Path(path)) is not None)


def load_data(source: str | os.PathLike[str] | ArrayLike, y: ArrayLike | None = None, **how: Any) -> DataSet:
    """Loads data from a name, a path, an array or a data frame.

    Arguments:
        source: a name, a path, an array or what numpy can convert to one (nested lists, a tensor), or a data frame of
            pandas, polars or pyarrow, whose columns keep their names.
        y: labels (n,) of an array or a data frame, whole numbers or text; of a data frame, `label` names a column of
            them instead. Files bring their own.
        **how: fields of `config.DataConfig`, such as `size=32`, `size="64x96"` or `label="species"`.

    Raises:
        UserError: the source is missing or unreadable, or monge cannot train on it.

    Example:
        >>> import monge
        >>> data = monge.load_data([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], y=["a", "b", "a"])
        >>> data.info.classes
        ['a', 'b']
    """
    config = overlay(DataConfig(), how, "load_data")
    if isinstance(source, str | os.PathLike):
        if y is not None:
            raise UserError(
                f"y needs data in memory; got the name or path {os.fspath(source)!r}; files bring their own labels"
            )
        return open_source(os.fspath(source), config)
    return in_memory(source, y, **asdict(config)).opened(None, asdict(config))


def data_of(source: str | os.PathLike[str] | ArrayLike | DataSet, settings: Mapping[str, Any]) -> DataSet:
    """The data of a training, opened unless they are already.

    Arguments:
        source: as in `load_data`, or opened data.
        settings: fields of `config.Config`, of which `data` says how to open them.

    Raises:
        UserError: as `load_data`, a setting is wrong, or opened data were opened in another way.
    """
    how = asdict(overlay(Config(), settings, "train").data)
    data = source if isinstance(source, DataSet) else load_data(source, **how)
    if "data" in settings and how != (data.info.how or asdict(DataConfig())):
        raise UserError(f"data must be left out when source is opened data; got {settings['data']}; use load_data")
    return data


def in_memory(
    x: ArrayLike,
    y: ArrayLike | None = None,
    name: str = "array",
    *,
    layout: str = "auto",
    size: int | str | None = None,
    skip_bad: bool = False,
    label: str | None = None,
    columns: str | None = None,
    missing: str | None = None,
    rule: str | None = None,
) -> ArrayData:
    """An array as a data set, by the same rules as a `.npy` file; a data frame by those of a table.

    Arguments:
        x: images (n, H, W, C), (n, C, H, W) or (n, H, W), or vectors (n, d), as an array or what numpy can convert to
            one; or a data frame of pandas, polars or pyarrow.
        y: labels (n,), whole numbers or strings, or None.
        name: short name.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: side, or height and width such as "64x96", to which images are cropped and resized.
        skip_bad: leave out rows of a data frame without a class.
        label: the column of a data frame that contains the classes.
        columns, missing, rule: how a data frame is read, as in `data.table.reader.read_table`.

    Raises:
        UserError: an array or a data frame that is not allowed; the text says why.
    """
    refuse_masked(name, x)
    if y is not None and label is not None:
        raise UserError(f"y cannot be combined with --data.label {label}: both give the classes; leave one out")
    if is_frame(x):
        _refuse("a data frame", size=size, layout=layout)
        return read_frame(x, name, y, label, skip_bad, columns=columns, missing=missing, rule=rule)
    if label is not None:
        refuse_label(name, label)
    _refuse(name, columns=columns, missing=missing, rule=rule)
    try:
        values = np.asarray(x)
    except (RuntimeError, TypeError, ValueError) as error:
        what = f"{name}: numpy cannot convert this {type(x).__name__} to an array: {reason(error)}"
        raise UserError(f"{what}; pass images or vectors of real numbers") from error
    return from_array(name, name, values, y, layout=layout, size=size)


def shortest(path: str) -> str:
    """A path without what does not matter (`./a`, `a/`, `a//b`), so that one place has one name; a key stays."""
    file, key = file_and_key(path)
    # not normpath: behind a link, `..` is not the folder before it
    return str(Path(file)) if key is None else f"{Path(file)}:{key}"


def absolute(source: str | None) -> str | None:
    """The path of a source from the root; None for a built-in name, and for data that were given in memory."""
    if source is None or source in registry.DATA or source.startswith(MEMORY):
        return None
    return os.path.join(os.getcwd(), source)


def exists(source: str) -> bool:
    """Whether there is something at the path of a source; a built-in name always is, data in memory never."""
    return source in registry.DATA or os.path.exists(file_and_key(source)[0])


def refuse_label(what: str, label: str) -> NoReturn:
    """Refuses the name of a column for data that are no table.

    Raises:
        UserError: always.
    """
    text = "elsewhere labels come from the array y of an .npz file or from the subfolders of an image folder"
    raise UserError(f"--data.label {label} needs a table (.csv, .parquet and others); got {what!r}; {text}")


def file_and_key(path: str) -> tuple[str, str | None]:
    """The file of a path, and the key of an array in it, if there is one."""
    file, colon, key = path.rpartition(":")
    if colon and file.lower().endswith(".npy") and not os.path.exists(path):
        raise UserError(f"data must not have a key, as a .npy file contains one array; got {path!r}; use {file}")
    return (file, key) if colon and file.lower().endswith(".npz") else (path, None)


def _mode(file: str, path: str, builtin: Mapping[str, object]) -> int:
    try:
        return os.stat(file).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise unknown_name("no such file or folder; built-in data", path, builtin) from None
    except (OSError, ValueError) as error:
        raise UserError(f"data {path!r} cannot be read: {reason(error)}") from error


def _refuse(path: str, **options: int | str | None) -> None:
    """Refuses options that were given for data that do not take them."""
    for option, given in options.items():
        if given not in (None, "auto"):
            raise UserError(f"--data.{option} cannot be used with {path!r}")


def applicable(how: DataConfig, source: str, other: str) -> DataConfig:
    """The reading options without those that apply to the other source only.

    Options that apply to neither stay, so that opening the source refuses them.
    """
    standard = DataConfig()
    others = takes(other, how.label) - takes(source, how.label)
    return replace(how, **{name: getattr(standard, name) for name in others})


def takes(source: str, label: str | None) -> set[str]:
    """The reading options that apply to a source; `label` is one of a table that has this column."""
    if source in registry.DATA:
        return set()
    if is_tables(source):
        # what other rows must meet is nothing that these need
        labelled = label is None or os.path.isdir(source) or has_column(source, label)
        return {"skip_bad", "columns", "missing"} | ({"label"} if labelled else set())
    return {"size", "skip_bad"} if Path(source).is_dir() else {"size", "layout"}


def open_like(source: str, how: DataConfig, space: Space | None) -> DataSet:
    """As `open_source`, but read as other data were, with which these are compared.

    Images whose size is only a default get that of the others, and the columns of tables their kinds.

    Arguments:
        space: of the other data, if there are any.
    """
    if isinstance(space, TableSpace) and how.columns is None and is_tables(source):
        how = replace(how, columns=kinds_of(space.schema, Path(source)))
    data = open_source(source, how)
    if not data.info.resized or not isinstance(space, ImageSpace) or data.space.shape[1:] == space.shape[1:]:
        return data
    return open_source(source, replace(how, size=f"{space.height}x{space.width}"))


def load_like(source: str | os.PathLike[str] | ArrayLike, space: Space) -> DataSet:
    """As `load_data`, but read as other data of a space were, with which these are compared."""
    if isinstance(source, str | os.PathLike):
        return open_like(os.fspath(source), DataConfig(), space)
    return load_data(
        source, columns=kinds_of(space.schema, source) if isinstance(space, TableSpace) and is_frame(source) else None
    )


def open_source(source: str, how: DataConfig) -> DataSet:
    """The data that a name or path stands for.

    Raises:
        UserError: the source is missing, unreadable, not what monge can train on, or was given in memory.
    """
    if source.startswith(MEMORY):
        what = f"data {source.removeprefix(MEMORY)!r} was given in memory, not by name"
        raise UserError(f"{what}; pass it again (evaluate --data, or in Python), or train from a file")
    builtin = {name: entry.load() for name, entry in registry.DATA.items()}
    data = open_data(source, builtin=builtin, **asdict(how))
    return data.opened(shortest(source), asdict(how))
