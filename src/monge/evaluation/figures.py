"""The figures of a trained generator, in the order in which they are shown.

A new one is a function of real and generated features in `metric/`, and one line here: documents, tables and tests loop
over the entries.
"""

from monge.evaluation.doubt import (
    FEW,
    FEW_FOR_A_COVARIANCE,
    FEW_FOR_EACH_MODE,
    FEW_OF_A_CLASS,
    HEAVY_TAILS,
    UNSURE_CLASSIFIER,
    WITHIN_ITS_ERROR,
    ZERO_FLOOR,
)
from monge.evaluation.entry import Entry
from monge.evaluation.ledger import Reading
from monge.evaluation.measurement import Measured
from monge.evaluation.per_class import per_class
from monge.evaluation.phases import statistics
from monge.evaluation.readings import (
    accuracy,
    bracket,
    bright_share,
    classes,
    compared,
    copying,
    critic,
    frechet,
    manifold,
    modes,
    of,
    score,
)
from monge.metric.panel import kid_estimate, variance_ratio

Figures = tuple[Entry[Measured, Reading], ...]

TRANSPORT: Figures = (
    Entry("lower", of(bracket, "lower"), "W1 is at least this", "distance", "lower"),
    Entry("upper", of(bracket, "upper"), "exact transport; too large at finite n", "distance", "real", ZERO_FLOOR),
    Entry(
        "spread",
        of(bracket, "spread"),
        "the same between generated samples",
        "distance",
        "real",
        ZERO_FLOOR | HEAVY_TAILS,
    ),
    Entry(
        "excess",
        of(bracket, "excess"),
        "upper - (floor + spread) / 2: the number to watch",
        "distance",
        0,
        ZERO_FLOOR | HEAVY_TAILS,
    ),
    Entry(
        "estimate",
        of(bracket, "estimate"),
        "of W1 itself: sqrt(upper^2 - floor spread)",
        "distance",
        0,
        ZERO_FLOOR | HEAVY_TAILS,
    ),
    Entry(
        "upper_over_floor",
        of(bracket, "upper_over_floor"),
        "rewards blur more than the excess does",
        "ratio",
        1,
        ZERO_FLOOR,
    ),
)
"""The bracket of W1 between generated and held-out samples, and what is made of it."""

BESIDE: Figures = (
    Entry(
        "precision",
        of(manifold, "precision"),
        "share of generated samples inside the real manifold",
        "share",
        "higher",
        FEW,
    ),
    Entry(
        "recall", of(manifold, "recall"), "share of real samples inside the generated manifold", "share", "higher", FEW
    ),
    Entry(
        "density", of(manifold, "density"), "real balls per generated sample, relative to expectation", "ratio", 1, FEW
    ),
    Entry(
        "coverage",
        of(manifold, "coverage"),
        "share of real balls that contain a generated sample",
        "share",
        "higher",
        FEW,
    ),
    Entry(
        "kid",
        compared(kid_estimate),
        "kernel distance, unbiased; in the features' scale",
        "squared kernel distance",
        0,
        WITHIN_ITS_ERROR,
    ),
    Entry(
        "frechet",
        frechet,
        "of Gaussians fitted to the features; biased by the floor",
        "squared distance",
        "lower",
        FEW_FOR_A_COVARIANCE,
    ),
    Entry("variance_ratio", compared(variance_ratio), "total variance, generated over real", "ratio", 1),
    Entry("novelty", of(copying, "novelty"), "distance to training samples / distance to held-out samples", "ratio", 1),
    Entry(
        "copying_rank",
        of(copying, "copying_rank"),
        "below the floor by several errors if the generator copies",
        "share",
        0.5,
        FEW,
    ),
    Entry(
        "copying_share",
        of(copying, "copying_share"),
        "above the floor by several errors if the generator copies",
        "share",
        0.5,
        FEW,
    ),
    Entry(
        "class_score",
        score,
        "how clear and how varied the samples' classes are",
        "classes",
        "higher",
        UNSURE_CLASSIFIER,
    ),
    Entry("class_accuracy", accuracy, "of the classifier, on real samples it was not fitted to", "share", "neither"),
    Entry("modes", of(modes, "modes"), "modes with a sample within three standard deviations", "modes", "higher"),
    Entry(
        "high_quality",
        of(modes, "high_quality"),
        "share of samples within three standard deviations of a mode",
        "share",
        "real",
    ),
    Entry(
        "mode_kl",
        of(modes, "mode_kl"),
        "KL divergence of the modes' shares from equal shares, in nats",
        "nats",
        "lower",
        FEW_FOR_EACH_MODE,
    ),
    Entry("bright_share", bright_share, "share of bright pixels", "share", "real"),
    Entry(
        "class_shares",
        of(classes, "class_shares"),
        "share of each class, by a support vector classifier of real samples",
        "share",
        "real",
    ),
    Entry(
        "class_agreement", of(classes, "class_agreement"), "share of samples of the requested class", "share", "higher"
    ),
    Entry(
        "class_precision",
        of(per_class, "class_precision"),
        "precision of each class, as requested, among its own",
        "share",
        "higher",
        FEW_OF_A_CLASS,
    ),
    Entry(
        "class_recall",
        of(per_class, "class_recall"),
        "recall of each class, likewise",
        "share",
        "higher",
        FEW_OF_A_CLASS,
    ),
    Entry(
        "class_frechet",
        of(per_class, "class_frechet"),
        "Frechet distance of each class, likewise",
        "squared distance",
        "lower",
        FEW_OF_A_CLASS,
    ),
    Entry("code_purity", of(classes, "code_purity"), "how well each code matches a class", "share", "higher"),
    Entry("phase_fraction", of(statistics, "phase_fraction"), "share of the bright phase", "share", "real"),
    Entry(
        "two_point_y",
        of(statistics, "two_point_y"),
        "largest gap of the two-point correlation down the height",
        "share",
        "lower",
    ),
    Entry("two_point_x", of(statistics, "two_point_x"), "the same along the width", "share", "lower"),
    Entry(
        "surface_length",
        of(statistics, "surface_length"),
        "sides of pixels between the two phases, per pixel",
        "sides per pixel",
        "real",
    ),
    Entry("worst_gap", of(statistics, "worst_gap"), "largest of the four gaps over its floor", "ratio", "lower"),
    Entry(
        "mean_distance",
        of(critic, "mean_distance"),
        "between clusters of generated and held-out samples",
        "critic output",
        "neither",
        group="critic",
    ),
    Entry(
        "weighted_distance",
        of(critic, "weighted_distance"),
        "of generated clusters from nearby held-out ones",
        "critic output",
        "lower",
        group="critic",
    ),
    Entry(
        "real_probability",
        of(critic, "real_probability"),
        "mean over both sets of samples, by the critic",
        "probability",
        0.5,
        group="critic",
    ),
    Entry(
        "median_weight",
        of(critic, "median_weight"),
        "median odds that a generated sample is generated rather than real",
        "ratio",
        1,
        group="critic",
    ),
)
"""What compares samples, features, classes and the critic's outputs."""

FIGURES: Figures = TRANSPORT + BESIDE
"""All of them."""
