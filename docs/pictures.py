"""Writes the README's pictures from a run of the digits: `python docs/pictures.py runs/digits`.

The picture of the report needs chromium and is left as it is without.
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


def digits(run: monge.Run) -> None:
    """Held-out digits next to generated ones."""
    data = monge.load_data("digits")
    real, generated = data.held_out.sample(SHOWN, seed=1), run.sample(SHOWN, seed=1)
    picture = plot.side_by_side(data.space, {"generated": generated}, real)
    picture.save(FIGURES / "digits.png", optimize=True)


def report(run: monge.Run) -> None:
    """The top of the run's report, if there is a browser to show it."""
    if chromium := shutil.which("chromium"):
        target = f"--screenshot={FIGURES / 'report.png'}"
        subprocess.run([chromium, *BROWSER, target, run.report.resolve().as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    opened = monge.open_run(sys.argv[1])
    digits(opened)
    report(opened)
