"""The figures of two sample sets: the parts of the bracket, and other estimates.

Each has what it rests on, and says when it should not be trusted. A new one is its source and one line of a table here.
"""

from dataclasses import dataclass, replace

from monge.distance.divergence.discriminator import js_lower_bound
from monge.distance.divergence.neighbour import neighbour_kl
from monge.distance.estimate import Estimate
from monge.distance.kernel.discrepancy import energy, mmd
from monge.distance.points import Points
from monge.distance.summary import Bracket
from monge.distance.transport.sliced import sliced
from monge.distance.two_sample.statistic import STATISTICS
from monge.evaluation.doubt import ONE_SAMPLE, PER_DIMENSION, WITH_HEAVY_TAILS
from monge.evaluation.entry import Context, Doubt, Entry
from monge.evaluation.pair import SPARSE, Pair, common
from monge.evaluation.text import certainty, likely
from monge.evaluation.whole import Whole
from monge.metric.frechet import frechet

WIDEST = 3072
"""Dimensions above which no covariance is taken: its eigenvectors would need minutes."""
APART = 4
"""Nats above which neighbours of the other set are too far away for more than a guess."""
FEW = 200
"""Samples a side below which a discriminator learns little."""


@dataclass(frozen=True)
class Figure:
    """One estimate.

    Attributes:
        value: None where it is not defined.
        error: standard error, where one is known.
        n: samples of either side that it rests on.
        note: what it is, or why it should not be trusted.
    """

    value: float | None
    error: float | None
    n: tuple[int, int]
    note: str = ""


def annotated(entry: Entry[Context, Figure], context: Context) -> Figure | None:
    """What an entry finds, with a note: the figure's own, why it should not be trusted, or what it means."""
    found = entry.function(context)
    if found is None:
        return None
    return replace(found, note=found.note or entry.doubt(context, found) or entry.meaning)


def _lower(bracket: Bracket) -> Figure:
    proof = "" if bracket.family is None else f"; {bracket.family}, {bracket.lipschitz}"
    note = certainty(bracket.confidence, bracket.lipschitz) + proof
    return Figure(bracket.lower, None, (bracket.n, bracket.n), note)


def _upper(bracket: Bracket) -> Figure:
    note = f"exact transport of {bracket.n:,} to {bracket.n:,}; too large at finite n"
    return Figure(bracket.upper, None, (bracket.n, bracket.n), note)


def _floor(bracket: Bracket) -> Figure:
    return Figure(bracket.floor, None, (bracket.n, bracket.n))


def _spread(bracket: Bracket) -> Figure:
    return Figure(bracket.spread, bracket.spread_error, (bracket.n, bracket.n))


def _excess(bracket: Bracket) -> Figure:
    return Figure(bracket.excess, bracket.excess_error, (bracket.n, bracket.n))


def _estimate(bracket: Bracket) -> Figure:
    where = f"{likely(bracket.estimate_range)}: " if bracket.estimate_range else ""
    note = f"{where}of W1 itself, sqrt(upper^2 - floor spread)"
    return Figure(bracket.estimate, None, (bracket.n, bracket.n), "" if bracket.heavy_tails else note)


def _sliced(pair: Pair) -> Figure:
    if pair.whole is not None:
        return _of_all(pair.whole, pair.whole.streamed.sliced)
    found = sliced(pair.x, pair.y, seed=pair.seed)
    note = "" if pair.dimension > 1 else "equals W1 in one dimension"
    return Figure(found.value, found.standard_error, pair.sizes, note)


def _energy(pair: Pair) -> Figure:
    if pair.whole is not None:
        return _of_all(pair.whole, pair.whole.streamed.energy)
    found = energy(pair.some.x, pair.some.y)
    return Figure(found.squared, found.error, pair.some.sizes)


def _mmd(pair: Pair) -> Figure:
    if pair.whole is not None:
        return _of_all(pair.whole, pair.whole.streamed.mmd)
    found = mmd(pair.some.x, pair.some.y)
    return Figure(found.squared, found.error, pair.some.sizes)


def _of_all(whole: Whole, found: Estimate) -> Figure:
    rows = whole.streamed.rows
    return Figure(found.value, found.standard_error, rows, "all rows; the error is that of random directions")


def _frechet(pair: Pair) -> Figure:
    if pair.dimension > WIDEST:
        return Figure(None, None, pair.sizes, f"not computed above {WIDEST:,} dimensions")
    return Figure(frechet(pair.x, pair.y), None, pair.sizes)


def _kl(pair: Pair) -> Figure:
    return _divergence(pair.near.x, pair.near.y)


def _kl_reverse(pair: Pair) -> Figure:
    return replace(_divergence(pair.near.y, pair.near.x), n=pair.near.sizes)


def _divergence(x: Points, y: Points) -> Figure:
    sizes = len(x), len(y)
    if (x == x[0]).all() or (y == y[0]).all():
        return Figure(None, None, sizes, "not defined: all samples of one set are identical")
    return Figure(neighbour_kl(x, y), None, sizes)


def _js(pair: Pair) -> Figure:
    found = js_lower_bound(pair.some.x, pair.some.y, seed=pair.seed)
    return Figure(found.value, found.standard_error, pair.some.sizes)


