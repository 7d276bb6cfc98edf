"""What several networks share: initialisation and questions about layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor, nn
from torch.nn import functional as F

from monge.errors import UserError

NORMS = ("batch", "layer", "none")
_WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def xavier(module: nn.Module) -> nn.Module:
    r"""Draws every weight from :math:`U(-a, a)` with :math:`a = \sqrt{6/(n_{in}+n_{out})}`.

    Biases keep torch's draw from :math:`U(-n_{in}^{-1/2}, n_{in}^{-1/2})`: zero biases put every kink of the critic
    through the origin, and on digits cost variance of the samples (.912 of the real one against .919, seed 0).

    Reference: Glorot, Bengio 2010, eq. 16; what Zen n.d. (section 3.5) recommends for the critic.
    """
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            nn.init.xavier_uniform_(layer.weight)
    return module


def batch_norms(module: nn.Module) -> list[str]:
    """Names of the layers whose output for one sample depends on the others in the batch."""
    return [name for name, layer in module.named_modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]


_TWICE = ContextVar("twice", default=False)


@contextmanager
def differentiated_twice() -> Iterator[None]:
    """Tells layers that the gradient of what they compute now will itself be differentiated."""
    token = _TWICE.set(True)
    try:
        yield
    finally:
        _TWICE.reset(token)


class LeakyReLU(nn.Module):
    """x for x > 0, else slope * x; where it is differentiated twice, as a product with a mask without a gradient.

    Its second derivative is zero wherever it exists. Autograd does not know that of torch's own layer: in the double
    backward of a gradient penalty it sends zeros through the whole network once more, which for a convolutional
    critic is a fifth of its update. The mask needs four passes instead of one, so it is used there only.

    Arguments:
        slope: slope for negative inputs, in [0, 1]; 0 is the plain ReLU.
    """

    def __init__(self, slope: float = 0.2) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        if not _TWICE.get():
            return F.leaky_relu(x, self.slope)
        half = (1 - self.slope) / 2
        return x * x.detach().sign().mul_(half).add_(1 - half)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel: (n, c, h, w) -> (n, c, h, w), or of (n, c).

    Unlike batch norm it treats samples apart, so a gradient penalty per sample stays well defined
    (Gulrajani et al. 2017, section 4).
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def normalisation(kind: str, channels: int, *, flat: bool = False) -> nn.Module:
    """A layer by name, "batch", "layer" or "none", for images (n, channels, h, w), or for flat (n, channels).

    Raises:
        UserError: another name.
    """
    if kind not in NORMS:
        raise UserError(f"--generator or --critic: norm {kind!r} is not known; allowed: {', '.join(NORMS)}")
    if kind == "batch":
        return nn.BatchNorm1d(channels) if flat else nn.BatchNorm2d(channels)
    return ChannelNorm(channels) if kind == "layer" else nn.Identity()
