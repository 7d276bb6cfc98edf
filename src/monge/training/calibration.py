"""Margins of the training rows for a generator of tables whose training ends, see `nn.margin`."""

from monge.data.dataset import ArrayData, DataSet
from monge.data.table.codec import TableCodec
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.model.rows import permitted
from monge.nn.level import HeadedGenerator
from monge.training.state import TrainingState

ROWS = 30_000
"""Generated rows that are weighted, and training rows whose margins they get, at most."""
NUMBERS = 10_000_000
"""Rows times margins, at most: of a table with thousands of levels fewer rows are taken."""


def calibrate(state: TrainingState, data: DataSet, seed: int) -> None:
    """Gives the averaged generator the margins of the data, if it is one of rows.

    Arguments:
        state: of the training; the averaged generator changes in place.
        data: the training rows.
        seed: of the rows that are looked at.
    """
    network, codec = state.generator_ema, data.codec
    if not (isinstance(network, HeadedGenerator) and isinstance(codec, TableCodec) and isinstance(data, ArrayData)):
        return
    margins = network.head.margins
    n = min(ROWS, max(1000, NUMBERS // max(1, len(margins.multipliers))))
    real = codec.encode(data.train.sample(min(n, data.train.size)))
    rows = generate(network, codec, latent(n, latent_size(network), stream(seed, Purpose.CALIBRATE)))
    margins.multipliers.zero_()
    margins.cut.zero_()
    kept = permitted(network, codec, rows, seed)
    if not kept.any():  # a generator that has hardly been trained
        return
    x = codec.encode(rows[kept])
    place = margins.multipliers.device
    margins.fit(x.to(place), margins.of(real.to(place)).mean(0))
