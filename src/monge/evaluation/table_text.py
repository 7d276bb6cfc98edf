"""The figures of a synthetic table as rows of texts: each beside that of real rows, and of two simple models."""

from collections.abc import Iterator, Mapping
from typing import Any

from monge.errors import legible
from monge.evaluation.table_quality import GENERATED, REAL
from monge.evaluation.text import number

HEAD = ("", "generated", "real rows", "copula", "independent columns", "")
"""Columns of the comparison."""
BASELINES = ("copula", "independent")
WORST = 6
"""Columns whose share of the excess is listed, at most."""

Row = tuple[str, ...]
MEANINGS = {
    "shapes": "likeness of single columns: 1 is perfect",
    "pairs": "likeness of pairs of columns: 1 is perfect",
    "strict_pairs": "the same, numbers in 20 bins of equally many rows",
}


def table_rows(document: Mapping[str, Any]) -> list[Row]:
    """The figures in columns as in `HEAD`.

    Arguments:
        document: the part `table` of an evaluation as JSON.
    """
    return list(_rows(document))


def _rows(document: Mapping[str, Any]) -> Iterator[Row]:
    sources, likeness = (GENERATED, REAL, *BASELINES), document["likeness"]
    for name, meaning in MEANINGS.items():
        yield name, *(number(likeness[source][name]) for source in sources), meaning
    tests = [likeness[source]["two_sample"] for source in sources]
    for name, meaning in (("accuracy", "of trees that tell them from real rows"), ("auc", "area under its ROC curve")):
        values = ("" if test is None else f"{test[name]['value']:.3f}" for test in tests)
        yield f"two-sample {name}", *values, f"{meaning}: .5 is perfect"
    for found in document["efficacy"]:
        main = next(iter(found["scores"][REAL]))
        values = (number(found["scores"].get(source, {}).get(main, {}).get("value")) for source in sources)
        what = f"of trees fitted to them, on {found['judged']:,} held-out rows"
        yield f"{main} of {legible(found['target'])}", *values, what
    if (privacy := document["privacy"]) is not None:
        attack, closer = privacy["largest"], privacy["closer"]
        yield "membership attack", f"{attack['value']:.3f}", f"{privacy['chance']:.3f}", "", "", privacy["verdict"]
        what = "share of rows closer to training than to held-out rows"
        yield "closer to training", f"{closer['value']:.3f} ± {closer['error']:.2g}", "0.5", "", "", what
    for name, part in list(document["excess"].items())[:WORST]:
        value = f"{part['value']:.3g}" + ("" if part["error"] is None else f" ± {part['error']:.1g}")
        yield f"excess in {legible(name)}", value, "", "", "", f"likeness {document['columns'][name]['shape']:.3f}"
