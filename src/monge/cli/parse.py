"""Arguments of a command as its dataclass, by argparse, with errors in one line and JSON on standard output.

They are read once. What was not given keeps the default of its field; of settings, the dataclass has a mapping of those
that were given, as `config.overlay` merges them.
"""

import argparse
import difflib
import inspect
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from monge.cli.option import Option, options
from monge.config.overlay import Given, flatten, last_given, merged
from monge.config.schema import Config
from monge.errors import UserError

T = TypeVar("T")

WIDEST = 120
"""Columns that help takes, at most."""
EXPLAINED = 24
"""Columns of options before their explanations."""
HELP = ("-h", "--help")


class Help(argparse.HelpFormatter):
    """Help whose paragraphs stay apart and whose names stay whole."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, WIDEST) - 2
        super().__init__(prog, max_help_position=EXPLAINED, width=width)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = [self._split_lines(" ".join(one.split()), width - len(indent)) for one in text.split("\n\n")]
        return "\n\n".join("\n".join(indent + line for line in lines) for lines in paragraphs)


class Switch(argparse.Action):
    """A truth value whose first flag says yes, and its second no."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, flag: str | None = None) -> None:
        """Keeps what the flag says."""
        setattr(namespace, self.dest, flag == self.option_strings[0])


def parse(
    kind: type[T], command: str, arguments: Sequence[str], defaults: Callable[[T], Mapping[str, Any]] = lambda asked: {}
) -> T:
    """Fills a command's dataclass from its arguments.

    Arguments:
        kind: the dataclass, whose fields are options as `monge.cli.option` says.
        command: its name.
        arguments: what follows the name.
        defaults: for help, gives the defaults by dotted name that replace the fields' own. It takes what else was
            given, in which arguments that are required may be None.

    Raises:
        UserError: an argument is unknown, missing, empty, or of the wrong type.
        SystemExit: help was asked for and shown.
    """
    known = options(kind)
    try:
        if set(HELP) & set(arguments):
            others = [argument for argument in arguments if argument not in HELP]
            print(_help(kind, command, known, _defaults(kind, known, others, defaults)), end="")
            raise SystemExit(0)
        return _filled(kind, known, _read(known, arguments))
    except UserError as error:
        text = str(error)
        stop = "" if text.endswith("?") else ";"
        raise UserError(f"{text}{stop} monge {command} --help lists the options") from None


