"""Surveys that are kept from one start to the next, so that large files are read once."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from monge.data import cache
from monge.data.split import ArraySplit
from monge.data.survey import Survey
from monge.errors import MongeError

_ARRAYS = ("low", "high", "mean", "deviation")


def surveyed(part: ArraySplit, *facts: str | bytes) -> ArraySplit:
    """A part that knows its survey: from the cache where it is there, else found now and stored.

    Arguments:
        part: of some data.
        facts: on which the content of its rows depends.
    """
    shape = repr((part.size, part.values.shape, part.values.dtype.str))
    key = cache.key_of("survey", *facts, shape, b"" if part.labels is None else part.labels.tobytes())
    found = _loaded(key, part.values.shape[1:])
    if found is None:
        found = part.survey
        with suppress(MongeError):  # without a cache it is found again the next time
            _store(key, found)
    return replace(part, known=found)


def _loaded(key: str, row: tuple[int, ...]) -> Survey | None:
    stored = cache.load(key)
    if stored is None:
        return None
    flat = {name: np.array(array) for name, array in stored.items()}
    try:
        low, high = (flat[name].reshape(row) for name in ("low", "high"))
        return Survey(low, high, flat["mean"], flat["deviation"], flat["fingerprint"].tobytes().decode())
    except (KeyError, ValueError):  # what is whole need not be what was stored
        return None


def _store(key: str, found: Survey) -> None:
    with cache.storing(key) as entry:
        for name in _ARRAYS:
            entry.write(name, [getattr(found, name)], (), getattr(found, name).dtype)
        entry.write("fingerprint", [np.frombuffer(found.fingerprint.encode(), np.uint8)], (), "uint8")
