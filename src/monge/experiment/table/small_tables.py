"""Small tables: how much farther from new rows generated ones are than the training rows, and those of a copula.

The field compares generators of tables by exact transport: W1(generated, test) - W1(training, test), with a cost of
numbers in their range and unequal levels. By it a Gaussian copula, which takes a second, beats many trained generators.
"""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import ot
import torch
from matplotlib.axes import Axes

from monge.data.dataset import ArrayData, DataInfo
from monge.data.split import ArraySplit
from monge.data.table.codec import TableCodec
from monge.experiment.experiment import INCONCLUSIVE, Budget, Experiment, Rows, Table, verdict_table, verdict_word
from monge.experiment.repeat import Repeat, repeats
from monge.experiment.sweep import Result
from monge.experiment.table.small_table import TABLES, cost
from monge.model import copula
from monge.model.inference import generate
from monge.model.load import load
from monge.model.random import Purpose, stream
from monge.model.rows import permitted_latent
from monge.plot.chart import key, marks, panels
from monge.plot.style import INK, Files
from monge.run.pool import flushed_denormals
from monge.training.settings import recommended
from monge.training.train import train_config

TEST = 0.2
"""Share of the rows that are test rows."""
SPLITS: Mapping[Budget, int] = {"quick": 1, "full": 5}
CLAIMS = {
    "never-worse": "with --model auto, no table is worse than its copula by more than two standard errors",
    "half": "the median over the tables is at most half of the copula's",
}


def measure(cell: Repeat) -> Result:
    """Distances of generated rows, of a copula's and of the training rows to test rows, for one split of one table."""
    start = time.process_time()
    schema, rows = TABLES[cell.case]()
    order = cell.draw().permutation(len(rows))
    test, train = np.split(order, [round(TEST * len(rows))])
    data = ArrayData(
        DataInfo(cell.case, columns=schema.names, schema=schema), ArraySplit(rows, train), ArraySplit(rows, test)
    )
    torch.set_num_threads(1)
    config = replace(recommended(data), seed=cell.number)
    with tempfile.TemporaryDirectory() as folder:
        run = train_config(config, data, run=Path(folder) / "run", device="cpu", threads=1)
        model = load(run)
        fakes = {"auto": model.sample(len(train), seed=cell.number).x}
        kept = run.facts()["model"]
    with flushed_denormals():
        other = copula.fit(data, cell.number)
    codec, made = data.codec, partial(generate, other, data.codec)
    assert isinstance(codec, TableCodec)
    chance = stream(cell.number, Purpose.SAMPLE)
    codes = permitted_latent(other, made, codec, len(train), other.latent, chance)
    fakes |= {"copula": generate(other, data.codec, codes), "train": rows[train]}
    distances = {name: transport(cost(schema, rows, fake, rows[test])) for name, fake in fakes.items()}
    return {
        "table": cell.case,
        "split": cell.number,
        "rows": len(rows),
        "columns": len(schema),
        "kept": kept,
        "steps": config.steps,
        **distances,
        "seconds": round(time.process_time() - start, 1),
    }


def transport(matrix: np.ndarray) -> float:
    """Exact transport between as many equal masses as there are rows, and columns, of a cost matrix (n, m)."""
    n, m = matrix.shape
    return float(ot.emd2(np.full(n, 1 / n), np.full(m, 1 / m), matrix, numItermax=10**8))


def line(row: Result) -> str:
    return f"{row['table']} {row['split']}: {row['kept']} {_lead(row, 'auto'):.3f}, copula {_lead(row, 'copula'):.3f}"


def verdict(rows: Rows) -> Result:
    leads = {name: _leads(rows, name) for name in TABLES if any(row["table"] == name for row in rows)}
    worse = {name: found for name, found in leads.items() if _margin(*found) > 0}
    medians = [float(np.median([found[index].mean() for found in leads.values()])) for index in (0, 1)]
    alone = any(len(found[0]) < 2 for found in leads.values())  # a single split has no error
    return {
        "never-worse": {
            "verdict": INCONCLUSIVE if worse and alone else verdict_word(not worse),
            "worse": sorted(worse),
        },
        "half": {"verdict": verdict_word(medians[0] <= medians[1] / 2), "auto": medians[0], "copula": medians[1]},
    }


def tables(rows: Rows) -> list[Table]:
    body = []
    for name in TABLES:
        own = [row for row in rows if row["table"] == name]
        if not own:
            continue
        auto, other = _leads(rows, name)
        kept = sum(row["kept"] == "gan" for row in own)
        size = f"{own[0]['rows']:,} x {own[0]['columns']}"
        shown = [f"{values.mean():.3f} ± {_error(values):.2g}" for values in (auto, other)]
        body.append([name, size, *shown, f"{kept} of {len(own)}", f"{np.mean([row['seconds'] for row in own]):.0f}"])
    head = ["table", "size", "--model auto", "Gaussian copula", "GAN kept", "CPU seconds"]
    return [Table(head, body), verdict_table(verdict(rows))]


def figures(rows: Rows) -> Files:
    """How much farther than training rows both models are, for every split of every table."""
    names = [name for name in TABLES if any(row["table"] == name for row in rows)]

    def paint(plot: Axes) -> None:
        for look, (index, label) in enumerate(((0, "--model auto"), (1, "Gaussian copula"))):
            leads = [_leads(rows, name)[index] for name in names]
            places = [np.full(len(values), place - 0.12 + 0.24 * look) for place, values in enumerate(leads)]
            marks(plot, np.concatenate(places), np.concatenate(leads), look, label)
        plot.axhline(0, color=INK, linewidth=0.6)
        plot.set_xticks(range(len(names)), names, rotation=40, ha="right")
        plot.set_ylabel("W1 to test rows, less that\nof training rows")
        key(plot, 2)

    return panels([paint], 3.2)


def _lead(row: Result, name: str) -> float:
    """W1(generated, test) - W1(training, test)."""
    return float(row[name] - row["train"])


def _leads(rows: Rows, table: str) -> tuple[np.ndarray, np.ndarray]:
    """Those of the kept model and of the copula, for all splits of a table."""
    own = [row for row in rows if row["table"] == table]
    return np.array([_lead(row, "auto") for row in own]), np.array([_lead(row, "copula") for row in own])


def _error(values: np.ndarray) -> float:
    """Standard error of a mean over splits; 0 of a single one."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


def _margin(auto: np.ndarray, other: np.ndarray) -> float:
    """By how much the kept model is worse than the copula, beyond two standard errors of the difference."""
    return float((auto - other).mean() - 2 * _error(auto - other))


SETTINGS = (TEST,)
reproduce = Experiment(
    "small-tables", CLAIMS, repeats(tuple(TABLES), SETTINGS, SPLITS), measure, line, verdict, tables, figures
)
