"""Whether a critic has overfitted: how far it sets generated samples from training and from held-out ones."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monge.data.scale import Codec
from monge.distance.dual.potential import measured_lipschitz
from monge.distance.points import Points
from monge.evaluation.reference import ReferenceSamples
from monge.model.inference import CHUNK
from monge.model.random import Purpose, stream
from monge.objective.loss import AdversarialLoss


class CriticReading:
    """Whether a training critic has overfitted: how far it sets generated samples from training and held-out ones.

    Attributes:
        train_gap, held_out_gap: mean witness of training (held-out) minus generated samples, divided by the largest
            gradient seen. A witness of vectors is made of one half of the samples and averaged over the other, both
            ways round: it is largest at the samples that it is made of, whatever the critic is.
        gap_error: standard error of their difference.
        slope: the largest gradient seen.
    """

    def __init__(
        self, critic: nn.Module, loss: AdversarialLoss, codec: Codec, real: ReferenceSamples, fake: Points
    ) -> None:
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
        self.slope = float(steepest)
        scale = 1 / steepest if steepest > 0 else 0.0
        fake_mean = mean(generated)
        self.train_gap, self.held_out_gap = ((mean(values) - fake_mean) * scale for values in (train, held_out))
        variances = [float(torch.cat(values).var()) / real.n for values in (train, held_out)]
        self.gap_error = sum(variances) ** 0.5 * scale


def mean(parts: Sequence[Tensor]) -> float:
    """The mean of the parts' means."""
    return float(torch.stack([part.mean() for part in parts]).mean())
