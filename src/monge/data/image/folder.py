"""Folders of images as data sets."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import ArrayData, DataInfo
from monge.data.image.decoding import Decoded, Flag, decode_all
from monge.data.image.file import SUFFIXES
from monge.data.image.listing import Listing, list_images
from monge.data.image.resize import size_of
from monge.data.label import index_labels
from monge.data.recall import surveyed
from monge.data.split import ArraySplit, split_array
from monge.errors import UserError, legible

_OTHERS = re.compile(r"\.(avif|heic|heif|jp2|jxl|tga|psd|svg|raw|dng|cr2|nef|arw|exr|fits|dcm|nii)")
"""Endings of images that are not read."""


def read_folder(folder: Path, size: int | str | None = None, skip_bad: bool = False) -> ArrayData:
    """The images of a folder and its subfolders, which say what is held out and of which class; see `list_images`.

    PNG, JPEG, WebP, BMP, TIFF, GIF and PNM files are read, of animations and pages the first. Images are turned
    upright, composited on white, cropped at the centre and resized. They have one channel if all files are stored in
    grey (grey palettes included), else three. Numbers of 16 or 32 bits are kept, in colours those of 16, unless there
    are images of 8 bits among those of 16. From a thousand images or 256 MiB on they are decoded once, into a
    memory-mapped file of the cache, and again only if one of the files changes.

    Arguments:
        folder: the folder.
        size: side in pixels, or height and width such as "64x96"; None means that of the images, if all have one that
            the networks take, else the nearest to their median.
        skip_bad: leave out images that cannot be decoded, instead of rejecting the folder.

    Raises:
        UserError: no images, one that cannot be decoded or has over 100 million pixels, images whose types of
            numbers share no scale, or a size that is not allowed.

    Warns:
        UserWarning: images were skipped, or some of their content is not used.
    """
    asked = size_of(size)
    listing = list_images(folder)
    if not listing.files:
        raise UserError(_nothing(folder, listing))
    decoded = decode_all(folder, listing.files, asked, skip_bad)
    _warn(folder, listing, decoded.flags)
    left_out = dict(listing.left_out)
    if bad := int((decoded.flags == 0).sum()):
        left_out["unreadable"] = bad
    return _data(folder, listing, decoded, left_out)


def _data(folder: Path, listing: Listing, decoded: Decoded, left_out: dict[str, int]) -> ArrayData:
    """The images that could be read, in their parts and with their classes."""
    parts = [listing.train] + ([] if listing.held_out is None else [listing.held_out])
    read = np.split(decoded.flags > 0, [len(listing.train.files)])
    sizes = [int(good.sum()) for good in read]
    # classes of the held-out part alone teach nothing
    given = [part.classes if listing.train.classes is not None else None for part in parts]
    named = [_of_read(classes, good) for classes, good in zip(given, read, strict=False)]
    labels, classes = index_labels(named, sizes[: len(parts)])
    info = DataInfo(
        legible(folder.resolve().name) or "images",
        classes=classes,
        left_out=left_out,
        resized=int((decoded.flags & Flag.RESIZED > 0).sum()),
        obstacle=next((part.obstacle for part in parts if part.obstacle is not None), None),
    )
    if listing.held_out is None:
        found = split_array(decoded.images, labels[0])
    else:
        train, held_out = np.split(np.arange(sum(sizes)), sizes[:1])
        found = ArraySplit(decoded.images, train, labels[0]), ArraySplit(decoded.images, held_out, labels[1])
    if decoded.key is not None:
        found = surveyed(found[0], decoded.key, "training"), surveyed(found[1], decoded.key, "held-out")
    return ArrayData(info, *found)


def _of_read(classes: Sequence[str] | None, good: NDArray[np.bool_]) -> NDArray[Any] | None:
    """The classes of those images that could be read."""
    return None if classes is None else np.array(classes)[good]


def _nothing(folder: Path, listing: Listing) -> str:
    found = ", ".join(f"{count:,} {reason}" for reason, count in listing.left_out.items())
    what = f"got only {found}" if found else "it is empty"
    return f"{folder} must contain images; {what}; supported endings: {', '.join(sorted(SUFFIXES))}"


def _warn(folder: Path, listing: Listing, flags: NDArray[np.uint8]) -> None:
    """Warns of images that are not read, or not in full."""
    total = len(flags)
    if bad := int((flags == 0).sum()):
        warnings.warn(f"{folder}: skipped {bad:,} of {total:,} images, which cannot be read", UserWarning, stacklevel=3)
    if others := [f"{count:,} {ending}" for ending, count in listing.left_out.items() if _OTHERS.fullmatch(ending)]:
        text = f"skipped {', '.join(others)}, as these formats are not supported; convert them to .png"
        warnings.warn(f"{folder}: {text}", UserWarning, stacklevel=3)
    said = {
        Flag.ANIMATED: "have several frames or pages, of which only the first is read",
        Flag.SHORTENED: "have 16 bits per channel, of which only the upper 8 are read",
        Flag.DIVIDED: "have 16 bits and the others 8, so they are divided by 257",
    }
    for flag, text in said.items():
        if count := int((flags & flag > 0).sum()):
            warnings.warn(f"{folder}: {count:,} of {total:,} images {text}", UserWarning, stacklevel=3)
