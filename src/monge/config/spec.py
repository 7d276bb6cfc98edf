"""Names with options: `mlp:width=512:depth=2` is the entry `mlp` of a table, with arguments for its constructor.

The options are the constructor's own, checked against its signature; the type of a default is that of the option.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from monge.config.registry import Entry, Table, lookup
from monge.errors import UserError, unknown_name


def build(table: Table, what: str, spec: str, *arguments: Any, **fixed: Any) -> Any:
    """Constructs `NAME[:option=value...]` with the given positional arguments.

    Arguments:
        fixed: keyword arguments that take precedence over the options.

    Raises:
        UserError: unknown name or option, or a value that the constructor does not take.
    """
    constructor, _, chosen = _read(table, what, spec)
    try:
        return constructor(*arguments, **chosen | fixed)
    except UserError as error:
        if str(error).split(maxsplit=1)[0] in chosen:
            raise UserError(f"{what} {spec.split(':')[0]}: {error}") from None
        raise


def options(entry: Entry) -> dict[str, Any]:
    """The options that a constructor takes, with their defaults: its arguments of plain values."""
    found = {name: item.default for name, item in inspect.signature(entry.load()).parameters.items()}
    return {name: default for name, default in found.items() if isinstance(default, bool | int | float | str)}


def option(table: Table, what: str, spec: str, name: str) -> Any:
    """The value that an option has in `NAME[:option=value...]`, or its default.

    Raises:
        UserError: as `build`.
    """
    _, allowed, chosen = _read(table, what, spec)
    return (allowed | chosen)[name]


def with_options(table: Table, what: str, spec: str, more: Mapping[str, Any]) -> str:
    """A spec with some options more, those that its constructor takes and that it does not set itself.

    Raises:
        UserError: as `build`.
    """
    _, allowed, chosen = _read(table, what, spec)
    added = [f":{name}={value}" for name, value in more.items() if name in allowed and name not in chosen]
    return spec + "".join(added)


def _read(table: Table, what: str, spec: str) -> tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]:
    """The constructor of a spec, the options that it takes with their defaults, and those that are set."""
    name, *texts = spec.split(":")
    entry = lookup(table, what, name)
    allowed = options(entry)
    chosen: dict[str, Any] = {}
    for item in texts:
        key, equals, text = item.partition("=")
        key = key.replace("-", "_")
        if key not in allowed:
            raise unknown_name(f"{what} {name}: option", key, allowed)
        kind = type(allowed[key])
        least = entry.least.get(key, 1 if kind is int and allowed[key] != 0 else 0)
        chosen[key] = _parse(text if equals else "true", kind, f"{what} {name}: {key}", least)
    return entry.load(), allowed, chosen


def _parse(text: str, kind: type, what: str, least: float) -> Any:
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is str:
        return text
    try:
        value = kind(text)
    except ValueError:
        value = None
    most = 65_536 if kind is int else 1e9
    if kind is bool or value is None or not least <= value <= most:
        allowed = "true or false" if kind is bool else f"a {'whole ' * (kind is int)}number from {least:g} to {most:g}"
        raise UserError(f"{what} must be {allowed}; got {text}")
    return value
