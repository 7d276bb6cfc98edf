"""What was published for the 28 benchmark pairs.

Korotin, Kolesov, Burnaev 2022, "Kantorovich strikes back! Wasserstein GANs are not optimal transport?", NeurIPS 2022
datasets and benchmarks; the authors' public result files. One run of each of eleven solvers, scored on 4,096 samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One pair's published numbers.

    Arguments:
        true: W1, measured on 4,096 samples.
        best_cosine: the highest of all solvers.
        best_solver: which one: GP and LP gradient penalties, SO orthogonal layers with full sort, MM:R maximin
            reversed, MM:B batch c-transform, DOT discrete transport.
        lp_cosine, lp_estimate: of the one-sided penalty, the best generic network in the median.
        so_cosine, so_estimate: of orthogonal layers, the best network that is Lipschitz by construction.
    """

    true: float
    best_cosine: float
    best_solver: str
    lp_cosine: float
    lp_estimate: float
    so_cosine: float
    so_estimate: float


PUBLISHED: Mapping[str, Published] = {
    "2-4": Published(0.817, 0.86, "MM:B", 0.82, 0.885, 0.77, 0.76),
    "2-16": Published(0.466, 0.84, "DOT", 0.81, 0.479, 0.69, 0.284),
    "2-64": Published(0.23, 0.72, "DOT", 0.68, 0.224, 0.66, 0.085),
    "2-256": Published(0.134, 0.55, "SO", 0.49, 0.105, 0.55, 0.035),
    "4-4": Published(1.385, 0.96, "MM:Bv2", 0.95, 1.482, 0.91, 1.266),
    "4-16": Published(1.003, 0.9, "LP", 0.9, 1.058, 0.73, 0.557),
    "4-64": Published(0.71, 0.82, "LP", 0.82, 0.688, 0.5, 0.259),
    "4-256": Published(0.492, 0.66, "LP", 0.66, 0.387, 0.31, 0.092),
    "8-4": Published(1.882, 0.97, "MM:R", 0.96, 1.984, 0.89, 1.684),
    "8-16": Published(1.585, 0.92, "GP", 0.92, 1.662, 0.75, 1.042),
    "8-64": Published(1.259, 0.83, "LP", 0.83, 1.182, 0.47, 0.54),
    "8-256": Published(1.008, 0.68, "LP", 0.68, 0.782, 0.26, 0.286),
    "16-4": Published(1.941, 0.97, "SO", 0.96, 2.122, 0.97, 1.889),
    "16-16": Published(1.738, 0.92, "LP", 0.92, 1.807, 0.85, 1.461),
    "16-64": Published(1.554, 0.78, "GP", 0.78, 1.348, 0.57, 0.849),
    "16-256": Published(1.399, 0.61, "GP", 0.6, 0.911, 0.4, 0.553),
    "32-4": Published(1.822, 0.98, "SO", 0.95, 1.917, 0.98, 1.777),
    "32-16": Published(1.67, 0.94, "SO", 0.9, 1.613, 0.94, 1.522),
    "32-64": Published(1.543, 0.74, "SO", 0.73, 1.177, 0.74, 1.057),
    "32-256": Published(1.412, 0.56, "GP", 0.55, 0.802, 0.53, 0.733),
    "64-4": Published(1.411, 0.96, "SO", 0.92, 1.46, 0.96, 1.425),
    "64-16": Published(1.36, 0.95, "SO", 0.76, 1.146, 0.95, 1.367),
    "64-64": Published(1.317, 0.83, "SO", 0.6, 0.833, 0.83, 1.077),
    "64-256": Published(1.283, 0.66, "SO", 0.53, 0.693, 0.66, 0.801),
    "128-4": Published(1.142, 0.93, "LP", 0.93, 1.144, 0.93, 1.047),
    "128-16": Published(1.072, 0.92, "SO", 0.75, 0.872, 0.92, 0.975),
    "128-64": Published(1.045, 0.64, "GP", 0.62, 0.687, 0.64, 0.693),
    "128-256": Published(1.042, 0.61, "SO", 0.56, 0.64, 0.61, 0.647),
}
"""By "D-N": dimension and number of funnels."""
