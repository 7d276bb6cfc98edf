"""The Python API: train, open a run, continue it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, NDArray
from torch import nn

from monge.config.overlay import Given
from monge.config.schema import DataConfig
from monge.data.dataset import DataSet
from monge.data.source import data_of
from monge.errors import UserError
from monge.evaluation.evaluate import Evaluation, evaluate
from monge.model.build import OWN
from monge.model.frame import filled, values
from monge.model.load import LastModel, data_like, load, other_content, own_data
from monge.model.rejection import check_rejection, rejected
from monge.model.trained_model import EVERYTHING, Request, Samples, TrainedModel, check_count, check_seed
from monge.report import write_report
from monge.report.measured import keep_measured
from monge.run.folder import RunFolder
from monge.training.resume import continued
from monge.training.settings import resolved
from monge.training.train import train_config


class Run(RunFolder):
    """A run folder and its trained networks.

    Example:
        >>> import monge, numpy as np
        >>> points = np.random.default_rng(0).normal(size=(200, 2))
        >>> run = monge.train(points, run="runs/points", steps=4, threads=1, training={"batch": 32})
        >>> run.sample(3, seed=1).shape
        (3, 2)
        >>> run.facts()["step"]
        4
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._last = LastModel(self)

    def model(self, weights: str = "ema", facts: Mapping[str, Any] | None = None) -> TrainedModel:
        """The trained model of the last checkpoint, cached until there is a newer one or other weights are asked for.

        Arguments:
            weights: "ema" (averaged), "raw", or "best": averaged, of the checkpoint nearest to the validation part.
            facts: the content of `run.json`, if already read.

        Raises:
            UserError: unknown weights, no checkpoint yet, or a damaged one.
        """
        return self._last(weights, facts)

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        weights: str = "ema",
        label: str | int | None = None,
        codes: Mapping[int, float] | None = None,
        where: str | None = None,
        balance: str | None = None,
        identifiers: bool = False,
        reject: bool = False,
        data: DataSet | None = None,
    ) -> Any:
        """Generates n samples in the data's own scale.

        Images are (n, H, W, C), however the data orders its axes, with pixels of the data's type and range; vectors
        (n, d) are float32, or float64 where that is too coarse for the data. Rows of tables are a data frame of pandas,
        or a table of pyarrow where pandas is not installed.

        Arguments:
            label: the class to ask a conditional generator for, by name or number; none takes all by their shares.
            codes: values of an InfoGAN's codes by their index.
            where: a condition that rows of a table must meet, such as `"age >= 60"`, see `data.table.condition`.
            balance: a column of a table whose levels are wanted in equal numbers.
            identifiers: whether to make a table's columns that identify rows anew, as numbers from 1.
            reject: keep only those that the critic or, of tables, trees take for real, see `monge.model.rejection`.
            data: the run's data, which `reject` needs; none opens them where they were.
        """
        request = Request(label, codes or {}, where, balance)
        found = self.draw(n, seed, weights, request, reject=reject, data=data)
        return values(self.model(weights), found, identifiers=identifiers)

    def fill(self, given: Any, *, seed: int = 0, weights: str = "ema") -> Any:
        """Completes the missing values of a data frame from generated rows; see `monge.model.frame.filled`."""
        check_seed(seed)
        return filled(self.model(weights), given, seed)

    def draw(
        self,
        n: int,
        seed: int = 0,
        weights: str = "ema",
        request: Request = EVERYTHING,
        *,
        reject: bool = False,
        data: DataSet | None = None,
    ) -> Samples:
        """Generates n samples together with their requested classes; see `sample`."""
        check_count(n)
        if not reject:
            return self.model(weights).sample(n, seed, request)
        check_rejection(n, seed, request)
        return rejected(self.model(weights), lambda: own_data(self, data), n, seed, request)

    def interpolate(self, rows: int, columns: int, *, seed: int = 0, weights: str = "ema") -> NDArray[Any]:
        """Generates samples (rows * columns, ...) along paths between latent codes."""
        check_count(min(rows, columns))
        check_seed(seed)
        return self.model(weights).interpolate(rows, columns, seed)

    def evaluate(
        self,
        data: DataSet | None = None,
        *,
        seed: int = 0,
        weights: str = "ema",
        critic: nn.Module | None = None,
        thorough: bool = True,
        features: str = "raw",
        statistics: bool = False,
    ) -> Evaluation:
        """All metrics of the last checkpoint; those against the run's own data are also written to `metrics.json`.

        Arguments:
            data: other data to measure against, or the run's own; none opens these where they were.
            critic: a module like the one given to `train`, for a run whose critic is no named one.
            thorough: whether to train potentials for the bracket's lower limit, which takes most of the time.
            features: "raw", "classifier" or "inception:FILE": the features that precision, recall and the like compare.
            statistics: whether to take those of the two phases of grey images.
        """
        model = self.model(weights) if critic is None else load(self, weights, critic=critic)
        data = data or own_data(self)
        measured = evaluate(model, data, seed, thorough=thorough, features=features, statistics=statistics)
        if other_content(data, self.facts()) is None:
            keep_measured(self, measured)
        return measured

    def open_data(self, source: str | os.PathLike[str] | ArrayLike) -> DataSet:
        """Data read as the run's own were, as far as that applies to them; as in `load_data`."""
        return data_like(self, source)

    def write_report(self, data: DataSet | None = None) -> Path:
        """Writes `report.html` and returns its path; pass `data` to avoid loading the run's data again."""
        return write_report(self, lambda facts: self.model(facts=facts), data)


