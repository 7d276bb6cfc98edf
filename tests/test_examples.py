"""Every public name has an example in its docstring, which runs and shows what it says."""

import ast
import doctest
import inspect
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import monge
from monge import distance, objective

PACKAGE = Path(monge.__file__).parent
NAMES = [(module, name) for module in (monge, distance, objective) for name in module.__all__]


def constant_docstring(name: str) -> str:
    """The text below the assignment to a constant, which Python does not keep."""
    for path in PACKAGE.rglob("*.py"):
        body = ast.parse(path.read_text()).body
        for line, after in pairwise(body):
            targets = [line.target] if isinstance(line, ast.AnnAssign) else getattr(line, "targets", [])
            text = after.value if isinstance(after, ast.Expr) else None
            if isinstance(text, ast.Constant) and any(getattr(target, "id", None) == name for target in targets):
                return str(text.value)
    return ""


def docstring(module: ModuleType, name: str) -> str:
    """The docstring of a public name, not one that its class inherits."""
    thing = getattr(module, name)
    if inspect.isclass(thing):
        return vars(thing).get("__doc__") or ""
    return thing.__doc__ or "" if inspect.ismodule(thing) or inspect.isroutine(thing) else constant_docstring(name)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Examples write their runs into one empty folder, as a reader's session would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("examples"))
        yield


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[f"{module.__name__}.{name}" for module, name in NAMES])
def test_example(module: ModuleType, name: str) -> None:
    example = doctest.DocTestParser().get_doctest(inspect.cleandoc(docstring(module, name)), {}, name, None, None)
    assert any(part.want for part in example.examples), f"{name} has no example that shows something"
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert outcome.failed == 0, "".join(said)
