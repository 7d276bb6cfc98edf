"""What kind a column of a table is, from all its values."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table import written
from monge.data.table.content import LARGEST_LEVELS, Content, Dropped, Numbers, Texts
from monge.data.table.moment import ORDERS, moments_in, no_date, of_moments
from monge.data.table.numeric import Inferred, as_asked, finite, left_out, of_numbers, refusal, texts_of
from monge.data.table.schema import KINDS, Column
from monge.errors import UserError, unknown_name

MOST_LEVELS = 10_000
"""Levels of a category, unless it is asked for."""

FEW_LEVELS = 20
"""Up to which texts may be levels although most rows have one of their own."""

LEVEL_KINDS = ("category", "boolean", "constant")

_SOME_ROWS = 1000
_ODD_SHARE = 0.1
_ODD_WORDS = 3
_NUMBERS_AT_LEAST = 10
_TRUTHS = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))


def overrides_of(columns: str | None, names: list[str]) -> dict[str, str]:
    """The kinds that columns are said to be of: `age:integer,zip:category`.

    Raises:
        UserError: a part that names no column or no kind.
    """
    asked: dict[str, str] = {}
    rest = columns or ""
    while rest:
        found = re.fullmatch(r"\s*(.+?)\s*:\s*([A-Za-z-]+)\s*(?:,(.*))?", rest, re.DOTALL)
        if found is None:
            raise UserError(f"--data.columns must be NAME:KIND,NAME:KIND,...; got {columns!r}")
        name, kind, rest = found[1], found[2].lower(), found[3] or ""
        if name not in names:
            raise unknown_name("--data.columns: column", name, names)
        if kind not in (*KINDS, *ORDERS):
            raise unknown_name(f"--data.columns {name}: kind", kind, (*KINDS, *ORDERS))
        asked[name] = kind
    return asked


def infer(name: str, content: Content, asked: str | None = None, commas_divide: bool = True) -> Inferred:
    """What a column is.

    Arguments:
        name: of the column.
        content: its values.
        asked: the kind that it is said to be of, or one of `ORDERS`, or None.
        commas_divide: whether commas stand between the columns of the file.

    Raises:
        UserError: a value that does not fit what was asked for, or is too large; names column, row and value.
    """
    if isinstance(content, Dropped):
        if asked not in (None, "identifier"):
            raise UserError(f"--data.columns {name}:{asked}: the column {content.why}")
        hint = "" if asked else f" and is left out; --data.columns {name}:identifier says the same"
        return left_out(name, content.type, () if asked else (f"column {name!r} {content.why}{hint}",))
    if asked == "identifier":
        return left_out(name, content.type)
    if isinstance(content, Texts) and asked in (None, "number", "integer"):
        content = _numbers_in(name, content, asked, commas_divide)
    if isinstance(content, Numbers):
        content = finite(name, content)
        if asked not in LEVEL_KINDS:
            found = as_asked(of_numbers(name, content, asked), asked)
            style = None if content.style == written.PLAIN_STYLE else content.style
            notes = (*content.notes, *found.notes)
            found = replace(found, style=style, example=content.example, in_doubt=content.in_doubt)
            return replace(found, notes=notes, words=content.words)
        content = texts_of(content)
    return replace(as_asked(_of_texts(name, content, asked), asked), words=content.words)


def _numbers_in(name: str, texts: Texts, asked: str | None, commas_divide: bool) -> Numbers | Texts:
    """Texts as numbers where they all are, or all but a few words among many numbers; else the texts."""
    import pyarrow.compute as compute

    written_out = re.match("text|string|large_string" + "|dictionary<values=(large_)?string" * bool(asked), texts.type)
    if not len(texts.levels) or not written_out:
        return texts
    codes = compute.any(compute.match_substring_regex(texts.levels, written.CODE)).as_py()
    found = None if codes and asked is None else _common_style(texts.levels, commas_divide)
    if found is None:
        return texts
    style, numeric, fits = found
    odd = np.flatnonzero(~fits)
    if len(odd) and asked is not None:
        raise refusal(name, asked, texts.first(odd[0]), texts.levels[int(odd[0])].as_py(), "a number")
    in_odd = int(np.isin(texts.codes, odd).sum())
    rows = (texts.codes >= 0).sum()
    # as a category it would be left out
    few = in_odd <= _ODD_SHARE * rows or (in_odd <= rows / 2 and _no_category(texts) is not None)
    if len(odd) and not (few and len(odd) <= _ODD_WORDS and fits.sum() >= _NUMBERS_AT_LEAST):
        return texts
    numbers = _as_numbers(texts, fits, style, numeric)
    if not len(odd):
        return numbers
    text = f"{texts.levels[int(odd[0])].as_py()!r} in data row {texts.first(odd[0]):,} is no number"
    also = f" ({in_odd:,} such values); --data.columns {name}:category keeps it"
    return replace(numbers, notes=(f"column {name!r}: {text} and is read as missing{also}",))


def _as_numbers(texts: Texts, fits: NDArray[np.bool_], style: written.Style, words: list[str]) -> Numbers:
    """Texts as numbers, missing where they are none.

    Arguments:
        texts: the column.
        fits: which levels are numbers.
        style: of them.
        words: some of them.
    """
    import pyarrow

    levels = np.full(len(fits) + 1, np.nan)
    found = written.numbers(texts.levels.filter(pyarrow.array(fits)), style)
    levels[:-1][fits] = np.nan if found is None else found.to_numpy(zero_copy_only=False)
    kind = texts.type
    if kind == "text":
        kind = "double" if any(re.search(style.fraction, word) for word in words) else "int64"
    example, doubt = written.example(words, style), written.in_doubt(words, style)
    return Numbers(levels[texts.codes], kind, "number", style, example, doubt, texts.words)


def _common_style(levels: Any, commas_divide: bool) -> tuple[written.Style, list[str], NDArray[np.bool_]] | None:
    """The style of all texts, or of all but a few; some that have digits; and which texts are of the style."""
    import pyarrow
    import pyarrow.compute as compute

    some = levels[:_SOME_ROWS].to_pylist()
    fits, style = np.ones(len(levels), np.bool_), written.PLAIN_STYLE
    for _ in range(2):
        numeric = [word for word in some if re.search(r"\d", word)]
        usual = sorted(numeric, key=lambda word: not re.fullmatch(r"[-+\d.,' ]+", word))
        trials = (usual[: len(usual) - odd] for odd in range(min(len(usual), _ODD_WORDS + 1)))
        found = next(filter(None, (written.style_of(words, commas_divide) for words in trials)), None)
        if found is None:
            return None
        style = found
        matches = compute.match_substring_regex(written.bare(levels, style), style.pattern)
        fits = matches.to_numpy(zero_copy_only=False)
        if fits.all():
            break
        # the first texts may not have shown the style: 1;2;3;...;1,5
        some += levels.filter(pyarrow.array(~fits))[:_SOME_ROWS].to_pylist()
    return style, numeric, fits


def _of_texts(name: str, texts: Texts, asked: str | None) -> Inferred:
    levels, missing = len(texts.levels), bool((texts.codes < 0).any())
    if asked in (None, "date", "datetime", *ORDERS) and (moments := moments_in(texts, asked)) is not None:
        return of_moments(name, texts, moments, asked)
    if asked is not None:
        _check_levels(name, texts, asked)
    if levels == 0 or (levels == 1 and not missing and asked in (None, "constant")):
        return _of_levels(name, texts, "constant")
    if asked is None and (why := _no_category(texts)):
        note = f"column {name!r} has {why} and is left out; --data.columns {name}:category keeps it"
        return left_out(name, texts.type, (note,))
    if asked is not None:
        return _of_levels(name, texts, asked)
    words = tuple(sorted(level.lower() for level in texts.levels.to_pylist()))
    found = _of_levels(name, texts, "boolean" if words in _TRUTHS or texts.type == "bool" else "category")
    return replace(found, notes=_mixture_said(name, texts))


def _mixture_said(name: str, texts: Texts) -> tuple[str, ...]:
    """What to say of a category whose values are mostly numbers but for a few words."""
    numeric = [re.fullmatch(written.PLAIN, level) is not None for level in texts.levels.to_pylist()]
    odd = np.flatnonzero(~np.array(numeric))
    rows = int(np.isin(texts.codes, odd).sum())
    if not len(odd) or rows > _ODD_SHARE * (texts.codes >= 0).sum():
        return ()
    word = texts.levels[int(odd[0])].as_py()
    text = f"{word!r} in data row {texts.first(odd[0]):,} is no number, unlike most values"
    return (f"column {name!r} is read as category, as {text}; --data.missing may name words for missing values",)


def _check_levels(name: str, texts: Texts, asked: str) -> None:
    """Refuses texts that are no levels of the kind that was asked for."""
    levels = len(texts.levels)
    if asked in ("date", "datetime", *ORDERS):
        raise no_date(name, asked, texts)
    if asked in ("number", "integer") and levels:
        raise refusal(name, asked, texts.first(0), texts.levels[0].as_py(), "a number")
    if asked == "boolean" and levels > 2:
        raise refusal(name, asked, texts.first(2), texts.levels[2].as_py(), "one of two")
    if asked == "constant" and levels:
        other = np.flatnonzero(texts.codes != texts.codes[0])
        if len(other):
            code = int(texts.codes[other[0]])
            value = "" if code < 0 else texts.levels[code].as_py()
            usual = texts.levels[max(int(texts.codes[0]), 0)].as_py()
            raise refusal(name, asked, int(other[0]) + 1, value, repr(usual))


def _no_category(texts: Texts) -> str | None:
    """Why texts are no levels of a category, or None."""
    rows, levels = int((texts.codes >= 0).sum()), len(texts.levels)
    if texts.levels.nbytes > LARGEST_LEVELS:
        return "long texts"
    if texts.type.startswith(("dictionary", "bool")) and levels < rows:
        return None
    if levels == rows and rows > 1:
        return "a different text in every row"
    if levels > MOST_LEVELS or (levels > FEW_LEVELS and levels > rows / 2):
        return f"{levels:,} different texts in {rows:,} rows"
    return None


def _of_levels(name: str, texts: Texts, kind: Any) -> Inferred:
    """A column of levels, in the order of their numbers or letters."""
    levels = texts.levels.to_pylist()
    type = texts.type
    if type == "text":
        type = "bool" if kind == "boolean" and {level.lower() for level in levels} == {"true", "false"} else "string"

    def order(position: int) -> tuple[float, str]:
        level = levels[position]
        return (float(level) if re.fullmatch(written.PLAIN, level) else np.inf), level.lower()

    ranked = sorted(range(len(levels)), key=lambda position: (order(position), levels[position]))
    place = np.full(len(levels) + 1, np.nan)
    place[ranked] = np.arange(len(levels))
    missing = bool((texts.codes < 0).any())
    column = Column(name, kind, type, tuple(levels[position] for position in ranked), missing=missing)
    return Inferred(column, place[texts.codes])


def said(words: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What to say of the words that stood for missing values.

    Arguments:
        words: by column, how often each word did.
    """
    by_word: dict[str, list[str]] = {}
    for name, counts in words.items():
        for word in counts:
            by_word.setdefault(word, []).append(name)
    notes = []
    for word, names in by_word.items():
        count = sum(words[name][word] for name in names)
        where = ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        times = f"{count:,} time{'s' if count > 1 else ''}"
        notes.append(f"{word!r} in {where} is read as missing ({times}); --data.missing chooses the words")
    return notes
