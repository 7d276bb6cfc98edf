"""`monge completion SHELL`: commands, options and files completed by the Tab key."""

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import shtab

from monge.cli import COMMANDS
from monge.cli.option import Written, options
from monge.cli.parse import parse, parser_of

FILES = ("DATA", "PATH", "FILE", "FOLDER", "DIR", "RUN", "A", "B")
"""Words for values that may be files."""


@dataclass(frozen=True)
class Completion:
    """Prints a script that completes the commands and options of monge in a shell.

    For bash: monge completion bash > ~/.local/share/bash-completion/completions/monge

    For zsh: monge completion zsh > a file _monge in a folder of $fpath. For tcsh: source what it prints.
    """

    shell: Annotated[Literal["bash", "zsh", "tcsh"], Written("SHELL", positional=True)]
    """bash, zsh or tcsh."""


def main(arguments: Sequence[str]) -> int:
    """Prints the script."""
    print(shtab.complete(whole(), parse(Completion, "completion", arguments).shell))
    return 0


def whole() -> argparse.ArgumentParser:
    """One parser of all commands, as shtab reads it."""
    parser = argparse.ArgumentParser("monge")
    commands = parser.add_subparsers()
    for name, text in COMMANDS.items():
        known = options(getattr(importlib.import_module(f"monge.cli.{name}"), name.title()))
        of_command = commands.add_parser(name, help=text, parents=[parser_of(known)], add_help=False)
        kinds = {option.key: option.kind for option in known}
        for action in of_command._actions:  # of which argparse has no public list
            kind = kinds.get(action.dest)
            if get_origin(kind) is Literal:
                action.choices = get_args(kind)
            elif kind is Path or str(action.metavar).split(".")[0] in FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # which shtab looks for
    return parser
