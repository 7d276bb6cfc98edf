"""One pair and one family of the W1 benchmark: fitted and measured."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monge.distance.dual.family import FAMILIES, Family, cones_at_samples
from monge.distance.dual.fit import DrawPoints
from monge.distance.dual.potential import Potential, fit_potential
from monge.experiment.bracket import funnel
from monge.experiment.bracket.known_pair import KNOWN
from monge.experiment.experiment import Budget
from monge.experiment.sweep import Result, digest

SAMPLES: Mapping[Budget, int] = {"quick": 20_000, "full": 100_000}
"""Fresh samples of each distribution that a potential is measured on."""
SCORED = 20_000
"""Samples of P at which gradients are compared, and of each distribution on which the best family is chosen."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "linear": {},
    "radial": {},
    "clipped": {"steps": 3000, "batch": 512},
    "gp": {"steps": 1000},
    "lp": {"steps": 4500, "batch": 512},
    "maxout": {"width": 512, "steps": 4000, "batch": 1024},
    "spectral": {"steps": 2000},
    "orthogonal": {"steps": 3000, "batch": 512},
    "c-transform": {"width": 1500, "depth": 1},
    "cones": {"network": cones_at_samples, "width": 1024, "steps": 2000, "batch": 2048},
}
"""What this experiment changes of each family's own rule."""


def rule(family: str, budget: Budget) -> Family:
    """A family's rule in this experiment; the quick budget has a fifth of the steps."""
    chosen = replace(FAMILIES[family], **SETTINGS[family])
    return replace(chosen, steps=chosen.steps // 5) if budget == "quick" else chosen


@dataclass(frozen=True)
class FitCell:
    """One potential to be fitted.

    Arguments:
        pair: "funnel-D-N", or a name of `KNOWN`.
        family: a name in `FAMILIES`.
        budget: "quick" or "full".
        seed: of own centres, of the fit and of the samples.
        parameters: file of published centres and biases; None for the package's own.
        folder: of the cache.
    """

    pair: str
    family: str
    budget: Budget
    seed: int
    parameters: Path | None
    folder: Path

    @property
    def path(self) -> Path:
        """Where the result is kept, named by a digest of everything that it depends on."""
        settings = {f.name: repr(getattr(rule(self.family, self.budget), f.name)) for f in fields(Family)}
        settings["network"] = rule(self.family, self.budget).network.__name__
        funnels = self.funnel
        content = None if funnels is None else funnels.centres.numpy().tobytes().hex()
        key = digest(self.pair, self.seed, content, SAMPLES[self.budget], settings)
        return self.folder / f"{self.pair}.{self.family}.{key}.json"

    @property
    def funnel(self) -> funnel.FunnelPair | None:
        """The benchmark pair, if it is one."""
        if not self.pair.startswith("funnel-"):
            return None
        shape = [int(part) for part in self.pair.split("-")[1:]]
        if self.parameters is None:
            return funnel.own(shape[0], shape[1], self.seed)
        return funnel.published(self.parameters, shape[0], shape[1])


def measure(cell: FitCell) -> Result:
    """How the potential of the cell's family does on its pair."""
    benchmark = cell.funnel
    if benchmark is None:
        pair = KNOWN[cell.pair]()
        upper, lower, truth, error = pair.upper, pair.lower, pair.distance, 0.0
    else:
        upper, lower = benchmark.moved, benchmark.uniform
        truth, error = benchmark.distance(SAMPLES[cell.budget], _stream(cell.seed, 0))
    start = time.perf_counter()
    potential = fit_potential(upper, lower, rule(cell.family, cell.budget), seed=cell.seed)
    seconds = time.perf_counter() - start
    result = asdict(cell) | {"w1": truth, "w1_error": error, "proof": potential.proof, "lipschitz": potential.lipschitz}
    result |= {"parameters": cell.parameters and cell.parameters.name, "seconds": round(seconds, 2)}
    del result["folder"]
    gap = _gap(potential, upper, lower, SCORED, cell.seed, 1)[0]
    slopes = np.linalg.norm(potential.gradient(_array(upper(SCORED, _stream(cell.seed, 1)))), axis=1)
    # the largest slope of all is one point's; for choosing among raw estimates the mean slope is the fairer scale
    result |= {"validation": gap / potential.lipschitz, "score": gap / max(1.0, float(slopes.mean()))}
    estimate, deviation = _gap(potential, upper, lower, SAMPLES[cell.budget], cell.seed, 3)
    result |= {"estimate": estimate, "deviation": 100 * (estimate / truth - 1)}
    result |= {"bound": estimate / potential.lipschitz, "bound_error": deviation / potential.lipschitz}
    if benchmark is not None:
        result |= _slopes(potential, benchmark.precise, cell.seed)
    return result


def _stream(seed: int, purpose: int) -> torch.Generator:
    (state,) = np.random.SeedSequence([seed, 7, purpose]).generate_state(1, np.uint32)
    return torch.Generator().manual_seed(int(state))


def _gap(
    potential: Potential, upper: DrawPoints, lower: DrawPoints, n: int, seed: int, purpose: int
) -> tuple[float, float]:
    """E_P f - E_Q f on n fresh unpaired samples of each, and its standard error."""
    p, q = (potential(_array(draw(n, _stream(seed, purpose + i)))) for i, draw in enumerate((upper, lower)))
    return float(p.mean() - q.mean()), float(np.sqrt((p.var(ddof=1) + q.var(ddof=1)) / n))


def _slopes(potential: Potential, pair: funnel.FunnelPair, seed: int) -> dict[str, float]:
    """How the gradient at samples of P agrees with the optimal one."""
    y = pair.moved(SCORED, _stream(seed, 5))
    fitted, optimal = potential.gradient(_array(y)), _array(pair.gradient(y))
    length = np.linalg.norm(fitted, axis=1)
    cosine = (fitted * optimal).sum(axis=1) / np.maximum(length, np.finfo(np.float64).tiny)
    return {"cosine": float(cosine.mean()), "l2": float(((fitted - optimal) ** 2).sum(axis=1).mean())}


def _array(x: torch.Tensor) -> NDArray[np.float64]:
    return x.double().numpy()
