r"""Adversarial losses on critic outputs of shape (n, k). Stateless; both networks minimise.

D(x) is the critic's output, a number without a sigmoid; where a loss wants a probability it is
:math:`\sigma(D(x)) = 1 / (1 + e^{-D(x)})`, and its logarithms are taken from D(x), so that nothing overflows.

Zheng 2017 numbers seventeen equations, whose pictures are lost; they are written out here where they belong: 1, 2 and
4 to 9 in `Minimax`, 3, 10 and 11 in `NonSaturating`, 12 to 17 in `Wasserstein`. One of pairs is in `relativistic_loss`,
those of vectors are in `kernel_loss` and `transport_loss`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from monge.errors import UserError


class AdversarialLoss(ABC):
    """A pair of losses, one for each network, of critic outputs on real and generated samples.

    Attributes:
        vector: whether the critic may have more than one output; else k = 1 is needed.
        compares: whether the generator's loss depends on the outputs for real samples; else it is given none of them,
            (0, k), which saves a pass through the critic.
        separable: whether both losses are means over samples, or over pairs of the i-th real and the i-th generated
            one; else several processes give each the outputs of all (see `monge.nn.collective`).

    Example:
        >>> from dataclasses import dataclass
        >>> import torch
        >>> from monge.objective import AdversarialLoss
        >>> @dataclass(frozen=True)
        ... class Exponential(AdversarialLoss):
        ...     def critic(self, real, fake):
        ...         return (-real).exp().mean() + fake.exp().mean()
        ...
        ...     def generator(self, real, fake):
        ...         return (-fake).exp().mean()
        >>> Exponential().critic(torch.zeros(4, 1), torch.zeros(4, 1)).item()
        2.0
    """

    vector: ClassVar[bool] = False
    compares: ClassVar[bool] = True
    separable: ClassVar[bool] = False

    @abstractmethod
    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises, a scalar; `real` and `fake` are critic outputs of shape (n, k)."""

    @abstractmethod
    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the generator minimises, a scalar; only `fake` carries its graph."""

    def witness(self, outputs: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        """The function of a sample that tells the two distributions apart, (n,), larger where real samples are.

        It is what penalties act on: the critic's output itself, unless that is a vector.

        Arguments:
            outputs: critic outputs (n, k) at the points where the function is wanted.
            real, fake: critic outputs (m, k) on the samples of the batch.
        """
        return outputs.flatten()


@dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    r"""The Kantorovich-Rubinstein dual: no sigmoid, no logarithm.

    .. math:: L_D = \mathbb{E}_{x \sim p_g} D(x) - \mathbb{E}_{x \sim p_r} D(x), \qquad
              L_G = -\mathbb{E}_{x \sim p_g} D(x)

    Zheng 2017, part three and four: the least mean distance over all couplings (12) is a supremum over functions (13),

    .. math:: W = \inf_{\gamma \in \Pi(p_r, p_g)} \mathbb{E}_\gamma \lVert x - y \rVert
              = \frac{1}{K} \sup_{\lVert f \rVert_L \le K} \mathbb{E}_{p_r} f - \mathbb{E}_{p_g} f,

    so that over functions :math:`f_w` of a network with constant at most K (14)

    .. math:: K W \approx \max_w \mathbb{E}_{p_r} f_w - \mathbb{E}_{p_g} f_w.

    With :math:`L = \mathbb{E}_{p_r} f_w - \mathbb{E}_{p_g} f_w` (15) the generator minimises
    :math:`-\mathbb{E}_{p_g} f_w` (16) and the critic -L (17).

    Reference: Arjovsky, Chintala, Bottou 2017, eq. 2 and 3; Zheng 2017, eq. 12 to 17.

    Example:
        >>> import torch
        >>> from monge.objective import Wasserstein
        >>> real, fake = torch.tensor([[2.0], [1.0]]), torch.tensor([[-1.0], [0.0]])  # critic outputs
        >>> Wasserstein().critic(real, fake).item(), Wasserstein().generator(real, fake).item()
        (-2.0, 0.5)
    """

    compares: ClassVar[bool] = False
    separable: ClassVar[bool] = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()


@dataclass(frozen=True)
class Minimax(AdversarialLoss):
    r"""The first GAN: a discriminator's cross entropy, which the generator maximises.

    .. math:: L_D = -\mathbb{E}_{p_r} \log \sigma(D) - \mathbb{E}_{p_g} \log(1 - \sigma(D)), \qquad
              L_G = \mathbb{E}_{p_g} \log(1 - \sigma(D))

    These are eq. 1 and 2 of Zheng 2017. The best discriminator of a sample is :math:`D^* = p_r / (p_r + p_g)` (4), the
    root of :math:`-p_r / D + p_g / (1 - D)`. With it, and a term added to (2) that does not depend on the generator,

    .. math:: \mathbb{E}_{p_r} \log D^* + \mathbb{E}_{p_g} \log(1 - D^*)
              = \mathbb{E}_{p_r} \log \frac{p_r}{\frac12 (p_r + p_g)}
              + \mathbb{E}_{p_g} \log \frac{p_g}{\frac12 (p_r + p_g)} - 2 \log 2,

    which is (5). By the definitions (6) and (7),

    .. math:: \mathrm{KL}(p \| q) = \mathbb{E}_p \log \frac{p}{q}, \qquad \mathrm{JS}(p \| q)
              = \tfrac12 \mathrm{KL}\bigl(p \,\|\, \tfrac{p + q}{2}\bigr)
              + \tfrac12 \mathrm{KL}\bigl(q \,\|\, \tfrac{p + q}{2}\bigr),

    the right side is :math:`2\,\mathrm{JS}(p_r \| p_g) - 2 \log 2` (8), and so is the left (9). JS is log 2 for
    distributions
    that do not overlap, however far apart: the generator's gradient vanishes.

    Reference: Goodfellow et al. 2014, eq. 1, proposition 1 and theorem 1; Zheng 2017, eq. 1, 2 and 4 to 9.

    Example:
        >>> import math, torch
        >>> from monge.objective import Minimax
        >>> undecided = torch.zeros(4, 1)  # D = 1/2 everywhere
        >>> round(Minimax().critic(undecided, undecided).item(), 4), round(2 * math.log(2), 4)
        (1.3863, 1.3863)
    """

    compares: ClassVar[bool] = False
    separable: ClassVar[bool] = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -softplus(fake).mean()


@dataclass(frozen=True)
class NonSaturating(AdversarialLoss):
    r"""The same discriminator; the generator maximises the logarithm of its error, the "-log D trick".

    .. math:: L_G = -\mathbb{E}_{p_g} \log \sigma(D)

    This is eq. 3 of Zheng 2017. With :math:`\mathrm{KL}(p_g \| p_r) = \mathbb{E}_{p_g} \log(1 - D^*) - \mathbb{E}_{p_g}
    \log D^*` (10) and (9) it is, at the best discriminator,

    .. math:: -\mathbb{E}_{p_g} \log D^* = \mathrm{KL}(p_g \| p_r) - 2\,\mathrm{JS}(p_r \| p_g) + 2 \log 2
              + \mathbb{E}_{p_r} \log D^*,

    whose last two terms do not depend on the generator once D* is held: its gradient is that of
    :math:`\mathrm{KL}(p_g \| p_r) - 2\,\mathrm{JS}(p_r \| p_g)` (11), which draws the distributions together and pushes
    them apart.

    Reference: Goodfellow et al. 2014, section 3; Arjovsky, Bottou 2017, theorem 2.5; Zheng 2017, eq. 3, 10 and 11.

    Example:
        >>> import torch
        >>> from monge.objective import Minimax, NonSaturating
        >>> sure = torch.full((4, 1), -10.0, requires_grad=True)  # the discriminator is sure that these are generated
        >>> def slope(loss):
        ...     return torch.autograd.grad(loss.generator(sure, sure), sure)[0].norm().item()
        >>> slope(Minimax()) < 1e-4 < 0.4 < slope(NonSaturating())
        True
    """

    compares: ClassVar[bool] = False
    separable: ClassVar[bool] = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()


@dataclass(frozen=True)
class LeastSquares(AdversarialLoss):
    r"""Squares instead of logarithms: samples on the right side of the boundary but far from it still count.

    .. math:: L_D = \tfrac12 \mathbb{E}_{p_r} (D - b)^2 + \tfrac12 \mathbb{E}_{p_g} (D - a)^2, \qquad
              L_G = \tfrac12 \mathbb{E}_{p_g} (D - c)^2

    The best critic is :math:`(b p_r + a p_g) / (p_r + p_g)`. For b - c = 1 and b - a = 2 (a = -1, b = 1, c = 0) the
    generator's loss at it, with the same term of real samples added, is half of Pearson's
    :math:`\chi^2(p_r + p_g \,\|\, 2 p_g)`. The authors trained with a = 0 and b = c = 1, the default.

    Reference: Mao et al. 2017, "Least Squares Generative Adversarial Networks", eq. 2, 8 (Pearson) and 9 (default).

    Arguments:
        a: the critic's value for generated samples.
        b: the critic's value for real samples, another one.
        c: what the generator wants the critic to say.

    Raises:
        UserError: a and b are equal.

    Example:
        >>> import torch
        >>> from monge.objective import LeastSquares
        >>> real, fake = torch.tensor([[2.0], [1.0]]), torch.tensor([[-1.0], [0.0]])  # critic outputs
        >>> LeastSquares().critic(real, fake).item()
        0.5
        >>> LeastSquares(a=-1, b=1, c=0)  # the values for which the authors derive Pearson's divergence
        LeastSquares(a=-1, b=1, c=0)
    """

    compares: ClassVar[bool] = False
    separable: ClassVar[bool] = True
    a: float = 0.0
    b: float = 1.0
    c: float = 1.0

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise UserError(
                f"a and b must differ, as targets of generated and real samples; got {self.a:g} and {self.b:g}"
            )

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - self.b).square().mean() + (fake - self.a).square().mean()) / 2

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - self.c).square().mean() / 2


@dataclass(frozen=True)
class Hinge(AdversarialLoss):
    r"""The critic is a support vector machine: what lies beyond its margins costs nothing.

    .. math:: L_D = \mathbb{E}_{p_r} \max(0, 1 - D) + \mathbb{E}_{p_g} \max(0, 1 + D), \qquad
              L_G = -\mathbb{E}_{p_g} D

    The best critic is the sign of :math:`p_r - p_g`, where :math:`L_D = 2 - 2\,\mathrm{TV}(p_r, p_g)`.

    Reference: Lim, Ye 2017, "Geometric GAN"; Miyato et al. 2018, eq. 16 and 17.

    Example:
        >>> import torch
        >>> from monge.objective import Hinge
        >>> Hinge().critic(torch.tensor([[1.0], [7.0]]), torch.tensor([[-1.0], [-3.0]])).item()  # beyond both margins
        0.0
    """

    compares: ClassVar[bool] = False
    separable: ClassVar[bool] = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """What a discriminator with these logits minimises (Zheng 2017, eq. 1)."""
    return softplus(-real).mean() + softplus(fake).mean()


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)); torch's own gives up all terms but x from 20 on."""
    return -F.logsigmoid(-x)
