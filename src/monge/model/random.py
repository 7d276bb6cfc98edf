"""Randomness as a function of (seed, step, purpose, attempt): nothing is remembered, so nothing can be lost."""

from enum import IntEnum
from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor


class Purpose(IntEnum):
    """What a stream of random numbers is for; streams of different purposes are independent."""

    GENERATOR_INIT = 0
    CRITIC_INIT = 1
    DATA = 2
    LATENT = 3
    SEGMENT = 4
    PICTURE = 5
    MEASURE = 6
    SAMPLE = 7
    NOISE = 8
    PERTURBATION = 9
    REPLAY = 10
    REJECT = 11
    AUGMENT = 12
    STEER = 13
    COPULA = 14
    CALIBRATE = 15


def stream(seed: int, purpose: Purpose, step: int = 0, attempt: int = 0) -> torch.Generator:
    """A fresh CPU generator for one purpose at one step; equal arguments give equal numbers on every machine.

    Arguments:
        seed: the run's seed, >= 0.
        purpose: what the numbers are for.
        step: number of generator updates done.
        attempt: how often the training went back to a checkpoint.
    """
    again = [attempt] if attempt else []
    (state,) = np.random.SeedSequence([int(seed), int(purpose), step, *again]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state))


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """The seed that a random state of scikit-learn gives: itself, or a draw from numpy's generator.

    Raises:
        ValueError: it seeds nothing.
    """
    seed = random_state
    if not isinstance(seed, Integral):
        seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
    return int(seed)


def latent(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Latent codes z ~ N(0, I) of shape (n, size), drawn on the CPU from a seeded stream."""
    return torch.randn(n, size, generator=generator)
