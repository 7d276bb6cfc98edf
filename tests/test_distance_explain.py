"""In what two sample sets differ: features, units, columns, limits, the picture and the call from Python."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor
from scipy import stats

import monge
from monge import plot
from monge.cli import run
from monge.distance.bounds import bracket
from monge.distance.excess_split import split_bracket
from monge.distance.split_test import split_test
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.two_samples import Comparison
from monge.metric.column_test import chi_squared, holm, kolmogorov_smirnov
from monge.plot.style import REAL, VERMILION

pytestmark = pytest.mark.usefixtures("few_relabellings")

QUICK = ["--families", "linear"]
QUIET = [*QUICK, "--no-picture"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with normal samples in five dimensions in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("monge.distance.split_test.RELABELLINGS", 59)
    monkeypatch.setattr("monge.distance.split_test.MOST", 59)
    random = np.random.default_rng(4)
    a, b = random.normal(size=(2, 160, 5))
    np.save("a.npy", a)
    np.save("b.npy", b)
    np.save("shifted.npy", b + np.array([0, 0, 1, 0, 0]))
    return tmp_path


def shown(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> str:
    """What a command prints."""
    capsys.readouterr()
    assert run(["distance", *arguments]) == status
    return capsys.readouterr().out


def document(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> Any:
    """The JSON document that a command prints."""
    return json.loads(shown([*arguments, "--json"], capsys, status))


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    capsys.readouterr()
    assert run(["distance", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = [line for line in said.err.splitlines() if line != "reading ..."]
    return line


def normal(n: int, d: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(2, n, d))


def test_parts_sum_to_the_bracket_that_is_measured_without_them() -> None:
    x, y = normal(120, 4)
    y[:, 0] += 1
    measured = bracket(x, y, families=["linear"], seed=3)
    found, split = split_bracket(x, y, [0, 0, 1, 2], families=["linear"], seed=3)
    for name in ("lower", "upper", "floor", "spread", "excess", "spread_error", "excess_error", "n"):
        assert getattr(found, name) == pytest.approx(getattr(measured, name), rel=1e-12)
    assert split.excess.sum() == pytest.approx(found.excess, abs=1e-12)
    assert split.excess.shape == (3,)


def test_a_shifted_feature_is_first_and_its_parts_sum_to_the_excess(capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["a.npy", "shifted.npy", *QUIET], capsys)
    features = said["explanation"]["features"]
    assert len(features) == 5
    assert sum(feature["excess"] for feature in features) == pytest.approx(said["bracket"]["excess"], abs=1e-9)
    assert sum(feature["share"] for feature in features) == pytest.approx(1)
    first, *others = features
    assert (first["name"], first["test_alone"]) == ("column 3", "Kolmogorov-Smirnov")
    assert first["p_transport"] == pytest.approx(1 / 60)
    assert first["p_alone"] < 1e-6
    assert first["excess"] > 3 * first["error"]
    for other in others:
        assert abs(other["excess"]) < first["excess"] / 3
        assert other["p_value"] > 0.05
    assert said["explanation"]["relabelled"] == {"rows": [160, 160], "parts": 1, "relabellings": 59}
    assert "explanation" not in document(["a.npy", "b.npy", "--no-explain", *QUIET], capsys)


def test_a_changed_correlation_is_seen_though_no_feature_shows_it_alone() -> None:
    x, y = normal(250, 4, seed=1)
    y[:, 3] = 0.9 * y[:, 1] + np.sqrt(1 - 0.9**2) * y[:, 3]
    found = monge.two_samples(x, y, explain=True, families=["linear"]).explanation
    assert found is not None
    assert set(found.order[:2]) == {1, 3}
    assert (found.test.p_values[[1, 3]] <= 0.05).all()
    assert found.alone.min() > 0.05
    assert found.p_values[[0, 2]].min() > 0.05


def test_p_values_of_equal_distributions_are_uniform() -> None:
    """The least corrected p of a test is at most a in a share a of pairs, and not much less often."""
    random = np.random.default_rng(0)
    pairs = [random.normal(size=(2, 16, 3)).round(1) for _ in range(150)]
    least = np.array([split_test(x, y, draws=19, seed=i).p_values.min() for i, (x, y) in enumerate(pairs)])
    for level in (0.1, 0.25, 0.5):
        low, high = stats.binom.ppf([0.0005, 0.9995], len(pairs), level) / len(pairs)
        assert low <= (least <= level).mean() <= high
    with pytest.raises(monge.UserError, match="draws must be at least 1; got 0"):
        split_test(*pairs[0], draws=0)


@pytest.mark.parametrize(
    ("sizes", "d", "rows", "parts"),
    [((40, 50), 2, (40, 50), 1), ((1100, 1500), 1, (1024, 1024), 8), ((900, 20), 1, (900, 20), 1)],
)
def test_how_rows_are_divided(sizes: tuple[int, int], d: int, rows: tuple[int, int], parts: int) -> None:
    x, y = normal(1500, d)
    found = split_test(x[: sizes[0]], y[: sizes[1]] + 3, draws=9)
    assert (found.rows, found.parts, found.draws) == (rows, parts, 9)
    assert found.p_values.max() == 0.1


def test_constant_and_equal_features_show_nothing() -> None:
    x, y = normal(30, 3)
    x[:, 1] = y[:, 1] = 7
    assert split_test(x, y, draws=19).p_values[1] == 1
    assert (split_test(np.zeros((20, 2)), np.zeros((20, 2)), draws=19).p_values == 1).all()


def test_tests_of_single_columns_are_those_of_scipy() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=90), random.normal(0.4, 1, 60)
    assert kolmogorov_smirnov(x, y) == pytest.approx(stats.ks_2samp(x, y, method="exact").pvalue)
    missing = np.where(random.random(90) < 0.5, np.nan, x)
    assert kolmogorov_smirnov(x, missing) < 1e-6
    levels, others = random.integers(0, 3, 90), random.integers(0, 2, 60)
    counts = np.stack([np.bincount(side, minlength=3) for side in (levels, others)])
    assert chi_squared(levels, others) == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    assert chi_squared(np.zeros(9, np.int64), np.zeros(8, np.int64)) == 1
    rare = np.arange(50)  # levels of one sample each count as one, so nothing is left to test
    assert chi_squared(rare, rare + 50) == 1
    assert holm([0.01, 0.02, 0.9]).tolist() == [0.03, 0.04, 0.9]


def table(name: str, n: int, seed: int, *, older: float = 0, jobs: Sequence[float] = (0.4, 0.3, 0.3)) -> None:
    """Rows of an identifier, an age, an income in thousands with missing values, a job, and a day."""
    random = np.random.default_rng(seed)
    lines = ["id,age,income,job,day"]
    for number in random.permutation(n):
        age, income = random.normal(40 + 10 * older, 10), random.normal(50_000, 20_000)
        known, job = random.random() > 0.1, random.choice(["clerk", "nurse", "smith"], p=jobs)
        day = f"2021-0{random.integers(1, 10)}-{random.integers(10, 28)}"
        lines.append(f"P{number:05},{age:.1f},{f'{income:.0f}' if known else ''},{job},{day}")
    Path(name).write_text("\n".join(lines) + "\n")


def test_columns_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    table("a.csv", 150, 0)
    table("b.csv", 150, 1, older=0.9, jobs=(0.05, 0.15, 0.8))
    table("c.csv", 150, 2)
    said = document(["a.csv", "b.csv", *QUIET], capsys)
    features = {feature["name"]: feature for feature in said["explanation"]["features"]}
    assert list(features)[:2] in (["age", "job"], ["job", "age"])
    assert set(features) == {"age", "income", "job", "day"}
    assert [features[name]["test_alone"] for name in ("age", "job")] == ["Kolmogorov-Smirnov", "chi-squared"]
    assert max(features[name]["p_value"] for name in ("age", "job")) <= 0.05
    assert min(features[name]["p_value"] for name in ("income", "day")) > 0.05
    assert (said["standardise"], said["left_out"]) == ("std", ["id"])
    text = shown(["a.csv", "c.csv", *QUIET], capsys).splitlines()
    units = "of numbers in standard deviations, where a level that differs counts 1"
    assert text[0] == f"Euclidean distances {units} (--standardise std)"
    assert text[3] == "Left out as identifiers of rows: id."
    assert not any(line.endswith(("differs", "not alone")) for line in text)
    assert max(map(len, text)) <= 120


def test_units_of_a_table_are_those_of_its_first_file(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    table("a.csv", 120, 0)
    table("b.csv", 120, 1, older=1)
    said = {
        how: document(["a.csv", "b.csv", "--standardise", how, *QUIET], capsys)
        for how in ("none", "std", "robust", "quantile")
    }
    share = {
        how: next(feature["share"] for feature in found["explanation"]["features"] if feature["name"] == "age")
        for how, found in said.items()
    }
    assert said["none"]["bracket"]["upper"] > 1000  # incomes
    assert all(said[how]["bracket"]["upper"] < 3 for how in ("std", "robust", "quantile"))
    assert [found["standardise"] for found in said.values()] == list(said)
    assert min(share[how] for how in ("std", "robust", "quantile")) > 0.5


def test_units_of_an_array() -> None:
    """Each unit makes the result independent of how a column is scaled, and the last one of how it is bent."""
    x, y = normal(90, 2)
    y[:, 0] += 1

    def measured(change: Any, how: str | None) -> float:
        return monge.two_samples(
            change(x), change(y), standardise=how, families=["linear"], explain=False
        ).bracket.upper

    def scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return points * [1000, 0.1] + [5, 0]

    assert measured(scaled, None) == measured(scaled, "none") > 100 * measured(np.asarray, "none")
    for how in ("std", "robust", "quantile"):
        assert measured(scaled, how) == pytest.approx(measured(np.asarray, how))
    assert measured(np.exp, "quantile") == pytest.approx(measured(np.asarray, "quantile"), rel=0.02)
    assert measured(lambda points: points * [1, 0] + [0, 3], "robust") > 0.5  # a constant keeps its unit


def test_standardised_columns_all_count(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = normal(150, 3, seed=5)
    b[:, 2] += 1
    for name, points in (("a", a), ("b", b)):
        np.save(f"{name}.npy", points * [1000, 1, 1])
    raw = document(["a.npy", "b.npy", "--no-explain", *QUIET], capsys)
    assert raw["scales"]["barely_tested"] == ["column 2", "column 3"]
    assert abs(raw["bracket"]["excess"]) < 3 * raw["bracket"]["excess_error"]  # though the tests see it, by ranks
    said = document(["a.npy", "b.npy", "--standardise", "std", *QUIET], capsys)
    assert (said["differ"], said["scales"], said["units"]) == (True, None, "in standard deviations of A")


def test_chosen_columns(capsys: pytest.CaptureFixture[str]) -> None:
    one = document(["a.npy", "shifted.npy", "--columns", "3,1", *QUIET], capsys)
    np.save("a2.npy", np.load("a.npy")[:, [0, 2]])
    np.save("b2.npy", np.load("shifted.npy")[:, [0, 2]])
    other = document(["a2.npy", "b2.npy", *QUIET], capsys)
    assert one["bracket"] == other["bracket"]
    assert document(["a.npy", "shifted.npy", "--exclude", "2,4,5", *QUIET], capsys)["bracket"] == other["bracket"]
    pytest.importorskip("pyarrow")
    table("a.csv", 60, 0)
    table("b.csv", 60, 1)
    lines = Path("b.csv").read_text().splitlines()
    Path("fewer.csv").write_text("\n".join(",".join(line.split(",")[1:4]) for line in lines))  # no id and no day
    said = document(["a.csv", "fewer.csv", "--columns", "age,income", *QUIET], capsys)
    assert (said["a"]["shape"], said["b"]["shape"], said["left_out"]) == ([2], [2], ["id"])
    said = document(["a.csv", "fewer.csv", "--exclude", "id,day", *QUIET], capsys)
    assert (said["a"]["shape"], said["b"]["shape"]) == ([3], [3])
    assert "A a.csv: --exclude 'dya' is not known; did you mean 'day'" in refused(
        ["a.csv", "b.csv", "--exclude", "dya", *QUIET], capsys
    )


def test_the_farthest_samples_are_named_by_their_rows(capsys: pytest.CaptureFixture[str]) -> None:
    b = np.load("b.npy")
    b[[7, 141]] = [[0, 30, 0, 0, 0], [0, 0, 0, 0, 20]]
    np.save("b.npy", b)
    found = document(["a.npy", "b.npy", *QUIET], capsys)["explanation"]["farthest"]
    assert [far["row"] for far in found[:2]] == [7, 141]
    assert [next(iter(far["features"])) for far in found[:2]] == ["column 2", "column 5"]
    assert len(found) == 10
    nearest = np.load("a.npy")[found[0]["matched"]]
    assert found[0]["cost"] == pytest.approx(np.linalg.norm(nearest - b[7]), rel=1e-9)
    text = shown(["a.npy", "b.npy", *QUIET], capsys)
    assert "\nrow 8        " in text
    assert "column 2 99" in text
    pytest.importorskip("pyarrow")
    for name, jobs in (("a", "xy"), ("b", "zx")):  # other levels, so that B is recoded
        rows = [f"{i % 9},{jobs[i % 2]}" for i in range(80)]
        rows[50:51] = ["99,x"] if name == "b" else rows[50:51]
        Path(f"{name}.csv").write_text("\n".join(["n,job", *rows]))
    assert document(["a.csv", "b.csv", *QUIET], capsys)["explanation"]["farthest"][0]["row"] == 50


def test_pixels_of_images(capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 200, (2, 90, 4, 6, 3), dtype=np.uint8)
    b[:, 1, 4] += 55
    how = ["ia.npy", "ib.npy", "--data.layout", "nhwc"]
    np.save("ia.npy", a)
    np.save("ib.npy", b)
    said = document([*how, "--out", "i.png", *QUICK], capsys)
    features = said["explanation"]["features"]
    assert len(features) == 24
    assert features[0]["name"] == "pixel 1,4"
    assert sum(feature["excess"] for feature in features) == pytest.approx(said["bracket"]["excess"], abs=1e-9)
    with Image.open("i.png") as image:
        assert image.size == (1600, 1016)
    said = refused([*how, "--columns", "1", *QUIET], capsys)
    assert "needs a table or an array of vectors; got images 4 x 6 x 3" in said


def test_the_features_of_images_have_all_channels() -> None:
    images = np.broadcast_to(np.arange(9, dtype=np.uint8)[:, None, None, None], (9, 2, 3, 2))
    data = monge.load_data(images, layout="nhwc")
    features = FeatureGroups.of(data.codec, 12)
    points = np.arange(12.0)[None]
    assert [float(value[0]) for value in features.values(points)] == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert features.names[4] == "pixel 1,1"


def test_the_picture_of_features() -> None:
    names = ["a feature whose name is too long for a picture", *"bcd"]
    excess, p_values = np.array([0.3, 0.1, 0.0, -0.05]), np.array([0.001, 0.04, 0.3, 1])
    bars = plot.feature_bars(names, excess, np.full(4, 0.02), p_values, 0.05, "data units")
    single = plot.feature_bars(names[:1] * 30, excess.repeat(8)[:30], None, p_values.repeat(8)[:30], 0.05, "data units")
    assert bars.width == single.width == 1600
    assert single.height > 2 * bars.height
    colours = {colour for _, colour in bars.getcolors(100_000) or ()}
    assert {ImageColor.getrgb(VERMILION), ImageColor.getrgb(REAL)} <= colours
    both = plot.stacked(bars, single)
    assert both.size == (1600, bars.height + single.height)


def test_limits_decide_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    far = ["a.npy", "shifted.npy", *QUIET]
    assert document([*far, "--fail-above", "excess=9", "lower=9"], capsys)["failed"] == []
    said = document([*far, "--fail-above", "excess=0.1", "--fail-below-p", "0.01"], capsys, status=3)
    assert [(failure["figure"], failure["side"]) for failure in said["failed"]] == [
        ("excess", "above"),
        ("p_value", "below"),
    ]
    assert said["failed"][0]["value"] == said["bracket"]["excess"]
    text = shown([*far, "--fail-below-p", "0.01"], capsys, status=3)
    assert text.endswith("Failed: p_value 0.008333 is below 0.01.\n")
    assert "failed" not in document(far, capsys)


BAD = {
    "figure": (["--fail-above", "exces=1"], "--fail-above 'exces' is not known; did you mean 'excess'?"),
    "limit": (["--fail-above", "excess"], "--fail-above must be FIGURE=NUMBER, such as excess=0.1; got 'excess'"),
    "number": (["--fail-above", "upper=much"], "got 'upper=much'"),
    "p": (["--fail-below-p", "5"], "--fail-below-p must be above 0 and at most 1; got 5"),
    "units": (["--standardise", "sd"], "--standardise 'sd' is not known; did you mean 'std'?"),
    "column": (["--columns", "1,6"], "A a.npy: --columns '6' is not known"),
    "excluded": (["--exclude", "age"], "A a.npy: --exclude 'age' is not known"),
    "nothing": (["--exclude", "1,2,3,4,5"], "--exclude must leave a column; got none of 1, 2, 3, 4, 5"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_options(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(["a.npy", "b.npy", *arguments, *QUIET], capsys)


def test_fresh_draws_have_no_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert "needs a table or an array" in refused(["toy:moons", "toy:moons", "--columns", "1", *QUIET], capsys)


def test_the_call_from_python_is_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["a.npy", "shifted.npy", "--standardise", "std", "--seed", "5", *QUIET], capsys)
    how: Any = {"standardise": "std", "explain": True, "seed": 5, "families": ["linear"]}
    found = monge.two_samples("a.npy", "shifted.npy", **how)
    assert isinstance(found, Comparison)
    assert json.loads(json.dumps(found.as_json())) | {"written": []} == said
    assert repr(found).startswith("Euclidean distances in standard deviations of A (--standardise std)\n")
    arrays = monge.two_samples(np.load("a.npy"), np.load("shifted.npy"), **how)
    assert arrays.bracket == found.bracket
    assert arrays.plot().size[0] == 1600


def test_frames_are_read_alike() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    random = np.random.default_rng(0)
    first = pandas.DataFrame({"n": np.arange(60) % 7, "job": random.choice(["x", "y"], 60)})
    second = pandas.DataFrame({"n": np.arange(60) % 7 + 0.5, "job": ["x", "x", "y"] * 20})
    found = monge.two_samples(first, second, explain=True, families=["linear"])
    assert found.a.space == found.b.space
    assert found.explanation is not None
    assert found.explanation.features.names == ["n", "job"]
    assert monge.two_samples(first, second, columns=["job"], families=["linear"]).a.columns == ["job"]
    with pytest.raises(monge.UserError, match="A and B must"):
        monge.two_samples(first, second[["job"]], families=["linear"])
