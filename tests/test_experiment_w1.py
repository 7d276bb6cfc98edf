"""The W1 benchmark: its constructions against exact transport, the cache, the table and the command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from monge.cli import run
from monge.data.toy import Funnels
from monge.distance import wasserstein
from monge.errors import UserError
from monge.experiment.bracket import funnel, w1_benchmark, w1_cell
from monge.experiment.bracket.known_pair import KNOWN
from monge.experiment.bracket.w1_cell import FitCell, measure
from monge.experiment.sweep import remembered, sweep
from monge.run.pool import parallel


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("d", "n"), [(1, 3), (2, 4), (5, 16), (40, 64)])
def test_the_map_is_that_of_the_toy_law(d: int, n: int) -> None:
    toy = Funnels(d, n)
    pair = funnel.FunnelPair(*(part.float() for part in toy.cones))
    x = pair.uniform(300, stream(0))
    assert torch.allclose(pair.move(x), toy.move(x.double()).float(), atol=1e-4)


@pytest.mark.parametrize(("d", "n"), [(2, 4), (8, 16), (32, 64)])
def test_the_map_moves_along_the_potential_and_is_optimal(d: int, n: int) -> None:
    toy, pair = Funnels(d, n), funnel.FunnelPair(*(part.float() for part in Funnels(d, n).cones))
    x = pair.uniform(200, stream(1))
    y, length = pair.move(x), (x - pair.move(x)).norm(dim=1)
    assert (toy.potential(x.double()) - toy.potential(y.double())).numpy() == pytest.approx(length.numpy(), abs=1e-4)
    assert wasserstein(x.double().numpy(), y.double().numpy()) == pytest.approx(float(length.mean()), abs=1e-4)


def test_the_gradient_is_minus_that_of_u() -> None:
    toy = Funnels(3, 5)
    pair = funnel.FunnelPair(*toy.cones)
    y = pair.moved(50, stream(2)).requires_grad_()
    (gradient,) = torch.autograd.grad(toy.potential(y).sum(), y)
    assert torch.allclose(pair.gradient(y.detach()), -gradient)


def test_own_pairs_are_functions_of_the_seed() -> None:
    one, same, other = funnel.own(4, 16, 0), funnel.own(4, 16, 0), funnel.own(4, 16, 1)
    assert torch.equal(one.centres, same.centres)
    assert not torch.equal(one.centres, other.centres)


def test_published_pairs_are_read_from_a_file(tmp_path: Path) -> None:
    file, pair = tmp_path / "pairs.npz", funnel.own(2, 4)
    np.savez(file, centers_2_4=pair.centres.numpy(), biases_2_4=pair.biases.numpy())
    assert torch.equal(funnel.published(file, 2, 4).centres, pair.centres)
    with pytest.raises(UserError, match="centers_4_4"):
        funnel.published(file, 4, 4)
    with pytest.raises(UserError, match="--pairs"):
        funnel.published(tmp_path / "none.npz", 2, 4)


@pytest.mark.parametrize("name", KNOWN)
def test_transport_between_samples_is_not_below_the_known_distance(name: str) -> None:
    # the plug-in over-estimates in expectation, so below the truth there is sampling error only
    pair, n = KNOWN[name](), 400
    assert pair.name == name
    x, y = (draw(n, stream(i)).double().numpy() for i, draw in enumerate((pair.upper, pair.lower)))
    assert wasserstein(x, y) > pair.distance - 3 * (x.std() + y.std()) / n**0.5


COUPLED = [name for name in KNOWN if name not in ("line-gamma",)]


@pytest.mark.parametrize("name", COUPLED)
def test_equal_draws_are_coupled_at_the_known_cost(name: str) -> None:
    pair = KNOWN[name]()
    x, y = pair.upper(40_000, stream(3)), pair.lower(40_000, stream(3))
    assert float((x - y).norm(dim=1).mean()) == pytest.approx(pair.distance, rel=0.02)


def test_the_gamma_law_on_a_line() -> None:
    draw = np.random.default_rng(0)
    seen = wasserstein_distance(draw.gamma(2, size=400_000), draw.normal(1, 1, 400_000))
    assert KNOWN["line-gamma"]().distance == pytest.approx(seen, rel=0.01)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every family for a few steps only, on few samples."""
    quick = {name: {"steps": 10, "batch": 32, "width": 16} for name in w1_cell.SETTINGS}
    for name in ("linear", "c-transform"):
        quick[name] = {"width": 50}
    monkeypatch.setattr(w1_cell, "SETTINGS", quick)
    monkeypatch.setattr(w1_cell, "SAMPLES", {"quick": 500, "full": 500})
    monkeypatch.setattr(w1_cell, "SCORED", 200)
    monkeypatch.setattr(w1_benchmark, "QUICK", ("funnel-2-4", "funnel-4-4"))


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_the_command_measures_once_and_remembers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["reproduce", "w1-benchmark", "--out", str(tmp_path / "w1"), "--jobs", "1", "--json"]
    assert run(command) == 0
    first, said = json.loads(capsys.readouterr().out), sorted((tmp_path / "w1" / "cells").iterdir())
    times = [path.stat().st_mtime_ns for path in said]
    assert run(command) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == first
    files = [str(tmp_path / "w1" / name) for name in ("result.json", "table.md")]
    assert first == json.loads((tmp_path / "w1" / "result.json").read_text()) | {"files": files}
    assert f"{len(said)} of {len(said)} measured before" in printed.err
    assert [path.stat().st_mtime_ns for path in said] == times
    assert first["summary"]["bounds_above_w1"] == []
    assert "| 2-4 |" in (tmp_path / "w1" / "table.md").read_text()


