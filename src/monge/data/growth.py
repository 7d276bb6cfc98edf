"""How much larger than its file data may become: a file of a stranger can say that it has more than any memory."""

from monge.errors import UserError

FREE_BYTES = 256 * 2**20
"""Bytes up to which data may be of any size in their file."""
MOST_GROWTH = 100
"""Times by which larger data may grow; data that are no bombs grow less."""


def refuse_growth(what: str, stored: int, grown: int, advice: str) -> None:
    """Refuses data that a small file makes large.

    Arguments:
        what: names the file in errors.
        stored: bytes in the file.
        grown: bytes that become of them.
        advice: how to write the data so that they are read.

    Raises:
        UserError: they grow beyond all measure.

    Example:
        >>> refuse_growth("a.npz", 10**6, 10**8, "do not compress it")
    """
    if grown > max(FREE_BYTES, MOST_GROWTH * stored):
        text = f"must become at most {MOST_GROWTH} times as many; {advice}"
        raise UserError(f"{what}: {stored:,} bytes become {grown:,} in memory, but {text}")
