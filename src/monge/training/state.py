"""Everything that changes during training, and nothing else."""

import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from monge.training.replay import ReplayPool

Chosen = TypeVar("Chosen", bound=Optimizer)


@dataclass
class TrainingState:
    """Networks, their optimisers, the averaged generator, past samples, and the number of generator updates done.

    Attributes:
        strength: probability of each transform of an objective with augmentation, a tensor without dimensions.
        attempt: how often the training went back to a checkpoint after a divergence.
    """

    generator: nn.Module
    critic: nn.Module
    average: "Average"
    generator_optimiser: Optimizer
    critic_optimiser: Optimizer
    step: int = 0
    pool: ReplayPool | None = None
    strength: Tensor = field(default_factory=lambda: torch.ones(()))
    attempt: int = 0

    @property
    def generator_ema(self) -> nn.Module:
        """The generator with exponentially averaged weights: the one to sample from."""
        return self.average.module

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        return next(self.critic.parameters()).device

    def networks(self) -> dict[str, nn.Module]:
        """The three networks by the names of their checkpoint files."""
        return {"generator": self.generator, "generator_ema": self.generator_ema, "critic": self.critic}

    def rest(self) -> dict[str, Any]:
        """What is not a network, as plain tensors and numbers."""
        return {
            "step": self.step,
            "averaged": torch.tensor(self.average.count),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
            "strength": self.strength,
            "attempt": self.attempt,
            "pool": None if self.pool is None else (self.pool.samples, self.pool.filled),
        }

    def load_rest(self, rest: dict[str, Any]) -> None:
        """The inverse of `rest`."""
        self.step = int(rest["step"])
        self.average.count = int(rest["averaged"])
        self.generator_optimiser.load_state_dict(rest["generator_optimiser"])
        self.critic_optimiser.load_state_dict(rest["critic_optimiser"])
        self.attempt = int(rest.get("attempt", 0))  # which runs of version 0.1 have not, as little as a strength
        if "strength" in rest:
            self.strength = rest["strength"].to(self.device)
        if self.pool is not None:
            samples, self.pool.filled = rest["pool"]
            self.pool.samples.copy_(samples)


class Average:
    r"""An exponential moving average of a generator's weights.

    The decay at update n is :math:`\min(\beta, (1 + n)/(10 + n))`, so that early averages forget the initial weights;
    the first update copies. Updates are counted on the host, so none asks the device for a number.

    Arguments:
        generator: the network to average; buffers (batch-norm statistics) are copied, not averaged.
        decay: final decay beta in [0, 1), a number or a tensor; 0 copies.

    Attributes:
        module: the averaged generator.
        count: updates done.
    """

    def __init__(self, generator: nn.Module, decay: float | Tensor) -> None:
        self.module = copy.deepcopy(generator)
        self.count = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, generator: nn.Module) -> None:
        """Takes in the generator's present weights."""
        mine, current = ([part.data for part in network.parameters()] for network in (self.module, generator))
        if self.count == 0:
            torch._foreach_copy_(mine, current)
        else:
            ramp = (1 + self.count) / (10 + self.count)
            if isinstance(self._decay, Tensor):
                part = 1 - self._decay.clamp(max=ramp)
                for average, new in zip(mine, current, strict=True):
                    average.lerp_(new, part)
            else:
                torch._foreach_lerp_(mine, current, 1 - min(self._decay, ramp))
        for kept, new in zip(self.module.buffers(), generator.buffers(), strict=True):
            kept.copy_(new)
        self.count += 1


def _eager(kind: type[Chosen]) -> type[Chosen]:
    """An optimiser without torch's compiler, which its methods import when they are first called, in 1.3 s."""
    names = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")
    plain = {name: getattr(getattr(kind, name), "__wrapped__", getattr(kind, name)) for name in names}
    step = torch.no_grad()(getattr(kind.step, "__wrapped__", kind.step))
    return type(kind.__name__, (kind,), {**plain, "step": step})


_Adam, _RMSprop = _eager(torch.optim.Adam), _eager(torch.optim.RMSprop)


def optimiser(network: nn.Module, name: str, rate: float, betas: tuple[float, float]) -> Optimizer:
    """Adam with the given betas, or RMSProp without momentum (the fourth change in Zheng 2017)."""
    if name == "rmsprop":
        return _RMSprop(network.parameters(), rate, alpha=0.99, foreach=True)
    return _Adam(network.parameters(), rate, betas=betas, fused=True)
