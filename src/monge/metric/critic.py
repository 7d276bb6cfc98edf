"""What a trained critic's outputs tell of the two sides, in a few figures."""

from typing import Any

import numpy as np

from monge.distance.points import Points
from monge.metric.critic_matrix import ClusterMatrix, real_probability, sample_weights


def critic_figures(real: Points, fake: Points, clusters: ClusterMatrix) -> dict[str, Any]:
    """The distances between clusters, and the probabilities and weights of samples, each as a mean or median.

    The probabilities are 1/2, and the median weight 1, when the critic cannot tell generated from held-out samples.

    Arguments:
        real, fake: critic outputs (n, k) and (m, k).
        clusters: of these outputs.
    """
    probabilities = real_probability(real, fake)
    means = (float(probability.mean()) for probability in probabilities)
    return {
        "mean_distance": clusters.mean,
        "weighted_distance": clusters.weighted_distance,
        "real_probability": dict(zip(("real", "generated"), means, strict=True)),
        "median_weight": float(np.median(sample_weights(*probabilities))),
    }
