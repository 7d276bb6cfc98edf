"""Arguments of a command as a dataclass, by tyro, with errors in one line and JSON on standard output."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import tyro

from monge.errors import UserError

T = TypeVar("T")


def parse(kind: type[T], command: str, arguments: Sequence[str], default: T | None = None) -> T:
    """Fills a dataclass from command-line arguments.

    Raises:
        UserError: what tyro shows in a box, in one line.
        SystemExit: help was asked for and shown.
    """
    shown = io.StringIO()
    try:
        with contextlib.redirect_stderr(shown):
            return cast(T, tyro.cli(kind, prog=f"monge {command}", args=list(arguments), default=default))
    except SystemExit as leave:
        if leave.code in (0, None):
            raise
        raise UserError(f"{_one_line(shown.getvalue())}; monge {command} --help lists the options") from None


def _one_line(box: str) -> str:
    """What a box of tyro's says: the unknown option and its neighbour, what is missing, or else its text."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [re.sub(r"^[│|\s]+|[│|\s]+$", "", line) for line in plain.splitlines()]
    text = " ".join(line for line in lines if line and not re.match(r"[╭╰─]|For full|usage:", line))
    if unknown := re.search(r"Unrecognized options: ([^\s,]+)", text):
        near = re.search(r"Perhaps you meant: (--[\w.-]+)", text)
        return f"{unknown[1]} is not known" + (f", did you mean {near[1]}?" if near else "")
    if missing := re.search(r"Missing from [\w ]+: (\S+)", text):
        return f"{missing[1]} is missing"
    if empty := re.search(r"Missing value for argument '(.+?)'", text):
        return f"{empty[1]} needs a value"
    return text.rstrip(".")


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
