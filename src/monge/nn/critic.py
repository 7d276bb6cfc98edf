"""What every critic is: features, and a linear map of them."""

from typing import cast

from torch import Tensor, nn


class Critic(nn.Module):
    """A critic x -> (n, k) without a sigmoid.

    Arguments:
        features: maps samples to vectors, (n, ...) -> (n, feature_size).
        output: linear map, (n, feature_size) -> (n, k).
        feature_size: number of features.
    """

    def __init__(self, features: nn.Module, output: nn.Module, feature_size: int) -> None:
        super().__init__()
        self.features, self.output, self.feature_size = features, output, feature_size

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.output(self.features(x)))
