"""Arguments of a command as a dataclass, by tyro, with errors in one line and JSON on standard output."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
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
            parsed = tyro.cli(
                kind,
                prog=f"monge {command}",
                args=list(arguments),
                default=default,
            )
            return cast(T, parsed)
    except SystemExit as leave:
        if leave.code in (0, None):
            raise
        raise UserError(_one_line(shown.getvalue())) from None


def _one_line(box: str) -> str:
    """The text inside a box of line-drawing characters, without colours, rules and the hint to read the help."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [re.sub(r"^[│|\s]+|[│|\s]+$", "", line) for line in plain.splitlines()]
    return " ".join(line for line in lines if line and not re.match(r"[╭╰─]|For full|usage:", line))


def show(document: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Prints the one JSON document of a command, or its text for people."""
    if as_json:
        json.dump(document, sys.stdout)
        print()
    else:
        print(text)