def open_run(path: str | Path) -> Run:
    """Opens the run in a folder.

    Raises:
        UserError: the folder contains no run.

    Example:
        >>> import monge, numpy as np
        >>> points = np.random.default_rng(0).normal(size=(200, 2))
        >>> run = monge.train(points, run="runs/points", steps=4, threads=1, training={"batch": 32})
        >>> later = monge.open_run("runs/points")
        >>> bool((later.sample(3, seed=1) == run.sample(3, seed=1)).all())
        True
    """
    run = Run(Path(path))
    run.facts()
    return run


def resume(
    run: str | Path,
    data: str | os.PathLike[str] | ArrayLike | DataSet | None = None,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    critic: nn.Module | None = None,
    device: str = "auto",
    threads: int | str = "auto",
    checkpoint_every: int | None = None,
    start_over: bool = False,
) -> Run:
    """Continues a run with the settings that it was begun with; one that is finished stays as it is.

    Arguments:
        run: folder of the run.
        data: where the run's data are now, or the data themselves, as in `train`; none opens them where they were.
            Their content must be the same.
        steps: generator updates in all, at least as many as before; none means those.
        minutes: training time in all, for a run that was begun with one.
        critic: a module like the one that was trained, if that was no named one.
        device, threads, checkpoint_every, start_over: as in `train`.

    Raises:
        UserError: there is no run, its data are gone or have changed, or there were more steps before.
        TrainingError: as in `train`.

    Example:
        >>> import monge, numpy as np
        >>> points = np.random.default_rng(0).normal(size=(200, 2))
        >>> run = monge.train(points, run="runs/again", steps=4, threads=1, training={"batch": 32})
        >>> monge.resume("runs/again", points, steps=6).facts()["step"]
        6
    """
    folder = open_run(run)
    given = data if data is None or isinstance(data, DataSet) else folder.open_data(data)
    config, data = continued(folder, given, steps)
    train_config(
        config,
        data,
        critic=critic,
        run=folder.path,
        device=device,
        threads=threads,
        minutes=minutes,
        checkpoint_every=checkpoint_every,
        start_over=start_over,
    )
    return folder


def train(
    source: str | os.PathLike[str] | ArrayLike | DataSet,
    *,
    recipe: str | None = None,
    objective: str | None = None,
    critic: str | nn.Module | None = None,
    run: str | Path | None = None,
    start_from: str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int | str = "auto",
    minutes: float | None = None,
    checkpoint_every: int | None = None,
    start_over: bool = False,
    **settings: Any,
) -> Run:
    """Trains a generator, or continues an interrupted run.

    Arguments:
        source: a name, a path, an array, a data frame, or opened data; all but the last as in `load_data`.
        recipe: name of a recipe; none picks the one for this kind of data.
        objective: name of an objective, with options (`"wgan-gp:weight=5"`).
        critic: name of a critic, or your own torch module from samples (n, ...) in model scale to (n, k). A copy of
            the module is trained; the same call continues the run. If the module draws random numbers itself, as
            dropout does, it takes them from torch's global stream, and equal seeds do not give equal runs.
        run: folder of the run; None means `runs/DATA-RECIPE-SEED`.
        start_from: another run, or one of its checkpoints, whose generator, averaged generator and critic are the start
            in place of initial weights; networks of the same shapes. Optimisers start anew, the step at 0.
        device, threads: "auto", or "cpu", "cuda" or "mps", and a number; "auto" measures how many threads are fastest.
        minutes: training time instead of `steps=`; it becomes a number of steps at the first start.
        checkpoint_every: steps between checkpoints; None means as before, and in a new run every 30 s.
        start_over: begin a run anew whose checkpoints are all damaged or gone; what is left is put aside.
        **settings: other fields of `config.Config`, such as `steps=`, `seed=` or `training={"n_critic": 3}`. A mapping
            changes only the given settings of the recipe; a `config.TrainingConfig` replaces them all.

    Raises:
        UserError: bad input; nothing is written.
        TrainingError: a loss is not finite, the critic diverges or the disk is full; the last checkpoint is kept.

    Example:
        >>> import monge, numpy as np
        >>> points = np.random.default_rng(0).normal(size=(200, 2))
        >>> rule = {"batch": 32, "n_critic": 2}
        >>> run = monge.train(points, run="runs/longer", steps=4, threads=1, training=rule)
        >>> longer = monge.train(points, run="runs/longer", steps=6, threads=1, training=rule)  # goes on from step 4
        >>> longer.facts()["step"]
        6
    """
    for name, value in settings.items():
        if is_dataclass(value) and not isinstance(value, type):
            settings[name] = asdict(value)
    data = data_of(source, settings)
    settings["data"] = data.info.how or asdict(DataConfig())
    named = {"recipe": recipe, "objective": objective, "start_from": start_from and os.fspath(start_from)}
    settings |= {name: value for name, value in named.items() if value is not None}
    if minutes is not None and "steps" in settings:
        raise UserError(f"minutes must be left out when steps is given; got {minutes:g} and {settings['steps']}")
    own = critic if isinstance(critic, nn.Module) else None
    if critic is not None:
        settings["critic"] = critic if own is None else f"{OWN}{type(critic).__qualname__}"
    folder = train_config(
        resolved(data, [Given("train", settings)]),
        data,
        critic=own,
        run=run,
        device=device,
        threads=threads,
        minutes=minutes,
        checkpoint_every=checkpoint_every,
        start_over=start_over,
    )
    return Run(folder.path)