def _together(pair: Pair) -> Figure:
    found = pair.battery
    note = f"of {len(found.tests)} tests together, {found.draws} relabellings"
    if pair.whole is None or pair.clusters is not None:
        return Figure(found.p_value, None, found.rows, note)
    p = min(1.0, 2 * min(found.p_value, float(pair.whole.columns.min())))
    return Figure(p, None, found.rows, f"{note}, or of single columns of all rows; the smaller, doubled")


def _few_for_a_covariance(pair: Pair, found: Figure) -> str | None:
    n, dimension = min(pair.sizes), pair.dimension
    if n >= PER_DIMENSION * dimension:
        return None
    return f"{'unreliable' if n <= dimension else 'rough'}: {n:,} samples in {dimension:,} dimensions"


def _far_neighbours(pair: Pair, found: Figure) -> str | None:
    if shared := common(pair.some.x, pair.some.y):
        return f"unreliable: {shared:,} points are in both sets"
    if pair.dimension > SPARSE:
        return f"unreliable: nearest neighbours in {pair.dimension:,} dimensions"
    if found.value is not None and found.value > APART:
        return "unreliable: A and B hardly overlap, so it only grows with n"
    return None


def _few_to_learn_from(pair: Pair, found: Figure) -> str | None:
    return "nats, lower bound, loose: few samples to learn from" if min(found.n) < FEW else None


def _heavy_tails(bracket: Bracket, found: Figure) -> str | None:
    return f"error unreliable: {ONE_SAMPLE}" if bracket.heavy_tails else None


def _heavy_tails_of_all(bracket: Bracket, found: Figure) -> str | None:
    return f"unreliable: {ONE_SAMPLE}" if bracket.heavy_tails else None


HEAVY_TAILS = Doubt(WITH_HEAVY_TAILS, _heavy_tails)
HEAVY_TAILS_OF_ALL = Doubt(ONE_SAMPLE, _heavy_tails_of_all)
FEW_FOR_A_COVARIANCE = Doubt(f"fewer than {PER_DIMENSION} samples per dimension", _few_for_a_covariance)
FAR_NEIGHBOURS = Doubt(f"points in both sets, more than {SPARSE} dimensions, or a value above {APART}", _far_neighbours)
FEW_TO_LEARN_FROM = Doubt(f"fewer than {FEW} samples in either set", _few_to_learn_from)

PARTS: tuple[Entry[Bracket, Figure], ...] = (
    Entry("lower", _lower, "W1 is at least this, at the stated confidence", "distance", "lower"),
    Entry("upper", _upper, "exact transport; too large at finite n", "distance", "real"),
    Entry("floor", _floor, "the same between two samples of A", "distance", "neither"),
    Entry("spread", _spread, "the same between two samples of B", "distance", "real", HEAVY_TAILS),
    Entry(
        "excess",
        _excess,
        "upper - (floor + spread) / 2: near 0 for equal distributions, else mostly < W1",
        "distance",
        0,
        HEAVY_TAILS,
    ),
    Entry(
        "estimate",
        _estimate,
        "of W1 itself: sqrt(upper^2 - floor spread), at least lower",
        "distance",
        0,
        HEAVY_TAILS_OF_ALL,
    ),
)
"""The parts of the bracket, in the order in which they are shown."""

ESTIMATES: tuple[Entry[Pair, Figure], ...] = (
    Entry(
        "sliced",
        _sliced,
        "too large at finite n; the error is that of the random directions",
        "distance",
        "lower",
        label="sliced W1",
    ),
    Entry(
        "energy", _energy, "D^2, unbiased: 0 on average for equal distributions", "distance", 0, label="energy distance"
    ),
    Entry(
        "mmd2",
        _mmd,
        "unbiased; Gaussian kernels around the median distance",
        "squared kernel distance",
        0,
        label="MMD^2",
    ),
    Entry(
        "frechet",
        _frechet,
        "squared, of the fitted Gaussians",
        "squared distance",
        "lower",
        FEW_FOR_A_COVARIANCE,
        "Frechet",
    ),
    Entry("kl", _kl, "nats, from nearest neighbours", "nats", 0, FAR_NEIGHBOURS, "KL(A || B)"),
    Entry("kl_reverse", _kl_reverse, "nats, from nearest neighbours", "nats", 0, FAR_NEIGHBOURS, "KL(B || A)"),
    Entry(
        "js",
        _js,
        "nats, lower bound by a held-out discriminator; JS <= 0.693",
        "nats",
        "lower",
        FEW_TO_LEARN_FROM,
        "JS",
    ),
    Entry(
        "p_value",
        _together,
        f"of {len(STATISTICS)} tests together, by relabelling",
        "probability",
        "higher",
        label="p-value",
    ),
)
"""Estimates other than the bracket, in the order in which they are shown."""


def figures_of(pair: Pair) -> dict[str, Figure]:
    """All estimates of a pair that apply to it, by name."""
    found = {}
    for entry in ESTIMATES:
        pair.progress(entry.name, 0, 1)
        figure = annotated(entry, pair)
        if figure is not None:
            found[entry.name] = figure
        pair.progress(entry.name, 1, 1)
    return found
