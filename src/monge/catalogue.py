"""The tables name -> (one-line description, lazy import path). A new variant is its source and one line here.

A name in a config may carry options for its constructor, `mlp:width=512:depth=2`; they are the constructor's own
keyword arguments, checked against its signature.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monge.errors import UserError, unknown_name


@dataclass(frozen=True)
class Entry:
    """One name: what it is, where its constructor lives, and the published training rule if it has one."""

    description: str
    path: str
    rule: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Callable[..., Any]:
        """The constructor, imported now."""
        module, name = self.path.split(":")
        constructor: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return constructor


Table = Mapping[str, Entry]

OBJECTIVES: Table = {
    "wgan": Entry(
        "Wasserstein loss, weights clipped (Arjovsky et al. 2017)",
        "monge.objective.paper:wgan",
        {"optimiser": "rmsprop", "learning_rate": 5e-5, "batch": 64, "n_critic": 5},
    ),
    "wgan-gp": Entry(
        "Wasserstein loss, gradient penalty on segments (Gulrajani et al. 2017)",
        "monge.objective.paper:wgan_gp",
        {"optimiser": "adam", "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9, "batch": 64, "n_critic": 5},
    ),
}

GENERATORS: Table = {
    "mlp": Entry("fully connected, any data", "monge.nn.mlp:MLPGenerator"),
    "dcgan": Entry("transposed convolutions, square images of 8 to 128 px", "monge.nn.dcgan:DCGANGenerator"),
}

CRITICS: Table = {
    "mlp": Entry("fully connected, any data", "monge.nn.mlp:MLPCritic"),
    "dcgan": Entry("strided convolutions, square images of 8 to 128 px", "monge.nn.dcgan:DCGANCritic"),
}

DATA: Table = {
    "digits": Entry("1,797 real handwritten digits, 8 x 8, from scikit-learn", "monge.data.builtin:digits"),
    "toy:ring8": Entry("8 Gaussians on a circle", "monge.data.toy:ring8"),
    "toy:grid25": Entry("25 Gaussians on a grid", "monge.data.toy:grid25"),
    "toy:swissroll": Entry("a spiral", "monge.data.toy:swissroll"),
    "toy:moons": Entry("two interleaved half-circles", "monge.data.toy:moons"),
    "toy:parallel-lines": Entry("two parallel segments", "monge.data.toy:parallel_lines"),
    "toy:funnels": Entry("points drawn together along rays, with known transport", "monge.data.toy:funnels"),
}

RECIPES: Table = {
    "digits": Entry("8 x 8 images, three minutes on two cores", "monge.recipe:digits"),
    "grid25": Entry("many tight modes in the plane", "monge.recipe:grid25"),
    "image": Entry("images of 12 to 128 px", "monge.recipe:image"),
    "vector": Entry("float vectors and points in the plane", "monge.recipe:vector"),
    "paper-wgan": Entry("the rule of Arjovsky et al. 2017 as published", "monge.recipe:paper_wgan"),
    "paper-wgan-gp": Entry("the rule of Gulrajani et al. 2017 as published", "monge.recipe:paper_wgan_gp"),
}

EXPERIMENTS: Table = {
    "w1-benchmark": Entry("known W1: every family of potentials", "monge.experiment.w1_benchmark:reproduce"),
    "honesty": Entry("random pairs of known W1: the bracket holds it", "monge.experiment.honesty:reproduce"),
    "excess": Entry("samples made worse in five ways: excess sees it", "monge.experiment.excess:reproduce"),
}


def lookup(table: Table, what: str, name: str) -> Entry:
    """The entry of a name without options.

    Raises:
        UserError: the name is not in the table; names the nearest one.
    """
    if name not in table:
        raise unknown_name(what, name, table)
    return table[name]


def build(table: Table, what: str, spec: str, *arguments: Any) -> Any:
    """Constructs `NAME[:option=value...]` with the given positional arguments.

    Raises:
        UserError: unknown name or option, or a value of the wrong type.
    """
    name, *options = spec.split(":")
    constructor = lookup(table, what, name).load()
    parameters = list(inspect.signature(constructor).parameters.values())[len(arguments) :]
    allowed = {parameter.name: parameter for parameter in parameters}
    chosen: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        key = key.replace("-", "_")
        if key not in allowed:
            raise unknown_name(f"{what} {name}: option", key, allowed)
        chosen[key] = _parse(text if equals else "true", type(allowed[key].default), f"{what} {name}: {key}")
    return constructor(*arguments, **chosen)


def _parse(text: str, kind: type, what: str) -> Any:
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is str:
        return text
    try:
        value = kind(text)
    except ValueError:
        value = None
    least, most = (1, 65_536) if kind is int else (0, 1e9)
    if kind is bool or value is None or not least <= value <= most:
        allowed = "true or false" if kind is bool else f"a number ({kind.__name__}) from {least} to {most:g}"
        raise UserError(f"{what}={text} must be {allowed}")
    return value
