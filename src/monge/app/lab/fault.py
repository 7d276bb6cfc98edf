"""Mistakes that people make in a Wasserstein GAN, to be made on purpose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor, nn

from monge.objective import Objective
from monge.objective.loss import AdversarialLoss


@dataclass(frozen=True)
class Fault:
    """A mistake; what one then sees is in `static/faults.json`.

    Arguments:
        objective: makes it in an objective, if that is where it is made.
        critic: makes it in a critic, if that is where it is made.
    """

    objective: Callable[[Objective], Objective] | None = None
    critic: Callable[[nn.Module], None] | None = None


@dataclass(frozen=True)
class WrongSign(AdversarialLoss):
    """A loss whose critic goes the wrong way: it learns to give real samples the lower values."""

    loss: AdversarialLoss
    compares: ClassVar[bool] = True

    @property
    def vector(self) -> bool:  # type: ignore[override]
        """As the loss itself has it."""
        return self.loss.vector

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return -self.loss.critic(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.loss.generator(real[:0] if not self.loss.compares else real, fake)

    def witness(self, outputs: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        return self.loss.witness(outputs, real, fake)


def _add_batch_norm(critic: nn.Module) -> None:
    """Puts batch norm behind every linear layer of a critic but the last."""
    for name, layer in list(critic.named_modules()):
        if not isinstance(layer, nn.Sequential):
            continue
        layers: list[nn.Module] = []
        for part in layer:
            layers.append(part)
            if isinstance(part, nn.Linear):
                layers.append(nn.BatchNorm1d(part.out_features))
        *outer, last = name.split(".")
        setattr(critic.get_submodule(".".join(outer)), last, nn.Sequential(*layers))


def _add_sigmoid(critic: nn.Module) -> None:
    """Leaves the sigmoid of a discriminator at the end of a critic."""
    for name, layer in list(critic.named_modules()):
        if name.split(".")[-1] == "output":
            *outer, last = name.split(".")
            setattr(critic.get_submodule(".".join(outer)), last, nn.Sequential(layer, nn.Sigmoid()))


FAULTS: dict[str, Fault] = {
    "wrong_sign": Fault(objective=lambda objective: replace(objective, loss=WrongSign(objective.loss))),
    "batch_norm": Fault(critic=_add_batch_norm),
    "sigmoid": Fault(critic=_add_sigmoid),
    "no_clipping": Fault(objective=lambda objective: replace(objective, constraint=None)),
    "critic_too_strong": Fault(),  # a setting, see `Settings.flat`
}
"""By the name that a link has."""


def made(objective: Objective, names: Sequence[str]) -> Objective:
    """The objective with those of these mistakes that are made in one."""
    for name in names:
        fault = FAULTS[name].objective
        objective = objective if fault is None else fault(objective)
    return objective


def broken(critic: nn.Module, names: Sequence[str]) -> bool:
    """Makes those of these mistakes that are made in a critic, in place; whether there were any."""
    found = [fault for name in names if (fault := FAULTS[name].critic) is not None]
    for fault in found:
        fault(critic)
    return bool(found)
