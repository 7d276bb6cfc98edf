"""Writes the README's pictures: `python docs/pictures.py RUN ...`, with runs of the digits and of Fashion-MNIST.

The picture of the report is of the digits; it needs chromium and is left as it is without.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import monge
from monge import plot

FIGURES = Path(__file__).parent / "figures"
SHOWN = 36
BROWSER = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,1000"]


def pictures(run: monge.Run, name: str) -> None:
    """Held-out images next to generated ones."""
    data = run.open_data(run.facts()["config"]["source"])
    real, generated = data.held_out.sample(SHOWN, seed=1), run.sample(SHOWN, seed=1)
    picture = plot.side_by_side(data.space, {"generated": generated}, real)
    picture.save(FIGURES / f"{name}.png", optimize=True)


def report(run: monge.Run) -> None:
    """The top of the run's report, if there is a browser to show it."""
    if chromium := shutil.which("chromium"):
        target = f"--screenshot={FIGURES / 'report.png'}"
        subprocess.run([chromium, *BROWSER, target, run.report.resolve().as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        opened = monge.open_run(path)
        if opened.facts()["config"]["source"] == "digits":
            pictures(opened, "digits")
            report(opened)
        else:
            pictures(opened, "clothes")
