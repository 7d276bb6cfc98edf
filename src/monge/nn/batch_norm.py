"""Batch normalisation over the batch of all processes, which torch's own refuses on a CPU, and of finished networks."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from monge.nn.collective import added, alone, gathered, world_size

TOGETHER = 256
"""Samples in a batch whose statistics are settled."""
_KNOWN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation with the mean and variance of the batches of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or world_size() == 1:
            return super().forward(x)
        out, mean, variance = _Normalised.apply(x, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        self._remember(mean, variance, _numbers(x))
        return cast(Tensor, out)

    def _check_input_dim(self, x: Tensor) -> None:
        """Takes any number of dimensions, as it stands for layers of several."""

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """Takes the statistics of a batch of n numbers a channel into the running ones."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        part = 1 / self.num_batches_tracked.to(mean.dtype) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, part)
        self.running_var.lerp_(variance * (n / (n - 1)), part)


class _Normalised(torch.autograd.Function):
    r"""The normalised batch with its mean and variance, which carry no gradient of their own.

    Of the means :math:`m_r` and variances :math:`v_r` of W parts of equal size

    .. math:: m = \frac1W \sum_r m_r, \qquad v = \frac1W \sum_r \bigl(v_r + (m_r - m)^2\bigr).

    With :math:`\hat x = (x - m) / s`, :math:`s^2 = v + \epsilon`, weights w and means over the whole batch, the
    gradient g becomes :math:`\frac{w}{s} \bigl(g - \overline g - \hat x\, \overline{g \hat x}\bigr)`.

    References: Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1; Ioffe, Szegedy
    2015, "Batch normalization", section 3.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        own = torch.stack(torch.batch_norm_update_stats(x, None, None, 0.0))
        means, variances = gathered(own[None]).unbind(1)
        mean = means.mean(0)
        variance = (variances + (means - mean).square()).mean(0)
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, given, mean, variance = ctx.saved_tensors
        weight = torch.ones_like(mean) if given is None else given
        # as if mean and variance were constants
        direct, to_weight, to_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        sum_hat, total = (added(torch.stack([to_weight, to_bias])) / _numbers(x)).unbind()
        inverse = (variance + ctx.eps).rsqrt()
        slope = -weight * inverse.square() * sum_hat
        offset = -weight * inverse * total - slope * mean
        each = (1, -1, *[1] * (x.dim() - 2))
        through = direct.add_(offset.view(each)).addcmul_(x, slope.view(each))
        return through, to_weight, to_bias, None


def _numbers(x: Tensor) -> int:
    """How many numbers a channel has in the batches of all processes."""
    return world_size() * x.numel() // x.shape[1]


def share_batch_norms(network: nn.Module) -> None:
    """Turns every batch norm of a network into a `SharedBatchNorm` with the same parameters and statistics."""
    for layer in network.modules():
        if type(layer) in _KNOWN:
            layer.__class__ = SharedBatchNorm


@torch.no_grad()
def settle(network: nn.Module, codes: Tensor) -> None:
    """Gives a generator's batch norms the statistics of what it makes of some latent codes, in place of running ones.

    Running statistics are of the last few batches, and of the weights as they were then. Those of an average of weights
    are others, and with batches of 16 images the light and dark of all samples are off by a chance of that size.

    References: Izmailov et al. 2018, "Averaging weights leads to wider optima", section 3.2; Brock, Donahue, Simonyan
    2019, "Large scale GAN training", on standing statistics.

    Arguments:
        codes: (n, z); the mean is taken over the statistics of batches of 256.

    Example:
        >>> network = nn.Sequential(nn.BatchNorm1d(1))
        >>> settle(network, torch.tensor([[1.0], [3.0]]))
        >>> network[0].running_mean, network[0].running_var
        (tensor([2.]), tensor([2.]))
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    if not layers:
        return
    before = [(layer, layer.training, layer.momentum) for layer in layers]
    training = network.training
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
        layer.momentum = None  # a mean over all batches
    with alone():
        for part in codes.split(TOGETHER):
            network(part)
    network.train(training)
    for layer, trained, momentum in before:
        layer.train(trained)
        layer.momentum = momentum
