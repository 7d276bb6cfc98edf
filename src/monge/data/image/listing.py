"""What a folder's images are by their places alone: training or held-out samples, and of which class."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monge.data.image.file import SUFFIXES
from monge.data.part import TEST, TRAINING, VALIDATION
from monge.errors import UserError, legible

_LISTED = 5
"""Endings of files that are listed as left out, at most."""

_NAMED = 3
"""Folders that are named as those of classes, at most."""

Parts = tuple[str, ...]
"""A path below the folder, in parts."""


@dataclass(frozen=True)
class Part:
    """Images that belong together.

    Attributes:
        paths: their files, in order.
        classes: the class of each by the subfolder that it lies in, or None.
        obstacle: what keeps the subfolders from being classes, or None.
    """

    paths: list[Path]
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
    def paths(self) -> list[Path]:
        """All images."""
        return self.train.paths + (self.held_out.paths if self.held_out is not None else [])


def list_images(folder: Path) -> Listing:
    """The images of a folder and its subfolders, in order of their names.

    Subfolders named like the parts of a data set (train or training, and test or else val, valid, validation, dev or
    eval, in any case) are its training and its held-out images. In each part, or else in the folder, the subfolders are
    the classes, if every image lies in one of several; a single subfolder around all others is passed over. Links are
    followed, but not back to a folder that they lie in.

    Raises:
        UserError: a folder that cannot be read, or two that are the same part.
    """
    found, hidden = _files(folder)
    images = [path for path in found if path.suffix.lower() in SUFFIXES]
    left_out = Counter(_listed(found) | {"hidden": hidden})
    inside = _below({path: path.relative_to(folder).parts for path in images})
    names = _part_names(folder, {parts[0] for parts in inside.values() if len(parts) > 1})
    if names is None:
        return Listing(_part(inside), None, +left_out)
    left_out.update(where for parts in inside.values() if (where := _outside(parts, names)) is not None)
    train, held_out = (
        _part({path: parts[1:] for path, parts in inside.items() if len(parts) > 1 and parts[0] == name})
        for name in names
    )
    return Listing(train, held_out, +left_out)


def _outside(parts: Parts, names: tuple[str, str]) -> str | None:
    """Where an image lies, in words, if it is in neither part."""
    if len(parts) == 1:
        return f"beside {' and '.join(map(legible, names))}"
    return f"in {legible(parts[0])}" if parts[0] not in names else None


def _listed(found: Sequence[Path]) -> dict[str, int]:
    """How many files are no images, by the most frequent endings, and the others together."""
    endings = Counter(legible(path.suffix.lower()) for path in found)
    others = Counter({ending or "without an ending": n for ending, n in endings.items() if ending not in SUFFIXES})
    most = dict(others.most_common(_LISTED))
    return most | {"other": others.total() - sum(most.values())}


def _files(folder: Path) -> tuple[list[Path], int]:
    """All files of a folder in order, and how many files and folders are hidden."""

    def refuse(error: OSError) -> None:
        raise UserError(f"folder {error.filename} cannot be read: {error.strerror}") from error

    found, hidden, above = [], 0, {str(folder): {os.path.realpath(folder)}}
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        outer = above.pop(parent)
        inner = {name: os.path.realpath(Path(parent, name)) for name in folders if not name.startswith(".")}
        seen = [name for name in files if not name.startswith(".")]
        hidden += len(folders) - len(inner) + len(files) - len(seen)
        folders[:] = [name for name, place in inner.items() if place not in outer]
        above |= {os.path.join(parent, name): outer | {inner[name]} for name in folders}
        found += [Path(parent, name) for name in seen]
    return sorted(found), hidden


def _below(inside: Mapping[Path, Parts]) -> Mapping[Path, Parts]:
    """Paths without the folders that all of them lie in."""
    while inside and all(len(parts) > 1 for parts in inside.values()) and len({p[0] for p in inside.values()}) == 1:
        inside = {path: parts[1:] for path, parts in inside.items()}
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


def _part(inside: Mapping[Path, Parts]) -> Part:
    """Images with their classes, from their paths below the folder of the part."""
    paths, inside = list(inside), _below(inside)
    beside = [parts[0] for parts in inside.values() if len(parts) == 1]
    folders = sorted({parts[0] for parts in inside.values() if len(parts) > 1})
    if not folders:
        return Part(paths)
    if beside:
        return Part(paths, None, _in_the_way(beside, folders))
    return Part(paths, [legible(inside[path][0]) for path in paths])


def _in_the_way(beside: Sequence[str], folders: Sequence[str]) -> str:
    """What keeps folders from being classes, in words."""
    files = f"{legible(beside[0])} is" if len(beside) == 1 else f"{legible(beside[0])} and {len(beside) - 1:,} more are"
    more = f" and {len(folders) - _NAMED:,} more" if len(folders) > _NAMED else ""
    where = f"the folder{'s' if len(folders) > 1 else ''} {', '.join(map(legible, folders[:_NAMED]))}{more}"
    return f"{files} beside {where}"
