"""Networks applied to many samples, a chunk at a time."""

from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.data.scale import Codec
from monge.distance.points import Points

CHUNK = 256


@torch.no_grad()
def generate(generator: nn.Module, codec: Codec, z: Tensor, condition: Tensor | None = None) -> NDArray[Any]:
    """Samples in the data's own form from latent numbers (n, z), in evaluation mode, a chunk at a time.

    Arguments:
        condition: the generator's second input for each of them, (n, ...), if there is one.
    """
    device = next(chain(generator.parameters(), generator.buffers())).device
    training = generator.training
    generator.eval()
    inputs = [part.to(device).split(CHUNK) for part in (z, *(() if condition is None else (condition,)))]
    parts = [codec.decode(generator(*chunk).cpu()) for chunk in zip(*inputs, strict=True)]
    generator.train(training)
    return np.concatenate(parts)


@torch.no_grad()
def critic_outputs(critic: nn.Module, codec: Codec, points: Points, classes: Tensor | None = None) -> Points:
    """What the critic says of points (n, d) in metric scale, (n, k).

    Arguments:
        classes: of each of them, (n,), for the critic of a conditional run, which else averages over the classes.
    """
    inputs = [part.split(CHUNK) for part in (torch.from_numpy(points), *(() if classes is None else (classes,)))]
    parts = [critic(codec.from_metric(x).float(), *y) for x, *y in zip(*inputs, strict=True)]
    return torch.cat(parts).flatten(1).double().numpy()
