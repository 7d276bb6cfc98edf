"""Builds the report of a run from its folder and, where it can still be opened, its data."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from monge.config import registry
from monge.config.overlay import flatten
from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.data.source import MEMORY
from monge.data.space import Space
from monge.errors import UserError
from monge.evaluation.page.html import environment
from monge.evaluation.table_text import HEAD, table_rows
from monge.model.build import OWN
from monge.model.load import codec_of_run, config_of, own_data
from monge.model.trained_model import TrainedModel
from monge.plot.embedded import Picture
from monge.report import gallery
from monge.report.chart import Chart, Curve
from monge.report.finding import Level
from monge.report.likeness import likeness
from monge.report.measured import MEASURED
from monge.report.sampler.content import Sampler, sampler
from monge.report.sampler.graph import SamplerError
from monge.report.table import TableView, likeness_of_table, table_view
from monge.report.verdict import verdict
from monge.run.entry import wrong_entry
from monge.run.files import write_atomically
from monge.run.folder import RunFolder

WIDE = 940
"""Pixels for which a chart is drawn on a screen."""
NARROW = 360
"""Pixels for which it is drawn on a phone."""

Facts = Mapping[str, Any]
"""The content of a run's `run.json`."""

Load = Callable[[Facts], TrainedModel]
"""Gives a run's trained model, from the content of its `run.json`."""


@dataclass
class Gallery:
    """What needs the generator or the data; `missing` says why some of it is not there, `no_sampler` of the sampler."""

    missing: list[str] = field(default_factory=list)
    samples: Sequence[Picture] = ()
    on_request: Picture | None = None
    paths: Picture | None = None
    neighbours: gallery.Neighbours | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    table: TableView | None = None
    sampler: Sampler | None = None
    no_sampler: str | None = None


def write_report(run: RunFolder, load: Load, data: DataSet | None = None) -> Path:
    """Writes and returns `report.html`.

    Arguments:
        run: the run, finished or not.
        load: gives its trained model.
        data: its data; none opens it by the run's config. Without them the page says so and shows the rest.

    Raises:
        UserError: there is no run, or the page cannot be written.
    """
    facts = run.facts()
    config, entries = config_of(run, facts), run.entries()
    space = codec_of_run(run, facts).space
    measured = [entry for entry in entries if "bracket" in entry]
    done = max((entry["step"] for entry in entries), default=0)
    found = collect(run, facts, load, data, done)
    figures = found.figures
    source = config.source.removeprefix(MEMORY)
    page = (
        environment("monge.report")
        .get_template("template.html")
        .render(
            config=config,
            data=Path(source).name or Path(source).resolve().name,
            objective=objective(config.objective),
            space=space,
            facts=facts,
            seconds=max((entry.get("seconds", 0.0) for entry in entries), default=0.0),
            done=done,
            notes=[entry for entry in entries if "note" in entry],
            verdict=verdict(entries, facts["status"], config.steps, figures),
            levels=list(Level),
            last={"step": done, **figures} if "bracket" in figures else measured[-1] if measured else None,
            charts=charts(entries),
            history=gallery.history(run),
            gallery=found,
            table=[HEAD, *table_rows(figures["table"])] if "efficacy" in figures.get("table", {}) else (),
            scale=space.scale,
            settings=flatten(config),
            command=command(config, space, facts),
            in_memory=config.source.startswith(MEMORY),
            own_critic=config.critic.startswith(OWN),
        )
    )
    try:
        # names of files and folders need not be UTF-8
        write_atomically(run.report, page.encode(errors="backslashreplace"))
    except OSError as error:
        raise UserError(f"{run.report} cannot be written: {error.strerror or error}") from error
    return run.report


def evaluated(run: RunFolder, facts: Facts, step: int, missing: list[str], weights: str = "ema") -> dict[str, Any]:
    """The figures of `metrics.json`; empty unless they are of this step, of these weights and of the run's data.

    Arguments:
        missing: takes a sentence where they are damaged.
        weights: "ema", "raw" or "best".
    """
    if not (run.path / MEASURED).exists():
        return {}
    try:
        figures = run.read(MEASURED)
        wanted = {"step": step, "weights": weights, "fingerprint": facts["fingerprint"]}
        if any(figures.get(name) != value for name, value in wanted.items()):
            return {}
        parts = {name: figures[name] for name in ("bracket", "metrics", "floors")}
        wrong = wrong_entry({"step": step, "bracket": parts["bracket"]})
        # what else they contain depends on the data, and shows whether it is right when it is used
        verdict([], "finished", step, figures)
        table_rows(figures["table"]) if "efficacy" in figures.get("table", {}) else ()
    except UserError as error:
        wrong = str(error)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong is None:
        return figures
    missing.append(f"This report has no figures of evaluate: {MEASURED} is damaged ({wrong}).")
    return {}


