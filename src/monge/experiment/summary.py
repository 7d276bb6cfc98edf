"""What a comparison found: its results summed over seeds, as a table and in words."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from scipy.stats import ttest_ind

from monge.experiment.experiment import Table
from monge.experiment.sweep import Result

COMPARED = ("objective", "critic")
"""What may differ between results, besides the seed."""
SUMMED = ("excess", "modes", "high_quality", "precision", "recall", "coverage", "frechet", "seconds")
FEWEST_MODES = 3
"""A run that covers fewer known modes counts as failed."""
LEVEL = 0.05
"""Of the test whether the best differs from the next."""


def figures(result: Result) -> dict[str, float]:
    """The figures of a finished trial by name."""
    if result["status"] == "failed":
        return {}
    flat = result["metrics"] | {"excess": result["bracket"]["excess"], "seconds": result["seconds"]}
    return {name: float(flat[name]) for name in SUMMED if name in flat}


def failed(result: Result) -> bool:
    """Whether a trial ended in no number, or with fewer known modes than three."""
    return result["status"] == "failed" or figures(result).get("modes", FEWEST_MODES) < FEWEST_MODES


def competitor(result: Result) -> str:
    """What is compared: the objective, and the critic where there are several."""
    return " with ".join(result[name] for name in COMPARED if name in result)


def by_competitor(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each competitor, in the order in which they come."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(competitor(result), []).append(result)
    return found


def summed(results: Sequence[Result]) -> dict[str, Result]:
    """For each competitor its runs, failures, and mean and standard deviation over seeds of each figure."""
    found: dict[str, Result] = {}
    for name, own in by_competitor(results).items():
        numbers = [figures(result) for result in own]
        values = {key: [row[key] for row in numbers if key in row] for key in SUMMED}
        found[name] = {key: own[0][key] for key in COMPARED if "critic" in own[0]}
        found[name] |= {"runs": len(own), "failures": sum(failed(result) for result in own)} | {
            key: {"mean": mean(some), "deviation": stdev(some) if len(some) > 1 else None}
            for key, some in values.items()
            if some
        }
    return found


def table(summed: Mapping[str, Result]) -> str:
    """A summary in markdown, the least excess first; a number is a mean over seeds ± their standard deviation."""
    shown = [name for name in SUMMED if any(name in facts for facts in summed.values())]
    order = sorted(summed, key=lambda name: summed[name].get("excess", {"mean": float("inf")})["mean"])
    several = any("critic" in facts for facts in summed.values())
    rows = []
    for name in order:
        facts = summed[name]
        named = [facts[key] for key in COMPARED] if several else [name]
        rows.append([*named, f"{facts['failures']}/{facts['runs']}", *(_cell(facts, key) for key in shown)])
    header = [*(COMPARED if several else COMPARED[:1]), "failed", *(name.replace("_", " ") for name in shown)]
    return Table(header, rows).markdown()


def conclusion(results: Sequence[Result]) -> str:
    """Who has the least excess, whether the next one differs by more than chance, and who failed, in words."""
    groups = by_competitor(results)
    found = {name: [figures(one)["excess"] for one in own if figures(one)] for name, own in groups.items()}
    ranked = sorted((name for name, values in found.items() if values), key=lambda name: mean(found[name]))
    said = []
    if ranked:
        best = ranked[0]
        said.append(f"{best} has the least excess: {_excess(found[best])}.")
        if len(ranked) > 1:
            following = ranked[1]
            said.append(
                f"Next is {following}: {_excess(found[following])}. {_difference(found[best], found[following])}"
            )
    lost = {name: sum(map(failed, own)) for name, own in groups.items()}
    if any(lost.values()):
        counts = (f"{name} {count} of {len(groups[name])}" for name, count in lost.items() if count)
        said.append(f"Failed: {', '.join(counts)}.")
    return " ".join(said)


def _excess(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f} (one seed)"
    return f"{mean(values):.3f} ± {stdev(values):.3f} over {len(values)} seeds"


def _difference(best: Sequence[float], following: Sequence[float]) -> str:
    """Whether the means of two samples differ by more than chance, by Welch's t-test."""
    if min(len(best), len(following)) < 2:
        return "With one seed each, the difference may be chance."
    if stdev(best) == stdev(following) == 0:
        return "The seeds do not differ."
    p = float(ttest_ind(best, following, equal_var=False).pvalue)
    sure = "The difference is larger than chance explains" if p <= LEVEL else "The difference may be chance"
    return f"{sure} (Welch's t-test, p = {p:.2g})."


def _cell(facts: Result, name: str) -> str:
    if name not in facts:
        return "-"
    middle, spread = facts[name]["mean"], facts[name]["deviation"]
    digits = 0 if name == "seconds" else 1 if name == "modes" else 3
    return f"{middle:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def line(result: Result) -> str:
    """A result in one line."""
    if result["status"] == "failed":
        return f"failed, {result['error']}"
    return ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in figures(result).items())
