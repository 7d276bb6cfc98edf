"""Orthogonal layers: singular values of the dense matrix, norms kept, sorting."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.dcgan import DCGANCritic
from monge.nn.mlp import MLPCritic
from monge.nn.orthogonal import GroupSort, OrthogonalConv, OrthogonalLinear, cayley
from monge.nn.sngan import SNGANCritic
from monge.nn.spectral import Size

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def matrix(layer: OrthogonalConv, inputs: int) -> Tensor:
    height, width = layer.size
    count = inputs * height * width
    units = torch.eye(count, dtype=torch.float64).view(count, inputs, height, width)
    return (layer(units) - layer(torch.zeros_like(units[:1]))).flatten(1).T.detach()


@few
@given(seeds, st.integers(1, 40), st.integers(1, 40))
def test_cayley_weights_are_orthogonal(seed: int, inputs: int, outputs: int) -> None:
    torch.manual_seed(seed)
    w = OrthogonalLinear(inputs, outputs).double().weight()
    assert w.shape == (outputs, inputs)
    assert torch.linalg.svdvals(w).detach().numpy() == pytest.approx(np.ones(min(inputs, outputs)), abs=1e-10)


@few
@given(seeds, st.integers(1, 8), st.integers(1, 8), st.floats(0, 100))
def test_cayley_takes_complex_matrices_of_any_size(seed: int, rows: int, columns: int, scale: float) -> None:
    free = scale * torch.complex(normal(seed, 3, rows + columns, columns), normal(seed + 1, 3, rows + columns, columns))
    w = cayley(free)
    torch.testing.assert_close(w.mH @ w, torch.eye(columns, dtype=w.dtype).expand(3, -1, -1), atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("inputs", "outputs", "size", "stride"),
    [
        (4, 4, (5, 5), 1),
        (2, 5, (6, 6), 1),
        (5, 2, (6, 6), 1),
        (1, 4, (8, 8), 2),
        (2, 8, (6, 6), 2),
        (2, 3, (8, 8), 2),
        (3, 16, (6, 6), 2),
        (3, 3, (3, 3), 1),
        (3, 2, (3, 7), 1),
        (2, 5, (10, 6), 2),
    ],
)
def test_every_singular_value_of_a_convolution_is_one(inputs: int, outputs: int, size: Size, stride: int) -> None:
    """As many as the smaller of the two spaces has dimensions; the rest of the larger one is lost or not reached."""
    torch.manual_seed(0)
    layer = OrthogonalConv(inputs, outputs, size, stride).double()
    dense = matrix(layer, inputs)
    assert dense.shape == (outputs * (size[0] // stride) * (size[1] // stride), inputs * size[0] * size[1])
    assert torch.linalg.svdvals(dense).numpy() == pytest.approx(np.ones(min(dense.shape)), abs=1e-12)


def test_a_convolution_moves_with_its_image() -> None:
    torch.manual_seed(0)
    layer, x = OrthogonalConv(2, 3, (8, 12), 2).double(), normal(0, 1, 2, 8, 12)
    torch.testing.assert_close(layer(x.roll((2, 4), dims=(2, 3))), layer(x).roll((1, 2), dims=(2, 3)))


def test_a_convolution_starts_around_its_pixel() -> None:
    """With B^T B = 0 and a small U the transform is I - 2 (U - U^T): the free kernel less its mirror image."""
    torch.manual_seed(0)
    layer = OrthogonalConv(1, 1, (9, 9)).double()
    layer.free.data *= 1e-4
    image = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    image[0, 0, 4, 4] = 1
    found = (layer(image) - layer.bias[:, None, None])[0, 0].detach() - image[0, 0]
    kernel = layer.free[0, 0].detach()
    inner = torch.zeros_like(found)
    inner[3:6, 3:6] = -2 * (kernel - kernel.flip(0, 1))
    assert (found - inner).abs().max() < 1e-3 * inner.abs().max()


@few
@given(seeds, st.sampled_from([1, 2, 4, 0]), st.sampled_from([(), (3,), (2, 3)]))
def test_group_sort_permutes_within_groups(seed: int, size: int, pixels: tuple[int, ...]) -> None:
    x = normal(seed, 5, 8, *pixels)
    y = GroupSort(size)(x)
    assert y.shape == x.shape
    assert torch.equal(y.sort(dim=1).values, x.sort(dim=1).values)
    if size == 0:
        assert torch.equal(y, x.sort(dim=1).values)
    if size == 2:
        assert (y[:, :4] >= y[:, 4:]).all()


def test_group_sort_refuses_a_width_that_does_not_divide() -> None:
    with pytest.raises(UserError, match="multiple of 4; got 6"):
        GroupSort(4)(torch.zeros(2, 6))


def test_max_min_keeps_the_norm_of_the_gradient() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        OrthogonalConv(2, 8, (6, 6), 2),
        GroupSort(),
        OrthogonalConv(8, 8, (3, 3)),
        GroupSort(),
        nn.Flatten(),
        OrthogonalLinear(72, 1),
    ).double()
    x = normal(0, 20, 2, 6, 6).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    assert gradient.flatten(1).norm(dim=1).numpy() == pytest.approx(np.ones(20))


CRITICS = {
    "mlp": lambda: MLPCritic((1, 8, 8), width=12, depth=2, layer="orthogonal", group=3),
    "mlp full sort": lambda: MLPCritic((1, 8, 8), width=12, depth=1, layer="orthogonal", group=0),
    "mlp vector output": lambda: MLPCritic((1, 8, 8), width=12, depth=2, layer="orthogonal", outputs=5),
    "dcgan": lambda: DCGANCritic((1, 8, 8), width=4, layer="orthogonal"),
    "dcgan constant": lambda: DCGANCritic((1, 8, 8), width=2, constant=True, layer="orthogonal", outputs=3),
    "sngan": lambda: SNGANCritic((1, 8, 8), width=4, layer="orthogonal"),
}


@pytest.mark.parametrize("name", CRITICS)
@few
@given(seed=seeds, near=st.booleans())
def test_no_two_images_show_more_than_one(name: str, seed: int, near: bool) -> None:
    torch.manual_seed(seed)
    critic = CRITICS[name]().double()
    x, step = normal(seed, 20, 1, 8, 8), normal(seed + 1, 20, 1, 8, 8)
    y = x + (1e-3 if near else 3) * step
    change = (critic(x) - critic(y)).norm(dim=1)
    assert (change <= (1 + 1e-10) * (x - y).flatten(1).norm(dim=1)).all()
