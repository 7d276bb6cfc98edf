"""The generator inside a report, in a real browser: its samples are torch's, and every control does what it says."""

import base64
import csv
import io
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import monge
from browser import Tab, browser, complaints
from monge import api
from monge.data.table.condition import parse
from monge.data.table.frame import csv_bytes, with_classes
from monge.data.table.shop import shop_rows
from monge.model.random import Purpose, stream
from monge.model.trained_model import Request, TrainedModel
from monge.report import page
from monge.report.sampler.content import sampler
from monge.report.sampler.direction import principal_directions
from monge.report.sampler.graph import SamplerError

pytestmark = pytest.mark.web

RANDOM = np.random.default_rng(0)
TINY: dict[str, Any] = {"generator": "mlp:width=24:latent=6", "critic": "mlp:width=8"}
BIG_STEPS: dict[str, Any] = {"batch": 16, "n_critic": 1, "learning_rate": 0.02, "ema": 0.0}
TABLE: dict[str, Any] = {"generator": "residual:width=16:depth=1:latent=8", "critic": "mlp:width=8", "model": "gan"}
SMOOTH = "dcgan:width=4:latent=6:upsampling=bilinear"
GREY = RANDOM.integers(0, 256, (40, 28, 28, 1), np.uint8)
COLOURS = RANDOM.integers(0, 256, (40, 16, 16, 3), np.uint8)
POINTS = RANDOM.normal([3, 1e6, 0], [2, 5, 1e-3], (200, 3))
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "digits": ("digits", {**TINY, "generator": "mlp:width=24:latent=6:norm=batch"}),
    "conditional": ("digits", {**TINY, "training": {"conditional": True}}),
    "infogan": ("digits", {**TINY, "objective": "infogan:categories=4:uniform=1:normal=1"}),
    "dcgan": (GREY, {"recipe": "image", "generator": "dcgan:width=4:latent=6", "critic": "dcgan:width=4"}),
    "smooth": (GREY, {"recipe": "image", "generator": SMOOTH, "critic": "dcgan:width=4"}),
    "vector": (POINTS, TINY),
    "grid25": ("toy:grid25", {"generator": "mlp:latent=2:width=16", "critic": "mlp:width=8"}),
    "table": ("table", TABLE),
    "copula": ("table", {**TABLE, "model": "copula"}),
    "classes of a table": ("table", {**TABLE, "data": {"label": "payment"}, "training": {"conditional": True}}),
    "resnet": (COLOURS, {"recipe": "image", "generator": "resnet:width=4:latent=6", "critic": "resnet:width=4"}),
}
"""Data and settings of each kind of generator."""
SLOW = ("copula", "classes of a table", "resnet")
IMAGES = ("digits", "conditional", "infogan", "dcgan", "smooth", "resnet")


def marked(kinds: Iterable[str]) -> list[Any]:
    """Kinds as parameters, those that take longer marked."""
    return [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in kinds]


def options(kind: str) -> dict[str, Any]:
    """The settings of a kind, and those of all: steps that are few and large, no pictures between."""
    settings = KINDS[kind][1]
    rule = BIG_STEPS | settings.get("training", {})
    return settings | {"training": rule, "threads": 1, "observe": {"bracket": 1000}}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Tab]]:
    """Opens tabs of one browser."""
    with browser(tmp_path_factory.mktemp("profile")) as new:

        def give(file: Path, *how: Any) -> Tab:
            tab = new()
            tab.open(file, *how)
            return tab

        yield give


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], monge.Run]:
    """Gives a tiny run of a kind with its report, each made once."""
    made: dict[str, monge.Run] = {}
    folder = tmp_path_factory.mktemp("runs")
    (folder / "orders.csv").write_bytes(csv_bytes(*shop_rows(600)))

    def give(kind: str) -> monge.Run:
        if kind not in made:
            source = KINDS[kind][0]
            source = folder / "orders.csv" if isinstance(source, str) and source == "table" else source
            made[kind] = api.train(source, run=folder / kind, steps=6, **options(kind))
            with pytest.MonkeyPatch.context() as patch:  # what takes long, and is not looked at here
                patch.setattr(page, "table_view", lambda model, data: None)
                patch.setattr(page, "likeness_of_table", lambda model, data: {})
                made[kind].write_report()
        return made[kind]

    return give


