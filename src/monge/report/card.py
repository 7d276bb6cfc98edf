"""The model card of an exported generator: front matter for the Hugging Face hub, then what people should know."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from monge.config.overlay import flatten
from monge.data.codec import ImageCodec
from monge.data.table.codec import TableCodec
from monge.data.table.derived import Lookup
from monge.evaluation.page.html import with_error
from monge.model.build import latent_size
from monge.model.trained_model import TrainedModel
from monge.nn.copula import GRID, CopulaGenerator
from monge.report.verdict import verdict

Entry = Mapping[str, Any]
FIGURES = {
    "excess": "upper - (floor + spread) / 2: near 0 for equal distributions",
    "lower": "certified limit: the distance is not below this",
    "upper": "generated against held-out samples; too large on average",
    "floor": "training against held-out samples: what a perfect generator would show as upper",
    "spread": "generated against generated samples",
    "estimate": "of the distance itself: sqrt(upper^2 - floor spread)",
}
"""Of the bracket, in the order of the card."""
TASK = "unconditional-image-generation"
"""The hub's task of image generators that take no text; it has none for vectors and rows of tables."""


def card(
    model: TrainedModel,
    document: Entry,
    facts: Entry,
    entries: list[dict[str, Any]],
    figures: Entry,
    name: str,
    license: str,
    unfinished: str,
) -> str:
    """The text of `README.md`.

    Arguments:
        model: the generator.
        document: the content of `config.json`.
        facts: the content of the run's `run.json`.
        entries: of the run's log, up to the exported step.
        figures: of `metrics.json` at the same step and weights, or the log's; with a `bracket` if it was measured.
        name: of the folder.
        license: as the hub names it.
        unfinished: in words, how far an unfinished run was; empty for a finished one.
    """
    image, table = isinstance(model.codec, ImageCodec), isinstance(model.codec, TableCodec)
    environment = Environment(  # no HTML: text as it is
        loader=PackageLoader("monge.report", "."),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    config, data = model.config, document["config"]["source"]
    return environment.get_template("card.md").render(
        license=license,
        name=name,
        folder=name,
        pipeline=TASK if image else None,
        task=TASK if image else "other",
        tags=tags(model, document),
        data=data,
        rows=rows(figures),
        form=model.space.form,
        version=facts["versions"]["monge"],
        what=what(model),
        unfinished=unfinished,
        onnx="model.onnx" in document["files"],
        latent=latent_size(model.generator),
        second=second(model),
        table=table,
        scale=model.space.scale,
        measured=figures,
        headline=verdict(entries, "finished", config.steps, figures).headline if "bracket" in figures else None,
        train=f"the training part of `{data}`",
        settings={key: value for key, value in flatten(config).items() if value is not None} | {"source": data},
        parameters=f"{sum(part.numel() for part in model.generator.state_dict().values()):,}",
        versions=", ".join(f"{package} {found}" for package, found in facts["versions"].items()),
        held=held(model),
    )


def what(model: TrainedModel) -> str:
    """Which generator it is, as a sentence without its full stop."""
    if isinstance(model.generator, CopulaGenerator):
        return "It is a Gaussian copula fitted to the training rows, not a trained network"
    return f"These are the {'raw' if model.weights == 'raw' else 'averaged'} weights of step {model.step:,}"


def tags(model: TrainedModel, document: Entry) -> list[str]:
    """Words to find it by."""
    kind = "copula" if isinstance(model.generator, CopulaGenerator) else "gan"
    objective = [] if kind == "copula" else [model.config.objective.split(":")[0]]
    onnx = ["onnx"] if "model.onnx" in document["files"] else []
    return list(dict.fromkeys(["monge", "generative", kind, *objective, model.space.name, *onnx]))


def rows(figures: Entry) -> list[dict[str, Any]]:
    """The bracket's figures, none if it was not measured."""
    bracket = figures.get("bracket", {})
    return [
        {
            "type": f"wasserstein-1-{name}",
            "name": name,
            "title": f"Wasserstein-1 {name} ({text})",
            "value": bracket[name],
            "shown": with_error(bracket[name], bracket.get(f"{name}_error")),
            "text": text,
        }
        for name, text in FIGURES.items()
        if bracket.get(name) is not None
    ]


def second(model: TrainedModel) -> str:
    """The ONNX file's second input in words; empty if it has none."""
    if model.conditional:
        return ", `label` (n) whole numbers, positions in `classes` in `config.json`"
    if model.codes is not None:
        return f", `codes` (n, {model.codes.count}) the values of the codes"
    return ""


def held(model: TrainedModel) -> list[str]:
    """What of the training data is in the files, a sentence each."""
    found = ["No training sample: only the weights, and what decoding needs, in `config.json`."]
    if not isinstance(model.codec, TableCodec):
        what = "the range of the pixels" if isinstance(model.codec, ImageCodec) else "each number's mean and deviation"
        names = " and the names of the classes" if model.classes else ""
        return [*found, f"That is {what}{names}."]
    codec = model.codec
    found.append(
        "Of each column: the name, the names of all levels and their shares, least and greatest value, mean and "
        "deviation, values that many rows have, and points of its quantile function, which are its values where there "
        "are few distinct ones."
    )
    lookups = [part for part in codec.derivations if isinstance(part, Lookup)]
    if lookups:
        pairs = sum(len(part.keys) for part in lookups)
        found.append(f"Of columns that follow from another: {pairs:,} pairs of values that go together in the data.")
    if isinstance(model.generator, CopulaGenerator):
        found.append(
            f"The generator is a Gaussian copula: correlations, and {GRID:,} quantiles of every column, as normal "
            f"numbers and levels. Of {codec.rows:,} training rows that is "
            + ("a thinned" if codec.rows > GRID else "a whole")
            + " column each, sorted by itself; which values belong to one row is not in it."
        )
    found.append("These are facts about the training rows. Whether they may be published is for you to decide.")
    return found


def name_of(source: str) -> str:
    """A data source without the folders that lead to it, which are nobody's business."""
    return Path(source).name or source
