"""A second head on a critic's features, for what else it is to guess of a sample."""

from typing import cast

from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.layer import xavier


def critic_features(critic: nn.Module, what: str) -> tuple[nn.Module, int]:
    """The part of a critic below its last linear map, and its number of outputs.

    Raises:
        UserError: the critic does not say them.
    """
    features, size = getattr(critic, "features", None), getattr(critic, "feature_size", None)
    if not isinstance(features, nn.Module) or not isinstance(size, int):
        raise UserError(
            f"critic: {what} needs a critic with `features`, a module, and `feature_size`, its number of outputs; "
            f"{type(critic).__name__} lacks them"
        )
    return features, size


class TwoHeadedCritic(nn.Module):
    """A critic with a second linear map of its features.

    Arguments:
        critic: gives (n, k) for samples.
        outputs: of the second head.
    """

    def __init__(self, critic: nn.Module, outputs: int) -> None:
        super().__init__()
        size = critic_features(critic, "a second head")[1]
        self.critic = critic
        self.head = xavier(nn.Linear(size, outputs))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The critic's own output; classes y are for the head to guess, so it does not see them."""
        return cast(Tensor, self.critic(x))

    def guess(self, x: Tensor) -> Tensor:
        """What the second head says of samples, (n, outputs)."""
        return cast(Tensor, self.head(cast(nn.Module, self.critic.features)(x)))


def guess(critic: nn.Module, x: Tensor) -> Tensor:
    """What the second head of a critic says of samples, (n, outputs)."""
    assert isinstance(critic, TwoHeadedCritic)
    return critic.guess(x)
