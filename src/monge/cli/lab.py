"""`monge lab`: watch Wasserstein GANs train in the plane."""

from collections.abc import Sequence
from dataclasses import dataclass

from monge.cli.parse import parse
from monge.cli.serve import Serve, serve


@dataclass(frozen=True)
class Lab(Serve):
    """Opens the lab: trainings in the plane that one can watch, stop, change and break; Ctrl-C ends it."""


def main(arguments: Sequence[str]) -> int:
    """Serves until Ctrl-C, beginning with the lab."""
    return serve(parse(Lab, "lab", arguments), "/lab")
