"""The excess between two sample sets by groups of features, and by classes of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monge.data.selection import Names, split_names
from monge.distance.bounds import Progress, silent
from monge.distance.class_split import class_split
from monge.distance.excess_split import ExcessSplit
from monge.errors import UserError, unknown_name
from monge.evaluation.sample_set import SampleSet

OTHERS = "others"
"""The group of the features that are in none."""
CLASSES = 200
"""Of both sets, at most: of more, few samples of a draw are of one class."""
Positions = Mapping[str, Sequence[int]]
"""Of the features of each group."""


@dataclass(frozen=True)
class GroupPart:
    """A group of features.

    Attributes:
        name: of the group.
        features: names of its features.
        excess: the sum of their parts.
        error: its standard error; None for a single draw.
        p_value: the smallest of its features, which is corrected for all features.
    """

    name: str
    features: list[str]
    excess: float
    error: float | None
    p_value: float


@dataclass(frozen=True)
class ClassPart:
    """A class of samples.

    Attributes:
        name: of the class.
        excess: what its samples in B have of the excess, less half of what they have in A and in B by chance.
        error: its standard error.
        shares: of A and of B that are of this class.
    """

    name: str
    excess: float
    error: float | None
    shares: tuple[float, float]


def grouped(groups: Mapping[str, Names] | None, names: Sequence[str]) -> Positions:
    """The positions of the features of each group; those that are in none are one more group.

    Raises:
        UserError: an unknown feature, one that is in two groups, or a group without any.
    """
    found: dict[str, list[int]] = {}
    left = dict(zip(names, range(len(names)), strict=True))
    for group, members in (groups or {}).items():
        found[group] = []
        for name in filter(None, split_names(members, names)):
            if name not in names:
                raise unknown_name("--groups", name, names)
            if name not in left:
                raise UserError(f"--groups must have a feature in one group only; got {name} in {group} and before it")
            found[group].append(left.pop(name))
        if not found[group]:
            raise UserError(f"--groups {group} must have a feature; got none")
    return found | ({OTHERS: list(left.values())} if found and left else {})


def group_parts(
    split: ExcessSplit, p_values: NDArray[np.float64], names: Sequence[str], groups: Positions
) -> list[GroupPart]:
    """The groups, that with the largest part first."""
    found = []
    for name, own in groups.items():
        uppers, floors, spreads = (
            side[:, list(own)].sum(axis=1, keepdims=True) for side in (split.uppers, split.floors, split.spreads)
        )
        part = ExcessSplit(uppers, floors, spreads, split.reused)
        error = None if part.excess_error is None else float(part.excess_error[0])
        members = [names[j] for j in own]
        found.append(GroupPart(name, members, float(part.excess[0]), error, float(p_values[list(own)].min())))
    return sorted(found, key=lambda part: -part.excess)


def class_parts(a: SampleSet, b: SampleSet, seed: int = 0, progress: Progress = silent) -> list[ClassPart]:
    """The classes, that with the largest part first; none where a set has no classes, or too many of them."""
    if a.classes is None or b.classes is None:
        return []
    sides = [_named(a.class_names, a.classes), _named(b.class_names, b.classes)]
    names, numbers = np.unique(np.concatenate(sides), return_inverse=True)
    if not 1 < len(names) <= CLASSES:
        return []
    progress("classes", 0, 1)
    own, other = numbers[: len(sides[0])], numbers[len(sides[0]) :]
    split = class_split(a.points, b.points, own, other, seed=seed)
    errors = split.excess_error
    shares = [np.bincount(side, minlength=len(names)) / len(side) for side in (own, other)]
    progress("classes", 1, 1)
    found = [
        ClassPart(
            str(name),
            float(split.excess[i]),
            None if errors is None else float(errors[i]),
            (float(shares[0][i]), float(shares[1][i])),
        )
        for i, name in enumerate(names)
    ]
    return sorted(found, key=lambda part: -part.excess)


def _named(names: Sequence[str] | None, classes: NDArray[np.int64]) -> NDArray[np.str_]:
    """The name of the class of each sample, (n,): in two sets one number can stand for different classes."""
    return np.array([str(number) if names is None else names[number] for number in classes])
