"""Notices a generator that copies its training samples, while it is trained.

Two signs are asked for together, in three measurements in a row: generated samples are nearer to the training samples
than held-out ones are, and training samples attract more of them than held-out ones do. Blurred samples of which none
is a copy show the first sign, but not the second (see `metric.memorisation`). Nothing of the training depends on it.
"""

import math
from collections.abc import Mapping
from typing import Any

from monge.data.dataset import DataSet
from monge.distance.points import Points
from monge.metric.memorisation import attraction, copying_rank, nearest
from monge.model.weights import steps
from monge.run.folder import RunFolder

GENERATED = 1000
"""Generated samples of a measurement, at most."""
ROWS = 2000
"""Training samples, and held-out ones, that they are compared with, at most."""
WORK = 1_000_000_000
"""Multiplications for the distances to training samples, at most: a measurement takes about .15 s of one thread."""
FEWEST = 10
"""Held-out samples without which copying cannot be told from chance."""
NEAR = -3.0
"""z of the distances to training samples below which generated samples are nearer than held-out ones."""
ATTRACTED = 4.0
"""z of `attraction` above which training samples attract more than their share; chance gives less than 1 in 30,000."""
IN_A_ROW = 3
"""Measurements, one after the other, in which something is seen before it is told: copying, or another symptom."""


class CopyingWatch:
    """Measures both signs of copying, and counts in how many measurements in a row they were seen.

    Arguments:
        data: with training samples that can be copied.
        run: in whose log the measurements before this process are, and whose checkpoints are named.

    Attributes:
        generated: samples that a measurement takes; 0 where nothing can be measured.
        seen: the last measurement, as it is logged; empty before the first.
    """

    def __init__(self, data: DataSet, run: RunFolder) -> None:
        self._run = run
        self.seen: Mapping[str, Any] = next(
            (entry["copying"] for entry in reversed(run.entries()) if "copying" in entry), {}
        )
        self.generated = 0
        if data.train.size is None or data.held_out.at_most(FEWEST) < FEWEST:
            return
        share = min(1.0, math.sqrt(WORK / (GENERATED * ROWS * math.prod(data.codec.space.shape))))
        self.generated, rows = max(FEWEST, int(share * GENERATED)), max(FEWEST, int(share * ROWS))
        self._train, self._held_out = (
            data.codec.metric(part.sample(part.at_most(rows))) for part in (data.train, data.held_out)
        )
        self._unseen = nearest(self._held_out, self._train)[1]

    @property
    def kept(self) -> int | None:
        """Step of the checkpoint from before the copying, which is kept as long as copying is seen."""
        found: int | None = self.seen.get("checkpoint")
        return found

    @property
    def begins(self) -> bool:
        """Whether the last measurement is the one that raised the alarm."""
        return self.seen.get("in_a_row") == IN_A_ROW

    def __call__(self, fake: Points, step: int) -> Mapping[str, Any]:
        """Measures generated samples (m, d), in metric scale.

        Returns:
            `rank` and `attraction`, the two z; `in_a_row`, how many measurements up to this one showed copying;
            `alarm`. While it is seen also `since`, the step of the first of these, and `checkpoint`, the step of the
            last one before that, if there is any.
        """
        rank = copying_rank(nearest(fake, self._train)[1], self._unseen)
        z = (rank.value - 0.5) / rank.standard_error
        pull = attraction(fake, self._train, self._held_out)
        copies = z < NEAR and pull > ATTRACTED
        count = self.seen.get("in_a_row", 0) + 1 if copies else 0
        found = {"rank": round(z, 3), "attraction": round(pull, 3), "in_a_row": count, "alarm": count >= IN_A_ROW}
        if count == 1:
            before = [saved for saved in steps(self._run.checkpoints) if saved < step]
            found |= {"since": step, "checkpoint": before[-1] if before else None}
        elif count:
            found |= {name: self.seen[name] for name in ("since", "checkpoint")}
        self.seen = found
        return found

    @property
    def warning(self) -> str:
        """What is said when the alarm is raised."""
        kept = f"checkpoint step-{self.kept:06d} is from before and is kept" if self.kept is not None else ""
        return (
            f"the generator copies its training samples, since step {self.seen['since']} or earlier; "
            f"{kept or 'no checkpoint is from before'}; train on more data, or for fewer steps"
        )
