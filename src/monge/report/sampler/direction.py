r"""Directions of a latent space along which a generator's samples change most: what a page has sliders for."""

import torch
from torch import Tensor

from monge.model.random import Purpose, stream
from monge.model.trained_model import TrainedModel

CODES = 8
"""Latent codes at which the generator's slopes are measured."""
STEP = 0.1
"""Of the differences that stand for the Jacobian, to either side: too small to see, and large beside rounding."""
MOST = 4
"""Directions, at most."""
LEAST = 1e-6
"""Share of the largest eigenvalue from which a direction counts."""


@torch.no_grad()
def principal_directions(model: TrainedModel) -> Tensor:
    r"""Unit vectors (k, latent): the leading eigenvectors of :math:`E[J^T J]`, that of the largest eigenvalue first.

    J is the Jacobian of the samples in model scale by the latent numbers, with classes and codes as these decide them.
    A step along the first vector changes samples most, in mean square; one along the second changes them most of all
    that are at right angles to it.

    Reference: Ramesh, Choi, LeCun 2018, "A spectral regularizer for unsupervised disentanglement".

    Arguments:
        model: of images or vectors.
    """
    z = model.latent(CODES, stream(0, Purpose.SAMPLE))
    condition = () if (given := model.condition(z)) is None else (given,)

    def slope(axis: Tensor) -> Tensor:
        """The change (n, d) of samples along an axis of the latent space, by differences."""
        ahead, behind = (model.generator(z + step * axis, *condition) for step in (STEP, -STEP))
        return torch.flatten(ahead - behind, 1) / (2 * STEP)

    slopes = torch.stack([slope(axis).flatten() for axis in torch.eye(z.shape[1])]).double()
    values, vectors = torch.linalg.eigh(slopes @ slopes.T)
    kept = vectors.T.flip(0)[values.flip(0) > LEAST * values[-1]][:MOST]
    # either sign would do, and one has to be the same always
    largest = kept.gather(1, kept.abs().argmax(1, keepdim=True))
    directions: Tensor = (kept * largest.sign()).float()
    return directions
