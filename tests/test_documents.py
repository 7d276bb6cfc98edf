"""What the documents say is there."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

import monge
from monge import cli
from monge.cli.parse import parse
from monge.config import registry
from monge.evaluation.entry import Entry
from monge.evaluation.estimates import ESTIMATES, PARTS
from monge.evaluation.figures import FIGURES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh.md").read_text()
NAMES_PAGE = (ROOT / "docs" / "names.md").read_text()
FIGURES_PAGE = (ROOT / "docs" / "figures.md").read_text()
KINDS: dict[str, Any] = {
    name: getattr(importlib.import_module(f"monge.cli.{name}"), name.title()) for name in cli.COMMANDS
}
TYPED = [
    ROOT / "docs" / f"{name}.md"
    for name in ("commands", "data", "distance", "experiments", "export", "first-steps", "tables", "teaching")
] + sorted(page for folder in ("how-to", "app") for page in (ROOT / "docs" / folder).glob("*.md"))
TYPED_TEXT = "\n".join([README, *(page.read_text() for page in TYPED)])
COMMANDS = re.findall(r"^    (?:\.venv/bin/)?monge (.+)$", TYPED_TEXT, re.MULTILINE)
NAMES = ("OBJECTIVES", "GENERATORS", "CRITICS", "DATA", "RECIPES", "EXPERIMENTS")
TABLES = {name: getattr(registry, name) for name in NAMES}


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_documents_parse(line: str) -> None:
    command, *arguments = shlex.split(line.partition(" > ")[0])
    parse(KINDS[command], command, arguments)


def test_the_documents_show_every_command() -> None:
    assert {line.split()[0] for line in COMMANDS} == set(KINDS)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_name_is_documented_and_importable(table: registry.Table) -> None:
    for name, entry in table.items():
        assert f"| `{name}` |" in NAMES_PAGE
        assert callable(entry.load())


@pytest.mark.parametrize("entry", [*FIGURES, *PARTS, *ESTIMATES], ids=lambda entry: entry.name)
def test_every_figure_is_documented(entry: Entry[Any, Any]) -> None:
    name = f"{entry.group}.{entry.name}" if entry.group else entry.name
    said = [f"`{name}`", entry.meaning, entry.unit, entry.direction]
    assert any(all(text in line for text in said) for line in FIGURES_PAGE.splitlines())


def test_code_blocks_compile() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        compile(block, "README.md", "exec")


def test_targets_of_make_exist() -> None:
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][\w-]+)", text)) <= targets


def test_the_readme_is_short_and_its_pictures_are_small() -> None:
    assert len(README.splitlines()) < 200
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).stat().st_size < 150_000


def code(text: str) -> list[str]:
    """What is typed or printed on a page."""
    return re.findall(r"```[\s\S]*?```|^    .+$", text, re.MULTILINE)


def test_the_chinese_readme_keeps_step() -> None:
    assert code(CHINESE) == code(README)
    for mark in (r"^(#+) ", r"^(\||- )", r"!\[[^]]*\]\(([^)]+)\)", r"\]\(((?!README)[^)]+)\)", r"(\d[\d,.]*\d|\.\d+)"):
        english, chinese = (re.findall(mark, text, re.MULTILINE) for text in (README, CHINESE))
        assert chinese == english, mark


def test_the_citation_is_that_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "abstract", "authors"} <= set(cited)
    assert cited["version"] == monge.__version__
    assert cited["license"] == "MIT"
    assert cited["authors"] == [{"name": "The monge authors"}]


def heading_anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[tuple[Path, str]]:
    """Files and anchors that a page links to in this repository."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text())
    return [((page.parent / path).resolve() if path else page, anchor) for path, anchor in found]


def test_every_document_is_reachable_from_the_readme_and_every_link_resolves() -> None:
    seen, new = set(), [ROOT / "README.md"]
    while new:
        page = new.pop()
        seen.add(page)
        for target, anchor in links(page):
            assert target.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in heading_anchors(target), f"{page.name} links to {target.name}#{anchor}"
            if target.suffix == ".md" and target not in seen:
                new.append(target)
    pages = (page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)
    documents = {page for page in pages if not page.name.endswith(".head.md")}
    assert documents - seen == set()


@pytest.mark.parametrize(
    ("name", "kind"), [("objectives", "md"), ("names", "md"), ("claims", "html"), ("figures", "md")]
)
def test_a_generated_page_is_what_its_script_writes(name: str, kind: str) -> None:
    location = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert location is not None
    assert location.loader is not None
    script = importlib.util.module_from_spec(location)
    location.loader.exec_module(script)
    written = (ROOT / "docs" / f"{name}.{kind}").read_text()
    assert script.page() == written, f"run: python docs/{name}.py"
