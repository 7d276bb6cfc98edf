"""How the package is laid out, in figures: `python tests/house.py` prints them, `test_house.py` holds them."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "monge"
DECLARATIONS = ("config/registry.py",)
"""Files that are one long table."""


def modules() -> dict[str, list[str]]:
    """The lines of every module, by its path in the package."""
    return {str(path.relative_to(SOURCE)): path.read_text().splitlines() for path in sorted(SOURCE.rglob("*.py"))}


def functions() -> Iterator[tuple[int, str]]:
    """Lines of every function's body after its docstring, and where it is."""
    for name, lines in modules().items():
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                if body and node.end_lineno is not None:
                    yield node.end_lineno - body[0].lineno + 1, f"{name}:{node.name}"


def entries() -> list[str]:
    """What lies in the package's folder, without what Python or a type checker puts there."""
    return sorted(path.name for path in SOURCE.iterdir() if path.name not in ("__pycache__", "py.typed"))


def layers() -> list[str]:
    """The layers that import-linter holds."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found: list[str] = contracts[0]["layers"]
    return found


def branches() -> Iterator[tuple[int, str]]:
    """Places in every function where its way forks, comprehensions and parts of conditions among them."""
    forks = (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.match_case)
    for name, lines in modules().items():
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = list(ast.walk(node))
                found = sum(isinstance(part, forks) for part in inner)
                found += sum(1 + len(part.ifs) for part in inner if isinstance(part, ast.comprehension))
                found += sum(len(part.values) - 1 for part in inner if isinstance(part, ast.BoolOp))
                yield found, f"{name}:{node.name}"


def imported(code: str) -> set[str]:
    """The packages that are loaded after some code, in a new process."""
    shown = f"{code}\nimport sys\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def seconds(code: str) -> float:
    """How long Python takes to import what some code needs, beyond starting, by its own clock."""
    times = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
        )
        rows = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr)
        start = next(i for i, (_, name) in enumerate(rows) if name == "site")
        times.append(sum(int(own) for own, _ in rows[start + 1 :]) / 1e6)
    return min(times)


HELP = "from monge.cli import run; run(['--help'])"
"""What `monge --help` does."""


def main() -> None:
    """Prints the figures as a table."""
    sizes = {name: len(lines) for name, lines in modules().items()}
    longest = max(sizes, key=sizes.__getitem__)
    slowest = sorted(functions(), reverse=True)[:2]
    rows = [
        ("top-level entries", str(len(entries()))),
        ("import layers", str(len(layers()))),
        ("modules", str(len(sizes))),
        ("longest module", f"{sizes[longest]} lines, {longest}"),
        *((f"longest function, {i}", f"{lines} lines, {where}") for i, (lines, where) in enumerate(slowest, 1)),
        ("most branches of a function", "{}, {}".format(*max(branches()))),
        (
            "import monge.distance",
            f"{seconds('import monge.distance'):.2f} s, torch: {'torch' in imported('import monge.distance')}",
        ),
        ("monge --help", f"{seconds(HELP):.2f} s, torch: {'torch' in imported(HELP)}"),
    ]
    for name, value in rows:
        print(f"{name:34}{value}")


if __name__ == "__main__":
    main()
