r"""Rejection: of generated samples those that a judge takes for real (Zen n.d., section 2.3).

The judge is the critic. Of a table it is boosted trees that are fitted to tell training rows from generated ones: they
see what the critic was too smooth for, and a copula has no critic.

The judge's outputs become a ratio of densities r(x) = p_r(x) / p_g(x) by a logistic regression of "real" on the outputs
for held-out and generated samples: the calibrated form of the discriminator's :math:`D / (1 - D)`, which serves a
Wasserstein critic as well, whose outputs are no probabilities. A sample is kept with probability
:math:`\min(1, r(x) / r_q)`, where r_q is a high quantile of the ratio among generated samples: what is kept follows
the data's distribution as far as the judge knows it, but for the cap.

In a conditional run the outputs are those for a sample and its class, so that r is the ratio of their joint
distributions; where one class is asked for, both sides are of that class. Real samples have no known codes: with values
of codes asked for, there is nothing to compare with.

Reference: Azadi et al. 2019, "Discriminator Rejection Sampling", section 3, with the largest ratio seen in place of the
quantile, and an output's logit taken at its word.
"""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor

from monge.data.dataset import DataSet
from monge.data.table.codec import TableCodec
from monge.distance.points import Points
from monge.errors import UserError
from monge.metric.critic_matrix import calibrated
from monge.metric.table.boosting import Features, classifier
from monge.model.random import Purpose, stream
from monge.model.trained_model import EVERYTHING, Request, Samples, TrainedModel, check_count, check_seed
from monge.nn.packing import PackedCritic

CALIBRATED = 5000
"""Most held-out and generated samples to estimate the ratio from."""
QUANTILE = 0.8
"""Quantile of the ratio among generated samples at which the probability of being kept reaches one."""
TREES_QUANTILE = 0.98
"""The same of trees' ratio: rows are made quickly, and below it rows of places where many are wrong are missed."""
FITTED = 50_000
"""Most training rows that trees are fitted to."""
TIMES = 4
"""Generated rows for each of them."""
ROUNDS = 300
"""Trees."""
LEAF = 200
"""Least rows of a leaf, of which a fifth are training rows: none of these is learnt by heart.

With 1,000, attacks find as much in Adult (largest area .516 with both, .513 without rejection; means of three seeds and
four choices of rows), and trees of others tell more (accuracy .530 for .524).
"""
ROUND = 4096
"""Samples generated at a time."""
MOST = 200
"""Most samples generated for each one kept."""


def rejected(
    model: TrainedModel, read: Callable[[], DataSet], n: int, seed: int = 0, request: Request = EVERYTHING
) -> Samples:
    """n generated samples that the judge takes for real; equal arguments give equal samples.

    Arguments:
        model: the trained model, with its critic if it is no table's.
        read: opens the data that it was trained on, once all else is known to be well.
        n: number of samples.
        seed: decides them.
        request: what else is asked of the generator.

    Raises:
        UserError: as `TrainedModel.sample`; values of codes are asked for; the data are gone or have changed, or none
            of them is held out that could be compared with; the critic judges no single samples, or the judge takes
            next to nothing for real.
    """
    check_rejection(n, seed, request)
    if not _by_trees(model) and isinstance(model.judge(), PackedCritic):
        raise UserError("--reject needs a critic of single samples; this run's critic judges packs")
    return _Rejection(model, read(), seed, request).samples(n)


def check_rejection(n: int, seed: int, request: Request) -> None:
    """Refuses what no judge can be asked for, before any file is read.

    Raises:
        UserError: n < 1, seed < 0, or values of codes, a condition or equal levels are asked for.
    """
    check_count(n)
    check_seed(seed)
    if request.where is not None or request.balance is not None:
        raise UserError("--reject cannot be used with --where or --balance")
    if request.codes:
        raise UserError("--reject cannot be combined with --code: real samples have no known codes; leave one out")


def _by_trees(model: TrainedModel) -> bool:
    """Whether trees judge: rows of tables, unless their classes, which are in no column, must be judged with them."""
    return isinstance(model.codec, TableCodec) and not model.conditional


