"""A comparison as a file: its picture, its page, or its features; the ending of the name decides."""

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from monge import plot
from monge.errors import UserError
from monge.evaluation.page.ending import check_output
from monge.evaluation.page.html import page_html
from monge.evaluation.page.markdown import markdown
from monge.evaluation.page.section import comparison_page
from monge.evaluation.picture import comparison_picture
from monge.evaluation.two_samples import Comparison
from monge.run.files import write_atomically


@dataclass(frozen=True)
class Order:
    """A file that is wanted.

    Attributes:
        result: what it is of.
        path: its place.
        command: the words that made the comparison.
        picture: a file with the picture, which pages can link to, or None.
        pictures: whether pages have pictures.
    """

    result: Comparison
    path: Path
    command: Sequence[str] = ()
    picture: Path | None = None
    pictures: bool = True


def _png(order: Order) -> bytes:
    return plot.png(comparison_picture(order.result))


def _html(order: Order) -> bytes:
    page = comparison_page(order.result, order.command, pictures=order.pictures)
    # names of files need not be UTF-8
    return page_html(page).encode(errors="backslashreplace")


def _markdown(order: Order) -> bytes:
    page = comparison_page(order.result, order.command, pictures=False)
    link = None if order.picture is None else os.path.relpath(order.picture, order.path.parent)
    return markdown(page, link).encode(errors="backslashreplace")


def _csv(order: Order) -> bytes:
    text, rows = io.StringIO(), feature_rows(order.result)
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")


WRITERS: dict[str, Callable[[Order], bytes]] = {".png": _png, ".html": _html, ".md": _markdown, ".csv": _csv}
"""The content of a file, by the ending of its name."""


def feature_rows(result: Comparison) -> list[dict[str, object]]:
    """The features of a comparison, named as in its document, those that differ most clearly first.

    Raises:
        UserError: they were not asked for.
    """
    if result.explanation is None:
        raise UserError("the features must be asked for when two samples are compared, with explain=True")
    rows: list[dict[str, object]] = result.explanation.as_json()["features"]
    return rows


def write_output(order: Order, what: str = "--out") -> None:
    """Writes a file, whole or not at all.

    Raises:
        UserError: the disk is full, or what `check_output` refuses.
    """
    check_output(order.path, order.result.explanation is not None, what)
    try:
        write_atomically(order.path, WRITERS[order.path.suffix.lower()](order))
    except OSError as error:
        raise UserError(f"{what} {order.path} cannot be written: {error.strerror or error}") from error
