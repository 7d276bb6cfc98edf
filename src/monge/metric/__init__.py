"""Quality of a generated set: functions of a real and a generated array of features, or of critic outputs."""

from monge.metric.class_shares import agreement, predicted, purity
from monge.metric.classifier import Classifier
from monge.metric.critic_matrix import (
    ClusterMatrix,
    cluster_matrix,
    cluster_weights,
    distance_matrix,
    real_probability,
    sample_weights,
)
from monge.metric.frechet import frechet_estimate
from monge.metric.inception_score import class_score
from monge.metric.memorisation import attraction, copying_rank, copying_share, nearest, novelty
from monge.metric.modes import mode_divergence, mode_figures
from monge.metric.precision_recall import coverage, expected_coverage, manifold

__all__ = [
    "Classifier",
    "ClusterMatrix",
    "agreement",
    "attraction",
    "class_score",
    "cluster_matrix",
    "cluster_weights",
    "copying_rank",
    "copying_share",
    "coverage",
    "distance_matrix",
    "expected_coverage",
    "frechet_estimate",
    "manifold",
    "mode_divergence",
    "mode_figures",
    "nearest",
    "novelty",
    "predicted",
    "purity",
    "real_probability",
    "sample_weights",
]
