"""The words, numbers, texts and signs that a condition consists of, each with its position."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monge.data.table.calendar import dateless
from monge.data.table.schema import Schema
from monge.errors import UserError

KEYWORDS = ("and", "or", "not", "in", "between", "is", "null")
SPELLINGS = {"==": "=", "<>": "!="}
NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
DATE = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
LONG = re.compile(r"\w[\w.\-]*")
PATTERN = re.compile(
    rf"""(?P<date>{DATE}(?!\w)) | (?P<number>{NUMBER}(?![\w.])) | (?P<word>\w[\w.]*)
    | (?P<symbol><=|>=|!=|<>|==|[=<>(),+\-])
    | (?P<name>`(?:[^`]|``)*`) | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A part of a condition.

    Arguments:
        kind: date, number, word, symbol, name (in backticks), text (in quotes) or end.
        text: without its quotes.
        position: of its first character, from 1.
    """

    kind: str
    text: str
    position: int

    @property
    def keyword(self) -> str:
        """The keyword or symbol that it is, in one spelling; empty if it is neither."""
        if self.kind == "symbol":
            return SPELLINGS.get(self.text, self.text)
        return self.text.lower() if self.kind == "word" and self.text.lower() in KEYWORDS else ""

    @property
    def shown(self) -> str:
        """As errors show it."""
        return "the end" if self.kind == "end" else repr(self.text)


def tokens(text: str, schema: Schema, what: str) -> list[Token]:
    """The parts of a condition, and the end.

    Arguments:
        text: the condition.
        schema: names of columns and levels with `-` in them are words, too.
        what: names the argument in errors.

    Raises:
        UserError: a character has no meaning, or a quote is not closed.
    """
    known = {column.name for column in schema.columns}.union(*(column.levels for column in schema))
    out, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        long = LONG.match(text, place)
        if long and long[0] in known and not re.fullmatch(f"{NUMBER}|{DATE}", long[0]):
            out.append(Token("word", long[0], place + 1))
            place = long.end()
            continue
        found = PATTERN.match(text, place)
        if found is None or found.lastgroup is None:
            allowed = "closed by the same quote" if text[place] in "'\"`" else "a column, a value or an operator"
            raise UserError(f"{what}: position {place + 1} must be {allowed}; got {text[place:][:20]!r}")
        quote = found[0][0] if found.lastgroup in ("name", "text") else ""
        inner = found[0][1:-1].replace(2 * quote, quote) if quote else found[0]
        out.append(Token(found.lastgroup, inner, place + 1))
        place = found.end()
    return [*out, Token("end", "", len(text) + 1)]


def number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def seconds(text: str, forms: Sequence[str | None]) -> float | None:
    """The seconds since 1970, or of the day, of a date or time in one of some forms, or as ISO 8601 has it.

    None if it is neither.
    """
    usual = ("%H:%M", "%H:%M:%S") if any(map(dateless, forms)) else (None,)
    for form in (*forms, *usual):
        try:
            time = _in_form(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            continue
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
    return None


def _in_form(text: str, form: str) -> datetime:
    """A date or time in a form of `calendar.Moments`.

    Raises:
        ValueError: it has another form.
    """
    form = form.replace("%-", "%")  # which reads numbers with and without a zero in front
    return datetime.strptime(f"1970 {text}", f"%Y {form}") if dateless(form) else datetime.strptime(text, form)
