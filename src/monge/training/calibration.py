"""The last touch on a generator of tables: the shares of its levels become those of the training rows.

What is left of them to chance when training ends, such as a rate of missing values that is a point too high, is easily
seen in a table, and easily mended: one number is added to the logits of each level. Every round adds
log(share in the data / share among generated rows that are permitted), which is iterative scaling of the margins.
"""

import torch

from monge.data.table.codec import TableCodec
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.model.rows import permitted
from monge.nn.level import HeadedGenerator
from monge.training.state import TrainingState

ROWS = 30_000
"""Generated rows whose shares are compared with those of the data."""
ROUNDS = 6
LEAST = 0.5 / ROWS
"""Share that stands for that of a level which no generated row has."""
LARGEST_STEP = 1.0
"""Most that a round adds to a logit."""


def calibrate(state: TrainingState, codec: TableCodec, seed: int) -> None:
    """Calibrates the averaged generator, if it ends in levels.

    Arguments:
        state: of the training; the averaged generator changes in place.
        codec: of the table.
        seed: of the rows that are looked at.
    """
    network = state.generator_ema
    if not isinstance(network, HeadedGenerator) or not codec.layout.blocks:
        return
    head, z = network.head, latent(ROWS, latent_size(network), stream(seed, Purpose.CALIBRATE))
    for _ in range(ROUNDS):
        rows = generate(network, codec, z)
        levels = codec.encode(rows[permitted(codec, rows, seed)])[:, codec.layout.numbers :]
        step = head.shares.log() - levels.mean(0).clamp_min(LEAST).to(head.shares.device).log()
        with torch.no_grad():
            head.offset.add_(step.clamp(-LARGEST_STEP, LARGEST_STEP))
