r"""Rejection by the critic: of generated samples those that it takes for real (source 002, section 2.3).

A critic's outputs become a ratio of densities r(x) = p_r(x) / p_g(x) by a logistic regression of "real" on the outputs
for held-out and generated samples: the calibrated form of the discriminator's :math:`D / (1 - D)`, which serves a
Wasserstein critic as well, whose outputs are no probabilities. A sample is kept with probability
:math:`\min(1, r(x) / r_q)`, where r_q is a high quantile of the ratio among generated samples: what is kept follows
the data's law as far as the critic knows it, but for the cap.

In a conditional run the outputs are those for a sample and its class, so that r is the ratio of their joint laws; where
one class is asked for, both sides are of that class. Real samples have no known codes: with values of codes asked for,
there is nothing to compare with.

Reference: Azadi et al. 2019, "Discriminator Rejection Sampling", section 3, with the largest ratio seen in place of the
quantile, and an outputs' logit taken at its word.
"""

import numpy as np
import torch
from torch import Tensor

from monge.data.dataset import DataSet
from monge.distance.points import Points
from monge.errors import UserError
from monge.metric.critic_matrix import calibrated
from monge.model.build import latent_size
from monge.model.inference import critic_outputs, generate
from monge.model.load import load_critic, load_generator, own_data
from monge.model.random import Purpose, latent, stream
from monge.model.sample import EVERYTHING, Request, Samples, check_count, check_seed, named
from monge.nn.condition import ConditionalGenerator
from monge.nn.packing import PackedCritic
from monge.run.folder import RunFolder

CALIBRATED = 5000
"""Held-out and generated samples that the ratio is learnt on, at most."""
QUANTILE = 0.8
"""Of the ratio among generated samples, where the probability to be kept reaches one."""
ROUND = 4096
"""Samples generated at a time."""
MOST = 200
"""Samples generated for one that is kept, at most."""


def rejected(run: RunFolder, n: int, seed: int = 0, weights: str = "ema", request: Request = EVERYTHING) -> Samples:
    """n generated samples that the critic takes for real; equal arguments give equal samples.

    Raises:
        UserError: as `sample.sample`; values of codes are asked for; the run's data are gone or have changed, or none
            of them is held out that could be compared with; its critic judges no single samples, or it takes next to
            nothing for real.
    """
    check_count(n)
    check_seed(seed)
    if request.codes:
        raise UserError("--reject: real samples have no known codes to compare with; leave out --code or --reject")
    generator, codec = load_generator(run, weights)
    critic, classes = load_critic(run), run.facts()["classes"]
    if isinstance(critic, PackedCritic):
        raise UserError("--reject: this run's critic judges packs of samples, not single ones")
    data, conditional = own_data(run), isinstance(generator, ConditionalGenerator)

    def drawn(purpose: Purpose, size: int, step: int) -> tuple[Tensor, Tensor | None]:
        z = latent(size, latent_size(generator), stream(seed, purpose, step))
        return z, request.condition(generator, z, classes)

    def judged(samples: np.ndarray, condition: Tensor | None) -> Points:
        return critic_outputs(critic, codec, codec.metric(samples), condition if conditional else None)

    z, condition = drawn(Purpose.MEASURE, min(CALIBRATED, data.held_out_size), 0)
    fake = judged(generate(generator, codec, z, condition), condition)
    if conditional and condition is not None:
        real = judged(*_labelled(data, None if request.label is None else int(condition[0])))
    else:
        real = judged(data.held_out_sample(min(CALIBRATED, data.held_out_size)), None)
    log_ratio = calibrated(real, fake)
    cap = np.quantile(log_ratio(fake), QUANTILE)
    kept: list[np.ndarray] = []
    asked: list[Tensor] = []
    found = tried = 0
    while found < n:
        if tried >= MOST * n + ROUND:
            raise UserError(f"--reject: the critic took {found} of {tried} samples for real, fewer than -n {n}")
        z, condition = drawn(Purpose.SAMPLE, ROUND, tried)
        samples = generate(generator, codec, z, condition)
        ratio = log_ratio(judged(samples, condition)) - cap
        chance = torch.rand(ROUND, generator=stream(seed, Purpose.REJECT, tried)).numpy()
        good = np.flatnonzero(np.log(chance) < ratio)[: n - found]
        kept.append(samples[good])
        asked += [] if condition is None else [condition[torch.from_numpy(good)]]
        tried += ROUND if found + len(good) < n else int(good[-1]) + 1
        found += len(good)
    y = named(torch.cat(asked), classes) if classes and asked and asked[0].dim() == 1 else None
    return Samples(np.concatenate(kept), y, tried)


def _labelled(data: DataSet, label: int | None) -> tuple[np.ndarray, Tensor]:
    """Held-out samples, of a class or of all by their shares, and the class of each."""
    if data.held_out_labels is None:
        raise UserError(f"--reject: the critic judges classes, and the held-out samples of {data.name} have none")
    chosen = np.random.default_rng(0).permutation(data.held_out_size)
    if label is not None:
        chosen = chosen[data.held_out_labels[chosen] == label]
    if len(chosen) == 0:
        raise UserError(f"--reject: none of the held-out samples of {data.name} is of the class asked for")
    chosen = chosen[:CALIBRATED]
    return data.held_out_rows(chosen), torch.from_numpy(data.held_out_labels[chosen])
