"""A command's options, from the fields of its dataclass.

A field is an option named after it, of the field's type; the text below it is its help, as in `config/schema.py`. Notes
in its type say what is special: `Written` how it is written, `Named` which names it takes, and `Settings` that it
collects settings of a schema, those that are given.
"""

import ast
import dataclasses
import inspect
import os
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from monge.config.schema import Named
from monge.errors import UserError, unknown_name

METAVARS = {int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH", bool: ""}
NUMBERS = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Written:
    """How a field is written on the command line.

    Arguments:
        metavar: what stands for its value in the help.
        flags: in place of `--name-of-the-field`.
        positional: it has no flag.
        repeated: of several values, each has the flag before it.
    """

    metavar: str
    flags: tuple[str, ...] = ()
    positional: bool = False
    repeated: bool = False


@dataclass(frozen=True)
class Settings:
    """Settings of a schema as options, such as `--steps` and `--training.batch`.

    Arguments:
        schema: a dataclass.
        names: its fields that are options.
    """

    schema: type
    names: tuple[str, ...]


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Arguments:
        path: names of the fields that lead to its value: one, or several for a setting in a group.
        flags: how it is written, none for a positional one; of a truth value the second, if there is one, says no.
        kind: the type of one value.
        many: whether it takes several.
        repeated: whether each of them has the flag before it.
        none: whether `none` is a value, too.
        text: whether other texts are values, too, which are checked where they are used.
        default: its field's; `dataclasses.MISSING` where it must be given.
        help: what it is.
        metavar: what stands for a value in the help.
        collector: the command's field that collects such settings; empty for the command's own options.
        group: what the settings in its group are; empty outside a group.
    """

    path: tuple[str, ...]
    flags: tuple[str, ...]
    kind: Any
    many: bool
    none: bool
    text: bool
    default: Any
    help: str
    metavar: str
    collector: str = ""
    group: str = ""
    repeated: bool = False

    @property
    def key(self) -> str:
        """Its path as one word."""
        return ".".join(self.path)

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.flags[0] if self.flags else self.metavar

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is dataclasses.MISSING

    @property
    def needed(self) -> bool:
        """Whether the usage names it."""
        return self.required or not self.flags

    def explained(self, defaults: Mapping[str, Any]) -> str:
        """What it is, with its default.

        Arguments:
            defaults: of settings by dotted name, in place of the fields' own.
        """
        default = defaults.get(self.key, self.default) if self.collector else self.default
        if self.required or (not self.collector and (default is None or default == () or isinstance(default, bool))):
            return self.help  # a command's own option says what happens without it
        if default is None or isinstance(default, bool):
            default = {None: "none", True: "yes", False: "no"}[default]
        if isinstance(default, tuple):
            default = " ".join(map(str, default))
        return f"{self.help} (default: {f'{default:.10g}' if isinstance(default, float) else default})"

    def value(self, given: Any) -> Any:
        """The value that was given: a text, several, or a truth value.

        Raises:
            UserError: a text stands for none.
        """
        if self.kind is bool:
            return given if self.collector else not self.default
        return tuple(map(self.read, given)) if self.many else self.read(given)

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
            UserError: it stands for none.
        """
        if self.none and text.lower() == "none":
            return None
        if get_origin(self.kind) is Literal:
            if text not in get_args(self.kind):
                raise unknown_name(self.name, text, get_args(self.kind))
            return text
        if self.kind is Path:
            return Path(os.path.expanduser(text))  # a shell leaves the ~ of --out=~/x alone
        try:
            return self.kind(text)
        except ValueError:
            if self.text:
                return text
            what = NUMBERS[self.kind] + (" or none" if self.none else "")
            raise UserError(f"{self.name} must be {what}; got {text!r}") from None


def options(command: type) -> tuple[Option, ...]:
    """The options of a command's dataclass, in the order of its fields."""
    found: list[Option] = []
    for field, hint, notes, text in _fields(command):
        if settings := notes.get(Settings):
            found += _settings(settings.schema, field.name, settings.names)
        else:
            found.append(_option(field, hint, notes, text))
    return tuple(found)


def _settings(
    schema: type, collector: str, names: Sequence[str] | None = None, group: tuple[str, ...] = ()
) -> Iterator[Option]:
    title = (inspect.getdoc(schema) or "") if group else ""
    for field, hint, notes, text in _fields(schema):
        if names is not None and field.name not in names:
            continue
        if dataclasses.is_dataclass(hint):
            yield from _settings(typing.cast(type, hint), collector, group=(*group, field.name))
        else:
            option = _option(field, hint, notes, text, group, setting=True)
            yield dataclasses.replace(option, collector=collector, group=title)


def _option(
    field: dataclasses.Field[Any],
    hint: Any,
    notes: dict[type, Any],
    text: str,
    group: tuple[str, ...] = (),
    setting: bool = False,
) -> Option:
    many = get_origin(hint) is tuple
    kinds = get_args(hint) if many or get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kind, none, other = kinds[0], setting and type(None) in kinds, str in kinds[1:]
    written, named = notes.get(Written, Written("")), notes.get(Named)
    if named:
        text = f"{text.rstrip('.')}: {', '.join(named.names)}."
    flags = () if written.positional else written.flags or _flags(field, kind, group, setting)
    metavar = written.metavar or ("NAME" if named else _metavar(kind, none, other))
    return Option(
        (*group, field.name), flags, kind, many, none, other, field.default, text, metavar, repeated=written.repeated
    )


def _flags(field: dataclasses.Field[Any], kind: Any, group: tuple[str, ...], setting: bool) -> tuple[str, ...]:
    """The field's name as flag; a truth value can be given both ways where it is a setting, or else changed."""
    prefix, name = "--" + "".join(f"{one}." for one in group), field.name.replace("_", "-")
    yes, no = f"{prefix}{name}", f"{prefix}no-{name}"
    if kind is not bool:
        return (yes,)
    if setting:
        return yes, no
    return (no if field.default else yes,)


def _metavar(kind: Any, none: bool, text: bool) -> str:
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return METAVARS[kind] + ("|TEXT" if text else "") + ("|none" if none else "")


def _fields(schema: type) -> Iterator[tuple[dataclasses.Field[Any], Any, dict[type, Any], str]]:
    """Each field of a dataclass with its type, the notes in that, and the text below it."""
    hints, texts = get_type_hints(schema, include_extras=True), _texts(schema)
    for field in dataclasses.fields(schema):
        hint = hints[field.name]
        notes = {type(note): note for note in getattr(hint, "__metadata__", ())}
        yield field, hint.__origin__ if notes else hint, notes, texts.get(field.name, "")


@cache
def _texts(schema: type) -> dict[str, str]:
    """The texts below the fields of a dataclass, which Python itself does not keep."""
    (node,) = ast.parse(inspect.getsource(schema)).body
    assert isinstance(node, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(node.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
