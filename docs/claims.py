"""Writes claims.html from the committed results of all experiments: `python docs/claims.py`."""

from pathlib import Path

from monge.config.registry import EXPERIMENTS
from monge.experiment.page import PAGE, Shown, claims_page, read

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks"
APART = {"w1-benchmark": "w1", "honesty": "honesty", "excess": "excess"}
"""Experiments whose results are not among the claims."""


def shown(name: str) -> Shown:
    """The committed result of one experiment."""
    if name in APART:
        return read(name, RESULTS / APART[name], HERE / "figures" / f"{name}.png")
    return read(name, RESULTS / "claims" / name, HERE / "figures" / "claims" / f"{name}.png")


def page() -> str:
    """The whole page."""
    return claims_page([shown(name) for name in EXPERIMENTS])


if __name__ == "__main__":
    (HERE / PAGE).write_text(page())
