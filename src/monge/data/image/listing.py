"""What a folder's images are by their places alone: training or held-out samples, and of which class."""

import os
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from monge.data.cache import identity
from monge.data.image.file import SUFFIXES
from monge.data.part import TEST, TRAINING, VALIDATION
from monge.errors import UserError, legible

_LISTED = 5
"""Endings of files that are listed as left out, at most."""

_NAMED = 3
"""Folders that are named as those of classes, at most."""

TWICE = "reached again by a link"
"""Why a file or folder is left out that was read before."""

Parts = tuple[str, ...]
"""A path below the folder, in parts."""


class File(NamedTuple):
    """A file below the folder.

    Attributes:
        name: its path from there.
        state: its identity (see `data.cache`), empty where a link leads nowhere.
        linked: whether a link leads to it.
    """

    name: str
    state: bytes
    linked: bool

    @property
    def parts(self) -> Parts:
        """Its path in parts."""
        return tuple(self.name.split(os.sep))

    @property
    def place(self) -> bytes | str:
        """What it shares with no other file."""
        return self.state[:16] or self.name


@dataclass(frozen=True)
class Part:
    """Images that belong together.

    Attributes:
        files: of the images, in order.
        classes: the class of each by the subfolder that it lies in, or None.
        obstacle: what keeps the subfolders from being classes, or None.
    """

    files: list[File]
    classes: list[str] | None = None
    obstacle: str | None = None


@dataclass(frozen=True)
class Listing:
    """The images of a folder.

    Attributes:
        train: training images, or all.
        held_out: held-out images; None where the folder does not say which.
        left_out: how many files are not among them, by reason.
    """

    train: Part
    held_out: Part | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def files(self) -> list[File]:
        """All images."""
        return self.train.files + (self.held_out.files if self.held_out is not None else [])


def list_images(folder: Path) -> Listing:
    """The images of a folder and its subfolders, in order of their names.

    Subfolders named like the parts of a data set (train or training, and test or else val, valid, validation, dev or
    eval, in any case) are its training and its held-out images. In each part, or else in the folder, the subfolders are
    the classes, if every image lies in one of several; a single subfolder around all others is passed over. Links are
    followed, but each folder and each file is taken once: where it lies, or else by the first link that leads to it.

    Raises:
        UserError: a folder that cannot be read, or two that are the same part.
    """
    found, others = _files(folder)
    images = [file for file in found if _ending(file.name) in SUFFIXES]
    left_out = Counter(_listed(found) | others)
    inside = _below({file: file.parts for file in images})
    names = _part_names(folder, {parts[0] for parts in inside.values() if len(parts) > 1})
    if names is None:
        return Listing(_part(_once(inside, left_out)), None, +left_out)
    left_out.update(where for parts in inside.values() if (where := _outside(parts, names)) is not None)
    inside = _once({file: parts for file, parts in inside.items() if _outside(parts, names) is None}, left_out)
    train, held_out = (_part({file: parts[1:] for file, parts in inside.items() if parts[0] == name}) for name in names)
    return Listing(train, held_out, +left_out)


def _once(inside: Mapping[File, Parts], left_out: Counter[str]) -> Mapping[File, Parts]:
    """Each file once, where it lies or else by the first link; counts the others."""
    known: dict[bytes | str, File] = {}
    for file in sorted(inside, key=lambda file: file.linked):  # stable: the first of each in the order of names
        known.setdefault(file.place, file)
    kept = set(known.values())
    left_out[TWICE] += len(inside) - len(kept)
    return {file: parts for file, parts in inside.items() if file in kept}


def _outside(parts: Parts, names: tuple[str, str]) -> str | None:
    """Where an image lies, in words, if it is in neither part."""
    if len(parts) == 1:
        return f"beside {' and '.join(map(legible, names))}"
    return f"in {legible(parts[0])}" if parts[0] not in names else None


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower().rstrip(".")