def matrix(tab: Tab, script: str) -> NDArray[np.float64]:
    """Lists of numbers of a page, missing ones NaN."""
    rows = json.loads(tab.run(f"JSON.stringify({script})"))
    return np.array([[np.nan if value is None else value for value in row] for row in rows])


def drawn(tab: Tab, z: torch.Tensor, asked: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Samples of latent numbers (n, latent) as the page makes them."""
    return matrix(tab, f"{json.dumps(z.tolist())}.map((z, i) => [...sampleAt(z, {json.dumps(asked)}[i])])")


def requests(model: TrainedModel, condition: torch.Tensor | None, n: int) -> list[dict[str, Any]]:
    """What the page is asked for, so that it gets the same classes or codes as the network."""
    if condition is None:
        return [{}] * n
    return [{"label" if model.conditional else "codes": one} for one in condition.tolist()]


def ready(tab: Tab) -> None:
    """Waits until the page has drawn what it was asked for."""
    tab.until("document.getElementById('sampler').getAttribute('aria-busy') === 'false'")


def picture(tab: Tab, name: str = "drawn") -> str:
    """What a canvas of the page shows."""
    ready(tab)
    found: str = tab.run(f"document.getElementById('{name}').toDataURL()")
    return found


def set_to(tab: Tab, name: str, value: Any) -> None:
    """Gives a control a value, as its user does."""
    find = f"document.getElementById('{name}')"
    tab.run(f"{find}.value = {value!r}; {find}.dispatchEvent(new Event('input'))")


@pytest.mark.parametrize("kind", marked(KINDS))
def test_samples_are_those_of_torch(trained: Callable[[str], monge.Run], opened: Callable[..., Tab], kind: str) -> None:
    run = trained(kind)
    tab, model, n = opened(run.report), run.model(), 32
    ready(tab)
    z = model.latent(n, stream(7, Purpose.SAMPLE))
    for asked in (requests(model, model.condition(z), n), [{}] * n):
        raw = model.generate(z, model.condition(z)).reshape(n, -1).astype(float)
        found = drawn(tab, z, asked)
        if kind in IMAGES:
            assert raw.std() > 20
            assert np.abs(found - raw).max() <= 1
            continue
        scale = np.maximum(np.nanstd(raw, axis=0), 1e-9)  # a column may be constant
        np.testing.assert_array_equal(np.isnan(found), np.isnan(raw))
        assert np.nanmax(np.abs(found - raw) / scale) < 1e-4
    assert tab.console == []
    assert {address.split(":")[0] for address in tab.requests} <= {"file", "data"}
    assert [address for address in tab.requests if address.startswith("file")] == [run.report.resolve().as_uri()]


def test_every_control_of_pictures(trained: Callable[[str], monge.Run], opened: Callable[..., Tab]) -> None:
    tab = opened(trained("infogan").report)
    first, row = picture(tab), picture(tab, "between")
    seen = {first}
    tab.click("#again")
    assert tab.run("document.getElementById('seed').value") == "1"
    tab.until("document.getElementById('told').textContent === '32 images, seed 1'")
    seen.add(picture(tab))
    tab.run("document.getElementById('again').focus()")
    tab.press("Enter")
    assert tab.run("document.getElementById('seed').value") == "2"
    set_to(tab, "code0", "3")
    seen.add(picture(tab))
    for name in ("code1", "code2", "direction0", "direction3"):
        tab.run(f"document.getElementById('{name}').focus()")
        for _ in range(9):
            tab.press("ArrowRight")
        assert tab.run(f"document.getElementById('{name}').nextElementSibling.textContent") == "0.9"
        seen.add(picture(tab))
    assert len(seen) == 7
    tab.click("#reset")
    assert tab.run("document.getElementById('code1').nextElementSibling.textContent") == "drawn"
    set_to(tab, "seed", "0")
    assert (picture(tab), picture(tab, "between")) == (first, row)
    tab.click("#drawn", 0.3, 0.9)
    assert tab.run("['from', 'to'].map(name => document.getElementById(name).value)") == ["27", "2"]
    assert picture(tab, "between") != row
    tab.click("#drawn", 0.99, 0.01)
    assert tab.run("['from', 'to'].map(name => document.getElementById(name).value)") == ["27", "8"]
    set_to(tab, "from", "1")
    set_to(tab, "to", "2")
    assert (picture(tab), picture(tab, "between")) == (first, row)
    assert tab.console == []


def test_the_class_that_is_asked_for(trained: Callable[[str], monge.Run], opened: Callable[..., Tab]) -> None:
    run = trained("conditional")
    tab = opened(run.report)
    ready(tab)
    set_to(tab, "label", "4")
    tab.until("document.getElementById('told').textContent === '32 images of class 4, seed 0'")
    z = torch.tensor(tab.run("Array.from({ length: 32 }, (none, i) => [...latentOf(i, request())])"))
    wanted = run.model().generate(z, run.model().condition(z, Request(label=4))).reshape(32, -1)
    assert np.abs(drawn(tab, z, [{"label": 4}] * 32) - wanted).max() <= 1
    tile = tab.run("[...document.getElementById('drawn').getContext('2d').getImageData(8, 8, 1, 1).data]")
    assert abs(tile[0] - int(wanted[0, 0])) <= 1
    assert tile[1:] == [tile[0], tile[0], 255]


def test_points_and_the_path_between_two(trained: Callable[[str], monge.Run], opened: Callable[..., Tab]) -> None:
    run = trained("grid25")
    tab = opened(run.report)
    first = picture(tab)
    tab.click("#drawn", 0.5, 0.5)
    assert picture(tab) != first
    picked = int(tab.run("document.getElementById('from').value"))
    places = np.array(tab.run("places")) - 320
    assert np.hypot(*places.T).argmin() + 1 == picked
    path = tab.run("between(...ends(request()), 3).map(z => [...sampleAt(z, request())])")
    ends = torch.tensor(tab.run("ends(request()).map(z => [...z])"))
    arc = torch.stack([ends[0], (ends[0] + ends[1]) / 2**0.5, ends[1]])
    np.testing.assert_allclose(path, run.model().generate(arc), atol=1e-5)
    set_to(tab, "from", "1")
    assert picture(tab) == first
    set_to(tab, "direction0", "2")
    assert picture(tab) != first


def test_directions_are_those_of_most_change(trained: Callable[[str], monge.Run]) -> None:
    run = trained("conditional")
    generator = run.model().generator
    axes = principal_directions(run.model())
    np.testing.assert_allclose(axes @ axes.T, np.eye(4), atol=1e-5)
    assert (axes[:, -1].abs() < 1e-3).all()  # the last number only decides the class
    z, y = torch.randn(200, axes.shape[1], generator=torch.Generator().manual_seed(3)), torch.arange(200) % 10
    with torch.no_grad():
        change = [(generator(z + 0.1 * axis, y) - generator(z, y)).square().sum() for axis in axes]
    assert change[0] > change[1] > change[3]
    np.testing.assert_allclose(content(run)["directions"], axes, atol=1e-6)


def saved(tab: Tab, folder: Path, rows: int) -> list[list[str]]:
    """The rows of the file that the page lets its reader download."""
    tab.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    ready(tab)
    tab.run(f"document.getElementById('rows').value = {rows}")
    tab.click("#save")
    tab.until(f"document.getElementById('told').textContent === '{rows} rows in samples.csv'")
    tab.until((folder / "samples.csv").exists)
    return list(csv.reader(io.StringIO((folder / "samples.csv").read_text())))


@pytest.mark.parametrize("kind", marked(["table", "classes of a table"]))
def test_rows_of_a_table_as_a_file(
    trained: Callable[[str], monge.Run], opened: Callable[..., Tab], tmp_path: Path, kind: str
) -> None:
    run = trained(kind)
    tab, model = opened(run.report), run.model()
    lines = saved(tab, tmp_path, 200)
    shown = "row => [...row.cells].map(cell => cell.textContent)"
    assert lines[:11] == tab.run(f"[...document.querySelectorAll('#drawn tr')].map({shown})")
    tab.run("permittedRows(200, request(), waiting(null)).then(rows => { globalThis.found = rows; })")
    rows, classes = matrix(tab, "found.map(one => [...one.row])"), tab.run("found.map(one => one.label)")
    table = with_classes(model.space.schema, rows, np.array(classes) if model.conditional else None, "payment")
    assert (tmp_path / "samples.csv").read_bytes() == csv_bytes(*table)
    assert len(rows) == 200
    assert len({row[-1] for row in lines}) > 2
    assert not model.codec.combinations.violated(rows).any()
    assert tab.console == []


def test_rows_of_vectors_as_a_file(
    trained: Callable[[str], monge.Run], opened: Callable[..., Tab], tmp_path: Path
) -> None:
    tab = opened(trained("vector").report)
    head, *lines = saved(tab, tmp_path, 20)
    assert head == ["x1", "x2", "x3"]
    rows = tab.run(
        "Promise.all(Array.from({ length: 20 }, (none, i) => [...sampleAt(latentOf(i, request()), request())]))"
    )
    np.testing.assert_array_equal(np.array(lines, float), rows)


SIZES = [(1280, "light"), (390, "light"), (1280, "dark"), (390, "dark")]
QUICK = [("infogan", *SIZES[3]), ("table", *SIZES[0])]


@pytest.mark.parametrize(
    ("kind", "width", "scheme"),
    [
        pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow)
        for kind, size in itertools.product(("conditional", "infogan", "grid25", "table"), SIZES)
        for case in [(kind, *size)]
    ],
)
def test_nothing_is_hard_to_reach_or_sticks_out(
    trained: Callable[[str], monge.Run], opened: Callable[..., Tab], kind: str, width: int, scheme: str
) -> None:
    tab = opened(trained(kind).report, width, 800, scheme)
    ready(tab)
    assert complaints(tab) == []
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    tab.run("document.querySelector('label[for=seed]').remove()")
    assert "label" in complaints(tab)[0][0]


@pytest.mark.slow
def test_nor_on_the_whole_page_of_a_table(
    trained: Callable[[str], monge.Run], opened: Callable[..., Tab], tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(trained("table").path, copy)
    api.open_run(copy).write_report()
    for width, scheme in SIZES:
        tab = opened(copy / "report.html", width, 800, scheme)
        ready(tab)
        assert complaints(tab) == []
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def content(run: monge.Run) -> dict[str, Any]:
    """What the page of a run gives to its scripts."""
    found = re.search('<script type="application/json" id="generator">(.*?)</script>', run.report.read_text())
    assert found is not None
    made: dict[str, Any] = json.loads(found[1])
    return made


def weights(run: monge.Run) -> NDArray[np.float32]:
    """The numbers of the generator in the page of a run."""
    found = content(run)
    return np.frombuffer(base64.b64decode(found["weights"]), "<f2" if found["half"] else "<f4")


def test_no_sample_of_the_data_is_in_the_page(trained: Callable[[str], monge.Run]) -> None:
    run = trained("vector")
    generator, codec = run.model().generator, run.model().codec
    text = json.dumps(content(run) | {"weights": ""})
    assert not [value for value in POINTS.ravel().tolist() if repr(value) in text]
    numbers = weights(run)
    assert not np.isin(numbers, [codec.encode(POINTS).numpy(), POINTS.astype(np.float32)]).any()
    assert len(numbers) == sum(part.numel() for part in generator.parameters())


def test_a_longer_training_gives_the_page_its_last_weights(trained: Callable[[str], monge.Run]) -> None:
    run = trained("digits")
    before = weights(run)
    longer = api.train("digits", run=run.path, **options("digits"), steps=8)
    longer.write_report()
    assert not np.array_equal(weights(longer), before)
    first = next(longer.model().generator.parameters()).detach().half().numpy().ravel()
    np.testing.assert_array_equal(weights(longer)[: len(first)], first)


def test_the_page_says_why_it_cannot_draw(trained: Callable[[str], monge.Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained("table")
    model = run.model()
    codec = replace(model.codec, rule=parse("price >= 0", model.codec.schema))
    with pytest.raises(SamplerError, match="which rows follow the rule"):
        sampler(replace(model, codec=codec))
    assert "<" not in sampler(replace(model, label_column="</script>")).content
    run = trained("dcgan")
    numbers = len(weights(run))
    assert content(run)["half"]
    monkeypatch.setattr("monge.report.sampler.content.LARGEST", 100)
    text = run.write_report().read_text()
    words = f"cannot draw new samples by itself: the generator has {numbers:,} numbers, and a page takes at most 50."
    assert words in text
    assert 'id="generator"' not in text
