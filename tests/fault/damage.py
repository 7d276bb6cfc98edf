"""Files of a run that are damaged one by one, in a run that was interrupted and in one that has finished."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from fault.training import KEPT, STEPS, BrokenError, Case, Golden

Damage = Callable[[Path, Path, Case], object]
"""Damages a file; the second one is another that has its name."""


def flip(path: Path, other: Path, case: Case) -> None:
    """Another bit."""
    content = bytearray(path.read_bytes())
    if content:
        content[case.chance.randrange(len(content))] ^= 1 << case.chance.randrange(8)
        path.write_bytes(content)


def cut(path: Path, other: Path, case: Case) -> None:
    """A shorter file."""
    content = path.read_bytes()
    path.write_bytes(content[: case.chance.randrange(len(content) or 1)])


def zero(path: Path, other: Path, case: Case) -> None:
    """As many zero bytes, as a power cut leaves them."""
    path.write_bytes(bytes(path.stat().st_size))


def exchange(path: Path, other: Path, case: Case) -> None:
    """Another file of its name."""
    shutil.copy(other, path)


def delete(path: Path, other: Path, case: Case) -> None:
    """No file."""
    path.unlink()


DAMAGES: Sequence[Damage] = (flip, cut, zero, exchange, delete)


def files(run: Path) -> list[str]:
    """All files of a run."""
    return sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())


def cases(golden: Golden) -> list[tuple[Path, str, Damage]]:
    """Every file of both runs, with each damage."""
    runs = (golden.interrupted, golden.place)
    return [(where, name, damage) for where in runs for name in files(where / "run") for damage in DAMAGES]


def a_file(case: Case, number: int) -> str:
    """One file, in one way."""
    all_cases = cases(case.golden)
    return damaged(case, *all_cases[number % len(all_cases)])


def a_bit_of_the_settings(case: Case, number: int) -> str:
    """One bit of run.json."""
    return damaged(case, case.golden.interrupted, "run.json", flip)


def a_bit_of_the_log(case: Case, number: int) -> str:
    """One bit of the log."""
    return damaged(case, case.golden.interrupted, "log.jsonl", flip)


def damaged(case: Case, where: Path, name: str, damage: Damage) -> str:
    """One file of a run is damaged, and the run continued; only where its settings are may that be refused."""
    run = case.copied(where)
    path, other = run / name, case.other.place / "run" / name
    if name.startswith("checkpoints"):
        other = next(step for step in (run / "checkpoints").iterdir() if step != path.parent) / path.name
    aside = case.folder / "aside"
    shutil.copy(path, aside)
    damage(path, other, case)
    case.log_counts = name != "log.jsonl"
    ended = case.seen(case.begin().end())
    if ended.status == 0:
        return case.compare()
    if name != "run.json" or ended.status != 2:
        raise BrokenError("lost", f"{damage.__name__} {name}: status {ended.status}, said {ended.line!r}")
    case.refused += 1
    copy = max((run / "checkpoints").glob("step-*/run.json"))
    named = str(copy.relative_to(case.folder)) in ended.line
    shutil.copy(copy if named and case.chance.random() < 0.5 else aside, path)
    return case.finish()


def all_checkpoints(case: Case, number: int) -> str:
    """Both checkpoints, or their folder: refused, and continued when they are put back."""
    run = case.copied(case.golden.interrupted)
    shutil.copytree(run / "checkpoints", case.folder / "aside")
    if number % 2:
        shutil.rmtree(run / "checkpoints")
    else:
        for step in (run / "checkpoints").iterdir():
            case.chance.choice(DAMAGES[:3])(step / "state.pt", Path(), case)
    case.refuses(case.begin().end(), "checkpoint")
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    shutil.copytree(case.folder / "aside", run / "checkpoints")
    return case.finish()


def leftovers(case: Case, number: int) -> str:
    """What an earlier process left half-written, and files that are no part of a run."""
    run = case.copied(case.golden.interrupted)
    half = run / "checkpoints" / f".partial-step-{case.chance.choice((KEPT, STEPS)):06d}"
    shutil.copytree(run / "checkpoints" / f"step-{KEPT:06d}", half)
    (half / "index.json").unlink()
    for name in (".partial-run.json", ".partial-log.jsonl", "notes.txt", "checkpoints/.DS_Store"):
        (run / name).write_bytes(case.chance.randbytes(50))
    return case.finish()
