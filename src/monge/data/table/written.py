"""Numbers as people write them: decimal commas, thousands in groups, signs of money and per cent, units."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PLAIN = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
CODE = r"^0\d+$"
"""A code rather than a number, as its zeros in front mean something."""

MISSING = ("?", "-", "--", ".", "NA", "N/A", "N.A.", "#N/A", "<NA>", "NaN", "None", "null", "nil", "NaT")
"""Words for a missing value, in any case of letters."""

_SIGNS = "$€£¥%"
_UNIT = re.compile(
    r"USD|EUR|GBP|CHF|JPY|CNY|mm|cm|m|km|in|ft|mi|m²|m³|km²|ha|mg|g|kg|t|lb|lbs|oz|"
    r"ml|mL|l|L|ms|s|min|h|°|°C|°F|m/s|km/h|mph|W|kW|MW|kWh|MWh|V|mV|mA|Hz|kHz|"
    r"MHz|GHz|Pa|hPa|kPa|bar|kB|KB|MB|GB|TB|px|pt|ppm|rpm|bpm|dB"
)
"""What may follow a number; other letters may make it a name, such as 12B or 5th."""
_SPACES = "[\u00a0\u2009\u202f]"
_IN_BRACKETS = re.compile(r"^\((.*\d.*)\)$")
_NO_NUMBER = re.compile(r"[-+]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Arguments:
        decimal: what stands before the fraction, a point or a comma.
        thousands: what divides groups of three digits, or nothing.
        sign: of money or per cent, or a unit; it is read over.
        brackets: whether they stand for a minus, as accountants have it.
    """

    decimal: str = "."
    thousands: str = ""
    sign: str = ""
    brackets: bool = False

    @property
    def fraction(self) -> str:
        """A regular expression of what a whole number does not have."""
        return rf"{re.escape(self.decimal)}|\d[eE][-+]?\d"

    @property
    def pattern(self) -> str:
        """A regular expression of the whole text of such a number, without its sign."""
        if self.decimal == "." and not self.thousands:
            return f"^{PLAIN}$"
        groups = rf"\d{{1,3}}({re.escape(self.thousands)}\d{{3}})+|" if self.thousands else ""
        return rf"^[-+]?(({groups}\d+)({re.escape(self.decimal)}\d*)?|{re.escape(self.decimal)}\d+)([eE][-+]?\d+)?$"

    def __str__(self) -> str:
        parts = ["a decimal comma"] * (self.decimal == ",")
        parts += [f"{self.thousands!r} between thousands"] * bool(self.thousands)
        parts += [f"{'the unit' if _UNIT.fullmatch(self.sign) else 'a sign'} {self.sign!r}"] * bool(self.sign)
        parts += ["brackets for a minus"] * self.brackets
        return " and ".join(parts) or "a point"


PLAIN_STYLE = Style()


def style_of(words: Sequence[str], commas_divide: bool) -> Style | None:
    """The style in which all of some words are numbers, or None.

    Where commas divide columns, `1,234` is rather a number of thousands, elsewhere rather one with a decimal comma.

    Arguments:
        words: trimmed, of one column.
        commas_divide: whether commas stand between the columns of the file.
    """
    sign = _sign_of(words)
    bare = [_plain_spaces(word.replace(sign, "", 1)).strip() if sign else _plain_spaces(word) for word in words]
    in_brackets = sum(bool(_IN_BRACKETS.match(word)) for word in bare)
    brackets = 0 < in_brackets < len(bare)
    if brackets:
        bare = [_IN_BRACKETS.sub(r"-\1", word) for word in bare]
    for decimal, thousands in _candidates(commas_divide):
        style = Style(decimal, thousands, sign, brackets)
        if all(re.match(style.pattern, word) for word in bare):
            return style
    return None


def _sign_of(words: Sequence[str]) -> str:
    """The sign of money or per cent that all words have, or the unit with which all end; empty if neither."""
    if not words:
        return ""
    signs = {sign for sign in _SIGNS if sign in words[0]}
    if len(signs) == 1 and all(signs <= set(word) for word in words):
        return signs.pop()
    found = re.fullmatch(r"\(?[-+]?[\d.,' ]*\d *([^\d\s()]+)\)?", words[0])
    unit = found[1] if found and _UNIT.fullmatch(found[1]) else ""
    return unit if unit and all(word.rstrip(")").endswith(unit) for word in words) else ""


def example(words: Sequence[str], style: Style) -> str:
    """One of some words, to show their style."""
    telling = "(" if style.brackets else style.decimal
    return next((word for word in words if telling in word), words[0])


def in_doubt(words: Sequence[str], style: Style) -> bool:
    """Whether commas that are read as decimal may divide thousands: three digits follow each of them."""
    marked = [word for word in words if "," in word]
    return style == Style(",") and bool(marked) and all(re.fullmatch(r"[-+]?\d{1,3},\d{3}", word) for word in marked)


def _candidates(commas_divide: bool) -> Iterator[tuple[str, str]]:
    yield ".", ""
    yield from ((".", ","), (",", "")) if commas_divide else ((",", ""), (".", ","))
    yield from ((",", "."), (",", " "), (",", "'"), (".", " "), (".", "'"))


def _plain_spaces(word: str) -> str:
    return re.sub(_SPACES, " ", word).replace("\u2019", "'").replace("\u2212", "-")


def numbers(text: Any, style: Style) -> Any | None:
    """Text as numbers, NaN where it says so; None where one is no number of this style.

    Arguments:
        text: a pyarrow array of strings; nulls stay.
        style: of all of them.
    """
    import pyarrow
    import pyarrow.compute as compute

    plain = style == PLAIN_STYLE
    if plain:
        try:
            return text.cast(pyarrow.float64())
        except pyarrow.ArrowInvalid:
            pass
    text = bare(text, style)
    fits = compute.match_substring_regex(text, style.pattern)
    if not compute.all(fits, min_count=0).as_py():
        return None
    if style.thousands:
        text = compute.replace_substring(text, style.thousands, "")
    if style.decimal != ".":
        text = compute.replace_substring(text, style.decimal, ".")
    return compute.replace_substring_regex(text, r"^\+", "").cast(pyarrow.float64())


def bare(text: Any, style: Style) -> Any:
    """Text with plain spaces inside, none around, without the style's sign, and with a minus for brackets."""
    import pyarrow.compute as compute

    text = compute.replace_substring_regex(text, _SPACES, " ")
    text = compute.replace_substring(compute.replace_substring(text, "\u2019", "'"), "\u2212", "-")
    if style.sign:
        text = compute.replace_substring(text, style.sign, "", max_replacements=1)
    text = compute.utf8_trim_whitespace(text)
    return compute.replace_substring_regex(text, _IN_BRACKETS.pattern, r"-\1") if style.brackets else text


def is_word(word: str) -> bool:
    """Whether a text says that there is no finite number: nan, inf."""
    return bool(_NO_NUMBER.fullmatch(word))


def missing_words(asked: str | None) -> frozenset[str]:
    """The words for a missing value, in lower case; nothing at all is always one.

    Arguments:
        asked: words divided by commas instead of the usual ones; an empty text means none.
    """
    words = MISSING if asked is None else asked.split(",")
    return frozenset(word.strip().lower() for word in words) | {""}
