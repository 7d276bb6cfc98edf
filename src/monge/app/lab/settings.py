"""What a lab trains, as plain values that a link, a command and a script have in common."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from monge.app.lab.fault import FAULTS
from monge.config import registry, spec
from monge.config.overlay import flatten
from monge.config.schema import Config
from monge.errors import UserError, unknown_name

MOST = 3
"""Objectives side by side."""
LIVE = (
    "training.batch",
    "training.n_critic",
    "training.optimiser",
    "training.learning_rate",
    "training.critic_learning_rate",
    "training.beta1",
    "training.beta2",
)
"""Settings that may change while it trains; those of the networks begin the training anew."""
DEFAULTS: Mapping[str, Any] = {
    "recipe": "vector",
    "generator": "mlp:latent=2:width=64:depth=3",
    "critic": "mlp:width=64:depth=3",
    "training.decay_from": 1.0,  # so that no rate depends on when the training will end
    "training.batch": 256,
    "training.n_critic": 5,
    "training.learning_rate": 1e-3,
    "training.beta1": 0.5,
}
"""Of every lab: small networks, whose steps take some milliseconds, and rates at which a ring of 8 modes is learnt in
some hundred steps (seed 0, wgan-gp:weight=1: an excess of .06 after 200; .20 with the recipe's own rates). They are the
same for all objectives, so that those side by side can be compared."""
WIDEST, DEEPEST = 512, 8
"""Of networks in a lab: larger ones would show fewer than some frames a second."""


@dataclass(frozen=True)
class Settings:
    """Data, objectives, and what else is not as usual.

    Arguments:
        data: a built-in name of points in the plane, or the path of an array of such.
        objectives: one to three names, with options.
        given: settings by dotted names, as in a run's config.
        seed: decides everything random.
        faults: what is broken on purpose, names of `fault.FAULTS`.
    """

    data: str = "toy:ring8"
    objectives: tuple[str, ...] = ("wgan-gp:weight=1",)
    given: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.objectives) <= MOST:
            raise UserError(f"objectives must be 1 to {MOST}; got {len(self.objectives)}")
        for name in self.faults:
            if name not in FAULTS:
                raise unknown_name("faults", name, FAULTS)
        allowed = {*LIVE, "generator", "critic"}
        for name in self.given:
            if name not in allowed:
                raise unknown_name("setting", name, allowed)
        for what in ("generator", "critic"):
            self._check_size(what)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Settings":
        """From what a page sent.

        Raises:
            UserError: a key, a type or a value that is not allowed.
        """
        kinds = {"data": str, "objectives": list, "given": dict, "seed": int, "faults": list}
        for name, value in document.items():
            if name not in kinds:
                raise unknown_name("setting", name, kinds)
            if not isinstance(value, kinds[name]) or isinstance(value, bool):
                raise UserError(f"{name} must be of type {kinds[name].__name__}; got {value!r}")
        for name in ("objectives", "faults"):
            if not all(isinstance(item, str) for item in document.get(name, ())):
                raise UserError(f"{name} must be names; got {document[name]!r}")
        parts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**parts)

    def flat(self, objective: str) -> dict[str, Any]:
        """All that is not as usual in the training of one objective, by dotted names."""
        rule = {} if "critic_too_strong" not in self.faults else {"training.n_critic": 100}
        values = {**DEFAULTS, **self.given, **rule}
        entry = registry.lookup(registry.OBJECTIVES, "--objective", objective.split(":")[0])
        critic = spec.with_options(registry.CRITICS, "--critic", str(values["critic"]), entry.critic)
        return {**values, "objective": objective, "critic": critic, "seed": self.seed}

    def nested(self, objective: str) -> dict[str, Any]:
        """The same as a config has them: settings of the training are inside of it."""
        found: dict[str, Any] = {}
        for name, value in self.flat(objective).items():
            *outer, last = name.split(".")
            place = found.setdefault(outer[0], {}) if outer else found
            place[last] = value
        return found

    def document(self) -> dict[str, Any]:
        """As plain values, the inverse of `of`."""
        return {**asdict(self), "objectives": list(self.objectives), "faults": list(self.faults)}

    def _check_size(self, what: str) -> None:
        text = str(self.given.get(what, DEFAULTS[what]))
        table = registry.GENERATORS if what == "generator" else registry.CRITICS
        for name, most in (("width", WIDEST), ("depth", DEEPEST), ("latent", WIDEST)):
            options = spec.options(registry.lookup(table, what, text.split(":")[0]))
            if name in options and (value := spec.option(table, what, text, name)) > most:
                raise UserError(f"{what}: {name} must be at most {most} in the lab; got {value}")


def command(settings: Settings, objective: str, step: int) -> str:
    """The command that trains the same run, and the one that draws the same points."""
    flags = [
        f"--{name.replace('_', '-')} {shlex.quote(_text(value))}"
        for name, value in settings.flat(objective).items()
        if value is not None
    ]
    run = f"runs/lab-{objective.split(':')[0]}"
    train = " ".join(["monge train", shlex.quote(settings.data), *flags, f"--steps {step} --threads 1 --run {run}"])
    return f"{train}\nmonge sample {run} -n 256 --seed 0 --weights raw --out points.npy\n"


def script(settings: Settings, objective: str, step: int) -> str:
    """The same in Python."""
    values = [f"    {name}={value!r}," for name, value in settings.nested(objective).items()]
    lines = [
        "import monge",
        "",
        "run = monge.train(",
        f"    {settings.data!r},",
        f"    run={'runs/lab-' + objective.split(':')[0]!r},",
        *values,
        f"    steps={step},",
        "    threads=1,",
        ")",
        'points = run.sample(256, seed=0, weights="raw")',
    ]
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def options_of(objective: str) -> dict[str, float]:
    """The options of an objective that are numbers, with the values that they have in it."""
    entry = registry.lookup(registry.OBJECTIVES, "--objective", objective.split(":")[0])
    numbers = [name for name, value in spec.options(entry).items() if type(value) in (int, float)]
    return {name: spec.option(registry.OBJECTIVES, "--objective", objective, name) for name in numbers}


def rule_of(config: Config) -> dict[str, Any]:
    """What the settings that may change are, in a training."""
    flat = flatten(config)
    return {name: flat[name] for name in (*LIVE, "generator", "critic", "objective")}
