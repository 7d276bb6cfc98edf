r"""A generator that stands still while a fresh discriminator is trained, and the gradients it would have followed.

A GAN of digits is trained for 1, 10 or 25 epochs (20 steps each). Then the generator is frozen and a discriminator
trained from its start; at chosen steps the gradients in the generator's parameters of both of its losses are taken,

.. math:: \nabla_\theta\, \mathbb{E} \log(1 - D(g_\theta(z))), \qquad -\nabla_\theta\, \mathbb{E} \log D(g_\theta(z)),

over the same 256 latent points.

Reference: Arjovsky, Bottou 2017, "Towards Principled Methods for Training GANs", figures 2 and 3, where it is a DCGAN
of larger images; Zheng 2017, part one (which says 1, 20 and 25 epochs).
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import kurtosis
from torch import Tensor, nn

from monge.data.builtin import digits
from monge.experiment.divergence.discriminator import Pair, network, train_discriminator
from monge.experiment.repeat import Repeat, of, repeats, timed
from monge.experiment.sweep import Result
from monge.nn.mlp import MLPGenerator
from monge.objective.loss import AdversarialLoss, Minimax, NonSaturating
from monge.plot.chart import band, key

EPOCHS = ("1", "10", "25")
STEPS_PER_EPOCH = 20
BATCH = 64
"""1,300 training digits are 20 batches."""
SHAPE = (1, 8, 8)
LATENT = 32
WIDTH = 128
DEPTH = 2
RATE = 1e-3
BETAS = (0.5, 0.999)
STEPS = 2000
"""Of the fresh discriminator."""
SEEN = tuple(sorted({0, *np.geomspace(1, STEPS, 40).round().astype(int).tolist()}))
LATE_STEPS = 200
"""The last ones, whose gradients are projected on random directions."""
DIRECTIONS = 64
LATENT_POINTS = 256
"""Of a gradient."""
LOSSES: dict[str, AdversarialLoss] = {"log(1 - D)": Minimax(), "-log D": NonSaturating()}

CELLS = repeats(
    EPOCHS, (STEPS_PER_EPOCH, BATCH, SHAPE, LATENT, WIDTH, DEPTH, RATE, BETAS, STEPS, SEEN, LATE_STEPS, LATENT_POINTS)
)


class Gradient:
    """The gradients of a frozen generator's losses, over fixed latent points.

    Arguments:
        generator: frozen.
        latent: points (n, latent).
    """

    def __init__(self, generator: nn.Module, latent: Tensor) -> None:
        self.parameters = list(generator.parameters())
        self.images: Tensor = generator(latent)

    def __call__(self, loss: AdversarialLoss, discriminator: nn.Module) -> Tensor:
        """The gradient in all parameters, (p,), in float64."""
        outputs = discriminator(self.images)
        parts = torch.autograd.grad(loss.generator(outputs, outputs), self.parameters, retain_graph=True)
        return torch.cat([part.flatten() for part in parts]).double()


@cache
def _real() -> Tensor:
    data = digits()
    return data.codec.encode(data.train.all())


def real_batch(draw: torch.Generator) -> Tensor:
    """Training digits in [-1, 1], (64, 1, 8, 8)."""
    images = _real()
    return images[torch.randint(len(images), (BATCH,), generator=draw)]


def trained_generator(steps: int, seed: int, draw: torch.Generator) -> nn.Module:
    """A generator trained with -log D, as the authors' was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = MLPGenerator(SHAPE, LATENT, WIDTH, DEPTH)
    discriminator, loss = network(SHAPE, seed + 1, WIDTH, DEPTH), NonSaturating()
    both = [torch.optim.Adam(net.parameters(), RATE, BETAS) for net in (discriminator, generator)]
    for _ in range(steps):
        fake = generator(torch.randn(BATCH, LATENT, generator=draw))
        both[0].zero_grad()
        loss.critic(discriminator(real_batch(draw)), discriminator(fake.detach())).backward()
        both[0].step()
        both[1].zero_grad()
        outputs = discriminator(fake)
        loss.generator(outputs, outputs).backward()
        both[1].step()
    return generator


@timed
def measure(cell: Repeat) -> Result:
    """Lengths of both gradients while the discriminator is trained, and the tail of their late changes."""
    draw = torch.Generator().manual_seed(cell.torch_seed())
    seed = cell.torch_seed(1) % 2**31
    generator = trained_generator(int(cell.case) * STEPS_PER_EPOCH, seed, draw)
    gradient = Gradient(generator, torch.randn(LATENT_POINTS, LATENT, generator=draw))
    discriminator = network(SHAPE, seed + 2, WIDTH, DEPTH)
    count = sum(p.numel() for p in gradient.parameters)
    directions = torch.randn(DIRECTIONS, count, generator=draw, dtype=torch.float64) / count**0.5
    norms: dict[str, list[float]] = {name: [] for name in LOSSES}
    late: list[Tensor] = []

    def watch(step: int) -> None:
        if step in SEEN:
            for name, loss in LOSSES.items():
                norms[name].append(float(f"{gradient(loss, discriminator).norm():.4g}"))
        if step > STEPS - LATE_STEPS:
            late.append(directions @ gradient(LOSSES["-log D"], discriminator))

    def batch(step: int) -> Pair:
        with torch.no_grad():
            return real_batch(draw), generator(torch.randn(BATCH, LATENT, generator=draw))

    train_discriminator(discriminator, batch, STEPS, rate=RATE, betas=BETAS, watch=watch)
    return {"norms": norms, "kurtosis": excess_kurtosis(torch.stack(late).numpy())}


def excess_kurtosis(projections: NDArray[np.float64]) -> float:
    """The median, over directions, of the excess kurtosis of changes from step to step; projections are (t, k).

    0 for normal changes; a median over 64 directions that depend on each other.
    """
    return round(float(np.median(kurtosis(np.diff(projections, axis=0), axis=0))), 3)


def paint(plot: Axes, rows: Sequence[Result], loss: str) -> None:
    """Lengths of a gradient against the discriminator's steps, for the three generators."""
    for look, epochs in enumerate(EPOCHS):
        runs = [row["norms"][loss] for row in of(rows, epochs)]
        band(plot, SEEN, runs, look, f"{epochs} epoch{'s' * (epochs != '1')}", markevery=(14 + 2 * look, 6))
    plot.set(xlabel="step of the discriminator", ylabel=f"length of the gradient of {loss}", yscale="log")
    plot.set_xlim(-0.01 * STEPS, 1.01 * STEPS)
    key(plot, 3)