@pytest.mark.usefixtures("short")
def test_a_damaged_or_missing_cell_is_measured_again_to_the_same_numbers(tmp_path: Path) -> None:
    cell = FitCell("funnel-2-4", "cones", "quick", 0, None, tmp_path)
    before = measure(cell)
    cell.path.write_text("{")
    assert remembered(cell.path) is None
    (kept,) = sweep(measure, [cell], jobs=1, say=lambda text: None, line=w1_benchmark.line)
    after = kept.result
    assert {k: v for k, v in after.items() if k != "seconds"} == {k: v for k, v in before.items() if k != "seconds"}
    assert remembered(cell.path) == kept


def test_other_settings_are_another_cell(tmp_path: Path) -> None:
    cell = FitCell("funnel-2-4", "cones", "quick", 0, None, tmp_path)
    for other in (replace(cell, seed=1), replace(cell, budget="full"), replace(cell, family="lp")):
        assert other.path != cell.path


def result(pair: str, family: str, **values: Any) -> dict[str, Any]:
    facts = {"proof": "certified", "w1": 1.0, "w1_error": 0.0, "bound": 0.9, "bound_error": 0.01, "lipschitz": 1.0}
    score = {"estimate": 0.9, "deviation": -10.0, "cosine": 0.9, "l2": 0.2, "validation": 0.9, "seconds": 1.0}
    return {"pair": pair, "family": family} | facts | score | values


def test_the_summary_keeps_kinds_apart_and_reports_a_bound_above_the_truth() -> None:
    families = list(w1_benchmark.FAMILIES)
    results = [result("funnel-2-4", family) for family in families]
    for entry in results:
        entry["cosine"] = {"cones": 0.99, "lp": 0.95, "orthogonal": 0.8}.get(entry["family"], 0.1)
        entry["validation"] = entry["score"] = entry["cosine"]
        entry["proof"] = w1_benchmark.FAMILIES[entry["family"]].proof
    results[families.index("orthogonal")]["bound"] = 1.1
    seen = w1_benchmark.summary(results)
    families = [list(seen["best"][kind]["families"]) for kind in w1_benchmark.KINDS]
    assert families == [["lp"], ["orthogonal"], ["cones"]]
    assert seen["best"]["generic"]["beats"] == 1
    assert seen["bounds_above_w1"] == ["funnel-2-4 orthogonal"]
    assert w1_benchmark.verdict(results)["bounds"]["verdict"] == "does not hold"
    results[list(w1_benchmark.FAMILIES).index("orthogonal")]["bound"] = 0.9
    assert w1_benchmark.verdict(results)["bounds"]["verdict"] == "holds"


def test_the_ten_others_choose_by_validation() -> None:
    results = [
        result("radial-map", "cones", validation=0.8, bound=0.95),
        result("radial-map", "orthogonal", validation=0.9, bound=0.93),
        result("radial-map", "lp", validation=0.99, bound=1.2, proof="measured"),
    ]
    assert w1_benchmark._others(results)["radial-map"]["family"] == "orthogonal"


def test_there_are_28_published_pairs_and_ten_others() -> None:
    names = w1_benchmark.pairs("full")
    assert len(names) == 38
    assert {name.removeprefix("funnel-") for name in names[:28]} == set(w1_benchmark.PUBLISHED)
    assert len(KNOWN) == 10


def test_errors_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, text in [
        (["w1-bench"], "did you mean 'w1-benchmark'"),
        ([], "NAME is missing; allowed: w1-benchmark, honesty, excess, "),
        (["w1-benchmark", "--jobs", "-1"], "--jobs must be at least 0; got -1"),
        (["w1-benchmark", "--seed", "-1"], "--seed must be at least 0; got -1"),
        (["w1-benchmark", "--pairs", str(tmp_path / "none.npz"), "--out", str(tmp_path)], "--pairs"),
    ]:
        assert run(["reproduce", *arguments]) == 2
        assert text in capsys.readouterr().err


def test_processes_give_what_one_process_gives() -> None:
    tasks = [1.0, 4.0, 9.0]
    assert dict(parallel(np.sqrt, tasks, 1)) == dict(parallel(np.sqrt, tasks, 2))


def interrupted(cell: FitCell) -> dict[str, Any]:
    """Measures all pairs but the last, at which the user loses patience."""
    if cell.pair == "funnel-4-4":
        raise KeyboardInterrupt
    return measure(cell)


@pytest.mark.usefixtures("short")
def test_an_interrupted_benchmark_keeps_what_it_measured(tmp_path: Path) -> None:
    stopped, said = replace(w1_benchmark.reproduce, measure=interrupted), list[str]()
    with pytest.raises(KeyboardInterrupt):
        stopped(tmp_path, jobs=1)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "cells").iterdir()}
    assert len(kept) == len(w1_benchmark.families("funnel-2-4"))
    w1_benchmark.reproduce(tmp_path, jobs=1, say=said.append)
    assert said[0] == f"{len(kept)} of {2 * len(kept)} measured before"
    assert kept.items() <= {path.name: path.read_bytes() for path in (tmp_path / "cells").iterdir()}.items()
