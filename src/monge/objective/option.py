"""What options of an objective may be."""

import math

from monge.errors import UserError


def above_zero(option: str, value: float, instead: str = "") -> None:
    """Refuses a value that is not a finite number above zero.

    Arguments:
        option: its name.
        value: what it was set to.
        instead: what whoever meant to switch something off may do.

    Raises:
        UserError: says option, value and what is allowed.
    """
    if not 0 < value < math.inf:
        hint = f"; {instead}" if instead else ""
        raise UserError(f"{option} must be finite and above 0; got {value:g}{hint}")
