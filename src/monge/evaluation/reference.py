"""The sides of a bracket during and after training: real sets drawn once, and what is measured of generated ones."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from monge.data.codec import Codec
from monge.data.dataset import DataSet
from monge.distance import wasserstein
from monge.distance.bracket import CERTIFIED, DRAWS, SIZE, Bracket, Draw, lower_bound, summary
from monge.distance.dual.family import FAMILIES, Family
from monge.distance.dual.potential import measured_lipschitz
from monge.distance.points import Points
from monge.model.random import Purpose, stream
from monge.model.sample import CHUNK
from monge.objective.loss import AdversarialLoss

QUICK_DRAWS = 2
QUICK: Sequence[Family] = (FAMILIES["linear"], FAMILIES["radial"], replace(FAMILIES["c-transform"], width=512, depth=1))
"""Potentials that need no training of their own, for measuring while something else trains."""
FEW_DIMENSIONS = 256
"""Dimensions up to which trained potentials are worth their time; in 4,096 they took minutes and proved no more."""


class RealSets:
    """The real side of a bracket, drawn once, in metric scale: held-out and training samples, and their floor.

    Arguments:
        data: where they come from.
        draws: how many sets of each.
        trained: whether to train potentials for the lower limit, where the data has few dimensions.
    """

    def __init__(self, data: DataSet, *, draws: int = DRAWS, trained: bool = True) -> None:
        available = data.held_out_size if data.size is None else min(data.held_out_size, data.size)
        self.n = min(SIZE, available)
        self.draws = draws
        self.held_out, self.train = (
            [data.codec.metric(draw(self.n, seed)) for seed in range(self.draws)]
            for draw in (data.held_out_sample, data.train_sample)
        )
        few = self.train[0].shape[1] <= FEW_DIMENSIONS
        self._families: Sequence[str | Family] = CERTIFIED if trained and few else QUICK
        self._floors = [wasserstein(*sides) for sides in zip(self.held_out, self.train, strict=True)]

    @property
    def fakes(self) -> int:
        """Generated samples that a bracket takes."""
        return 2 * self.n * self.draws

    def bracket(self, fake: Points) -> Bracket:
        """The bracket of `fakes` generated samples, (2 n draws, d).

        Its standard errors are those of the draws. Where the data has fewer held-out samples than all draws take, draws
        share them, up to having the same ones where there are only n, and their own chance is not in the errors.
        """
        sets = fake.reshape(self.draws, 2, self.n, -1)
        found = [
            Draw(wasserstein(first, held_out), floor, wasserstein(first, second))
            for (first, second), held_out, floor in zip(sets, self.held_out, self._floors, strict=True)
        ]
        third, held_out = self.n // 3, self.held_out[0]
        limit = lower_bound(
            (self.train[0], sets[0, 1]),
            (held_out[:third], sets[0, 0, :third]),
            (held_out[third:], sets[0, 0, third:]),
            families=self._families,
        )
        return summary(found, limit, self.n)


class CriticReading:
    """Whether a training critic has overfitted: how far it sets generated samples from training and held-out ones.

    Attributes:
        train_gap, held_out_gap: mean witness of training (held-out) minus generated samples, divided by the largest
            gradient seen. A witness of vectors is made of one half of the samples and averaged over the other, both
            ways round: it is largest at the samples that it is made of, whatever the critic is.
        gap_error: standard error of their difference.
    """

    def __init__(self, critic: nn.Module, loss: AdversarialLoss, codec: Codec, real: RealSets, fake: Points) -> None:
        device = next(critic.parameters()).device

        def outputs(x: Tensor) -> Tensor:
            values: Tensor = critic(codec.from_metric(x).float().to(device))
            return values.cpu()

        sets = [torch.from_numpy(points) for points in (real.train[0], real.held_out[0], fake[: real.n])]
        training = critic.training
        critic.eval()
        with torch.no_grad():
            on_train, on_held_out, on_fake = (torch.cat([outputs(part) for part in x.split(CHUNK)]) for x in sets)

        def potential(x: Tensor) -> Tensor:
            return loss.witness(outputs(x), on_train, on_fake)

        halves, train, held_out, generated = (slice(0, None, 2), slice(1, None, 2)), [], [], []
        with torch.no_grad():
            for one, other in (halves, halves[::-1]):
                sides = on_train[one], on_fake[one]
                train.append(loss.witness(on_train[other], *sides).double())
                held_out.append(loss.witness(on_held_out, *sides).double())
                generated.append(loss.witness(on_fake[other], *sides).double())
        segment = torch.rand(real.n, 1, generator=stream(0, Purpose.SEGMENT))
        steepest = max(
            measured_lipschitz(potential, *parts)
            for parts in zip(sets[1].split(CHUNK), sets[2].split(CHUNK), segment.split(CHUNK), strict=True)
        )
        critic.train(training)
        scale = 1 / steepest if steepest > 0 else 0.0
        fake_mean = mean(generated)
        self.train_gap, self.held_out_gap = ((mean(values) - fake_mean) * scale for values in (train, held_out))
        variances = [float(torch.cat(values).var()) / real.n for values in (train, held_out)]
        self.gap_error = sum(variances) ** 0.5 * scale


def mean(parts: Sequence[Tensor]) -> float:
    """The mean of the parts' means."""
    return float(torch.stack([part.mean() for part in parts]).mean())
