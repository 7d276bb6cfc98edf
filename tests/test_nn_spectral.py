"""Norms of convolutions against the dense matrix's singular values, and layers divided by their estimates."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from monge.nn.spectral import Convolution, Size, SpectralConv, SpectralLinear

few = settings(deadline=None, max_examples=25)
Case = tuple[int, int, Size, int, int, int]
# inputs, outputs, size, kernel, stride, padding
CASES: list[Case] = [
    (1, 1, (8, 8), 3, 1, 1),
    (2, 3, (5, 5), 3, 1, 1),
    (2, 3, (8, 8), 4, 2, 1),
    (3, 2, (7, 7), 4, 2, 1),
    (2, 2, (7, 7), 3, 2, 0),
    (2, 4, (6, 6), 3, 3, 0),
    (3, 2, (4, 4), 1, 1, 0),
    (1, 1, (3, 3), 3, 1, 0),
    (1, 4, (1, 1), 1, 1, 0),
    (2, 3, (4, 6), 4, 2, 1),
    (2, 2, (7, 4), 3, 2, 1),
]
cases = pytest.mark.parametrize("case", CASES)


def dense(weight: Tensor, size: Size, stride: int, padding: int) -> Tensor:
    """The matrix of a convolution: column i is the image of the i-th unit vector."""
    count = weight.shape[1] * size[0] * size[1]
    units = torch.eye(count, dtype=weight.dtype).view(count, -1, *size)
    return F.conv2d(units, weight, stride=stride, padding=padding).flatten(1).T


def layer(case: Case) -> SpectralConv:
    torch.manual_seed(sum(case[:2]) + sum(case[2]) + sum(case[3:]))
    return SpectralConv(*case).double().requires_grad_(False)


def largest(layer: SpectralConv, weight: Tensor) -> float:
    found = dense(weight, layer.operator.size, layer.operator.stride, layer.operator.padding)
    return float(torch.linalg.matrix_norm(found, 2))


@cases
def test_the_norm_is_the_dense_matrixs(case: Case) -> None:
    conv = layer(case)
    assert conv.operator.norm(conv.free) == pytest.approx(largest(conv, conv.free), rel=1e-12)


@cases
def test_the_adjoint_is_the_transposed_matrix(case: Case) -> None:
    conv = layer(case)
    matrix = dense(conv.free, case[2], *case[4:])
    x, y = torch.randn(matrix.shape[1]).double(), torch.randn(matrix.shape[0]).double()
    torch.testing.assert_close(conv.operator(conv.free, x), matrix @ x)
    torch.testing.assert_close(conv.operator.adjoint(conv.free, y), matrix.T @ y)


@cases
def test_iterations_approach_norm_one_from_above(case: Case) -> None:
    conv = layer(case)
    start = largest(conv, conv.weight())
    assert start >= 1 - 1e-12
    conv.iterate(2000)
    assert 1 - 1e-12 <= largest(conv, conv.eval().weight()) <= min(1.001, start + 1e-12)


@few
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.data())
def test_the_kernels_matrix_bounds_the_norm(
    seed: int, inputs: int, outputs: int, kernel: int, stride: int, data: st.DataObject
) -> None:
    sides, padding = st.integers(kernel, 8), data.draw(st.integers(0, kernel - 1))
    size = data.draw(sides), data.draw(sides)
    # some patch must lie inside, or the lower limit is none
    if -padding % stride > min(size) - kernel:
        padding = 0
    weight = torch.randn(outputs, inputs, kernel, kernel, generator=torch.Generator().manual_seed(seed)).double()
    norm = Convolution(size, kernel, stride, padding).norm(weight)
    assert norm == pytest.approx(float(torch.linalg.matrix_norm(dense(weight, size, stride, padding), 2)), rel=1e-10)
    matrix = float(torch.linalg.matrix_norm(weight.flatten(1), 2))
    assert (1 - 1e-12) * matrix <= norm <= (1 + 1e-12) * -(-kernel // stride) * matrix


def test_the_kernels_matrix_has_another_norm() -> None:
    """A mean over 3 x 3 pixels leaves a constant image as it is but for its border; as a matrix its norm is 1/3."""
    weight = torch.full((1, 1, 3, 3), 1 / 9)
    assert torch.linalg.matrix_norm(weight.flatten(1), 2) == pytest.approx(1 / 3)
    assert 0.95 < Convolution((16, 16), 3, padding=1).norm(weight) < 1
    assert Convolution((4, 4), 3, padding=1).norm(weight) < 0.85


@pytest.mark.parametrize("make", [lambda: SpectralLinear(6, 5), lambda: SpectralConv(2, 3, (8, 8), 4, 2, 1)])
def test_only_training_passes_iterate(make) -> None:
    torch.manual_seed(0)
    spectral = make()
    before = spectral.left.clone()
    first = spectral.eval().weight()
    assert torch.equal(spectral.left, before)
    assert torch.equal(spectral.weight(), first)
    spectral.train().weight()
    assert not torch.equal(spectral.left, before)
    again = make()
    again.load_state_dict(spectral.state_dict())
    assert torch.equal(again.weight(), spectral.weight())


@pytest.mark.parametrize("make", [lambda: SpectralLinear(6, 4), lambda: SpectralConv(1, 3, (6, 4), 4, 2, 1)])
def test_the_gradient_is_that_of_the_pass_whatever_passes_follow(make) -> None:
    torch.manual_seed(0)
    one = make().double()
    other, direction = copy.deepcopy(one), torch.randn_like(one.free)
    for spectral, later in ((one, 0), (other, 2)):
        value = (spectral.weight() * direction).sum()
        for _ in range(later):
            spectral.weight()
        value.backward()
    assert torch.equal(one.free.grad, other.free.grad)
    # a multiple of W has the same normalised weight
    assert float((one.free.grad * one.free.detach()).sum()) == pytest.approx(0, abs=1e-12)


def test_the_gradient_of_a_linear_layer() -> None:
    r"""(G - <G, W> u v^T) / s, where s is the norm (Miyato et al. 2018, eq. 12)."""
    torch.manual_seed(0)
    layer = SpectralLinear(6, 4).double().eval()
    direction = torch.randn_like(layer.free)
    weight = layer.weight()
    (weight * direction).sum().backward()
    right = F.normalize(layer.adjoint(layer.left), dim=0)
    share = (direction * weight).sum() * torch.outer(layer.left, right)
    torch.testing.assert_close(layer.free.grad, (direction - share) / layer.form(layer.left, right))


def test_a_module_of_torch_is_the_same_map() -> None:
    torch.manual_seed(0)
    spectral = SpectralConv(2, 3, (7, 9), 4, 2, 1).eval()
    plain = nn.Conv2d(2, 3, 4, 2, 1)
    plain.load_state_dict({"weight": spectral.weight().detach(), "bias": spectral.bias.detach()})
    x = torch.randn(5, 2, 7, 9)
    assert torch.equal(spectral(x), plain(x))
