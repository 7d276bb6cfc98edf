"""Rows of tables that trees take for real; rejection by the critic is in test_condition."""

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

import monge
from monge import cli
from monge.config.recipe import table
from monge.data.source import load_data
from monge.data.table.codec import TableCodec
from monge.model.rejection import rejected
from monge.model.trained_model import TrainedModel
from replay import Replay

ROWS = 4000


def shifted(n: int, wrong: float, seed: int) -> pyarrow.Table:
    """Two kinds, one with numbers N(0, 1) and one with N(4, 1), but a share of rows has the other's number."""
    random = np.random.default_rng(seed)
    kind = random.random(n) < 0.4
    place = kind ^ (random.random(n) < wrong)
    return pyarrow.table({"kind": np.where(kind, "far", "near"), "number": random.normal(size=n) + 4 * place})


def test_trees_reject_rows_whose_columns_do_not_go_together() -> None:
    data = load_data(shifted(ROWS, 0.0, 0))
    codec = data.codec
    assert isinstance(codec, TableCodec)
    made = load_data(shifted(2 * ROWS, 0.3, 1)).train.all()
    generator = Replay(codec.encode(made))
    model = TrainedModel("run", generator, None, codec, None, None, None, table("t", data.space), "ema", 1)

    def wrong(rows: np.ndarray) -> float:
        return float(((rows[:, 1] > 2) != (rows[:, 0] == rows[np.argmax(rows[:, 1]), 0])).mean())

    before, found = model.sample(2000).x, rejected(model, lambda: data, 2000)
    assert wrong(before) > 0.25
    assert wrong(found.x) < 0.06  # of real ones .023
    assert 1.3 < found.tried / 2000 < 30
    far = (found.x[:, 1] > 2).mean()
    assert abs(far - 0.4) < 0.06


@pytest.mark.parametrize("model", ["gan", "copula"])
def test_rows_of_a_run(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"generator": "residual:width=8:depth=1", "critic": "mlp:width=8", "threads": 1, "device": "cpu"}
    parquet.write_table(shifted(600, 0.0, 0), tmp_path / "t.parquet")
    monge.train(tmp_path / "t.parquet", run=tmp_path / "run", steps=3, model=model, training={"batch": 16}, **small)
    texts = []
    for name in ("a.csv", "b.csv"):
        out = tmp_path / name
        assert cli.run(["sample", str(tmp_path / "run"), "--reject", "-n", "30", "--out", str(out)]) == 0
        texts.append(out.read_bytes())
    assert texts[0] == texts[1]
    assert texts[0].count(b"\n") == 31
    assert "generated" in capsys.readouterr().out
