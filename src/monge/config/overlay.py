"""Settings merged: a config as a flat mapping, with some values replaced, and in what two of them differ."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from monge.config.schema import Config
from monge.errors import UserError, unknown_name

C = TypeVar("C")


@dataclass(frozen=True)
class Given:
    """Settings that were given in one place, such as a file or the command line.

    Arguments:
        where: what to call the place in an error.
        values: by field name, `-` and `_` alike, in nested mappings, as read from TOML; what is missing was not given.
    """

    where: str
    values: Mapping[str, Any]


def merged(config: C, given: Sequence[Given]) -> C:
    """A config with everything that was given in place of its own values; later places take precedence.

    Raises:
        UserError: a key is unknown or a value has the wrong type.
    """
    for one in given:
        config = overlay(config, one.values, one.where)
    return config


def last_given(given: Sequence[Given], *path: str) -> Any:
    """The value that was given for a setting, by the last place that has one; None if none has.

    Example:
        >>> last_given([Given("file", {"training": {"batch": 8}}), Given("flags", {})], "training", "batch")
        8
        >>> last_given([Given("file", {"training": {"n-critic": 3}})], "training", "n_critic")
        3
    """
    found = None
    for one in given:
        value: Any = one.values
        for name in path:
            own = value if isinstance(value, Mapping) else {}
            value = {key.replace("-", "_"): held for key, held in own.items()}.get(name)
        found = found if value is None else value
    return found


def flatten(config: Any) -> dict[str, Any]:
    """A config as a flat mapping with dotted keys."""
    flat: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            flat |= {f"{item.name}.{key}": inner for key, inner in flatten(value).items()}
        else:
            flat[item.name] = value
    return flat


def overlay(config: C, values: Mapping[str, Any], where: str) -> C:
    """A config with some values replaced, as read from TOML or JSON (nested mappings).

    Arguments:
        config: a dataclass instance.
        values: new values by field name, `-` and `_` alike.
        where: what to call the source of the values in an error.

    Raises:
        UserError: a key is unknown or a value has the wrong type.
    """
    hints = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for raw, value in values.items():
        key = raw.replace("-", "_")
        if key not in hints:
            raise unknown_name(f"{where}: key", raw, hints)
        old = getattr(config, key)
        if dataclasses.is_dataclass(old):
            if not isinstance(value, Mapping):
                raise UserError(f"{where}: {raw} must be a table of settings; got {value!r}")
            changes[key] = overlay(old, value, f"{where}: {raw}")
        else:
            changes[key] = _typed(value, hints[key], f"{where}: {raw}")
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def _typed(value: Any, hint: Any, what: str) -> Any:
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()  # what grids and random searches are made of
    if typing.get_origin(hint) is Literal:
        if value not in typing.get_args(hint):
            raise unknown_name(what, str(value), typing.get_args(hint))
        return value
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        names = " or ".join("none" if kind is type(None) else kind.__name__ for kind in kinds)
        raise UserError(f"{what} must be of type {names}; got {value!r}")
    return value


def differing(new: Config, old: Config) -> list[str]:
    """Lines `key: old -> new` for every key in which two configs differ."""
    before, after = flatten(old), flatten(new)
    return [f"{key}: {before[key]} -> {after[key]}" for key in after if before[key] != after[key]]
