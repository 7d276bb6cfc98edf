"""What torch's DistributedDataParallel makes of a critic's update: the error of the gradient that it leaves.

Two processes have half of a batch each; the true gradient is that of one process with all of it, in double precision.
Started by `make.py`, through torchrun.
"""

import json
import sys
import warnings
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from monge.nn.batch_norm import share_batch_norms
from monge.nn.collective import alone
from monge.objective import Batch, KernelDiscrepancy, Objective, Wasserstein
from monge.objective.kernel_loss import GaussianKernel
from monge.objective.penalty import GradientPenalty, on_segments, slopes
from monge.training.processes import average_gradients, joined, leads

N, WIDTH, SIZE = 64, 32, 4
"""Samples of a batch, units of a layer, numbers of a sample."""

Loss = Callable[[nn.Module, Batch], None]
"""Leaves gradients in a critic."""


def critic(*, norm: bool = False, outputs: int = 1) -> nn.Module:
    """A fully connected critic with the same weights in every process."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs in (SIZE, WIDTH):
        layers += [nn.Linear(inputs, WIDTH), *([nn.BatchNorm1d(WIDTH)] if norm else []), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, outputs))


def batch(index: int, count: int) -> Batch:
    """A part of a batch."""
    random = torch.Generator().manual_seed(1)
    real, fake = torch.randn(2, N, SIZE, generator=random)
    mine = slice(index * N // count, (index + 1) * N // count)
    segment = torch.rand(N, generator=random)
    return Batch(real=real[mine] + 1, fake=fake[mine], segment=segment[mine], step=0)


def together(network: nn.Module, part: Batch) -> None:
    """Loss and penalty in one backward pass."""
    Objective(Wasserstein(), GradientPenalty(10.0)).critic_loss(network, part).total.backward()


def apart(network: nn.Module, part: Batch) -> None:
    """Loss and penalty in a backward pass each, as many loops have it."""
    Objective(Wasserstein()).critic_loss(network, part).total.backward()
    GradientPenalty(10.0)(lambda x: network(x).flatten(), part).backward()


def penalty_alone(network: nn.Module, part: Batch) -> None:
    """The penalty and nothing else, which leaves the last bias without a gradient."""
    excess = slopes(lambda x: network(x).flatten(), on_segments(part)) - 1
    (10 * excess.square().mean()).backward()


def plain(network: nn.Module, part: Batch) -> None:
    """The loss without a penalty, on real and generated samples one after the other."""
    Objective(Wasserstein()).critic_loss(network, part).total.backward()


def kernel(network: nn.Module, part: Batch) -> None:
    """The kernel discrepancy of vectors, of the pairs that a process has."""
    Objective(KernelDiscrepancy(GaussianKernel())).critic_loss(network, part).total.backward()


CASES: dict[str, tuple[Loss, dict[str, Any]]] = {
    "loss alone, no norm": (plain, {}),
    "loss and penalty, one backward pass": (together, {}),
    "loss and penalty, a backward pass each": (apart, {}),
    "penalty alone": (penalty_alone, {}),
    "loss alone, batch norm": (plain, {"norm": True}),
    "kernel discrepancy": (kernel, {"outputs": 4}),
}


def gradient(network: nn.Module) -> Tensor:
    """All gradients of a network; zeros where it has none."""
    parts = [torch.zeros_like(x) if x.grad is None else x.grad for x in network.parameters()]
    return torch.cat([part.flatten() for part in parts])


def wrapped(loss: Loss, network: nn.Module, part: Batch) -> Tensor | str:
    """The gradient that the wrapper leaves, or why it failed."""
    wrapper = DistributedDataParallel(network)
    try:
        with alone():
            loss(wrapper, part)
    except RuntimeError as error:
        return " ".join(str(error).split()[:12])
    return gradient(network)


def error(found: Tensor, true: Tensor) -> float:
    """Relative, in the Euclidean norm."""
    return float((found - true).norm() / true.norm())


def measured(loss: Loss, **how: Any) -> dict[str, Any]:
    """How far the gradients of the wrapper and of monge are from the true one."""
    network, rank, count = critic(**how), dist.get_rank(), dist.get_world_size()
    with alone():
        whole = deepcopy(network)
        loss(whole, batch(0, 1))
    true = gradient(whole)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        theirs = wrapped(loss, deepcopy(network), batch(rank, count))
    ours = deepcopy(network)
    share_batch_norms(ours)
    loss(ours, batch(rank, count))
    average_gradients(ours)
    shown = theirs if isinstance(theirs, str) else error(theirs, true)
    return {"wrapper": shown, "warnings": len(said), "monge": error(gradient(ours), true)}


def main(path: str) -> None:
    """Measures all cases and writes them."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    with joined():
        found = {name: measured(loss, **how) for name, (loss, how) in CASES.items()}
        try:
            nn.SyncBatchNorm(SIZE)(torch.ones(8, SIZE))
        except (RuntimeError, ValueError) as refusal:
            found["torch's own SyncBatchNorm on a CPU"] = {"wrapper": str(refusal)}
        if leads():
            Path(path).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
