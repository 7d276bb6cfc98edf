"""Writes objectives.md from its head, the registry, docstrings and comparisons: `python docs/objectives.py`."""

import inspect
import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from monge.config.registry import OBJECTIVES, Entry
from monge.experiment.summary import table as markdown_table
from monge.objective import Objective

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "compare"


def paragraphs(thing: Any) -> list[str]:
    """The paragraphs of a docstring."""
    return re.split(r"\n\s*\n", inspect.getdoc(thing) or "")


def formula(part: Any) -> str:
    """The first formula of a part's docstring, as a block of mathematics."""
    for paragraph in paragraphs(type(part)):
        if paragraph.startswith(".. math::"):
            return "$$" + " ".join(paragraph.removeprefix(".. math::").split()) + "$$"
    inline = re.search(r":math:`(.+?)`", inspect.getdoc(type(part)) or "", re.S)
    return f"$${' '.join(inline[1].split())}$$" if inline else ""


def parts(objective: Objective) -> list[tuple[str, Any]]:
    """The parts of an objective by their role."""
    found = []
    for item in fields(objective):
        part = getattr(objective, item.name)
        inner = getattr(part, "parts", (getattr(part, "penalty", part),))
        found += [(item.name, one) for one in inner if one is not None]
    return found


def section(name: str, entry: Entry) -> str:
    """What the page says of one objective."""
    constructor = entry.load()
    texts = paragraphs(constructor)
    use = next((" ".join(text.split()) for text in texts if text.startswith("Use it")), "")
    reference = next((" ".join(text.split()) for text in texts if text.startswith("Reference")), "")
    options = ", ".join(f"`{key}={value.default}`" for key, value in inspect.signature(constructor).parameters.items())
    rule = ", ".join(f"{key.replace('_', '-')} {value}" for key, value in entry.rule.items())
    lines = [f"## {name}", "", texts[0], "", use, ""]
    for role, part in parts(constructor()):
        shown = formula(part)
        lines += [f"*{role}*: `{part!r}`" + (":" if shown else ""), "", *([shown, ""] if shown else [])]
    lines += [f"Options: {options or 'none'}. Training rule: {rule}."]
    if entry.critic:
        lines += ["Critic: " + ", ".join(f"`{key}={value}`" for key, value in entry.critic.items()) + "."]
    return "\n".join([*lines, "", reference, ""])


def table() -> str:
    """The committed comparisons, in markdown."""
    shown = []
    for name, title in (("ring8", "ring of 8 Gaussians"), ("grid25", "grid of 25 Gaussians")):
        path = RESULTS / f"{name}.json"
        if path.is_file():
            document = json.loads(path.read_text())
            shown += [
                f"**{title}**, {document['seeds']} seeds, {document['steps']:,} steps",
                "",
                markdown_table(document["summary"]),
                "",
            ]
    return "\n".join(shown)


def page() -> str:
    """The whole page."""
    head = (HERE / "objectives.head.md").read_text()
    return head.format(table=table()) + "\n" + "\n".join(section(name, entry) for name, entry in OBJECTIVES.items())


if __name__ == "__main__":
    (HERE / "objectives.md").write_text(page())
    print(f"{HERE / 'objectives.md'}: {len(OBJECTIVES)} objectives", file=sys.stderr)
