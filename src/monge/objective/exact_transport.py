r"""Exact transport between batches as a loss of the generator alone, without a critic."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def transport_excess(real: Tensor, fake: Tensor, labels: Tensor | None = None) -> Tensor:
    r"""Exact transport from two batches of generated samples to a real one, less that between the two; differentiable.

    .. math:: \tfrac12 \bigl[W_1(\hat P_n, \hat Q_n) + W_1(\hat P_n, \hat Q_n') - W_1(\hat Q_n, \hat Q_n')\bigr]

    On batches W1 is never near zero: chance alone keeps two samples of one distribution apart, and less so where they
    huddle together, so that a generator that minimised it would shrink its samples towards their middle. The last term
    pays as much for huddling. For equal distributions the value is half of what W1 is by chance.

    References: for the envelope theorem, by which the gradient is that at a fixed optimal plan, Feydy et al. 2019,
    "Interpolating between optimal transport and MMD using Sinkhorn divergences", section 3.1; for the bias of batches
    Bellemare et al. 2017, "The Cramer distance as a solution to biased Wasserstein gradients", theorem 1.

    Arguments:
        real: (n, ...) real samples in model scale.
        fake: (2, n, ...) generated samples.
        labels: (n,) classes of the real samples, which both batches of generated ones were asked for; samples are then
            matched within their class. None matches all.

    Example:
        >>> import torch
        >>> from monge.objective import transport_excess
        >>> x, y, z = torch.randn(3, 256, 1, generator=torch.Generator().manual_seed(0))
        >>> near, far = (transport_excess(x, torch.stack([y, z]) + shift).item() for shift in (0, 3))
        >>> near < 0.2, 2.8 < far - near < 3.2
        (True, True)
    """
    one, other = fake
    to_one, to_other, between = (_matched(x, y, labels) for x, y in ((real, one), (real, other), (one, other)))
    return (to_one + to_other - between) / 2


def _matched(x: Tensor, y: Tensor, labels: Tensor | None) -> Tensor:
    """Mean distance between the samples of x (n, ...) and their partners in y (n, ...) by the cheapest matching."""
    x, y = x.flatten(1), y.flatten(1)
    with torch.no_grad():
        cost = torch.cdist(x.double(), y.double())
        if labels is not None:  # no detour is as long as this
            cost += (labels[:, None] != labels) * (len(x) * (1 + cost.max()))
        cost.nan_to_num_(nan=0.0, posinf=0.0)  # of a diverged generator, whose loss is then no number either
    _, partner = linear_sum_assignment(cost.cpu().numpy())
    # norm's own gradient at zero is zero, not NaN
    apart: Tensor = (x - y[torch.from_numpy(partner).to(y.device)]).norm(dim=1)
    return apart.mean()
