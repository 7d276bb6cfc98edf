"""monge trains Wasserstein GANs and reports, with error bars, how far their samples still are from real data."""

import os
from typing import TYPE_CHECKING, Any

from monge.errors import TrainingError, UserError

if TYPE_CHECKING:
    from monge import distance
    from monge.api import Run, open_run, resume, train
    from monge.data.source import load_data
    from monge.estimator.table import TableGenerator
    from monge.estimator.vector import WassersteinGAN
    from monge.evaluation.two_samples import two_samples
    from monge.model.exported import load
    from monge.report.export import export

__all__ = [
    "Run",
    "TableGenerator",
    "TrainingError",
    "UserError",
    "WassersteinGAN",
    "distance",
    "export",
    "load",
    "load_data",
    "open_run",
    "resume",
    "train",
    "two_samples",
]
MODULES = {
    "TableGenerator": "monge.estimator.table",
    "WassersteinGAN": "monge.estimator.vector",
    "export": "monge.report.export",
    "load": "monge.model.exported",
    "load_data": "monge.data.source",
    "two_samples": "monge.evaluation.two_samples",
}
"""Where public names are that are not in `monge.api`."""
__version__ = "0.1.0"

# Waiting threads must sleep, not spin: a busy neighbour would otherwise slow training many times over. OpenMP reads
# this when torch is imported, so it has no effect on a process that did that before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> Any:
    # lazily, so that `import monge` and `monge --help` do not wait for torch
    if name not in __all__:
        raise AttributeError(f"module 'monge' has no attribute {name!r}")
    import importlib

    if name == "distance":
        return importlib.import_module("monge.distance")
    return getattr(importlib.import_module(MODULES.get(name, "monge.api")), name)
