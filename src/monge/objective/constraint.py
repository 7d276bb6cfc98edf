r"""Constraints: changes in place of the critic's parameters after each of its updates.

Each projects onto a set of parameters, on which a critic is K-Lipschitz for some K; the smallest change of a parameter
that brings it there, in the Euclidean norm. Zheng 2017, part four: whatever finite K is, it only scales the gradients.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from monge.errors import UserError
from monge.nn import lipschitz
from monge.objective.option import above_zero

WITHOUT = "to train without a constraint, choose another objective, e.g. --objective wgan-gp"


class Constraint(ABC):
    """Projects the critic back onto an admissible set after its update.

    Example:
        >>> from dataclasses import dataclass
        >>> import torch
        >>> from monge.objective import Constraint, Objective, Wasserstein
        >>> @dataclass(frozen=True)
        ... class NonNegative(Constraint):
        ...     # keeps every weight at 0 or above: a monotone critic
        ...     def __call__(self, critic):
        ...         with torch.no_grad():
        ...             for weight in critic.parameters():
        ...                 weight.clamp_(min=0)
        >>> critic = torch.nn.Linear(2, 1)
        >>> Objective(Wasserstein(), constraint=NonNegative()).constraint(critic)
        >>> bool((critic.weight >= 0).all())
        True
    """

    def check(self, critic: nn.Module) -> None:  # noqa: B027 - most constraints take any critic
        """Refuses critics that it cannot constrain.

        Raises:
            UserError: says which critic is needed.
        """

    @abstractmethod
    def __call__(self, critic: nn.Module) -> None:
        """Changes the critic's parameters in place."""


@dataclass(frozen=True)
class ClipWeights(Constraint):
    r"""Clips every parameter to [-c, c]; the critic is then K-Lipschitz for some unknown K.

    Reference: Arjovsky, Chintala, Bottou 2017, Algorithm 1, line 7; the third of the four changes in Zheng 2017.

    Arguments:
        bound: clipping constant c > 0.

    Example:
        >>> import torch
        >>> from monge.objective import ClipWeights
        >>> critic = torch.nn.Linear(2, 1)
        >>> ClipWeights(0.01)(critic)
        >>> max(weight.abs().max().item() for weight in critic.parameters()) <= 0.01
        True
    """

    bound: float = 0.01

    def __post_init__(self) -> None:
        above_zero("bound", self.bound, WITHOUT)

    @torch.no_grad()
    def __call__(self, critic: nn.Module) -> None:
        for parameter in critic.parameters():
            parameter.clamp_(-self.bound, self.bound)


@dataclass(frozen=True)
class ClipNorm(Constraint):
    r"""Scales every parameter tensor whose Euclidean norm is above c down to it.

    .. math:: w \leftarrow w \min(1, c / \lVert w \rVert_2)

    A layer's largest singular value is at most its weight's norm, so the critic's constant is at most the product of c
    over its layers (for convolutions see `ProjectSpectral`).

    Reference: Gulrajani et al. 2017, section 3, name it among the constraints with the same problems as clipping.

    Arguments:
        bound: largest norm c > 0 of a parameter tensor.

    Example:
        >>> import torch
        >>> from monge.objective import ClipNorm
        >>> critic = torch.nn.Linear(100, 1)
        >>> _ = torch.nn.init.ones_(critic.weight)  # norm 10
        >>> ClipNorm(1.0)(critic)
        >>> round(critic.weight.norm().item(), 4)
        1.0
    """

    bound: float = 1.0

    def __post_init__(self) -> None:
        above_zero("bound", self.bound, WITHOUT)

    @torch.no_grad()
    def __call__(self, critic: nn.Module) -> None:
        for parameter in critic.parameters():
            # without a branch, which would wait for the device
            parameter.mul_((self.bound / torch.linalg.vector_norm(parameter)).clamp(max=1))


@dataclass(frozen=True)
class ProjectSpectral(Constraint):
    r"""Cuts the singular values of every weight at c.

    .. math:: W = U \Sigma V^T \leftarrow U \min(\Sigma, c)\, V^T

    That is the nearest matrix in the Frobenius norm with no singular value above c. Biases stay. A critic of L linear
    layers and 1-Lipschitz activations is then :math:`c^L`-Lipschitz.

    Of a convolution's kernel (o, i, h, w) the matrix (o, i h w) that maps patches to pixels is cut. A pixel lies in at
    most :math:`\lceil h / s \rceil \lceil w / s \rceil` patches at stride s, so the operator's norm is at most c times
    the root of that number; it is at least the matrix's own norm where a whole patch fits into the image. So the
    operator is bounded, but not by c, and this is not its projection.

    Reference: Saito, Matsumoto, Saito 2017, "Temporal Generative Adversarial Nets with Singular Value Clipping".

    Arguments:
        bound: largest singular value c > 0.

    Example:
        >>> import torch
        >>> from monge.objective import ProjectSpectral
        >>> critic = torch.nn.Linear(2, 2, bias=False)
        >>> _ = critic.weight.data.copy_(torch.diag(torch.tensor([5.0, 0.5])))
        >>> ProjectSpectral(1.0)(critic)
        >>> [round(value, 4) for value in torch.linalg.svdvals(critic.weight).tolist()]
        [1.0, 0.5]
    """

    bound: float = 1.0

    def __post_init__(self) -> None:
        above_zero("bound", self.bound, WITHOUT)

    @torch.no_grad()
    def __call__(self, critic: nn.Module) -> None:
        for parameter in critic.parameters():
            # no singular value exceeds the Frobenius norm; the decomposition waits for the device in any case
            if parameter.dim() > 1 and torch.linalg.vector_norm(parameter) > self.bound:
                left, values, right = torch.linalg.svd(parameter.flatten(1), full_matrices=False)
                matrix = (left * values.clamp(max=self.bound)) @ right
                parameter.copy_(matrix.view_as(parameter))


@dataclass(frozen=True)
class LipschitzByConstruction(Constraint):
    """Asks for a critic whose layers cannot leave the 1-Lipschitz functions, and has nothing to change then.

    Reference: Anil, Lucas, Grosse 2019, "Sorting out Lipschitz function approximation".

    Example:
        >>> import monge, torch
        >>> from monge.objective import LipschitzByConstruction
        >>> try:
        ...     LipschitzByConstruction().check(torch.nn.Sequential(torch.nn.Linear(2, 1)))
        ... except monge.UserError as error:
        ...     print("use e.g. --critic mlp:layer=orthogonal" in str(error))
        True
    """

    def check(self, critic: nn.Module) -> None:
        layers = lipschitz.unbounded(critic)
        if layers:
            raise UserError(
                f"critic: this objective needs layers that are 1-Lipschitz by construction; {layers[0]!r} is not; "
                "use e.g. --critic mlp:layer=orthogonal"
            )

    def __call__(self, critic: nn.Module) -> None:
        return
