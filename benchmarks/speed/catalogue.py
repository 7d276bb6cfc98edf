"""How long a step of every objective takes against a plain loop: `python benchmarks/speed/catalogue.py [RESULT.json]`.

Both train the same networks with the same objective on `digits`, by the settings that the objective was published
with, one thread. The plain loop draws by torch's global generator and has torch's own optimisers; it has no average, no
seeds of steps, no checks. So this is what monge's loop costs; `make.py` measures its networks and penalties as well.
"""

import sys
from collections.abc import Iterator

import textbook
import torch
from make import ours, paired, write
from torch import Tensor

from monge.config.registry import OBJECTIVES
from monge.config.schema import Config
from monge.data.dataset import ArrayData
from monge.data.source import load_data
from monge.model.build import latent_size
from monge.objective import Batch, Objective
from monge.training.assemble import assemble
from monge.training.settings import published
from monge.training.step import codes_of


def plain(config: Config, data: ArrayData) -> Iterator[None]:
    """Steps of a loop that does nothing but train."""
    state, objective, _ = assemble(config, data, torch.device("cpu"))
    generator, critic, rule = state.generator, state.critic, config.training
    samples, labels = data.codec.encode(data.train.all()), data.train.labels if rule.conditional else None
    draw = textbook.any_of(torch.arange(len(samples)))
    rate = float(rule.learning_rate)
    optimisers = [
        torch.optim.RMSprop(network.parameters(), rate)
        if rule.optimiser == "rmsprop"
        else torch.optim.Adam(network.parameters(), rate, (float(rule.beta1), float(rule.beta2)))
        for network in (generator, critic)
    ]

    def batch(step: int) -> Batch:
        which, codes = draw(rule.batch), torch.randn(rule.batch, latent_size(generator))
        classes = None if labels is None else torch.as_tensor(labels)[which]
        fake = generator(codes) if classes is None else generator(codes, classes)
        return drawn(
            objective, samples[which], fake, step, classes, codes_of(generator, codes, conditional=labels is not None)
        )

    step = 0
    while True:
        for _ in range(rule.n_critic):
            with torch.no_grad():
                seen = batch(step)
            optimisers[1].zero_grad()
            objective.critic_loss(critic, seen).total.backward()
            optimisers[1].step()
            if objective.constraint is not None:
                objective.constraint(critic)
        trained = [parameter for parameter in critic.parameters() if parameter.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)
        optimisers[0].zero_grad()
        objective.generator_loss(critic, batch(step)).total.backward()
        optimisers[0].step()
        for parameter in trained:
            parameter.requires_grad_(True)
        step += 1
        yield


def drawn(
    objective: Objective, real: Tensor, fake: Tensor, step: int, labels: Tensor | None, codes: Tensor | None
) -> Batch:
    """What an update sees, with the random numbers that its objective takes."""
    sets = 0 if objective.penalty is None else objective.penalty.noise_sets
    return Batch(
        real=real,
        fake=fake,
        segment=torch.rand(len(real)),
        step=step,
        noise=None if objective.noise is None else torch.randn(2, *real.shape),
        perturbation=torch.randn(sets, *real.shape) if sets else None,
        labels=labels,
        codes=codes,
    )


def main(path: str | None = None) -> None:
    """Measures all objectives and prints a table."""
    torch.set_num_threads(1)
    data = load_data("digits")
    found = {}
    for name in OBJECTIVES:
        config = published(data, None, name)
        found[name] = paired(plain(config, data), ours(config, data))
    write(path, "objective", "plain loop", found)


if __name__ == "__main__":
    main(*sys.argv[1:])
