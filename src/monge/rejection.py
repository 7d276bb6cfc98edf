r"""Rejection by the critic: of generated samples those that it takes for real (source 002, section 2.3).

A critic's outputs become a ratio of densities r(x) = p_r(x) / p_g(x) by a logistic regression of "real" on the outputs
for held-out and generated samples: the calibrated form of the discriminator's :math:`D / (1 - D)`, which serves a
Wasserstein critic as well, whose outputs are no probabilities. A sample is kept with probability
:math:`\min(1, r(x) / r_q)`, where r_q is a high quantile of the ratio among generated samples: what is kept follows
the data's law as far as the critic knows it, but for the cap.

Reference: Azadi et al. 2019, "Discriminator Rejection Sampling", section 3, with the largest ratio seen in place of the
quantile, and an outputs' logit taken at its word.
"""

import numpy as np
import torch

from monge.assemble import latent_size, open_source
from monge.distance.matrix import calibrated
from monge.errors import UserError
from monge.nn.layer import latent
from monge.nn.packing import PackedCritic
from monge.run import RunFolder
from monge.sample import (
    EVERYTHING,
    Request,
    Samples,
    check_count,
    config_of,
    critic_outputs,
    generate,
    load_critic,
    load_generator,
    named,
)
from monge.training.random import Purpose, stream

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
        UserError: as `sample.sample`, the run's data is gone, its critic judges no single samples, or it takes next to
            nothing for real.
    """
    check_count(n)
    generator, codec = load_generator(run, weights)
    critic, config, classes = load_critic(run), config_of(run), run.facts()["classes"]
    if isinstance(critic, PackedCritic):
        raise UserError("--reject: this run's critic judges packs of samples, not single ones")
    data = open_source(config.source, config.data)
    count = min(CALIBRATED, data.held_out_size)

    def drawn(purpose: Purpose, size: int, step: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        z = latent(size, latent_size(generator), stream(seed, purpose, step))
        return z, request.condition(generator, z, classes)

    real = critic_outputs(critic, codec, data.codec.metric(data.held_out_sample(count)))
    fake = critic_outputs(critic, codec, codec.metric(generate(generator, codec, *drawn(Purpose.MEASURE, count, 0))))
    log_ratio = calibrated(real, fake)
    cap = np.quantile(log_ratio(fake), QUANTILE)
    kept: list[np.ndarray] = []
    asked: list[torch.Tensor] = []
    found = tried = 0
    while found < n:
        if tried >= MOST * n + ROUND:
            raise UserError(f"--reject: the critic took {found} of {tried} samples for real, fewer than -n {n}")
        z, condition = drawn(Purpose.SAMPLE, ROUND, tried)
        samples = generate(generator, codec, z, condition)
        ratio = log_ratio(critic_outputs(critic, codec, codec.metric(samples))) - cap
        chance = torch.rand(ROUND, generator=stream(seed, Purpose.REJECT, tried)).numpy()
        good = np.flatnonzero(np.log(chance) < ratio)[: n - found]
        kept.append(samples[good])
        asked += [] if condition is None else [condition[torch.from_numpy(good)]]
        tried += ROUND if found + len(good) < n else int(good[-1]) + 1
        found += len(good)
    y = named(torch.cat(asked), classes) if classes and asked and asked[0].dim() == 1 else None
    return Samples(np.concatenate(kept), y, tried)
