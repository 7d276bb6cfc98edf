"""Writes names.md from the tables of names: `python docs/names.py`."""

import sys
from pathlib import Path

from monge.config import registry
from monge.config.spec import options

HERE = Path(__file__).parent
HEAD = """# Names

All names that `monge` takes, with their options. Options follow a name after colons: `wgan-gp:weight=5`,
`mlp:width=512:depth=2`. [objectives.md](objectives.md) explains the objectives, [claims.md](claims.md) the experiments.

`python docs/names.py` writes this page from the tables in `src/monge/config/registry.py`.
"""
TABLES: dict[str, registry.Table] = {
    "--objective": registry.OBJECTIVES,
    "--generator": registry.GENERATORS,
    "--critic": registry.CRITICS,
    "data": registry.DATA,
    "--recipe": registry.RECIPES,
    "monge reproduce": registry.EXPERIMENTS,
}
WITH_OPTIONS = ("--objective", "--generator", "--critic")
"""Tables whose names take options."""


def table(title: str, entries: registry.Table) -> str:
    """The names of a table in markdown."""
    with_options = title in WITH_OPTIONS
    rows = [["name", "what it is", "options"], ["---"] * 3]
    for name, entry in entries.items():
        chosen = " ".join(f"`{key}={value}`" for key, value in options(entry).items()) if with_options else ""
        rows.append([f"`{name}`", entry.description, chosen])
    return "".join(f"| {' | '.join(row if with_options else row[:2])} |\n" for row in rows)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(f"## {title}\n\n{table(title, entries)}" for title, entries in TABLES.items())])


if __name__ == "__main__":
    (HERE / "names.md").write_text(page())
    print(f"{HERE / 'names.md'}: {sum(map(len, TABLES.values()))} names", file=sys.stderr)
