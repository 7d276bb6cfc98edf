"""Honesty and excess: the known distances, the verdicts on rows that contradict them, and the commands."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import expon, lognorm, norm, t, ttest_ind, uniform

from monge.cli import run
from monge.config.registry import EXPERIMENTS, Entry
from monge.distance import wasserstein
from monge.distance.bounds import parts
from monge.errors import UserError
from monge.experiment.bracket import degradation, excess, hard_limit, honesty, pair_cell, truth
from monge.experiment.bracket.degradation import DATA, DEGRADATIONS, SETTINGS, Pool
from monge.experiment.bracket.hard_pair import HARD
from monge.experiment.experiment import Experiment
from monge.experiment.sweep import remembered, sweep


@pytest.mark.parametrize(("mean", "a", "b"), [(0.0, 2.0, 0.5), (1.0, 1.0, 1.0), (-0.7, 0.4, 2.0)])
def test_normal_and_uniform_laws_on_a_line(mean: float, a: float, b: float) -> None:
    seen = truth.between(norm(mean, a).cdf, norm(0, b).cdf)
    assert truth.normals(mean, a - b) == pytest.approx(seen, abs=1e-6)
    seen = truth.between(uniform(mean, a).cdf, uniform(0, b).cdf)
    assert truth.uniforms(mean, a - b) == pytest.approx(seen, abs=1e-6)


@pytest.mark.parametrize(("name", "law"), [("exponential", expon()), ("student", t(3)), ("log-normal", lognorm(0.75))])
def test_scaled_laws(name: str, law: Any) -> None:
    # |aT - bT| integrates to |a - b| E|T|, which is twice the integral of the upper tail where T is symmetric
    tail, _ = truth.SCALED[name]
    sample = tail(200_000, 1, torch.Generator().manual_seed(0)).numpy()[:, 0]
    assert np.quantile(sample, [0.2, 0.5, 0.9]) == pytest.approx(law.ppf([0.2, 0.5, 0.9]), abs=0.02)
    assert truth.SCALED[name][1] == pytest.approx(law.expect(abs) if name != "student" else 2 * np.sqrt(3) / np.pi)
    assert abs(sample).mean() == pytest.approx(truth.SCALED[name][1], rel=0.02)


def test_a_mixture_on_a_line_by_its_quantiles() -> None:
    # one normal law about 0, and one about 0 or 1: W1 is the difference of the means, half of the gap
    seen = truth.between(truth._two_cdf(1.0, 1.0), truth._two_cdf(0.5, 1.0))
    assert seen == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_random_pairs_on_a_line_have_the_distance_they_say(seed: int) -> None:
    pair = truth.line_pair(np.random.default_rng(seed))
    generator = torch.Generator().manual_seed(seed)
    x, y = (draw(100_000, generator).double().numpy() for draw in (pair.upper, pair.lower))
    assert wasserstein(x, y) == pytest.approx(pair.distance, abs=0.015 * (x.std() + y.std()))


@pytest.mark.parametrize("kind", truth.SHIFTED)
def test_a_shift_is_as_long_as_it_says_in_standard_deviations(kind: str) -> None:
    pair = truth.shift_pair(np.random.default_rng(1), kind, 3, 1.5)
    x, y = (draw(40_000, torch.Generator().manual_seed(2)) for draw in (pair.upper, pair.lower))
    assert float((x - y).mean(dim=0).norm()) == pytest.approx(pair.distance) == pytest.approx(1.5)
    if kind != "student":  # whose variance no sample shows
        assert float(y.var(dim=0).mean()) == pytest.approx(1, rel=0.05)
    assert x.shape[1] == (2 if kind in ("ring8", "moons") else 3)


def test_equal_and_funnel_pairs() -> None:
    assert truth.equal_pair(np.random.default_rng(0)).distance == 0
    funnels = truth.funnel_truth(np.random.default_rng(0))
    assert 0 < funnels.error < 0.01 * funnels.pair.distance


def test_the_count_allowed_is_that_of_the_issue() -> None:
    assert honesty.allowed(300) == 21
    assert sum(honesty.COUNTS["full"].values()) == 300


def row(kind: str = "line", **values: Any) -> dict[str, Any]:
    facts = {"pair": kind, "d": 1, "n": 200, "w1": 1.0, "w1_error": 0.0, "lower": 0.9, "family": "linear"}
    return {"kind": kind} | facts | {"upper": 1.1, "upper_error": 0.05, "upper_n": 100, "seconds": 1.0} | values


def words(verdicts: dict[str, Any]) -> list[str]:
    return [facts["verdict"] for facts in verdicts.values()]


def limits(kind: str = "hard", **values: Any) -> dict[str, Any]:
    facts = {"pair": "normal", "equal": True, "n": 200, "m": 200, "d": 1, "w1": 1.0, "repeats": 400, "wrong": 20}
    facts |= {"repeats_student": 100}
    return {"kind": kind} | facts | {"wrong_student": 80, "mean": 0.9, "mean_student": 1.0, "seconds": 1.0} | values


def test_honesty_does_not_hold_on_rows_that_contradict_it() -> None:
    rest = [row("accuracy", lower=0.89), limits(), limits("cost")]
    good = [row()] * 299 + rest
    holds, fails = "holds", "does not hold"
    assert words(honesty.verdict([*good, row()])) == [holds] * 5
    assert words(honesty.verdict([row(lower=1.01)] * 21 + good[21:] + [row()])) == [holds] * 5
    assert words(honesty.verdict([row(lower=1.01)] * 22 + good[22:] + [row()])) == [fails, *[holds] * 4]
    assert words(honesty.verdict([*good, row(upper=0.84)])) == [holds, fails, *[holds] * 3]
    assert words(honesty.verdict([*good, row(upper=0.84, w1_error=0.05)])) == [holds] * 5
    assert words(honesty.verdict([*good, row("accuracy", lower=0.8)])) == [holds, holds, fails, holds, holds]
    # 5 % and three standard errors of 400 limits are 33, of 800 limits of one kind 58, of 100 limits 11
    assert words(honesty.verdict([*good, limits(wrong=38)]))[3] == holds
    assert words(honesty.verdict([*good, limits(wrong=39)]))[3] == fails
    assert words(honesty.verdict([*good, limits(wrong=34, pair="atoms")]))[3] == fails
    assert words(honesty.verdict([*good, limits("hard, trained", wrong=12, repeats=100)]))[3] == fails
    assert words(honesty.verdict([*good, limits("cost", mean=0.89)]))[4] == fails
    assert words(honesty.verdict([*good, limits("cost", mean=0.5, w1=0.25)]))[4] == holds
    assert honesty.verdict([*good, row("equal", w1=0.0, lower=0.01, upper=0.2)])["lower"]["by_kind"]["equal"] == 1


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("kind", HARD)
def test_hard_pairs_have_the_distance_they_say(kind: str, d: int) -> None:
    """From the same random numbers one sample is the other moved along an axis, all in one direction.

    So the mean cost of that plan is the difference of the means, which no plan can undercut.
    """
    pair = HARD[kind]
    x, y = (draw(np.random.default_rng(0), 400_000, d) for draw in (pair.first, pair.second))
    assert x.shape == y.shape == (400_000, d)
    moved = x - y
    assert (moved >= 0).all()
    assert (moved.max(axis=0) > 0).sum() == 1
    cost = moved.sum(axis=1)
    assert cost.mean() == pytest.approx(pair.distance, abs=5 * float(cost.std()) / len(cost) ** 0.5 + 1e-12)


def test_students_limit_is_scipys() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(90, 1)) + 5, random.normal(size=(300, 1)) * 2
    x_judged, y_judged = parts(x, [30] * 3, 3, 0, 0)[2], parts(y, [100] * 3, 3, 0, 1)[2]
    test = ttest_ind(x_judged[:, 0], y_judged[:, 0], equal_var=False, alternative="greater")
    expected = test.confidence_interval(0.95).low
    assert hard_limit.student((x, y), seed=3) == pytest.approx(expected, rel=1e-3)


def degraded(data: str, kind: str, **values: Any) -> dict[str, Any]:
    facts = {"data": data, "degradation": kind, "n": 10, "repeats": 3, "strengths": [0, 1, 2], "seconds": 1.0}
    errors = {f"{name}_error": [0.01] * 3 for name in ("excess", "change", "ratio")} | {"step_error": [0.01] * 2}
    facts |= {"excess": [0.0, 0.1, 0.2], "change": [0.0, 0.1, 0.2], "ratio": [1.0, 0.9, 1.1]}
    return facts | errors | values


def test_excess_does_not_hold_on_rows_that_contradict_it() -> None:
    good = [degraded(data, kind) for data in DATA for kind in DEGRADATIONS]
    holds, fails = "holds", "does not hold"
    assert words(excess.verdict(good)) == [holds] * 3
    falling = degraded("digits", "noisy", excess=[0.0, 0.2, 0.1], change=[0.0, 0.2, 0.1])
    assert words(excess.verdict([*good, falling])) == [fails, holds, holds]
    flat = degraded("digits", "noisy", excess=[0.0, 0.0, 0.01], change=[0.0, 0.0, 0.01])
    assert words(excess.verdict([*good, flat])) == [fails, holds, holds]
    below = degraded("digits", "noisy", excess=[0.0, -0.05, 0.2], change=[0.0, -0.05, 0.2], step_error=[0.1, 0.1])
    assert words(excess.verdict([*good, below])) == [holds, fails, holds]
    honest = degraded("grid25", "blended", ratio=[1.0, 0.99, 1.1])
    assert words(excess.verdict([*good, honest])) == [holds, holds, fails]
    assert excess.verdict([falling, *good])["grows"]["not"] == ["digits noisy"]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_degradation_starts_at_the_untouched_samples_and_repeats_none(data: str, kind: str) -> None:
    pool, setting = DATA[data](np.random.default_rng(0)), SETTINGS[data][kind]
    part = pool[2 * setting.n : (len(pool.points) + 2 * setting.n) // 2]
    first, *_, last = (DEGRADATIONS[kind](part, setting.n, s, np.random.default_rng(1)) for s in setting.strengths)
    assert np.allclose(first, part.points[: setting.n], atol=1e-12)
    assert last.shape == first.shape
    assert not np.allclose(last, first)
    if kind == "dropped":
        assert len(np.unique(last, axis=0)) == len(last)
        assert {tuple(x) for x in last} <= {tuple(x) for x in part.points}


def test_degradations_by_hand() -> None:
    pool = Pool(np.array([[0.0], [1.0], [10.0], [12.0]]), np.array([0, 0, 1, 1]))
    random = np.random.default_rng(0)
    assert degradation.averaged(pool, 4, 2, random)[:, 0].tolist() == [0.5, 0.5, 11, 11]
    assert degradation.blended(pool, 2, 2, random)[:, 0].tolist() == [5, 6.5]
    assert degradation.shrunken(pool, 2, 0.5, random)[:, 0].tolist() == [0.25, 0.75]
    assert degradation.noisy(pool, 4, 0.0, random).tolist() == pool.points.tolist()
    assert len(degradation.dropped(pool, 2, 0.5, random)) == 2
    with pytest.raises(UserError, match=r"at least .* samples; got 2"):
        degradation.dropped(pool, 3, 0.5, random)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pair of each kind, few draws, few steps, small sets."""
    monkeypatch.setitem(honesty.COUNTS, "quick", dict.fromkeys(truth.KINDS, 1))
    monkeypatch.setattr(pair_cell, "FAMILIES_USED", [replace(rule, steps=0) for rule in pair_cell.FAMILIES_USED[:1]])
    monkeypatch.setattr(pair_cell, "DRAWS", 3)
    monkeypatch.setattr(pair_cell, "ACCURACY_SAMPLES", 300)
    monkeypatch.setattr(pair_cell, "MOST_SAMPLES", 300)
    monkeypatch.setattr(hard_limit, "HARD", {"normal": HARD["normal"], "rare .01": HARD["rare .01"]})
    monkeypatch.setattr(hard_limit, "SIZES", ((30, 60),))
    monkeypatch.setattr(hard_limit, "COST_SIZES", (60,))
    monkeypatch.setitem(hard_limit.REPEATS, "quick", 3)
    monkeypatch.setattr(truth, "TRUTH_SAMPLES", 2000)
    small = {data: {kind: replace(s, n=20) for kind, s in kinds.items()} for data, kinds in SETTINGS.items()}
    monkeypatch.setattr(excess, "SETTINGS", small)
    monkeypatch.setitem(excess.REPEATS, "quick", {"digits": 2, "grid25": 2})


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("name", "count"), [("honesty", 20), ("excess", 10)])
def test_the_command_measures_once_and_remembers(
    name: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reproduce", name, "--out", str(tmp_path / name), "--jobs", "1", "--json"]
    assert run(command) == 0
    first = json.loads(capsys.readouterr().out)
    files = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.is_file()}
    assert set(files) == {"result.json", "table.md", "figure.png", "figure.svg"}
    assert run(command) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == first
    assert {Path(path).name for path in first.pop("files")} == set(files)
    assert first == json.loads(files["result.json"])
    assert f"{count} of {count} measured before" in printed.err
    assert all((tmp_path / name / file).read_bytes() == content for file, content in files.items())
    assert len(first["rows"]) == count
    assert {"seed", "versions", "seconds", "verdicts"} <= set(first)


