"""What was measured of a run, kept in its folder."""

from monge import plot
from monge.evaluation.evaluate import Evaluation
from monge.run.files import write_atomically
from monge.run.folder import RunFolder

MEASURED = "metrics.json"
PICTURE = "critic_distance.png"
"""Picture of the critic's distances between clusters."""


def keep_measured(run: RunFolder, measured: Evaluation) -> None:
    """Writes `metrics.json`, and the critic's picture where there is one, whose name the metrics then have.

    Raises:
        OSError: they cannot be written.
    """
    if measured.clusters is not None:
        write_atomically(run.path / PICTURE, plot.png(plot.heat_map(measured.clusters, "critic output")))
        measured.metrics["critic"]["picture"] = PICTURE
    run.write(MEASURED, measured.as_json())
