"""When figures of a trained generator say little."""

from monge.distance.summary import HEAVY
from monge.evaluation.entry import Doubt
from monge.evaluation.ledger import Reading
from monge.evaluation.measurement import Measured
from monge.evaluation.reference import SAME_POINTS

SHARED = 100
"""Fewest samples for a reliable share: its standard error is then at most 0.05."""
PER_DIMENSION = 10
"""Fewest samples per dimension for a reliable Fréchet distance."""
PER_MODE = 10
"""Fewest samples per mode for a reliable divergence of the modes' shares."""
RECOGNISED = 0.8
"""Lowest accuracy of a reliable classifier."""
ONE_SAMPLE = f"one sample has over {HEAVY:.0%} of the variance"
WITH_HEAVY_TAILS = f"its error, where one sample carries more than {HEAVY:.0%} of a set's variance"
"""When the error of a part of a bracket says little."""


def _few(measured: Measured, found: Reading) -> str | None:
    fewest = measured.fewest
    return f"based on {fewest:,} samples; {SHARED} are needed" if fewest < SHARED else None


def _few_of_a_class(measured: Measured, found: Reading) -> str | None:
    fewest = found.counts["fewest_of_a_class"]
    return f"{fewest:,} samples of a class; {SHARED} are needed" if fewest < SHARED else None


def _few_for_a_covariance(measured: Measured, found: Reading) -> str | None:
    fewest, dimension = measured.fewest, measured.train.shape[1]
    if fewest >= PER_DIMENSION * dimension:
        return None
    return f"{fewest:,} samples in {dimension:,} dimensions; {PER_DIMENSION * dimension:,} are needed"


def _within_its_error(measured: Measured, found: Reading) -> str | None:
    if abs(found.value.value) >= found.value.standard_error:
        return None
    return "smaller than its standard error, so it may be 0"


def _heavy_tails(measured: Measured, found: Reading) -> str | None:
    if not measured.bracket.heavy_tails:
        return None
    return f"its error: {ONE_SAMPLE}"


def _few_for_each_mode(measured: Measured, found: Reading) -> str | None:
    centres = measured.data.info.centres
    per_mode = found.counts["modes"] / (1 if centres is None else len(centres))
    return f"{per_mode:.3g} samples per mode; {PER_MODE} are needed" if per_mode < PER_MODE else None


def _zero_floor(measured: Measured, found: Reading) -> str | None:
    reference = measured.reference
    if reference.floor > 0:
        return None
    return "the floor is 0: " + (SAME_POINTS if reference.varied else "all real samples are equal")


def _unsure_classifier(measured: Measured, found: Reading) -> str | None:
    classifier = measured.features.classifier
    if classifier is None or classifier.accuracy >= RECOGNISED:
        return None
    return f"the classifier recognises {classifier.accuracy:.0%} of real samples; {RECOGNISED:.0%} are needed"


ZERO_FLOOR = Doubt("a floor of 0", _zero_floor)
FEW = Doubt(f"fewer than {SHARED} samples on a side", _few)
FEW_OF_A_CLASS = Doubt(f"fewer than {SHARED} samples of a class", _few_of_a_class)
FEW_FOR_A_COVARIANCE = Doubt(f"fewer than {PER_DIMENSION} samples for each dimension", _few_for_a_covariance)
WITHIN_ITS_ERROR = Doubt("smaller than its standard error", _within_its_error)
HEAVY_TAILS = Doubt(WITH_HEAVY_TAILS, _heavy_tails)
FEW_FOR_EACH_MODE = Doubt(f"fewer than {PER_MODE} samples per mode", _few_for_each_mode)
UNSURE_CLASSIFIER = Doubt(f"the classifier recognises fewer than {RECOGNISED:.0%} of real samples", _unsure_classifier)
