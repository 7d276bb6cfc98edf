r"""Layers divided by an estimate of their norm, and the norm of a convolution to high precision.

The norm is that of the linear map between Euclidean spaces, its largest singular value. For a convolution with a kernel
of k x k pixels and stride s this is not the norm of the kernel written as a matrix M, (outputs, inputs k k):

.. math:: \lVert M \rVert_2 \le \lVert T \rVert_2 \le \lceil k / s \rceil\, \lVert M \rVert_2

It is M applied to patches, of which a pixel lies in at most :math:`\lceil k/s \rceil^2`; the lower limit holds where
the kernel fits into the image, seen at one pixel of the output (cf. Tsuzuku, Sato, Sugiyama 2018, "Lipschitz-margin
training").
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, svds
from torch import Tensor, nn
from torch.nn import functional as F

Size = tuple[int, int]
"""Height and width of an image in pixels."""

STARTS = 10
"""Power iterations before the first use."""


@dataclass(frozen=True)
class Convolution:
    r"""A convolution of images with zeros around them, as a linear map between flat vectors.

    Arguments:
        size: height and width of the input.
        kernel: pixels along a side of the kernel.
        stride, padding: pixels.
    """

    size: Size
    kernel: int
    stride: int = 1
    padding: int = 0

    @property
    def output_size(self) -> Size:
        """Height and width of the output."""
        height, width = ((side + 2 * self.padding - self.kernel) // self.stride + 1 for side in self.size)
        return height, width

    def __call__(self, weight: Tensor, x: Tensor) -> Tensor:
        """The image of one input: a kernel (outputs, inputs, kernel, kernel) and a vector, to a vector."""
        image = x.view(1, -1, *self.size)
        return F.conv2d(image, weight, stride=self.stride, padding=self.padding).flatten()

    def adjoint(self, weight: Tensor, y: Tensor) -> Tensor:
        """The transpose of the same map."""
        image = y.view(1, -1, *self.output_size)
        unseen = [(side + 2 * self.padding - self.kernel) % self.stride for side in self.size]
        return F.conv_transpose2d(image, weight, None, self.stride, self.padding, unseen).flatten()

    def norm(self, weight: Tensor) -> float:
        """The largest singular value to float64's precision, by Lanczos iterations (ARPACK) from a fixed start.

        Such iterations approach it from below. They miss it only if the start, normal random numbers, is orthogonal to
        the singular vector, which has probability zero.
        """
        weight = weight.detach().double().cpu()
        rows, columns = weight.shape[0] * math.prod(self.output_size), weight.shape[1] * math.prod(self.size)

        def forth(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return self(weight, torch.from_numpy(x.astype(np.float64).ravel())).numpy()

        def back(y: NDArray[np.float64]) -> NDArray[np.float64]:
            return self.adjoint(weight, torch.from_numpy(y.astype(np.float64).ravel())).numpy()

        if min(rows, columns) == 1:  # a vector
            return float(np.linalg.norm(back(np.ones(1)) if rows == 1 else forth(np.ones(1))))
        start = np.random.default_rng(0).normal(size=min(rows, columns))
        operator = LinearOperator((rows, columns), forth, back, dtype=np.float64)
        return float(svds(operator, 1, v0=start, return_singular_vectors=False)[0])


class SpectralLayer(nn.Module, ABC):
    r"""A layer whose weight W is divided by an estimate of its norm, the largest singular value.

    .. math:: v \leftarrow \frac{W^T u}{\lVert W^T u\rVert}, \quad u \leftarrow \frac{W v}{\lVert W v\rVert}, \qquad
              \bar W = \frac{W}{\langle u, W v\rangle}

    One such power iteration for each training pass, so that :math:`\lVert \bar W \rVert` is only near 1, and never
    below: a certificate needs `monge.nn.lipschitz.lipschitz`. The gradient passes through W, not through u and v.

    Reference: Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral normalization for GANs", Algorithm 1.
    """

    left: Tensor

    def __init__(self, free: Tensor, bias: Tensor, size: int) -> None:
        super().__init__()
        self.free, self.bias = nn.Parameter(free), nn.Parameter(bias)
        self.left = nn.Buffer(F.normalize(torch.randn(size), dim=0))

    @abstractmethod
    def image(self, v: Tensor) -> Tensor:
        """W v, flat."""

    @abstractmethod
    def adjoint(self, u: Tensor) -> Tensor:
        """W^T u, flat."""

    @abstractmethod
    def form(self, u: Tensor, v: Tensor) -> Tensor:
        """<u, W v>."""

    @torch.no_grad()
    def iterate(self, count: int = 1) -> None:
        """Improves the estimate in place."""
        for _ in range(count):
            right = F.normalize(self.adjoint(self.left), dim=0)
            self.left.copy_(F.normalize(self.image(right), dim=0))

    def weight(self) -> Tensor:
        """The normalised weight."""
        with torch.no_grad():
            right = F.normalize(self.adjoint(self.left), dim=0)
            if self.training:
                self.left.copy_(F.normalize(self.image(right), dim=0))
            # the graph must not see the changes of later passes
            left = self.left.clone()
        return self.free / self.form(left, right)


class SpectralLinear(SpectralLayer):
    """Linear layer of norm near 1.

    Arguments:
        inputs, outputs: number of units.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        free = torch.randn(outputs, inputs) / inputs**0.5
        super().__init__(free, (2 * torch.rand(outputs) - 1) / inputs**0.5, outputs)
        self.iterate(STARTS)

    def image(self, v: Tensor) -> Tensor:
        return self.free @ v

    def adjoint(self, u: Tensor) -> Tensor:
        return self.free.T @ u

    def form(self, u: Tensor, v: Tensor) -> Tensor:
        return u @ self.free @ v

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(), self.bias)


class SpectralConv(SpectralLayer):
    r"""Convolution whose linear map, from images of `size` to images, has norm near 1.

    Its u is an image of the output's size, W v a convolution and :math:`W^T u` a transposed one, so that stride,
    padding and borders count: exactly the map's norm, where Miyato et al. divide by that of the kernel written as a
    matrix, which can be smaller.

    Reference: Gouk, Frank, Pfahringer, Cree 2021, "Regularisation of neural networks by enforcing Lipschitz
    continuity", section 3; Ryu et al. 2019, "Plug-and-play methods provably converge with properly trained denoisers",
    section 4.

    Arguments:
        inputs, outputs: channels.
        size: height and width of the input in pixels.
        kernel, stride, padding: pixels.
    """

    def __init__(self, inputs: int, outputs: int, size: Size, kernel: int, stride: int = 1, padding: int = 0) -> None:
        operator = Convolution(size, kernel, stride, padding)
        count = inputs * kernel**2
        free = torch.randn(outputs, inputs, kernel, kernel) / count**0.5
        super().__init__(free, (2 * torch.rand(outputs) - 1) / count**0.5, outputs * math.prod(operator.output_size))
        self.operator = operator
        self.iterate(STARTS)

    def image(self, v: Tensor) -> Tensor:
        return self.operator(self.free, v)

    def adjoint(self, u: Tensor) -> Tensor:
        return self.operator.adjoint(self.free, u)

    def form(self, u: Tensor, v: Tensor) -> Tensor:
        return u @ self.operator(self.free, v)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight(), self.bias, self.operator.stride, self.operator.padding)
