"""The JSON document of `monge distance` and docs/distance.md name the same keys."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monge.cli import run
from monge.evaluation.estimates import ESTIMATES

PAGE = (Path(__file__).parent.parent / "docs" / "distance.md").read_text()
FIGURES = [entry.name for entry in ESTIMATES]
NAMED = ("explanation.farthest[].features",)
"""Mappings whose keys are names of the data."""
KINDS = {"text": str, "truth value": bool, "number": (int, float), "mapping": dict, "list": list, "two numbers": list}
KINDS |= {"list of texts": list, "list of numbers": list, "list of two": list}


def documented() -> dict[str, str]:
    """The keys of the table, with their types."""
    table = PAGE.split("## The JSON document")[1]
    rows = re.findall(r"^\| (`.+?`) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return {key: kind for keys, kind, _ in rows for key in re.findall(r"`(.+?)`", keys)}


def keys(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """All keys below a value, those of mappings in lists as well, with their values."""
    if key and not key.endswith("[]"):
        yield key, value
    if isinstance(value, dict) and key not in NAMED:
        for name, inner in value.items():
            yield from keys(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, f"{key}[]") if isinstance(inner, dict) else ()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Documents with everything that there can be."""
    random, documents = np.random.default_rng(0), list[Any]()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("json"))
        patch.setattr("monge.distance.split_test.MOST", 19)
        patch.setattr("monge.distance.split_test.RELABELLINGS", 19)
        patch.setattr("monge.distance.two_sample.battery.LEAST", 19)
        patch.setattr("monge.distance.two_sample.battery.MOST", 19)
        patch.setattr("monge.distance.two_sample.missed.SIMULATIONS", 2)
        np.save("a.npy", random.normal(size=(200, 2)).cumsum(axis=0) * [1000, 0.1])
        np.save("b.npy", random.normal(size=(60, 2)) * [1000, 0.1])
        np.savez("c.npz", x=random.normal(size=(40, 2)), y=np.arange(40) % 2)
        commands = [
            ["a.npy", "b.npy", "--reference-cache", "r.npz", "--fail-above", "upper=0"],
            ["c.npz", "c.npz", "--groups", "first=column 1"],
            ["toy:moons", "toy:moons", "--samples", "40", "--no-picture"],
            ["a.npy", "b.npy", "--samples", "50", "--no-explain", "--out", "x.png"],
        ]
        for command in commands:
            with pytest.MonkeyPatch.context() as inner:
                said: list[str] = []
                inner.setattr("sys.stdout.write", said.append)
                assert run(["distance", *command, "--families", "linear", "--json"]) in (0, 3)
            documents.append(json.loads("".join(said)))
    return documents


def figure(key: str) -> str:
    """A key with FIGURE in the place of a figure's name."""
    return re.sub(rf"^({'|'.join(FIGURES)})(?=\.)", "FIGURE", key)


def test_every_key_is_documented_and_every_documented_key_is_there(found: list[dict[str, Any]]) -> None:
    seen = {figure(key) for document in found for key, _ in keys(document)}
    containers = {key.rpartition(".")[0].removesuffix("[]") for key in seen} | set(FIGURES)
    assert seen - set(documented()) - containers == set()
    assert set(documented()) - seen == set()
    table = PAGE.split("## The JSON document")[1]
    assert all(f"`{name}`" in table for name in FIGURES)


def test_values_have_the_documented_types(found: list[dict[str, Any]]) -> None:
    kinds = documented()
    for document in found:
        for key, value in keys(document):
            kind = kinds.get(figure(key))
            if kind is None or value is None:
                continue
            assert isinstance(value, KINDS[kind]), key
            if kind == "number":
                assert not isinstance(value, bool), key
            if kind == "list of texts":
                assert all(isinstance(text, str) for text in value), key


def test_what_can_be_null_says_so(found: list[dict[str, Any]]) -> None:
    table = PAGE.split("## The JSON document")[1]
    nulls = {figure(key) for document in found for key, value in keys(document) if value is None}
    nulls |= {key for key in ("dependence",) if any(None in document[key] for document in found)}
    for key in nulls:
        (row,) = [line for line in table.splitlines() if line.startswith("|") and f"`{key}`" in line.split("|")[1]]
        assert "null" in row, key