class _Rejection:
    """The ratio of densities, learnt once, and the samples that it keeps."""

    def __init__(self, model: TrainedModel, data: DataSet, seed: int, request: Request) -> None:
        self._model, self._seed, self._request = model, seed, request
        trees = _by_trees(model)
        self._judged = self._trees(data) if trees else self._by_critic
        z, condition = self._drawn(Purpose.MEASURE, data.held_out.at_most(CALIBRATED), 0)
        fake = self._judged(model.generate(z, condition), condition)
        if model.conditional and condition is not None:
            real = self._judged(*_labelled(data, None if request.label is None else int(condition[0])))
        else:
            real = self._judged(data.held_out.sample(data.held_out.at_most(CALIBRATED)), None)
        self._log_ratio = calibrated(real, fake)
        self._cap = np.quantile(self._log_ratio(fake), TREES_QUANTILE if trees else QUANTILE)

    def samples(self, n: int) -> Samples:
        """n samples that are kept."""
        model = self._model
        kept: list[np.ndarray] = []
        asked: list[Tensor] = []
        found = tried = 0
        while found < n:
            if tried >= MOST * n + ROUND:
                raise UserError(f"--reject: only {found} of {tried} samples were taken for real, fewer than -n {n}")
            z, condition = self._drawn(Purpose.SAMPLE, ROUND, tried)
            samples = model.generate(z, condition)
            good = self._kept(samples, condition, tried)[: n - found]
            kept.append(samples[good])
            asked += [] if condition is None else [condition[torch.from_numpy(good)]]
            tried += ROUND if found + len(good) < n else int(good[-1]) + 1
            found += len(good)
        y = model.named(torch.cat(asked)) if model.conditional else None
        return Samples(np.concatenate(kept), y, tried)

    def _drawn(self, purpose: Purpose, size: int, step: int) -> tuple[Tensor, Tensor | None]:
        z = self._model.latent(size, stream(self._seed, purpose, step), self._request)
        return z, self._model.condition(z, self._request)

    def _by_critic(self, samples: np.ndarray, condition: Tensor | None) -> Points:
        model = self._model
        return model.judged(model.codec.metric(samples), condition if model.conditional else None)

    def _trees(self, data: DataSet) -> Callable[[np.ndarray, Tensor | None], Points]:
        """Boosted trees, fitted to training and generated rows, and asked for the logarithm of their odds."""
        codec, train = cast(TableCodec, self._model.codec), data.train.sample(data.train.at_most(FITTED))
        z, condition = self._drawn(Purpose.MEASURE, TIMES * len(train), 1)
        rows = np.concatenate([train, self._model.generate(z, condition)])
        trees = classifier(codec.schema, stopping=False, rounds=ROUNDS, leaf=LEAF)
        features = Features(codec.schema, train)
        trees.fit(features(rows), np.arange(len(rows)) < len(train))

        def judged(samples: np.ndarray, condition: Tensor | None) -> Points:
            odds: Points = trees.decision_function(features(samples))[:, None]
            return odds

        return judged

    def _kept(self, samples: np.ndarray, condition: Tensor | None, step: int) -> np.ndarray:
        """Which of some samples are kept, by a draw for each."""
        ratio = self._log_ratio(self._judged(samples, condition)) - self._cap
        chance = torch.rand(ROUND, generator=stream(self._seed, Purpose.REJECT, step)).numpy()
        return np.flatnonzero(np.log(chance) < ratio)


def _labelled(data: DataSet, label: int | None) -> tuple[np.ndarray, Tensor]:
    """Held-out samples, of a class or of all by their shares, and the class of each."""
    labels = data.held_out.labels
    if labels is None:
        raise UserError(
            f"--reject needs labelled held-out samples, as the critic judges classes; {data.info.name} has none"
        )
    chosen = np.random.default_rng(0).permutation(len(labels))
    if label is not None:
        chosen = chosen[labels[chosen] == label]
    if len(chosen) == 0:
        raise UserError(f"--reject needs held-out samples of the requested class; {data.info.name} has none")
    chosen = chosen[:CALIBRATED]
    return data.held_out.rows(chosen), torch.from_numpy(labels[chosen])
