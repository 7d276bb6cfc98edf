"""The kinds of layers that a critic is built of: plain, spectrally normalised, or orthogonal."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import nn

from monge.errors import UserError
from monge.nn.layer import LeakyReLU
from monge.nn.orthogonal import GroupSort, OrthogonalConv, OrthogonalLinear
from monge.nn.spectral import Size, SpectralConv, SpectralLinear


@dataclass(frozen=True)
class Kind:
    """The layers of one kind.

    Arguments:
        linear: from numbers of inputs and outputs.
        convolution: from channels in and out, the input's height and width, the kernel's side and the stride; the
            output's height and width are the input's divided by the stride.
        activation: from the number of units it acts on, the slope of a leaky ReLU and the size of a group.
    """

    linear: Callable[[int, int], nn.Module]
    convolution: Callable[[int, int, Size, int, int], nn.Module]
    activation: Callable[[int, float, int], nn.Module]


def kind(name: str, allowed: Iterable[str] = ("plain", "spectral", "orthogonal")) -> Kind:
    """A kind by its name.

    Raises:
        UserError: a name that is not allowed.
    """
    allowed = tuple(allowed)
    if name not in allowed:
        raise UserError(f"layer {name!r} is not known; allowed: {', '.join(allowed)}")
    return _KINDS[name]


def _plain(inputs: int, outputs: int, size: Size, kernel: int, stride: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2)


def _spectral(inputs: int, outputs: int, size: Size, kernel: int, stride: int) -> nn.Module:
    return SpectralConv(inputs, outputs, size, kernel, stride, (kernel - 1) // 2)


def _orthogonal(inputs: int, outputs: int, size: Size, kernel: int, stride: int) -> nn.Module:
    """Its kernel covers the whole image, whatever the side of the free one."""
    return OrthogonalConv(inputs, outputs, size, stride)


def _leaky(units: int, slope: float, group: int) -> nn.Module:
    return LeakyReLU(slope)


def _sorted(units: int, slope: float, group: int) -> nn.Module:
    sort = GroupSort(group)
    sort.check(units)
    return sort


_KINDS = {
    "plain": Kind(nn.Linear, _plain, _leaky),
    "spectral": Kind(SpectralLinear, _spectral, _leaky),
    "orthogonal": Kind(OrthogonalLinear, _orthogonal, _sorted),
}