def collect(run: RunFolder, facts: Facts, load: Load, data: DataSet | None, done: int) -> Gallery:
    """The gallery, as far as generator and data are at hand; figures are measured where there are none.

    Arguments:
        done: steps of the training.
    """
    found = Gallery()
    found.figures = evaluated(run, facts, done, found.missing)
    try:
        data = own_data(run, data, facts)
    except UserError as error:
        data = None
        found.missing.append(f"This report has no comparisons with real data: {error}.")
    try:
        model = load(facts)
        found.sampler, found.no_sampler = sampler_of(model)
        found.samples = gallery.generated_and_real(model, data)
        found.on_request = gallery.on_request(model)
        found.paths = gallery.paths(model, data)
        if data is not None:
            found.neighbours = gallery.neighbours(model, data)
            found.table = table_view(model, data)
            if not found.figures:
                found.figures = likeness(model, data, found.neighbours) | likeness_of_table(model, data)
    except UserError as error:
        found.missing.append(f"This report has no samples: {error}.")
    return found


def sampler_of(model: TrainedModel) -> tuple[Sampler | None, str | None]:
    """What lets the page draw samples, or why it cannot."""
    try:
        return sampler(model), None
    except SamplerError as reason:
        return None, str(reason)


def charts(entries: Sequence[Mapping[str, Any]]) -> dict[str, Markup]:
    """The charts by name, each drawn for a screen and for a phone; those without any value are absent."""
    brackets = [(entry["step"], entry["bracket"]) for entry in entries if "bracket" in entry]

    def part(name: str, style: str) -> Curve:
        return Curve(name, [(step, bracket[name]) for step, bracket in brackets], style)

    def term(name: str, style: str) -> Curve:
        return Curve(name.replace("_", " "), [(e["step"], e[name]) for e in entries if name in e], style)

    def taken(curve: Curve) -> Curve:
        """Without the steps on which a lazy penalty is left out, and so is exactly 0."""
        return replace(curve, points=[point for point in curve.points if point[1]] or curve.points)

    drawn = {
        "excess": Chart("Excess during training", [part("excess", "excess")]),
        "bracket": Chart(
            "Lower limit, upper estimate, floor and spread during training",
            [part("lower", "bound"), part("upper", "bound"), part("floor", "floor"), part("spread", "spread")],
            band="band",
        ),
        "critic": Chart("Critic loss during training", [term("critic_loss", "critic")], zero=False),
        "penalty": Chart("Penalty during training", [taken(term("penalty", "penalty"))]),
    }
    return {
        name: Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(
            Markup(chart.svg(WIDE)), Markup(chart.svg(NARROW, 230))
        )
        for name, chart in drawn.items()
        if chart.curves[0].points
    }


def objective(spec: str) -> dict[str, str]:
    """The name of an objective, and in words what it is and which options are set."""
    name, *options = spec.split(":")
    description = registry.lookup(registry.OBJECTIVES, "objective", name).description
    return {"name": name, "text": "; ".join(filter(None, [description, ", ".join(options).replace("=", " ")]))}


def command(config: Config, space: Space, facts: Facts) -> list[str]:
    """The command that repeats the run, flag by flag: its recipe, and every setting that differs from it."""
    recipe = registry.lookup(registry.RECIPES, "recipe", config.recipe).load()
    base = flatten(recipe(config.source, space))
    parts = [["monge", "train", config.source], ["--recipe", config.recipe], ["--seed", str(config.seed)]]
    for key, value in flatten(config).items():
        if value == base[key] or key in ("source", "recipe", "seed"):
            continue
        section, _, name = key.replace("_", "-").rpartition(".")
        prefix = f"--{section}." if section else "--"
        switch = isinstance(value, bool)
        parts.append([prefix + ("" if value else "no-") + name] if switch else [prefix + name, str(value)])
    return [shlex.join(part) for part in (*parts, ["--device", facts["device"]], ["--threads", str(facts["threads"])])]
