"""The tests of whether two sample sets come from one distribution, as lines of text."""

from monge.distance.two_sample.battery import Battery
from monge.evaluation.text import aligned, percent, probability

MEANINGS = {
    "energy": "distances between rows: shifts of all kinds",
    "MMD": "Gaussian kernels of three lengths: what is near to what",
    "sliced W1": "mean over random directions: shifts of many numbers",
    "sliced KS": "largest along an axis or a random direction: one number of many",
    "moments": "largest difference of a mean, a variance or a correlation",
    "neighbourhoods": "crowds of one sample, such as a rare mode",
    "classifier": "recognises {accuracy} of rows it has not seen; 50 % is guessing",
}
"""What each test looks at."""


def battery_lines(found: Battery) -> list[str]:
    """Each test with its own p, the clearest first."""
    title, rows = battery_table(found)
    return ["", title, *aligned([("test", "p", ""), *rows])]


def battery_table(found: Battery) -> tuple[str, list[tuple[str, str, str]]]:
    """What was tested how often, and name, p and meaning of each test, the clearest first, and of all together."""
    accuracy = percent(found.accuracy)
    rows = [
        (test.name, probability(test.p_value), MEANINGS[test.name].format(accuracy=accuracy)) for test in found.tests
    ]
    n, m = found.rows
    title = f"tests of whether A and B differ: {found.draws} relabellings of {n:,} and {m:,} rows"
    return title, [*rows, ("together", probability(found.p_value), "")]
