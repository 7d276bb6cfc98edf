"""The notebooks of docs/theory run, and show what their texts say. Running them is slow: `make test-slow`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "theory").glob("*.md"))
SHOWN = {
    "distances": [
        "plan.cost < at_random",
        "slope_d < 1e-6",
        "abs(slope_critic - 1) < 0.05",
        "orders > 2",
        "trick[-1] > 10 * trick[0]",
        "distance.kl(invented, data) > 20 * distance.kl(dropped, data)",
        "near_saturating.max() > 100 * near_saturating[-1]",
    ],
    "dual": [
        "share > 0.99",
        "cosine['penalty again'] > 0.97",
        "max(cosine[f'c = {c:g}'] for c in (0.05, 0.1, 0.2)) < 0.95",
        "changes[0.5] > 0 > changes[0.1] > changes[0.01]",
    ],
    "collapse": [
        "of_blurred.upper < of_blurred.floor",
        "of_blurred.excess > 3 * of_blurred.excess_error",
        "abs(clinic['real digits'][0]) < 0.15",
        "clinic['three classes missing'][2] < 0.8 < clinic['three classes missing'][1]",
        "clinic['averages of 8'][1] > clinic['real digits'][1]",
        "clinic['copies, shaken'][0] < 0.15",
        "clinic['copies, shaken'][4] < 0.5",
        "shifted.excess < 0.2 < 0.7 < shifted.lower",
    ],
}
"""What the texts of the notebooks say of their results."""


def cells(notebook: Path) -> list[str]:
    """The code of a notebook."""
    found = re.findall(r"```{code-cell} python\n(?:---\n.*?\n---\n)?(.*?)```", notebook.read_text(), re.DOTALL)
    return [str(code) for code in found]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_exercises_with_hidden_solutions(notebook: Path) -> None:
    text = notebook.read_text()
    exercises = text[text.index("\n## Exercises\n") :]
    questions = re.findall(r"^\*\*\d\.\*\* ", exercises, re.MULTILINE)
    assert 3 <= len(questions) <= 5
    assert exercises.count("tags: [hide-cell]") == len(questions) == exercises.count("{code-cell}")
    for code in cells(notebook):
        compile(code, notebook.name, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    script = tmp_path / f"{notebook.stem}.py"
    claims = [f"assert {claim}, {claim!r}" for claim in SHOWN[notebook.stem]]
    script.write_text("\n".join(["import matplotlib\n\nmatplotlib.use('agg')", *cells(notebook), *claims]))
    subprocess.run([sys.executable, "-W", "error", str(script)], cwd=tmp_path, check=True)