def _defaults(
    kind: type[T], known: Sequence[Option], arguments: Sequence[str], defaults: Callable[[T], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The defaults that depend on the arguments; where these are wrong, those that depend on nothing."""
    try:
        return defaults(_filled(kind, known, _read(known, arguments), complete=False))
    except UserError as error:
        print(f"monge: {error}", file=sys.stderr)
        return defaults(_filled(kind, known, {}, complete=False))


def _read(known: Sequence[Option], arguments: Sequence[str]) -> dict[str, Any]:
    """The texts that were given for options, by dotted name.

    Raises:
        UserError: an argument is unknown, empty, or lacks its value.
    """
    words = [re.sub("^--[^=]+", lambda flag: flag[0].replace("_", "-"), argument) for argument in arguments]
    for before, word in pairwise(["", *words]):
        if not word or re.fullmatch(r"--[\w.-]+=", word):
            name = word.rstrip("=") or (before if before.startswith("-") else "an argument")
            raise UserError(f"{name} must not be empty; got ''")
    try:
        found, left = parser_of(known).parse_known_intermixed_args(words)
    except argparse.ArgumentError as error:
        option = next(option for option in known if "/".join(option.flags) == error.argument_name)
        raise UserError(f"{option.name} {'takes no' if option.kind is bool else 'needs a'} value") from None
    for word in sorted(left, key=lambda word: not word.startswith("-")):
        if not word.startswith("-"):
            raise UserError(f"{word!r} is one argument too many")
        name = word.split("=")[0]
        flags = {_last(flag): flag for option in known for flag in option.flags}
        near = difflib.get_close_matches(_last(name), flags, n=1)
        raise UserError(f"{name} is not known" + (f"; did you mean {flags[near[0]]}?" if near else ""))
    return vars(found)


def _last(flag: str) -> str:
    """A flag without dashes and group, which may be what is wrong with it."""
    return flag.lstrip("-").rpartition(".")[2]


def _filled(kind: type[T], known: Sequence[Option], found: Mapping[str, Any], complete: bool = True) -> T:
    """The dataclass with the values that the texts stand for; what is missing is None where it need not be complete.

    Raises:
        UserError: a text stands for no value, or an option that is required is missing.
    """
    values: dict[str, Any] = {}
    for option in known:
        if option.key in found:
            place = values.setdefault(option.collector, {}) if option.collector else values
            for name in option.path[:-1]:
                place = place.setdefault(name, {})
            place[option.path[-1]] = option.value(found[option.key])
        elif option.required:
            if complete:
                raise UserError(f"{option.name} is missing")
            values[option.key] = None
    return kind(**values)


def parser_of(
    known: Sequence[Option],
    usage: str | None = None,
    about: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> argparse.ArgumentParser:
    """The parser of some options.

    Arguments:
        usage, about: what its help begins with.
        defaults: that its help shows in place of the fields' own.
    """
    parser = argparse.ArgumentParser(
        usage=usage,
        description=about,
        argument_default=argparse.SUPPRESS,
        add_help=False,
        allow_abbrev=False,
        exit_on_error=False,
        formatter_class=Help,
    )
    groups: dict[str, Any] = {"options": parser.add_argument_group("options")}
    groups["options"].add_argument(*HELP, action="store_true", help="Show this help.")
    for option in known:
        title = f"{option.path[0]} options" if option.group else "settings" if option.collector else "options"
        if title not in groups:
            groups[title] = parser.add_argument_group(title, option.group or None)
        how: dict[str, Any] = {"metavar": option.metavar, "nargs": None if option.flags else "?"}
        if option.kind is bool:
            how = {"action": Switch, "nargs": 0}
        elif option.many:
            how |= {"action": "extend", "nargs": 1 if option.repeated else "+"}
        help = option.explained(defaults or {}).replace("%", "%%")
        if option.flags:
            groups[title].add_argument(*option.flags, dest=option.key, help=help, **how)
        else:
            parser.add_argument(option.key, help=help, **how)
    return parser


def _help(kind: type, command: str, known: Sequence[Option], defaults: Mapping[str, Any]) -> str:
    """What `--help` shows."""
    needed = [
        f"{option.name} {option.metavar}" if option.flags else option.metavar for option in known if option.needed
    ]
    usage = " ".join(["monge", command, *needed, "[OPTIONS]"])
    return parser_of(known, usage, inspect.getdoc(kind), defaults).format_help()


def undecided(given: Sequence[Given], by: Mapping[str, str]) -> dict[str, Any]:
    """Settings by dotted name, for help. Those that depend on what is not known yet say what decides them.

    Arguments:
        by: what decides a setting that was not given; a group stands for all of its settings.

    Raises:
        UserError: what was given has an unknown name or a wrong type.
    """
    found = flatten(merged(Config(), given))
    for key in found:
        path = key.split(".")
        if path[0] in by and last_given(given, *path) is None:
            found[key] = by[path[0]]
    return found


def at_least(least: int, **values: int | None) -> None:
    """Refuses numbers that are too low, by the names of their options; None was not given.

    Raises:
        UserError: names the first of them, and its value.
    """
    for name, value in values.items():
        if value is not None and value < least:
            raise UserError(f"{'-' if len(name) == 1 else '--'}{name} must be at least {least}; got {value}")


def paths_text(paths: Mapping[str, Any]) -> str:
    """One line for each file that a command wrote: what it is, and its path."""
    width = max(map(len, paths))
    return "\n".join(f"{name:{width}}  {path}" for name, path in paths.items())


def show(document: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Prints the one JSON document of a command, or its text for people."""
    if as_json:
        json.dump(document, sys.stdout)
        print()
    else:
        print(text)