@pytest.mark.usefixtures("short")
def test_cells_are_functions_of_the_seed(tmp_path: Path) -> None:
    def timeless(seen: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in seen.items() if key != "seconds"}

    for experiment in (honesty, excess):
        for cell in experiment.cells("quick", 0, tmp_path)[:2]:
            seen = timeless(experiment.measure(cell))
            assert timeless(experiment.measure(cell)) == seen
            other = replace(cell, seed=1)
            assert timeless(experiment.measure(other)) != seen
            assert other.path != cell.path


@pytest.mark.usefixtures("short")
def test_a_damaged_cell_is_measured_again(tmp_path: Path) -> None:
    cell = honesty.cells("quick", 0, tmp_path / "cells")[0]
    (tmp_path / "cells").mkdir()
    cell.path.write_text("{")
    assert remembered(cell.path) is None
    (seen,) = sweep(honesty.measure, [cell], jobs=1, say=lambda text: None, line=honesty.line)
    assert remembered(cell.path) == seen


def fixed(verdicts: dict[str, Any]) -> Experiment[pair_cell.PairCell]:
    """An experiment of known outcome, which measures nothing."""
    return replace(
        honesty.reproduce,
        claims={name: f"claim {name}" for name in verdicts},
        cells=lambda budget, seed, folder: [pair_cell.PairCell("line", seed, seed, folder)],
        measure=lambda cell: row(),
        verdict=lambda rows: verdicts,
        tables=lambda rows: [],
        figures=lambda rows: {},
    )