def _listed(found: Sequence[File]) -> dict[str, int]:
    """How many files are no images, by the most frequent endings, and the others together."""
    endings = Counter(legible(_ending(file.name)) for file in found)
    others = Counter({ending or "without an ending": n for ending, n in endings.items() if ending not in SUFFIXES})
    most = dict(others.most_common(_LISTED))
    return most | {"other": others.total() - sum(most.values())}


def _files(folder: Path) -> tuple[list[File], dict[str, int]]:
    """All files of a folder in order, and how many files and folders are left out, by reason.

    Each folder is read once, by the shortest chain of links.
    """
    found, left_out, known = list[File](), {"hidden": 0, TWICE: 0}, set[bytes]()
    roots, linked = deque([""]), False
    while roots:
        inner, links = [roots.popleft()], list[str]()
        while inner:
            name = inner.pop()
            place, entries = _entries(os.path.join(folder, name) if name else str(folder))
            if place in known:
                left_out[TWICE] += 1
                continue
            known.add(place)
            for entry in entries:
                below = os.path.join(name, entry.name)
                if entry.name.startswith("."):
                    left_out["hidden"] += 1
                elif entry.is_dir(follow_symlinks=False):
                    inner.append(below)
                elif entry.is_symlink() and os.path.isdir(entry.path):
                    links.append(below)
                else:
                    found.append(File(below, _state(entry), linked or entry.is_symlink()))
        roots.extend(sorted(links))
        linked = True
    return sorted(found, key=lambda file: file.parts), left_out


def _entries(folder: str) -> tuple[bytes, list[os.DirEntry[str]]]:
    """What a folder shares with no other one, and what is in it."""
    try:
        with os.scandir(folder) as entries:
            return identity(os.stat(folder))[:16], list(entries)
    except OSError as error:
        raise UserError(f"folder {folder} cannot be read: {error.strerror}") from error


def _state(entry: os.DirEntry[str]) -> bytes:
    try:
        return identity(entry.stat())
    except OSError:  # a link that leads nowhere, or round in circles, which decoding reports as a bad image
        return b""


def _below(inside: Mapping[File, Parts]) -> Mapping[File, Parts]:
    """Paths without the folders that all of them lie in."""
    while inside and all(len(parts) > 1 for parts in inside.values()) and len({p[0] for p in inside.values()}) == 1:
        inside = {file: parts[1:] for file, parts in inside.items()}
    return inside


def _part_names(folder: Path, names: Iterable[str]) -> tuple[str, str] | None:
    """The subfolders that are the training and the held-out part; none where these names say nothing of the kind."""
    names = sorted(names)
    train = [name for name in names if TRAINING.fullmatch(name)]
    test = [name for name in names if TEST.fullmatch(name)]
    held_out = test or [name for name in names if VALIDATION.fullmatch(name)]
    if not train or not held_out:
        return None
    for what, same in (("training", train), ("held-out", held_out)):
        if len(same) > 1:
            listed = " and ".join(repr(legible(name)) for name in same)
            raise UserError(f"{folder} must have only one {what} folder; got {listed}; rename all but one")
    return train[0], held_out[0]


def _part(inside: Mapping[File, Parts]) -> Part:
    """Images with their classes, from their paths below the folder of the part."""
    files, inside = list(inside), _below(inside)
    beside = [parts[0] for parts in inside.values() if len(parts) == 1]
    folders = sorted({parts[0] for parts in inside.values() if len(parts) > 1})
    if not folders:
        return Part(files)
    if beside:
        return Part(files, None, _in_the_way(beside, folders))
    names = {folder: legible(folder) for folder in folders}  # one text for all files of a class
    return Part(files, [names[inside[file][0]] for file in files])


def _in_the_way(beside: Sequence[str], folders: Sequence[str]) -> str:
    """What keeps folders from being classes, in words."""
    files = f"{legible(beside[0])} is" if len(beside) == 1 else f"{legible(beside[0])} and {len(beside) - 1:,} more are"
    more = f" and {len(folders) - _NAMED:,} more" if len(folders) > _NAMED else ""
    where = f"the folder{'s' if len(folders) > 1 else ''} {', '.join(map(legible, folders[:_NAMED]))}{more}"
    return f"{files} beside {where}"
