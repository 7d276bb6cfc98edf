"""The table of all faults and how each kind ended."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDINGS = ("identical", "older checkpoint, then identical", "refused in one line, then identical")
BROKEN = ("traceback", "lost", "differing")


@dataclass
class Kind:
    """Faults of one kind.

    Attributes:
        name: what happened.
        killed: whether by kill -9.
        faults: how many.
        runs: that they happened to.
        ended: how many runs ended how.
        broken: runs that did not survive: case, what was wrong, and what was seen.
        seconds: that all took.
    """

    name: str
    killed: bool
    faults: int = 0
    runs: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    def __add__(self, other: "Kind") -> "Kind":
        """What two jobs found."""
        return Kind(
            self.name,
            self.killed,
            self.faults + other.faults,
            self.runs + other.runs,
            self.ended + other.ended,
            self.broken + other.broken,
            self.seconds + other.seconds,
        )


def document(kinds: Sequence[Kind], about: Mapping[str, Any]) -> dict[str, Any]:
    """All that was found, for JSON."""
    return {**about, "kinds": [{**vars(kind), "ended": dict(kind.ended)} for kind in kinds]}


def table(kinds: Sequence[Kind]) -> list[str]:
    """The lines of the table."""
    head = ["what happened", "faults", "runs", *ENDINGS, *BROKEN]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    groups = [kinds, [kind for kind in kinds if kind.killed], [kind for kind in kinds if not kind.killed]]
    totals = ["**all**", "**kill -9**", "**others**"]
    rows = [(kind.name, [kind]) for kind in kinds] + list(zip(totals, groups, strict=True))
    for name, group in rows:
        ended = sum((kind.ended for kind in group), Counter())
        numbers = [sum(kind.faults for kind in group), sum(kind.runs for kind in group)]
        numbers += [ended[ending] for ending in (*ENDINGS, *BROKEN)]
        lines.append("| " + " | ".join([name, *map(str, numbers)]) + " |")
    return lines


def write(path: Path, kinds: Sequence[Kind], about: Mapping[str, Any]) -> None:
    """Writes the page, and the same as JSON beside it."""
    kills = sum(kind.faults for kind in kinds if kind.killed)
    others = sum(kind.faults for kind in kinds if not kind.killed)
    count = Counter(what for kind in kinds for what in kind.ended.elements() if what in BROKEN)
    lines = [
        "# What runs survive",
        "",
        "`make fault` trains two small runs again and again (vectors with batch norm and past samples; images with",
        f"steered augmentation) and lets something go wrong: {kills} kill -9 and {others} other faults.",
        f"**{count['lost']} runs lost, {count['differing']} runs differing, {count['traceback']} tracebacks.**",
        "",
        "After each fault the run is continued with the command that a user would type, to its end. *Identical* means",
        "that all weights, the optimisers' state and the log (but for its times) equal those of an undisturbed run,",
        "bit for bit. *Refused* means one line and exit status 2; the run was then put right and continued.",
        "",
        *table(kinds),
        "",
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
    ]
    if any(kind.broken for kind in kinds):
        lines += ["Not survived:", ""]
        lines += [f"- {case}: {seen}" for kind in kinds for case, seen in kind.broken] + [""]
    path.write_text("\n".join(lines))
    path.with_suffix(".json").write_text(json.dumps(document(kinds, about), indent=1) + "\n")