def test_all_runs_every_experiment_and_shows_each_claim_with_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {name: {f"of-{name}": {"verdict": "holds"}} for name in EXPERIMENTS}
    outcomes["excess"] = {"grows": {"verdict": "does not hold", "not": ["digits noisy"]}}
    made = {entry.path: fixed(outcomes[name]) for name, entry in EXPERIMENTS.items()}
    monkeypatch.setattr(Entry, "load", lambda entry: made[entry.path])
    command = ["reproduce", "all", "--out", str(tmp_path), "--jobs", "1"]
    assert run(command) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len([line for line in shown if line.startswith("| ")]) == 2 + len(EXPERIMENTS)
    assert "| excess | claim grows | does not hold |" in shown
    assert shown[-1] == f"figures and numbers: {tmp_path / 'claims.html'}"
    assert {path.name for path in tmp_path.iterdir()} == {"claims.html", *EXPERIMENTS}
    assert "claim grows" in (tmp_path / "claims.html").read_text()
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] == outcomes


@pytest.mark.parametrize("experiment", [EXPERIMENTS[name].load() for name in ("honesty", "excess", "w1-benchmark")])
def test_every_experiment_bears_its_name_and_its_claims(experiment: Experiment[Any]) -> None:
    rows = {
        "honesty": [row(), row("accuracy", lower=0.9)],
        "excess": [degraded(data, kind) for data in DATA for kind in DEGRADATIONS],
        "w1-benchmark": [{"proof": "measured"}],
    }
    assert EXPERIMENTS[experiment.name].load() is experiment
    assert experiment.claims.keys() == experiment.verdict(rows[experiment.name]).keys()


def test_errors_of_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for arguments, text in [
        (["honesty", "--pairs", "x.npz"], "--pairs x.npz is only for w1-benchmark"),
        (["excess", "--pairs", "x.npz"], "excess draws its own pairs"),
        (["excess", "--out", str(tmp_path / "file")], "cannot be written"),
    ]:
        assert run(["reproduce", *arguments]) == 2
        assert text in capsys.readouterr().err
