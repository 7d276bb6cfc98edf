"""How far apart two distributions or two sample sets are.

Functions of two sample sets are here by name, each loaded when it is first used. Closed forms that share their names,
`kl` of two discrete distributions and of two Gaussians, stay in their modules: `gaussian` and `parallel_lines`.

Example:
    >>> import numpy as np
    >>> from monge import distance
    >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
    >>> distance.wasserstein(x, y) < distance.wasserstein(x, y + 1)
    True
    >>> round(distance.wasserstein([[0.0], [1.0]], [[3.0], [4.0]]), 6)
    3.0
"""

import importlib
import warnings
from typing import Any

import lazy_loader

_attribute, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

_MOVED = dict.fromkeys(
    ("ClusterMatrix", "cluster_matrix", "cluster_weights", "distance_matrix", "real_probability", "sample_weights"),
    "monge.metric.critic_matrix",
)
"""Names that were here in version 0.1, and where they are now."""


def __getattr__(name: str) -> Any:
    if name not in _MOVED:
        return _attribute(name)
    warnings.warn(f"monge.distance.{name} is now {_MOVED[name]}.{name}", DeprecationWarning, stacklevel=2)
    return getattr(importlib.import_module(_MOVED[name]), name)
