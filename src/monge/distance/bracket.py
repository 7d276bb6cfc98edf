"""The honest number: W1 between generator and data as an interval with its own noise level beside it."""

from dataclasses import asdict, dataclass

from monge.distance.exact import Points, wasserstein


@dataclass(frozen=True)
class Bracket:
    """W1 between generated and real data as lower limit, upper estimate, and what the upper shows for equal laws.

    Attributes:
        lower: one-sided confidence limit from a potential on held-out data, divided by its Lipschitz constant.
        upper: exact transport between generated and held-out samples; over-estimates in expectation.
        floor: the same between training and held-out samples: what a perfect generator would show.
        spread: the same between two sets of generated samples.
        excess: upper - (floor + spread) / 2, the debiased estimate: near 0 for a perfect generator. The number to
            watch: unlike upper / floor it cannot be lowered by blur (Stanczuk et al. 2021 explain why).
        confidence: of the lower limit.
        lipschitz: "certified" when the potential's constant is proved, "measured" when it is the largest
            gradient seen, "none" when no potential was at hand and `lower` is the trivial 0.
    """

    lower: float
    upper: float
    floor: float
    spread: float
    excess: float
    confidence: float = 0.95
    lipschitz: str = "measured"

    def as_json(self) -> dict[str, float | str]:
        """The bracket as a plain mapping, in the order of its definition."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"excess {self.excess:.3f} (lower {self.lower:.3f} {self.lipschitz}, upper {self.upper:.3f}, "
            f"floor {self.floor:.3f}, spread {self.spread:.3f})"
        )


def measure(
    generated: Points, again: Points, held_out: Points, floor: float, lower: float = 0.0, lipschitz: str = "none"
) -> Bracket:
    """The bracket from two generated sets and a held-out set of the same size n, all (n, d).

    Arguments:
        generated, again: two independent sets of generated samples; `again` serves the spread only.
        held_out: real samples that training did not see.
        floor: W1 between training and held-out samples, which does not change during training.
        lower, lipschitz: a lower limit and how its Lipschitz constant is known.
    """
    upper, spread = wasserstein(generated, held_out), wasserstein(generated, again)
    return Bracket(lower, upper, floor, spread, upper - (floor + spread) / 2, lipschitz=lipschitz)
