r"""Orthogonal layers and the activation that belongs to them: 1-Lipschitz by construction, in Euclidean norms.

Sorting preserves the norm of the gradient, so that orthogonal layers with GroupSort approximate every 1-Lipschitz
function, which ReLU between layers of norm 1 cannot (Anil, Lucas, Grosse 2019, "Sorting out Lipschitz function
approximation", theorems 1 and 3).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monge.errors import UserError
from monge.nn.spectral import Size


def cayley(free: Tensor) -> Tensor:
    r"""Matrices with orthonormal columns from free ones, :math:`V = [U; B]`, real or complex, (..., tall, thin).

    .. math:: A = U - U^* + B^* B, \qquad W = \begin{bmatrix} (I + A)^{-1} (I - A) \\ -2 B (I + A)^{-1} \end{bmatrix}

    Since :math:`A + A^* = 2 B^* B \ge 0`, the inverse exists and has norm at most 1.

    Reference: Trockman, Kolter 2021, "Orthogonalizing convolutional layers with the Cayley transform", eq. 7 and 8.
    """
    thin = free.shape[-1]
    upper, lower = free[..., :thin, :], free[..., thin:, :]
    a = upper - upper.mH + lower.mH @ lower
    one = torch.eye(thin, dtype=a.dtype, device=a.device)
    inverse = torch.linalg.inv(one + a)
    return torch.cat([inverse @ (one - a), -2 * lower @ inverse], dim=-2)


class OrthogonalLinear(nn.Module):
    r"""Linear layer whose weight has orthonormal columns (rows, if it has fewer outputs than inputs), by `cayley`.

    Arguments:
        inputs, outputs: number of units.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        tall, thin = max(inputs, outputs), min(inputs, outputs)
        # this deviation makes B^T B near one for a tall V, and spreads a square W's angles over the circle
        self.free = nn.Parameter(torch.randn(tall, thin) / tall**0.5)
        self.bias = nn.Parameter((2 * torch.rand(outputs) - 1) / inputs**0.5)
        self.wide = outputs < inputs

    def weight(self) -> Tensor:
        """The orthogonal matrix, (outputs, inputs)."""
        w = cayley(self.free)
        return w.T if self.wide else w

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(), self.bias)


class OrthogonalConv(nn.Module):
    r"""Convolution on a torus that keeps the norm of every image (the adjoint of one, if it has fewer outputs).

    On a torus a convolution is one matrix :math:`\hat W(\omega)` between channels for each frequency, so it is
    orthogonal if every one of them is unitary:

    .. math:: \hat y(\omega) = \hat W(\omega)\, \hat x(\omega), \qquad \hat W(\omega) = \mathrm{cayley}(\hat V(\omega))

    with V a free kernel of 3 x 3 pixels; the inverse in the transform spreads it over the whole image. A stride s first
    turns each s x s block of pixels into :math:`s^2` channels, which only permutes numbers. The singular values are
    those of all :math:`\hat W(\omega)`: :math:`\min(s^2 n_{in}, n_{out})` for each frequency, all of them 1.

    Reference: Trockman, Kolter 2021, section 4; the stride as in their appendix on strided convolutions.

    Arguments:
        inputs, outputs: channels.
        size: height and width of the input in pixels; multiples of the stride, at least 3 times as large.
        stride: block size.
    """

    def __init__(self, inputs: int, outputs: int, size: Size, stride: int = 1) -> None:
        super().__init__()
        self.size, self.stride = size, stride
        inputs = inputs * stride**2
        tall, thin = max(inputs, outputs), min(inputs, outputs)
        # each frequency sums nine numbers, and then has the deviation of the linear layer
        self.free = nn.Parameter(torch.randn(tall, thin, 3, 3) / (3 * tall**0.5))
        self.bias = nn.Parameter((2 * torch.rand(outputs) - 1) / inputs**0.5)
        self.wide = outputs < inputs

    def spectrum(self) -> Tensor:
        """The matrices of half of the frequencies, (h, w // 2 + 1, outputs, inputs), of outputs of h x w pixels.

        The others are their complex conjugates.
        """
        below, beside = (side // self.stride - 3 for side in self.size)
        centred = F.pad(self.free, (0, beside, 0, below)).roll((-1, -1), dims=(2, 3))
        w = cayley(torch.fft.rfft2(centred).permute(2, 3, 0, 1))
        return w.mH if self.wide else w

    def forward(self, x: Tensor) -> Tensor:
        blocks = F.pixel_unshuffle(x, self.stride) if self.stride > 1 else x
        images = self.spectrum() @ torch.fft.rfft2(blocks).permute(2, 3, 1, 0)
        out: Tensor = torch.fft.irfft2(images.permute(3, 2, 0, 1), s=blocks.shape[2:])
        return out + self.bias[:, None, None]


class GroupSort(nn.Module):
    """Sorts units (or channels) in groups: a permutation for each sample, hence 1-Lipschitz and norm-preserving.

    Reference: Anil, Lucas, Grosse 2019, section 4.1; groups of two are the MaxMin of Chernodub, Nowicki 2016.

    Arguments:
        size: units in a group; 0 sorts all of them.

    Raises:
        UserError: (in the forward pass) the number of units is no multiple of the size.
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = size

    def check(self, units: int) -> None:
        """Refuses a number of units that is no multiple of the group's size."""
        if units % (self.size or units):
            raise UserError(f"GroupSort: the number of units must be a multiple of {self.size}; got {units}")

    def forward(self, x: Tensor) -> Tensor:
        units = x.shape[1]
        self.check(units)
        if self.size == 2:
            one, other = x.chunk(2, dim=1)
            return torch.cat([torch.maximum(one, other), torch.minimum(one, other)], dim=1)
        groups: Tensor = x.unflatten(1, (-1, self.size or units))
        return groups.sort(dim=2).values.flatten(1, 2)
