"""The orders of a made shop: a mixed table whose distribution is known, `toy:shop`.

Rows are independent. All draws are independent of each other, unless said otherwise; Z is standard normal.

- `ordered`: a date; every day of the years 2022 and 2023 is as likely.
- `product`: book .3, game .2, lamp .15, mug .12, chair .1, bag .08, desk .049, piano .001, the rare level.
- `customer`: member .6, guest .4.
- `payment`: of members card .5, invoice .3, wallet .2; of guests card .7, wallet .3. A guest never pays by invoice.
- `price`: the product's median times exp(.4 Z), Z clipped to [-2.5, 2.5]. With probability .7 only its whole part is
  kept and .99 added; otherwise it is rounded to 2 decimals.
- `quantity`: 1 + Poisson(.8) for a price below 50, otherwise 1.
- `total`: price * quantity, rounded to 2 decimals. It is derived.
- `delivered`: `ordered` + 1 + Poisson(3) days. It is missing with probability .1, together with `carrier`.
- `carrier`: post .5, van .3, bike .2.
- `rating`: 5 with probability .5 for members and .3 for guests, otherwise 1, 2, 3 or 4 alike; missing in
  half of the rows.
- `returned`: true with probability .25 where there is a rating below 3, otherwise .05.

Medians: book 14, game 40, lamp 35, mug 9, chair 90, bag 55, desk 240, piano 2900.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Column, Schema

ROWS = 10_000
STREAM = 30_000
"""Sets the draws apart from the choice of the held-out rows, which starts with the seed 0 as well."""
PRODUCTS = {
    "book": (0.3, 14.0),
    "game": (0.2, 40.0),
    "lamp": (0.15, 35.0),
    "mug": (0.12, 9.0),
    "chair": (0.1, 90.0),
    "bag": (0.08, 55.0),
    "desk": (0.049, 240.0),
    "piano": (0.001, 2900.0),
}
"""The share and the median price of each product."""
PAYMENTS = ("card", "invoice", "wallet")
MEMBER_PAYMENTS = (0.5, 0.3, 0.2)
GUEST_PAYMENTS = (0.7, 0.0, 0.3)
CARRIERS = {"bike": 0.2, "post": 0.5, "van": 0.3}
GUESTS = 0.4
HEAPED = 0.7
"""Share of the prices that end in .99."""
UNDELIVERED = 0.1
UNRATED = 0.5
BEST = {"guest": 0.3, "member": 0.5}
"""Probability of the rating 5."""
FIRST_DAY = 18_993
"""2022-01-01, in days since 1970-01-01; two years of 365 days follow."""

COLUMNS = (
    Column("ordered", "date", "date32[day]", low=FIRST_DAY, high=FIRST_DAY + 729),
    Column("product", "category", "string", tuple(sorted(PRODUCTS))),
    Column("customer", "category", "string", ("guest", "member")),
    Column("payment", "category", "string", PAYMENTS),
    Column("price", "number", decimals=2),
    Column("quantity", "integer", "int64"),
    Column("total", "number", decimals=2),
    Column("delivered", "date", "date32[day]", missing=True),
    Column("carrier", "category", "string", tuple(CARRIERS), missing=True),
    Column("rating", "integer", "int64", low=1, high=5, missing=True),
    Column("returned", "boolean", "bool", ("false", "true")),
)


def shop_rows(n: int = ROWS, seed: int = 0) -> tuple[Schema, NDArray[np.float64]]:
    """The table's columns, and n rows of it (n, 11).

    Arguments:
        n: number of rows.
        seed: of the draws.

    Example:
        >>> schema, raw = shop_rows(3)
        >>> raw.shape == (3, len(schema))
        True
        >>> bool((raw[:, 6] == np.round(raw[:, 4] * raw[:, 5], 2)).all())
        True
    """
    random = np.random.default_rng([seed, STREAM])
    ordered = FIRST_DAY + random.integers(0, 730, n)
    product = _level(random, [PRODUCTS[name][0] for name in sorted(PRODUCTS)], n)
    member = random.random(n) >= GUESTS
    payment = np.where(member, _level(random, MEMBER_PAYMENTS, n), _level(random, GUEST_PAYMENTS, n))
    price = _price(random, np.array([PRODUCTS[name][1] for name in sorted(PRODUCTS)])[product])
    quantity = np.where(price < 50, 1 + random.poisson(0.8, n), 1)
    undelivered = random.random(n) < UNDELIVERED
    delivered = np.where(undelivered, np.nan, ordered + 1 + random.poisson(3, n))
    carrier = np.where(undelivered, np.nan, _level(random, list(CARRIERS.values()), n))
    best = random.random(n) < np.where(member, BEST["member"], BEST["guest"])
    stars = np.where(best, 5, random.integers(1, 5, n))
    rating = np.where(random.random(n) < UNRATED, np.nan, stars)
    returned = random.random(n) < np.where(rating < 3, 0.25, 0.05)
    total = np.round(price * quantity, 2)
    rows = (ordered, product, member, payment, price, quantity, total, delivered, carrier, rating, returned)
    return Schema(COLUMNS), np.stack(rows, axis=1, dtype=np.float64)


def _level(random: np.random.Generator, shares: Sequence[float], n: int) -> NDArray[np.int64]:
    """Positions of levels with some shares, (n,)."""
    return np.asarray(random.choice(len(shares), n, p=np.array(shares) / sum(shares)))


def _price(random: np.random.Generator, median: NDArray[np.float64]) -> NDArray[np.float64]:
    price = median * np.exp(0.4 * np.clip(random.standard_normal(len(median)), -2.5, 2.5))
    heaped = random.random(len(median)) < HEAPED
    return np.asarray(np.round(np.where(heaped, np.floor(price) + 0.99, price), 2), np.float64)
