"""Sampling a trained generator: reads the run folder only, never the data."""

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.assemble import build_generator, latent_size
from monge.config import Config, overlay
from monge.data.codec import Codec, codec_from_state
from monge.errors import UserError, unknown_name
from monge.nn.layer import latent
from monge.run import RunFolder
from monge.training import checkpoint
from monge.training.random import Purpose, stream

CHUNK = 256
WEIGHTS = {"ema": "generator_ema", "raw": "generator"}


@torch.no_grad()
def generate(generator: nn.Module, codec: Codec, codes: Tensor) -> NDArray[Any]:
    """Samples in the data's own form from latent codes (n, z), in evaluation mode, a chunk at a time."""
    device = next(generator.parameters()).device
    training = generator.training
    generator.eval()
    parts = [codec.decode(generator(part.to(device)).cpu()) for part in codes.split(CHUNK)]
    generator.train(training)
    return np.concatenate(parts)


def config_of(run: RunFolder) -> Config:
    """The resolved config that a run was started with."""
    return overlay(Config(), run.facts()["config"], f"{run.path}/run.json")


def load_generator(run: RunFolder, weights: str = "ema") -> tuple[nn.Module, Codec]:
    """The generator of the last checkpoint and the codec of its data.

    Raises:
        UserError: unknown weights, no run, or no checkpoint yet.
    """
    if weights not in WEIGHTS:
        raise unknown_name("--weights", weights, WEIGHTS)
    facts = run.facts()
    codec = codec_from_state(facts["codec"])
    steps = checkpoint.steps(run.checkpoints)
    if not steps:
        raise UserError(f"run {str(run.path)!r} has no checkpoint yet: train it first")
    generator = build_generator(config_of(run), codec.shape)
    checkpoint.load_network(generator, checkpoint.folder_of(run.checkpoints, steps[-1]), WEIGHTS[weights])
    return generator.eval(), codec


def sample(run: RunFolder, n: int, seed: int = 0, weights: str = "ema") -> NDArray[Any]:
    """n generated samples in the data's own shape, scale and type; equal arguments give equal samples."""
    if n < 1:
        raise UserError(f"-n {n}: at least 1 sample is allowed")
    generator, codec = load_generator(run, weights)
    return generate(generator, codec, latent(n, latent_size(generator), stream(seed, Purpose.SAMPLE)))


def interpolate(run: RunFolder, rows: int, columns: int, seed: int = 0, weights: str = "ema") -> NDArray[Any]:
    """Samples (rows * columns, ...) along great arcs between pairs of latent codes, row by row.

    Gaussian codes lie near a sphere, so the path follows it: z(t) = cos(t pi/2) a + sin(t pi/2) b.
    """
    generator, codec = load_generator(run, weights)
    ends = latent(2 * rows, latent_size(generator), stream(seed, Purpose.SAMPLE)).unflatten(0, (rows, 2))
    angle = torch.linspace(0, torch.pi / 2, columns).view(1, -1, 1)
    codes = angle.cos() * ends[:, :1] + angle.sin() * ends[:, 1:]
    return generate(generator, codec, codes.flatten(0, 1))


def encode(samples: NDArray[Any], suffix: str) -> bytes:
    """Samples as the bytes of an `.npz` (array `x`), `.npy` or `.csv` file; equal samples give equal bytes.

    Raises:
        UserError: images as `.csv`.
    """
    buffer = io.BytesIO()
    if suffix == ".npz":
        # numpy writes a fixed date into the archive
        np.savez_compressed(buffer, x=samples)
    elif suffix == ".npy":
        np.save(buffer, samples)
    elif samples.ndim == 2:
        names = ",".join(f"x{column}" for column in range(samples.shape[1]))
        np.savetxt(buffer, samples, delimiter=",", header=names, comments="", fmt="%.9g")
    else:
        raise UserError("--out: images cannot be written as .csv; allowed: .png, .npz, .npy")
    return buffer.getvalue()
