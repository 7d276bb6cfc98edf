"""The Gaussian copula beside a generator of tables: fitted in seconds, and kept where training did not beat it."""

from typing import Any

import numpy as np
from safetensors.torch import save
from torch import nn

from monge.data.dataset import ArrayData, DataSet
from monge.distance.transport.exact import wasserstein
from monge.evaluation.reference import ReferenceSamples
from monge.model import copula
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.model.weights import COPULA, file_of
from monge.nn.copula import CopulaGenerator
from monge.run.files import write_atomically
from monge.run.folder import RunFolder

MOST = 1000
"""Validation samples that are compared, at most."""
ROWS = 3000
"""Generated samples that are compared with them, at least, in as many draws as that takes."""


def fit_copula(folder: RunFolder, data: ArrayData, seed: int) -> CopulaGenerator:
    """The copula of the training rows, kept in the run folder."""
    found = copula.fit(data, seed)
    write_atomically(file_of(folder.path, COPULA), save(found.state_dict()))
    return found


def measured(found: CopulaGenerator, data: ArrayData, seed: int) -> dict[str, Any]:
    """The bracket of a copula, as a training logs it."""
    real = ReferenceSamples(data, trained=False)
    codes = latent(real.fakes, found.latent, stream(seed, Purpose.MEASURE))
    points = data.codec.metric(generate(found, data.codec, codes))
    return {"step": 0, "bracket": real.bracket(points).as_json(), "scatter": real.scatter}


def contest(generator: nn.Module, found: CopulaGenerator, validation: ArrayData, seed: int) -> dict[str, Any]:
    """Which of a trained generator and a copula is nearer to the validation rows, and how far both are.

    Both are measured by upper - spread / 2, the excess but for the floor, which they share.

    Arguments:
        generator: the trained one.
        found: the copula, of the same training rows.
        validation: has the validation rows as its training samples.
        seed: of what both generate.
    """
    away = {"gan": distance(generator, validation, seed), COPULA: distance(found, validation, seed)}
    return {"model": min(away, key=lambda name: away[name]), "validation": away}


def distance(generator: nn.Module, validation: DataSet, seed: int) -> float:
    """Upper - spread / 2 of a generator, W1 to validation samples and between its own, over several draws.

    Arguments:
        validation: has the validation samples as its training samples.
    """
    n = validation.train.at_most(MOST)
    real = validation.codec.metric(validation.train.sample(n))
    draws = max(2, -(-ROWS // n))
    codes = latent(draws * n, latent_size(generator), stream(seed, Purpose.MEASURE, 2))
    points = validation.codec.metric(generate(generator, validation.codec, codes)).reshape(draws, n, -1)
    upper = np.mean([wasserstein(fake, real) for fake in points])
    spread = np.mean([wasserstein(a, b) for a, b in zip(points[:-1:2], points[1::2], strict=False)])
    return float(upper - spread / 2)
