"""Networks that are asked for a class or codes, and judge whether a sample is of a class."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import torch
from torch import Tensor, nn

from monge.nn.code import CodedGenerator, probability
from monge.nn.head import critic_features


class ConditionalGenerator(nn.Module):
    r"""A generator that takes a learnt vector of the class beside its latent numbers.

    Without a class the last latent number z decides: class k where :math:`\Phi(z)` lies in the k-th of intervals as
    long as the classes' shares, so that samples without a class follow the whole distribution.

    Arguments:
        generator: takes `embedding` inputs more than there are further latent dimensions.
        shares: of the classes in the data, (c,), summing to one.
        embedding: size of the class's vector.
    """

    def __init__(self, generator: nn.Module, shares: Tensor, embedding: int) -> None:
        super().__init__()
        self.generator = generator
        self.embedding = nn.Embedding(len(shares), embedding)
        self.shares = nn.Buffer(shares)
        inputs = generator.latent
        assert isinstance(inputs, int)
        self.latent = inputs - embedding + 1

    def labels(self, z: Tensor) -> Tensor:
        """The classes (n,) that latent numbers (n, latent) decide for."""
        ends = self.shares.cumsum(0)[:-1].contiguous()
        return torch.bucketize(probability(z[:, -1]).contiguous(), ends, right=True)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Samples of latent numbers (n, latent) and classes (n,)."""
        vectors = self.embedding(self.labels(z) if y is None else y)
        return cast(Tensor, self.generator(torch.cat([z[:, :-1], vectors.to(z.dtype)], dim=1)))


def condition_of(
    generator: nn.Module,
    z: Tensor,
    *,
    label: int | None = None,
    codes: Mapping[int, float] = MappingProxyType({}),
) -> Tensor | None:
    """The second input of a generator for latent numbers (n, z): classes (n,), codes (n, c), or None if it has none.

    Arguments:
        label: index of the class that a conditional generator is asked for; none follows the latent numbers.
        codes: values of a coded generator's codes by their index; others follow the latent numbers.

    Raises:
        UserError: a value that a code does not take.
    """
    if isinstance(generator, ConditionalGenerator):
        return generator.labels(z) if label is None else torch.full((len(z),), label)
    if isinstance(generator, CodedGenerator):
        chosen = generator.codes.of(z)
        for index, value in codes.items():
            generator.codes.check(index, value)
            chosen[:, index] = value
        return chosen
    return None


class ProjectionCritic(nn.Module):
    r"""A critic of samples and classes, :math:`D(x, y) = D(x) + \langle v_y, \phi(x)\rangle`.

    Without a class it is the mean over classes, by their shares.

    Reference: Miyato, Koyama 2018, "cGANs with Projection Discriminator", eq. 3 and figure 1.

    Arguments:
        critic: with features phi, gives (n, 1).
        shares: of the classes in the data, (c,).
    """

    def __init__(self, critic: nn.Module, shares: Tensor) -> None:
        super().__init__()
        size = critic_features(critic, "a class")[1]
        self.critic = critic
        self.shares = nn.Buffer(shares)
        self.vectors = nn.Parameter(torch.randn(len(shares), size) / size**0.5)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Values (n, 1) for samples and their classes (n,)."""
        features = cast(Tensor, cast(nn.Module, self.critic.features)(x))
        vectors = (self.shares @ self.vectors)[None] if y is None else self.vectors[y]
        return cast(Tensor, cast(nn.Module, self.critic.output)(features)) + (vectors * features).sum(1, keepdim=True)
