"""The pages of docs/ as a reader sees them: built without a warning, linked, and every code block of tutorials run."""

import contextlib
import io
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas
import pytest
from PIL import Image
from sphinx.cmd.build import build_main
from sphinx.util.inventory import InventoryFile

import monge
from monge import distance, objective
from monge.cli import run as monge_command
from monge.config import registry

DOCS = Path(__file__).parent.parent / "docs"
QUICK_PAGES = ["first-steps", "how-to/new-metric", "how-to/new-penalty", "how-to/resume"]
SLOW_PAGES = ["../README", "data", "distance", "export", "how-to/choosing-objective", "images", "tables"]
FEW = {
    "distance.bounds.SIZE": 50,
    "distance.bounds.STEPS": 4,
    "evaluation.measurement.FAKES": 200,
    "evaluation.readings.FAKES": 200,
    "evaluation.readings.MODES": 200,
    "evaluation.reference.SIZE": 50,
    "training.train.BRACKETS": 1,
}


class Page(HTMLParser):
    """What a built page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        self.loads += [found[name] for name in ("src", "href") if name in found and tag in ("img", "script", "link")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; the notebooks are shown and not run."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-n", "-q", "-D", "nb_execution_mode=off", "-d", str(folder / "trees")]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Sphinx's own code
        status = build_main([*options, str(DOCS), str(folder / "html")])
    assert status == 0, said.getvalue()
    return folder / "html"


def test_every_page_is_built_and_every_link_leads_somewhere(site: Path) -> None:
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    sources = [path for path in DOCS.rglob("*.md") if not path.name.endswith(".head.md") and "_build" not in path.parts]
    assert {(site / path.relative_to(DOCS)).with_suffix(".html").resolve() for path in sources} <= set(pages)
    for path, page in pages.items():
        if "_downloads" in path.parts:
            continue
        for link in page.links + page.loads:
            if link.startswith(("https:", "http:", "data:", "mailto:")):
                continue
            parts = urlsplit(link)
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert there.exists(), f"{path.name} links to {link}"
            assert not parts.fragment or there not in pages or unquote(parts.fragment) in pages[there].places, link


def test_a_page_needs_no_network(site: Path) -> None:
    for path in site.rglob("*.html"):
        outside = [name for name in Page(path).loads if re.match("(https?:)?//", name)]
        assert outside == [], f"{path.name} loads {outside}"


def test_formulas_mean_what_they_say(site: Path) -> None:
    text = re.sub(r"\s", "", (site / "errata.html").read_text())
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in text
    assert "<mn>12</mn>" not in text  # of frac12
    assert "<mi>log</mi><mo>&ApplyFunction;</mo><mn>2</mn>" not in text  # which looks like log2


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    shown = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    names = {name for kind, entries in shown.items() if kind.startswith("py:") for name in entries}
    where = {"FAMILIES": "dual.family", "gaussian": "closed_form", "parallel_lines": "closed_form"}
    public = {
        f"{module.__name__}.{where[name]}.{name}" if name in where else f"{module.__name__}.{name}"
        for module in (monge, distance, objective)
        for name in module.__all__
    }
    assert public - names == set()


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """The commands and the Python of a page, in their order; what else is typed, such as pip, is left out."""
    pattern = r"```python\n([\s\S]*?)```|^    (?:\.venv/bin/)?(monge (?:.*\\\n)*.*)$"
    for python, command in re.findall(pattern, page.read_text(), re.MULTILINE):
        yield ("python", python) if python else ("command", command.replace("\\\n", " "))


def small(arguments: list[str]) -> list[str]:
    """A training of a hundredth of its steps, a comparison of one seed; other commands as they are."""
    if arguments[0] not in ("train", "compare"):
        return arguments
    kept, asked = list(arguments), {}
    for flag in ("--steps", "--minutes", "--seeds", "--threads"):
        if flag in kept:
            at = kept.index(flag)
            asked[flag] = kept[at + 1]
            del kept[at : at + 2]
    if "--resume" not in kept:
        kept += ["--steps", str(max(4, int(asked.get("--steps", 0)) // 100))]
    return [*kept, *(["--threads", "1"] if kept[0] == "train" else ["--seeds", "1"])]


def orders(n: int) -> pandas.DataFrame:
    """A table of orders with the columns that docs/tables.md speaks of."""
    random = np.random.default_rng(0)
    ordered = pandas.Timestamp("2024-01-05") + pandas.to_timedelta(random.integers(0, 300, n), unit="D")
    delivered = (ordered + pandas.to_timedelta(random.integers(1, 9, n), unit="D")).to_series(index=range(n))
    price, quantity = random.gamma(2, 60, n).round(2), random.integers(1, 5, n)
    return pandas.DataFrame(
        {
            "ordered": ordered.strftime("%Y-%m-%d"),
            "product": random.choice(["desk", "chair", "lamp"], n),
            "payment": random.choice(["card", "invoice"], n),
            "price": price,
            "quantity": quantity,
            "total": (price * quantity).round(2),
            "delivered": delivered.dt.strftime("%Y-%m-%d").where(random.random(n) < 0.9),
            "rating": pandas.Series(random.integers(1, 6, n)).astype("Int64").where(random.random(n) < 0.7),
            "zip": random.integers(100, 110, n),
            "shipped": ordered.strftime("%d/%m/%Y"),
        }
    )


def people(n: int, seed: int) -> pandas.DataFrame:
    """A table of people with the columns that docs/distance.md speaks of."""
    random = np.random.default_rng(seed)
    return pandas.DataFrame(
        {
            "subject": np.arange(n) // 2,
            "age": random.normal(40 + 8 * seed, 10, n).round(),
            "job": random.choice(["cook", "smith", "clerk"], n),
            "day": random.integers(1, 8, n),
            "income": random.gamma(3, 1, n).round(2),
        }
    )


def material(folder: Path) -> None:
    """The files that the pages speak of."""
    random = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for i in range(40):
        Image.fromarray(random.integers(0, 256, (36, 40, 3), dtype=np.uint8)).save(folder / "photos" / f"{i}.png")
    images = {"arrays": (60, 8, 8), "fashion_mnist": (60, 28, 28), "rock": (60, 16, 16)}
    for name, shape in images.items():
        np.savez(folder / f"{name}.npz", faces=random.integers(0, 2, shape, dtype=np.uint8) * 255)
    for name in ("measurements", "x", "y"):
        np.save(folder / f"{name}.npy", random.normal(size=(80, 5)))
    for seed, names in enumerate((("before", "a", "reference"), ("after", "b", "new"))):
        for name in names:
            people(80, seed).to_csv(folder / f"{name}.csv", index=False)
            people(80, seed).to_parquet(folder / f"{name}.parquet")
    flowers = people(90, 0).assign(species=np.repeat(["setosa", "iris"], 45))[["age", "income", "species"]]
    flowers.to_csv(folder / "flowers.csv", index=False)
    flowers.to_parquet(folder / "flowers.parquet")
    orders(300).to_csv(folder / "orders.csv", index=False)
    orders(300).to_csv(folder / "table.csv", index=False)
    (folder / "incomplete.csv").write_text("order,product,price,quantity,rating\nA7,book,13.99,2,\nA8,,240.00,,4\n")
    assert monge_command(["train", "rock.npz", "--recipe", "few-images", "--steps", "4", "--run", "RUN"]) == 0
    assert monge_command(["train", "digits", "--steps", "4", "--run", "runs/digits"]) == 0


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, few samples in every measurement, and afterwards names and modules as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name, few in FEW.items():
        monkeypatch.setattr(f"monge.{name}", few)
    known, loaded = dict(registry.OBJECTIVES), set(sys.modules)
    yield tmp_path
    for name in set(registry.OBJECTIVES) - set(known):
        registry.OBJECTIVES.pop(name)  # type: ignore[attr-defined]
    for name in {"drift", "mean_gap"} & (set(sys.modules) - loaded):
        del sys.modules[name]


def follow(page: str, folder: Path) -> None:
    """Does what a page says; experiments have tests of their own."""
    space: dict[str, object] = {}
    for number, (kind, text) in enumerate(blocks(DOCS / f"{page}.md")):
        if kind == "command":
            _, *arguments = shlex.split(text)
            if arguments[0] == "train" and not {"--run", "--resume"} & set(arguments):
                arguments += ["--run", f"runs/{number}"]  # the commands of a list are alternatives
            if arguments[0] != "reproduce":
                assert monge_command(small(arguments)) in ((0, 3) if "--fail-above" in arguments else (0,)), text
            continue
        if named := re.match(r"# (\w+\.py)\n", text):
            (folder / named[1]).write_text(text)
        text = re.sub(r"steps=(\d+)", lambda found: f"steps={max(4, int(found[1]) // 100)}, threads=1", text)
        text = re.sub(r"minutes=\d+", "steps=4, threads=1", text)
        text = re.sub(r"(monge\.train\((?!.*steps=).*)\)$", r"\1, steps=4, threads=1)", text, flags=re.MULTILINE)
        exec(compile(text, page, "exec"), space)


@pytest.mark.parametrize("page", QUICK_PAGES)
@pytest.mark.usefixtures("few_relabellings")
def test_what_a_page_says_runs(page: str, desk: Path) -> None:
    follow(page, desk)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW_PAGES)
@pytest.mark.usefixtures("few_relabellings")
@pytest.mark.filterwarnings("ignore")  # of few samples
def test_what_a_page_of_larger_data_says_runs(page: str, desk: Path) -> None:
    material(desk)
    follow(page, desk)
