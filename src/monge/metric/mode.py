"""Modes covered and share of high-quality samples, for laws whose modes are known."""

import numpy as np
from scipy.spatial.distance import cdist

from monge.distance.exact import Points


def modes(fake: Points, centres: Points, deviation: float) -> dict[str, float]:
    """Counts modes that hold at least one high-quality sample, and the share of such samples.

    A sample is of high quality when it lies within three standard deviations of the nearest centre; a perfect
    generator in two dimensions scores 98.9 %. Reference: Srivastava et al. 2017 (VEEGAN), section 4; 2,500 samples.

    Arguments:
        fake: samples (n, d).
        centres: the law's modes (m, d).
        deviation: standard deviation of each mode, in the samples' units.
    """
    distances = cdist(fake, centres)
    high = distances.min(axis=1) <= 3 * deviation
    return {
        "modes": float(len(np.unique(distances.argmin(axis=1)[high]))),
        "high_quality": float(high.mean()),
    }
