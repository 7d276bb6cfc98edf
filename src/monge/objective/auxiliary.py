"""Auxiliary terms: what the critic also guesses about a sample, and the generator is to make easy to guess.

The critic has a second head on the same features (`monge.nn.head`). Both networks minimise how badly it guesses.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from monge.nn.code import Codes
from monge.nn.head import guess
from monge.objective.batch import Batch


class Auxiliary(ABC):
    """A term for either network from the critic's second head.

    Attributes:
        name: of the term, in logs.
        conditional: whether the batch must bring labels.

    Example:
        >>> from monge.nn.code import Codes
        >>> from monge.objective import Auxiliary, Classification, MutualInformation
        >>> terms: list[Auxiliary] = [Classification(), MutualInformation(Codes())]
        >>> [(term.name, term.conditional) for term in terms]
        [('class_loss', True), ('code_loss', False)]
    """

    name: ClassVar[str]
    conditional: ClassVar[bool] = False

    @abstractmethod
    def outputs(self, classes: int) -> int:
        """Outputs of the head for data with so many classes."""

    @abstractmethod
    def critic(self, critic: nn.Module, batch: Batch) -> Tensor:
        """What the critic minimises in addition."""

    @abstractmethod
    def generator(self, critic: nn.Module, batch: Batch) -> Tensor:
        """What the generator minimises in addition; the batch's fake samples carry its graph."""


@dataclass(frozen=True)
class MutualInformation(Auxiliary):
    r"""A lower bound of the mutual information between some of the latent codes and the samples.

    .. math:: -\lambda\, \mathbb{E}_{c, x \sim G(z, c)} \log Q(c \mid x) \;\ge\; \lambda\,(H(c) - I(c; G(z, c)))

    Q is categorical for categorical codes and a Gaussian of variance one about the head's output for others.

    Reference: Chen et al. 2016, "InfoGAN", eq. 4 to 6.

    Arguments:
        codes: which codes there are.
        weight: lambda (dimensionless, >= 0).

    Example:
        >>> from monge.nn.code import Codes
        >>> from monge.objective import MutualInformation
        >>> term = MutualInformation(Codes(categories=10, categorical=1, uniform=2))
        >>> term.outputs(0)  # the head predicts ten classes and two numbers
        12
    """

    codes: Codes
    weight: float = 1.0
    name: ClassVar[str] = "code_loss"

    def outputs(self, classes: int) -> int:
        return self.codes.width

    def critic(self, critic: nn.Module, batch: Batch) -> Tensor:
        if batch.codes is None:
            raise ValueError("this objective predicts codes; the batch has none")
        return self.weight * self.codes.surprise(guess(critic, batch.fake), batch.codes)

    def generator(self, critic: nn.Module, batch: Batch) -> Tensor:
        return self.critic(critic, batch)


@dataclass(frozen=True)
class Classification(Auxiliary):
    r"""The critic also names the class, :math:`-\lambda\, \mathbb{E} \log Q(y \mid x)`.

    The critic learns it on real and generated samples, the generator on its own.

    Reference: Odena, Olah, Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", eq. 2 and 3.

    Arguments:
        weight: lambda (dimensionless, >= 0).

    Example:
        >>> from monge.objective import Classification
        >>> Classification(weight=0.5).outputs(classes=10)  # the head predicts one of ten classes
        10
    """

    weight: float = 1.0
    name: ClassVar[str] = "class_loss"
    conditional: ClassVar[bool] = True

    def outputs(self, classes: int) -> int:
        return classes

    def critic(self, critic: nn.Module, batch: Batch) -> Tensor:
        return self._surprise(critic, batch.real, batch) + self._surprise(critic, batch.fake, batch)

    def generator(self, critic: nn.Module, batch: Batch) -> Tensor:
        return self._surprise(critic, batch.fake, batch)

    def _surprise(self, critic: nn.Module, samples: Tensor, batch: Batch) -> Tensor:
        if batch.labels is None:
            raise ValueError("this objective predicts classes; the batch has none")
        return self.weight * F.cross_entropy(guess(critic, samples), batch.labels)
