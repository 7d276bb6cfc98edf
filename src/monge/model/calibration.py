"""Margins of the training rows for a generator of tables that is trained or fitted, see `nn.margin`."""

from torch import nn

from monge.data.dataset import ArrayData, DataSet
from monge.data.table.codec import TableCodec
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.model.rows import margins_of, permitted
from monge.nn.copula import CopulaGenerator

ROWS = 30_000
"""Generated rows that are weighted, and training rows whose margins they get, at most."""
NUMBERS = 10_000_000
"""Rows times margins, at most: of a table with thousands of levels fewer rows are taken."""


def calibrate(network: nn.Module, data: DataSet, seed: int) -> None:
    """Gives the rows of a generator that are permitted the margins of the data, if it is one of rows.

    A copula has the data's margins, but loses them where rows are not permitted: of values that are missing together,
    a Gaussian law has most apart, and each in a tenth of the rows that it should.

    Arguments:
        network: the generator, which changes in place.
        data: the training rows.
        seed: of the rows that are looked at.
    """
    codec, margins = data.codec, margins_of(network)
    if margins is None or not isinstance(data, ArrayData):
        return
    assert isinstance(codec, TableCodec)
    n = min(ROWS, max(1000, NUMBERS // max(1, len(margins.multipliers))))
    real = codec.encode(data.train.sample(min(n, data.train.size)))
    rows = generate(network, codec, latent(n, latent_size(network), stream(seed, Purpose.CALIBRATE)))
    margins.multipliers.zero_()
    margins.cut.zero_()
    kept = permitted(network, codec, rows, seed)
    if not kept.any():  # a generator that has hardly been trained
        return
    if isinstance(network, CopulaGenerator) and kept.all():
        return
    x = codec.encode(rows[kept])
    place = margins.multipliers.device
    margins.fit(x.to(place), margins.of(real.to(place)).mean(0))
