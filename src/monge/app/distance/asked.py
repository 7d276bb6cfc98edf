"""What a page asks of two sample sets, checked, and as the words of the command that asks the same."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monge.app.distance.upload import Uploads
from monge.config.registry import DATA
from monge.errors import UserError, unknown_name

PAGE = "report.html"
"""What the command writes."""
FEWEST, MOST = 8, 100_000
"""Samples of each."""
LONGEST = 2000
"""Letters of a text."""


@dataclass(frozen=True)
class Asked:
    """What is asked.

    Attributes:
        a, b: names of data, or of files in the folder in which they are compared.
        files: which files these are, by name.
        options: by name, as in `OPTIONS`; those that were given.
    """

    a: str
    b: str
    files: Mapping[str, Path]
    options: Mapping[str, Any]

    @property
    def words(self) -> list[str]:
        """Those of the command that writes the same page, in a folder with the files."""
        words = ["monge", "distance", self.a, self.b]
        for name, value in self.options.items():
            flag = FLAGS.get(name, f"--{name}")
            if isinstance(value, bool):
                words.append(flag)
            else:
                words += [f"{flag}={value}"] if str(value).startswith("-") else [flag, str(value)]
        return [*words, "--out", PAGE]

    def place(self, folder: Path) -> None:
        """Puts the files where the names say.

        Raises:
            OSError: the disk is full.
        """
        for name, path in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            os.link(path, folder / name)


def asked_of(document: Mapping[str, Any], uploads: Uploads) -> Asked:
    """What a page sent: `a` and `b`, each a `name` or a `file` with perhaps a `key`, and `options`.

    Raises:
        UserError: names what is wrong.
    """
    sides = [_side(letter, document.get(letter), uploads) for letter in ("a", "b")]
    paths = [path for path, _ in sides]
    names = [path if isinstance(path, str) else path.name for path in paths]
    if names[0] == names[1] and paths[0] != paths[1]:
        names = [f"{letter}/{name}" for letter, name in zip("ab", names, strict=True)]
    files = {name: path for name, path in zip(names, paths, strict=True) if isinstance(path, Path)}
    a, b = (name if key is None else f"{name}:{key}" for name, (_, key) in zip(names, sides, strict=True))
    return Asked(a, b, files, _options(document.get("options", {})))


def _options(given: Any) -> dict[str, Any]:
    """Those that differ from what the command does by itself."""
    if not isinstance(given, dict):
        raise UserError(f"options must be a mapping; got {type(given).__name__}")
    for name in given:
        if name not in OPTIONS:
            raise unknown_name("option", name, OPTIONS)
    found = {name: read(name, given[name]) for name, read in OPTIONS.items() if given.get(name) not in (None, "")}
    return {name: value for name, value in found.items() if value is not True and value != ""}


def _side(letter: str, given: Any, uploads: Uploads) -> tuple[str | Path, str | None]:
    """A name, or the place of a file, and the key of an array in it."""
    found = given if isinstance(given, dict) else {}
    if isinstance(name := found.get("name"), str):
        if name not in DATA:
            raise unknown_name(f"{letter.upper()}: built-in data", name[:LONGEST], DATA)
        return name, None
    if not isinstance(word := found.get("file"), str):
        raise UserError(f"{letter.upper()} is missing: choose a file, or built-in data")
    path, key = uploads[word], found.get("key") or None
    if key is not None and path.suffix.lower() != ".npz":
        raise UserError(f"{letter.upper()}: only an .npz file has arrays by name; got {path.name}")
    return path, None if key is None else _text("the name of an array", key)


def _text(name: str, given: Any) -> str:
    if not isinstance(given, str) or len(given) > LONGEST or "\0" in given:
        raise UserError(f"{name} must be a text of at most {LONGEST:,} letters")
    return given.strip()


def _number(name: str, given: Any, least: int, most: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise UserError(f"{name} must be a whole number from {least} to {most:,}; got {str(given)[:LONGEST]}")
    return given


def _truth(name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise UserError(f"{name} must be true or false; got {str(given)[:LONGEST]}")
    return given


OPTIONS: Mapping[str, Callable[[str, Any], Any]] = {
    "samples": lambda name, given: _number(name, given, FEWEST, MOST),
    "seed": lambda name, given: _number(name, given, 0, 2**53),
    "standardise": _text,
    "columns": _text,
    "exclude": _text,
    "group": _text,
    "label": _text,
    "explain": _truth,
    "picture": _truth,
}
"""Options of the command that a page has, and how a value is checked. A truth value says no; yes is the default."""
FLAGS: Mapping[str, str] = {"label": "--data.label", "explain": "--no-explain", "picture": "--no-picture"}
"""Those that are not called after their option."""
