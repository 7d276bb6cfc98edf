"""The settings in which some runs differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from monge.app.run.shelf import Shelf
from monge.config.overlay import flatten
from monge.errors import UserError
from monge.model.load import config_of
from monge.run.folder import RunFolder


def differing(shelf: Shelf, names: Sequence[str]) -> Mapping[str, Any]:
    """Settings that are not the same in all of some runs, and in a line each what is wrong with the others.

    Arguments:
        shelf: where they are.
        names: of the runs.
    """
    found: dict[str, Mapping[str, Any]] = {}
    problems = []
    for name in dict.fromkeys(names):
        try:
            found[name] = flatten(config_of(RunFolder(shelf.path(name)), shelf.facts(name)))
        except UserError as error:
            problems.append(str(error))
    keys = dict.fromkeys(key for settings in found.values() for key in settings)
    rows = {key: [settings.get(key) for settings in found.values()] for key in keys}
    differ = {key: values for key, values in rows.items() if any(value != values[0] for value in values)}
    return {"runs": list(found), "differ": differ, "problems": problems}
