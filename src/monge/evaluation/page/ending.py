"""Which files a comparison can be written to; needs nothing heavy, so that a wrong name is refused at once."""

import os
from pathlib import Path

from monge.errors import UserError

ENDINGS = {".png": "picture", ".html": "page", ".md": "page", ".csv": "features"}
"""What a file contains, by the ending of its name."""


def check_output(path: Path, explained: bool, what: str = "--out") -> None:
    """Refuses a file that could not be written after a minute's work.

    Arguments:
        path: of the file.
        explained: whether the features will be known.
        what: names the option in errors.

    Raises:
        UserError: an unknown ending, a folder that is no place to write to, or features that were not asked for.
    """
    ending, known = path.suffix.lower(), list(ENDINGS)
    if ending not in known:
        raise UserError(f"{what} must end in {', '.join(known[:-1])} or {known[-1]}; got {path}")
    if ENDINGS[ending] == "features" and not explained:
        raise UserError(f"{what} {path} contains the features, which must be explained; got no explanation")
    check_place(path, what)


def check_place(path: Path, what: str) -> None:
    """Refuses a place that cannot be written to.

    Raises:
        UserError: names the option and the place.
    """
    if not os.access(path.parent, os.W_OK) or path.is_dir():
        raise UserError(f"{what} {path} cannot be written: its folder must exist and be writable")
