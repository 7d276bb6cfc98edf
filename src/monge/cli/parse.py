"""Arguments of a command as a dataclass, by tyro, with errors in one line and JSON on standard output."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar, cast

import tyro

from monge.errors import UserError, unknown_name

T = TypeVar("T")


def parse(kind: type[T], command: str, arguments: Sequence[str], default: T | None = None) -> T:
    """Fills a dataclass from command-line arguments.

    Raises:
        UserError: what tyro shows in a box, in one line, or an empty argument, which no command takes.
        SystemExit: help was asked for and shown.
    """
    for before, argument in pairwise(["", *arguments]):
        if not argument or re.fullmatch(r"--[\w.-]+=", argument):
            name = argument.rstrip("=") or (before if before.startswith("-") else "an argument")
            raise UserError(f"{name} is empty: a value is needed; monge {command} --help lists the options")
    shown = io.StringIO()
    try:
        with contextlib.redirect_stderr(shown):
            return cast(T, tyro.cli(kind, prog=f"monge {command}", args=list(arguments), default=default))
    except SystemExit as leave:
        if leave.code in (0, None):
            raise
        raise UserError(f"{_one_line(shown.getvalue())}; monge {command} --help lists the options") from None


def _one_line(box: str) -> str:
    """What a box of tyro's says: the option, its value and what is allowed, or else its text."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [re.sub(r"^[│|\s]+|[│|\s]+$", "", line) for line in plain.splitlines()]
    text = " ".join(line for line in lines if line and not re.match(r"[╭╰─+]|-{3}|For full|usage:", line))
    if wrong := re.search(r"Error parsing (\S+): (.*?)(?: Argument helptext:|$)", text):
        return _wrong_type(wrong[1].split("/")[0], wrong[2])
    if choice := re.search(r"invalid choice (.+) for argument '(\S+)'. Expected one of \((.+?),?\)", text):
        return str(unknown_name(choice[2], choice[1].strip("'\""), re.findall(r"'(.*?)'", choice[3])))
    if unknown := re.search(r"Unrecognized options: ([^\s,]+)", text):
        if not unknown[1].startswith("-"):
            return f"{unknown[1]!r} is one argument too many"
        near = re.search(r"Perhaps you meant: (--[\w.-]+)", text)
        return f"{unknown[1]} is not known" + (f", did you mean {near[1]}?" if near else "")
    if missing := re.search(r"Missing from [\w ]+: (\S+)", text):
        return f"{missing[1]} is missing"
    if empty := re.search(r"Missing value for argument '(.+?)'", text):
        return f"{empty[1]} needs a value"
    return text.rstrip(".")


def _wrong_type(flag: str, reason: str) -> str:
    """The sentence for a value that Python cannot convert, from what Python and tyro say of it."""
    found = re.search(r"(int\(\) with base 10|to float): ['\"](.*)['\"]", reason)
    if not found:
        return f"{flag}: {reason.rstrip('.')}"
    kind = "a number" if found[1] == "to float" else "a whole number"
    return f"{flag} {found[2]}: {kind}{' or None' if 'NoneType' in reason else ''} is allowed"


def named(text: str, names: Iterable[str]) -> Any:
    """What the help says of an argument that takes one of some names, besides the argument's own kind."""
    return tyro.conf.arg(metavar="NAME", help=f"{text}: {', '.join(names)}.")


def check_seed(seed: int) -> None:
    """Refuses a negative seed.

    Raises:
        UserError: it is negative.
    """
    if seed < 0:
        raise UserError(f"--seed {seed}: at least 0 is allowed")


def show(document: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Prints the one JSON document of a command, or its text for people."""
    if as_json:
        json.dump(document, sys.stdout)
        print()
    else:
        print(text)
