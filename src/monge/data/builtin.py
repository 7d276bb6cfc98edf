"""Data that come with a dependency."""

import numpy as np
from sklearn.datasets import load_digits

from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.data.table.shop import shop_rows

HELD_OUT = 497
"""Number of held-out digits."""


def digits() -> ArrayData:
    """scikit-learn's 1,797 handwritten digits, uint8 (8, 8, 1), of which 497 are held out."""
    data = load_digits()
    images = (data.images * (255 / 16)).round().astype(np.uint8)[..., None]
    info = DataInfo("digits", classes=[str(i) for i in range(10)])
    return split_data(info, images, data.target.astype(np.int64), held_out=HELD_OUT)


def shop() -> ArrayData:
    """Orders of a made shop, see `data.table.shop`."""
    schema, rows = shop_rows()
    return split_data(DataInfo("shop", columns=schema.names, schema=schema), rows)
