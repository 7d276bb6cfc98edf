"""Exceptions with a message of one line that a user can act on.

`UserError` is bad input or usage (exit status 2); `TrainingError` is a training that failed (exit status 1).
"""

import re
from collections.abc import Iterable

LONGEST_WORD = 300
"""Letters without a space that a message shows, at most; a path or a name of more is not meant to be read."""
LONGEST_LINE = 2000
"""Letters of a message, at most."""


class MongeError(Exception):
    """Base class of all errors that monge raises; `exit_status` is the exit status of the command.

    Arguments:
        message: of which one line is made, see `one_line`.

    Attributes:
        said_elsewhere: whether another process of the same training tells the user.
    """

    exit_status = 1
    said_elsewhere = False

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class UserError(MongeError, ValueError):
    """Bad input; the message names the argument, the value and what is allowed.

    Example:
        >>> import monge
        >>> try:
        ...     monge.train("toy:moons", objective="wgan-pg")
        ... except monge.UserError as error:
        ...     print(str(error)[:68])
        --objective 'wgan-pg' is not known; did you mean 'wgan-gp'? allowed:
        >>> monge.UserError.exit_status
        2
    """

    exit_status = 2


class TrainingError(MongeError, RuntimeError):
    """Training failed; the message names the step, the term and the likely cause.

    Example:
        >>> import monge
        >>> def keep_going(train):
        ...     # an unstable setting need not end a search
        ...     try:
        ...         return train()
        ...     except monge.TrainingError as error:
        ...         print(f"skipped: {error}")
        >>> def diverge():
        ...     raise monge.TrainingError("step 7: critic_loss is nan")
        >>> keep_going(diverge)
        skipped: step 7: critic_loss is nan
    """


class DiskError(TrainingError):
    """The disk was full or not writable; the training itself may succeed later."""


def refuse_masked(name: str, given: object) -> None:
    """Rejects an array with masked values, as the values under a mask are arbitrary.

    Raises:
        UserError: the array has masked values; says how many.
    """
    if type(given).__module__.startswith("numpy"):
        import numpy as np

        if isinstance(given, np.ma.MaskedArray) and (masked := int(np.sum(given.mask))):
            raise UserError(f"{name} must have no masked values; got {masked}; fill them or drop their rows")


def legible(text: str) -> str:
    r"""A name as it can be shown and written anywhere: control characters, and bytes that are no UTF-8, as escapes.

    Example:
        >>> legible("two\nlines")
        'two\\nlines'
    """
    return re.sub("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    """A text as one line of a terminal: `legible`, without ends of lines, and without its middle where it is too long.

    What is quoted in it, such as the name of a column, can come from a stranger's file and have any length.

    Example:
        >>> one_line("two\\n  lines"), len(one_line("x" * 10**6))
        ('two lines', 300)
    """
    line = legible(re.sub(r"\s*\n\s*", " ", text))
    words = (_shortened(word, LONGEST_WORD) for word in line.split(" "))
    return _shortened(" ".join(words), LONGEST_LINE)


def _shortened(text: str, most: int) -> str:
    """A text, or its beginning and its end, where messages say what to do."""
    return text if len(text) <= most else f"{text[: most // 2]}...{text[3 - (most + 1) // 2 :]}"


def unknown_name(what: str, value: str, allowed: Iterable[str]) -> UserError:
    """A `UserError` for a name that is not in a table, with the nearest valid name."""
    import difflib  # which no command needs that is written right

    names = sorted(allowed)
    near = difflib.get_close_matches(value, names, n=5, cutoff=0.5)
    near.sort(key=lambda name: sorted(name) != sorted(value))  # letters in another order are the likeliest slip
    near = [name for name in names if name.casefold() == value.casefold()] + near
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UserError(f"{what} {value!r} is not known; {hint}allowed: {', '.join(names)}")
