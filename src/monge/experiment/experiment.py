"""An experiment: claims of the theory, the measurements that decide them, and the files in which both end."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal

from monge.errors import UserError
from monge.experiment.sweep import AnyCell, Kept, Result, by_versions, sweep
from monge.run.files import write_atomically

Budget = Literal["quick", "full"]
Rows = Sequence[Result]
HOLDS = "holds"
FAILS = "does not hold"
INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Table:
    """Results as plain text in cells; whoever writes them out escapes what the written form needs.

    Arguments:
        header: names of the columns.
        rows: cells, as many in each row as there are columns.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table in Markdown, in which a bar within a cell would end it."""
        lines = (self.header, ["---"] * len(self.header), *self.rows)
        escaped = ([cell.replace("|", r"\|") for cell in cells] for cells in lines)
        return "".join(f"| {' | '.join(cells)} |\n" for cells in escaped)


@dataclass(frozen=True)
class Experiment(Generic[AnyCell]):
    """Claims of the theory and the independent measurements that decide them.

    Arguments:
        name: its key in `registry.EXPERIMENTS`.
        claims: what is claimed, in words, by short name.
        cells: all measurements, from the budget, the seed and the folder of the cache.
        measure: the result of one of them, with its "seconds"; a function of a module.
        line: a result in one line.
        verdict: of all results: for each claim its "verdict" and the numbers behind it.
        tables: of all results.
        figures: of all results, content by file name.
        summary: of all results, what else is worth knowing; None where the verdict says it all.
        published_cells: like `cells`, on published pairs, whose file is the last argument; None where there are none.
    """

    name: str
    claims: Mapping[str, str]
    cells: Callable[[Budget, int, Path], Sequence[AnyCell]]
    measure: Callable[[AnyCell], Result]
    line: Callable[[Result], str]
    verdict: Callable[[Rows], Result]
    tables: Callable[[Rows], Sequence[Table]]
    figures: Callable[[Rows], Mapping[str, bytes]] = lambda rows: {}
    summary: Callable[[Rows], Result] | None = None
    published_cells: Callable[[Budget, int, Path, Path], Sequence[AnyCell]] | None = None

    def __call__(
        self,
        folder: Path,
        budget: Budget = "quick",
        *,
        seed: int = 0,
        parameters: Path | None = None,
        jobs: int | None = None,
        again: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> Result:
        """Measures what the folder does not hold yet; writes `result.json`, `table.md` and figures.

        Returns the content of `result.json`, and under "files" the paths of all that was written.

        Arguments:
            folder: made if it does not exist; each result is kept in it as it ends.
            budget: "quick", a part of the measurements, or "full", all of them.
            seed: of everything random.
            parameters: .npz file of published pairs; own ones are drawn without it.
            jobs: processes of one thread each; the number of cores if not given.
            again: whether to repeat measurements that the folder contains.
            say: called with a line of progress.

        Raises:
            UserError: the folder cannot be written, or the file is not one of pairs or not used here.
        """
        facts: Result = {"experiment": self.name, "budget": budget, "seed": seed}
        if self.published_cells:
            facts["pairs"] = "own" if parameters is None else parameters.name
        cells = self._cells(budget, seed, folder / "cells", parameters)
        kept = sweep(self.measure, cells, jobs=jobs, say=say, line=self.line, again=again)
        rows = [one.result for one in kept]
        facts["seconds"] = round(sum(row["seconds"] for row in rows))
        if self.summary:
            facts["summary"] = self.summary(rows)
        facts["verdicts"] = self.verdict(rows)
        facts["versions"] = stored_versions(kept)
        return _write(folder, facts, rows, self.markdown(rows), self.figures(rows))

    def markdown(self, rows: Rows) -> str:
        """All tables, in Markdown."""
        return "\n".join(table.markdown() for table in self.tables(rows))

    def _cells(self, budget: Budget, seed: int, folder: Path, parameters: Path | None) -> Sequence[AnyCell]:
        if parameters is None:
            return self.cells(budget, seed, folder)
        if self.published_cells is None:
            raise UserError(f"--pairs {parameters} is only for w1-benchmark; {self.name} draws its own pairs")
        return self.published_cells(budget, seed, folder, parameters)


def _write(folder: Path, facts: Result, rows: Rows, table: str, figures: Mapping[str, bytes]) -> Result:
    """Writes all files; returns the content of `result.json`, in which each row is a line, and the files' paths."""
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    text = f'{json.dumps(facts, indent=1)[:-2]},\n "rows": [\n  {lines}\n ]\n}}\n'
    contents = {"result.json": text.encode(), "table.md": table.encode()} | dict(figures)
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return facts | {"rows": list(rows), "files": [str(folder / name) for name in contents]}


def stored_versions(kept: Sequence[Kept]) -> Any:
    """The versions that made all results; where several did, a list of them, each with the number of its rows."""
    made = by_versions(kept)
    return made[0][0] if len(made) == 1 else [{"rows": count, "versions": versions} for versions, count in made]


def verdict_word(holds: bool) -> str:
    """The verdict on a claim that is not repeated."""
    return HOLDS if holds else FAILS


def verdict_table(verdicts: Result) -> Table:
    """Each claim's short name and whether it holds."""
    return Table(["claim", "verdict"], [[name, facts["verdict"]] for name, facts in verdicts.items()])
