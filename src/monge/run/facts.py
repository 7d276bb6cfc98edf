"""What `run.json` may contain: all that reads it can rely on it."""

from collections.abc import Mapping
from typing import Any

from monge.errors import UserError
from monge.run.entry import Wrong, count, mapping, maybe, number, of

FORMAT = 1
"""Of the files of a run; raised when older ones can no longer be read."""
STATUSES = ("running", "finished", "interrupted", "failed")
PASSING = ("status", "step", "error", "place", "measured", "saved", "log", "retried", "model", "validation", "copula")
"""What changes while a run goes on, or when it is moved. All else is what its checkpoints rest on."""


def texts(value: Any) -> str | None:
    """Whether it is a list of texts."""
    right = isinstance(value, list) and all(isinstance(text, str) for text in value)
    return None if right else "must be a list of texts"


def named(value: Any) -> str | None:
    """Whether it is a list of texts with at least one."""
    return texts(value) or (None if value else "must have at least one text")


def positive(value: Any) -> str | None:
    """Whether it is a whole number above 0."""
    return count(value) or (None if value > 0 else f"must be above 0; got {value}")


def seed(value: Any) -> str | None:
    """Whether it is a whole number of at least 0, of any size."""
    right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if right else "must be a whole number of at least 0"


def status(value: Any) -> str | None:
    """Whether it is a status of a run."""
    return None if value in STATUSES else f"must be one of {', '.join(STATUSES)}"


NAMES = ("source", "recipe", "objective", "generator", "critic")
CONFIG: Mapping[str, Wrong] = {name: of(str) for name in NAMES} | {"steps": positive, "seed": seed}
"""Settings that every config has; all of them are checked where the config is read."""
SEAL: Mapping[str, Wrong] = {"size": seed, "sha256": of(str)}
NEEDED: Mapping[str, Wrong] = {
    "config": mapping(CONFIG),
    "codec": mapping({"kind": of(str)}),
    "fingerprint": of(str),
    "classes": maybe(named),
    "threads": positive,
    "device": of(str),
    "status": status,
}
OTHERS: Mapping[str, Wrong] = {
    "step": count,
    "saved": count,
    "measured": positive,
    "processes": positive,
    "checkpoint_every": maybe(positive),
    "minutes": maybe(number),
    "error": of(str),
    "model": of(str),
    "held_out_fingerprint": of(str),
    "columns": maybe(texts),
    "label_column": maybe(of(str)),
    "place": mapping({"run": of(str), "data": of(str)}),
    "started_from": mapping({"path": of(str), "step": count, "weights": of(str)}),
    "versions": of(dict),
    "revision": maybe(of(str)),
    "log": mapping(SEAL),
    "retried": mapping({"step": count, "attempt": positive}),
    "copula": mapping(SEAL),
}


def check_facts(facts: Mapping[str, Any], run: str) -> None:
    """Refuses facts of another format, and damaged ones.

    Arguments:
        run: names the run in errors.

    Raises:
        UserError: says what is wrong, and what to do about another format.
    """
    found = facts.get("format", 0)
    if isinstance(found, int) and found != FORMAT:
        advice = "use a newer version of monge" if found > FORMAT else "train it again"
        what = f"run {run!r} was written by another version of monge"
        raise UserError(f"{what}: its format must be {FORMAT}; got {found}; {advice}")
    wrong = mapping({"format": of(int), **NEEDED}, OTHERS)(facts)
    if wrong is not None:
        raise UserError(f"run {run!r}: run.json is damaged: {'it ' if wrong.startswith('must') else ''}{wrong}")
