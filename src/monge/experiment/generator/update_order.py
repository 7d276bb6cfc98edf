"""A step that updates both networks at once, the smallest game in which that matters, and a step's arithmetic.

Reference: Mescheder, Geiger, Nowozin 2018, "Which training methods for GANs do actually converge?", section 2.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils._python_dispatch import TorchDispatchMode

from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.objective import Objective
from monge.training.assemble import assemble
from monge.training.loop import Step
from monge.training.sampler import StepInputs
from monge.training.state import Average, TrainingState
from monge.training.step import generator_gradient, train_step, update_critic


def simultaneous_step(state: TrainingState, objective: Objective, inputs: StepInputs) -> Mapping[str, Tensor]:
    """Like `train_step`, but the generator's gradient is that on the critic of the step's beginning."""
    _, terms = generator_gradient(state, objective, inputs)
    critic_terms = update_critic(state, objective, inputs)
    state.generator_optimiser.step()
    state.average.update(state.generator)
    state.step += 1
    return {name: value.detach() for name, value in (terms | critic_terms).items()}


class Point(nn.Module):
    """A generator of one point theta on a line."""

    latent = 1

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([theta], dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


def orbit(
    objective: Objective, step: Step, start: tuple[float, float], rate: float, rounds: int
) -> NDArray[np.float64]:
    """Theta and psi, from their start on, after every step of gradient descent, (2, rounds + 1)."""
    theta, psi = start
    point, slope = Point(theta), nn.Linear(1, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        slope.weight.fill_(psi)
    state = TrainingState(
        point, slope, Average(point, 0.0), SGD(point.parameters(), rate), SGD(slope.parameters(), rate)
    )
    zeros = torch.zeros(2, 1, 1, dtype=torch.float64)
    path = [start]
    for _ in range(rounds):
        step(state, objective, StepInputs(zeros, zeros, zeros[..., 0]))
        path.append((point.theta.item(), slope.weight.item()))
    return np.array(path).T


class Products(TorchDispatchMode):
    """Counts the multiplications of matrix products, forward and backward, while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default):
            left, right = args[-2:]
            self.count += left.shape[0] * left.shape[1] * right.shape[1]
        return func(*args, **(kwargs or {}))


def generator_share(config: Config, data: DataSet) -> float:
    """The generator's update as a share of the multiplications in a step."""
    counts: list[int] = []
    for updates in (1, 2):
        rule = replace(config.training, n_critic=updates)
        state, objective, sampler = assemble(replace(config, training=rule), data, torch.device("cpu"))
        with Products() as products:
            train_step(state, objective, sampler(0))
        counts.append(products.count)
    critic = counts[1] - counts[0]
    whole = counts[0] + (config.training.n_critic - 1) * critic
    return (counts[0] - critic) / whole
