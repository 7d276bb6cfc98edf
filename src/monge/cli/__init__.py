"""The command `monge`: finds the subcommand, and renders every error as one line.

Nothing heavy is imported before a subcommand is known, so that `monge --help` answers at once.
"""

import importlib
import io
import sys
import warnings
from collections.abc import Sequence

from monge.cli import interrupt
from monge.run.launch import follows, launched

COMMANDS = {
    "train": "train a generator on data, or continue a run",
    "sample": "draw samples from a run",
    "evaluate": "measure a run: bracket, precision, recall and more",
    "compare": "train several objectives under one budget",
    "distance": "say how far apart two sample sets are",
    "export": "hand a generator over, with a model card",
    "report": "write a run's HTML report",
    "reproduce": "show a claim of the theory by an experiment",
    "lab": "watch trainings in the plane, in the browser",
    "serve": "explore runs, distances and claims in the browser",
    "doctor": "say what monge finds on this machine",
    "completion": "print a script for the shell's Tab key",
}

USAGE = """usage: monge COMMAND ...

Trains Wasserstein GANs and says honestly how far the generator still is from the data.

commands:
{commands}

`monge COMMAND --help` shows a command's options. Start with: monge train digits
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and leaves with its exit status."""
    interrupt.listen()  # before anything else is imported
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: file names need not be UTF-8
    status = run(list(sys.argv[1:] if arguments is None else arguments))
    interrupt.finish(status)
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Runs one command; returns 0, or 1 for failed training, 2 for bad input, 3 beyond a limit, 130 after Ctrl-C."""
    from monge.cli.notice import NOTICES
    from monge.errors import MongeError, UserError, one_line

    debug = "--debug" in arguments
    NOTICES.begin()
    warnings.showwarning = NOTICES.show
    try:
        status = _command([argument for argument in arguments if argument != "--debug"])
        NOTICES.release()
        return status
    except MongeError as error:
        if debug:
            raise
        if error.said_elsewhere:
            return error.exit_status
        if not isinstance(error, UserError):
            NOTICES.release()
        print(f"monge: {error}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        if debug:
            raise
        NOTICES.release()
        print(one_line(f"monge: {error.filename or 'a file'}: {error.strerror or error}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        NOTICES.release()
        number = error.number if isinstance(error, interrupt.Ended) else interrupt.HANDLED["SIGINT"]
        if not follows():
            print(f"monge: {interrupt.line(number)}", file=sys.stderr)
        return interrupt.status(number)


def _command(arguments: list[str]) -> int:
    from monge.errors import UserError, unknown_name

    if arguments[:1] in (["--help"], ["-h"]):
        print(USAGE.format(commands="\n".join(f"  {name:10} {text}" for name, text in COMMANDS.items())), end="")
        return 0
    if arguments[:1] == ["--version"]:
        from importlib import metadata

        print(f"monge {metadata.version('monge')}")
        return 0
    if not arguments:
        raise UserError(f"no command given; allowed: {', '.join(COMMANDS)} (monge --help explains)")
    if arguments[0] not in COMMANDS:
        raise unknown_name("command", arguments[0], COMMANDS)
    if launched() and arguments[0] != "train":
        raise UserError(f"the command that torchrun starts must be train; got {arguments[0]}")
    command = importlib.import_module(f"monge.cli.{arguments[0]}")
    status: int = command.main(arguments[1:])
    return status
