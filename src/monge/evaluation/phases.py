"""Statistics of the two phases of grey and binary images: generated against held-out ones, beside training ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import DataSet
from monge.data.space import ImageSpace
from monge.distance.estimate import Estimate
from monge.errors import UserError
from monge.evaluation.ledger import Reading
from monge.evaluation.measurement import Measured
from monge.metric.two_point import AXES, Mask, otsu, phase_fraction, surface_length, two_point

PARTS = 8
"""Disjoint parts of the training images whose gaps to the held-out ones are averaged in a floor, at most."""


def check_statistics(data: DataSet) -> None:
    """Refuses data of which there are no statistics of two phases.

    Raises:
        UserError: no images of one channel, of at least 2 x 2 pixels.
    """
    space = data.space
    if not isinstance(space, ImageSpace) or space.channels != 1 or min(space.height, space.width) < 2:
        raise UserError(f"--statistics needs images of one channel, 2 x 2 or larger; {data.info.name} has {space.form}")


@dataclass(frozen=True, eq=False)
class Phases:
    """Where the bright phase is in generated, held-out and training images, as many of each.

    Arguments:
        threshold: of the pixels, in metric scale, by Otsu's rule on the training images.
        generated, held_out: (n, H, W).
        train: disjoint parts of the training images, (n, H, W) each.
    """

    threshold: float
    generated: Mask
    held_out: Mask
    train: Sequence[Mask]

    @classmethod
    def of(cls, measured: Measured) -> "Phases":
        """The phases of what was measured."""
        data, held_out = measured.data, measured.held_out_samples
        n = data.train.at_most(len(held_out))
        parts = max(1, min(PARTS, data.train.at_most(PARTS * n) // n))
        train = data.codec.metric(data.train.sample(parts * n))
        threshold = otsu(train)

        def mask(images: NDArray[np.float64]) -> Mask:
            bright: Mask = images.reshape(-1, *data.codec.space.shape)[:, 0] > threshold
            return bright

        return cls(threshold, mask(measured.fake[:n]), mask(held_out[:n]), np.split(mask(train), parts))

    @cached_property
    def curves(self) -> dict[str, list[NDArray[np.float64]]]:
        """The two-point correlations along both axes: of generated, held-out, and each part of training images."""
        sides = (self.generated, self.held_out, *self.train)
        return {name: [two_point(mask, axis) for mask in sides] for name, axis in AXES.items()}

    def number(self, function: Callable[[Mask], Estimate]) -> Reading:
        """A number of the phases on both sides, and the gap between them; its floor is that of training parts."""
        fake, real, *train = map(function, (self.generated, self.held_out, *self.train))
        floor = np.mean([abs(part.value - real.value) for part in train])
        error = float(np.hypot(fake.standard_error, real.standard_error))
        gap = Estimate(abs(fake.value - real.value), error)
        return Reading({"generated": fake, "held_out": real, "gap": gap}, {"gap": float(floor)})

    def curve(self, name: str) -> Reading:
        """The same of the two-point correlation along an axis, of which the gap is the largest along it."""
        fake, real, *train = self.curves[name]
        floor = np.mean([np.abs(part - real).max() for part in train])
        return Reading({"gap": float(np.abs(fake - real).max())}, {"gap": float(floor)})


def statistics(measured: Measured) -> dict[str, Reading]:
    """The statistics of the phases, if they were asked for, and the worst gap over its floor."""
    if not measured.statistics:
        return {}
    phases = measured.once(Phases.of)
    found = {"phase_fraction": phases.number(phase_fraction)}
    found |= {f"two_point_{name}": phases.curve(name) for name in AXES}
    found["surface_length"] = phases.number(surface_length)
    ratios = over_floor(found)
    return found | ({"worst_gap": Reading(max(ratios.values()), 1.0)} if ratios else {})


def over_floor(found: dict[str, Reading]) -> dict[str, float]:
    """Gap over floor of each statistic with a floor above 0."""
    gaps = {
        name: (reading.value["gap"], reading.floor["gap"]) for name, reading in found.items() if name != "worst_gap"
    }
    return {
        name: (gap.value if isinstance(gap, Estimate) else gap) / floor for name, (gap, floor) in gaps.items() if floor
    }


def details(measured: Measured) -> dict[str, Any] | None:
    """What the statistics rest on, which one is the worst, and their curves; None where they were not asked for."""
    if not measured.statistics:
        return None
    space = measured.data.space
    assert isinstance(space, ImageSpace)  # as `check_statistics` has seen to
    phases, ratios, pixels = measured.once(Phases.of), over_floor(measured.once(statistics)), space.pixels
    curves = {
        name: {"generated": fake.tolist(), "held_out": real.tolist(), "train": np.mean(train, axis=0).tolist()}
        for name, (fake, real, *train) in phases.curves.items()
    }
    return {
        "threshold": pixels.low + (phases.threshold + 1) / 2 * (pixels.high - pixels.low),
        "images": len(phases.generated),
        "training_parts": len(phases.train),
        "worst": max(ratios, key=ratios.__getitem__) if ratios else None,
        "two_point": curves,
    }
