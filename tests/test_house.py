"""The limits of the layout: see CONTRIBUTING.md."""

import pytest

import house

COMMANDS = [f"import monge.cli.{name}" for name in ("train", "sample", "evaluate", "distance", "report", "reproduce")]


def test_few_rooms() -> None:
    assert len(house.entries()) <= 20
    assert len(house.layers()) <= 11


def test_no_long_modules_and_functions() -> None:
    long = {name: len(lines) for name, lines in house.modules().items() if len(lines) > 300}
    assert set(long) <= set(house.DECLARATIONS)
    most = {"training/loop.py:run_loop": 120}
    assert [(lines, where) for lines, where in house.functions() if lines > most.get(where, 40)] == []


def test_no_function_of_many_branches() -> None:
    assert [(count, where) for count, where in house.branches() if count > 15] == []


@pytest.mark.parametrize("code", ["import monge", "import monge.distance", house.HELP, *COMMANDS])
def test_what_needs_no_torch_loads_none(code: str) -> None:
    assert not {"torch", "scipy", "numpy"} & house.imported(code)
