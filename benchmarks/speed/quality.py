"""CPU seconds until it is good, by default and by a textbook: `python benchmarks/speed/quality.py RESULT.json [CASE]`.

Trains by monge's default recipe, and by the textbook's loop with the settings that Gulrajani et al. 2017 published,
until a bar is reached, with one thread, and counts the seconds of training alone. The textbook is given up after some
times as long. The case of Fashion-MNIST takes the data and a judge of images, a Python file with `scaled`, `fitted`,
`features` and `frechet`: `... RESULT.json fashion fashion_mnist.npz JUDGE.py`.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import textbook
import torch
from torch import nn

from monge.data.dataset import DataSet
from monge.data.source import load_data
from monge.evaluation.reference import ReferenceSamples
from monge.experiment.sweep import installed
from monge.metric.modes import modes
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.training.assemble import assemble
from monge.training.schedule import rates, set_rates
from monge.training.settings import recommended
from monge.training.step import train_step

FRESH = 100_000
"""Samples that the textbook has of a distribution of which there are as many as one likes."""
Judge = Callable[[Callable[[int], np.ndarray]], float]
"""From a function that makes so many samples to how bad they are."""


@dataclass(frozen=True)
class Case:
    """One comparison.

    Arguments:
        source: of the data.
        latent: of the textbook's generator.
        networks: of the textbook, generator and critic.
        rule: of the textbook: batch, and where they differ from its defaults, weight and beta1.
        bar: that is to be reached from above.
        words: what the bar is.
        every: seconds of training between two measurements.
        times: how many times as long as monge the textbook may take.
    """

    source: str
    latent: int
    networks: Callable[[], tuple[nn.Module, nn.Module]]
    rule: dict[str, Any]
    bar: float
    words: str
    every: float
    times: int


def perceptrons(dimension: int, latent: int, width: int) -> tuple[nn.Module, nn.Module]:
    return textbook.mlp(latent, dimension, width, nn.ReLU), textbook.mlp(dimension, 1, width, nn.ReLU)


def perceptrons_of_digits() -> tuple[nn.Module, nn.Module]:
    generator, critic = perceptrons(64, 16, 256)
    return nn.Sequential(generator, nn.Unflatten(1, (1, 8, 8)), nn.Tanh()), nn.Sequential(nn.Flatten(), critic)


def convolutions() -> tuple[nn.Module, nn.Module]:
    return textbook.dcgan_generator(64, 1, 32, 28, levels=2), textbook.dcgan_critic(1, 32, 28, levels=2)


TOY = {"batch": 256, "weight": 0.1, "beta1": 0.5}
CASES = {
    "digits": Case("digits", 16, perceptrons_of_digits, {"batch": 64}, 0.25, "excess .25", 4.0, 6),
    "grid25": Case("toy:grid25", 2, lambda: perceptrons(2, 2, 512), TOY, 0.05, "95 % of high quality", 4.0, 6),
    "fashion": Case("", 64, convolutions, {"batch": 64}, 60.0, "Fréchet distance 60", 10.0, 11),
}


def excess(data: DataSet) -> Judge:
    """The excess over held-out samples, of fresh samples at each measurement."""
    real = ReferenceSamples(data, trained=False)
    return lambda made: real.bracket(data.codec.metric(made(real.fakes))).excess


def low_quality(data: DataSet) -> Judge:
    """The share of samples that are farther than three standard deviations from every mode."""
    centres, deviation = data.info.centres, data.info.deviation
    return lambda made: 1 - modes(data.codec.metric(made(10_000)), centres, deviation)["high_quality"]


def trained_judge(path: str, data: str) -> tuple[ModuleType, nn.Module, np.ndarray]:
    """A judge of images in a Python file: its module, its network trained on labels, features of the test images."""
    described = importlib.util.spec_from_file_location("judge", path)
    if described is None or described.loader is None:
        raise SystemExit(f"{path} is no Python file")
    judge = importlib.util.module_from_spec(described)
    described.loader.exec_module(judge)
    arrays = np.load(data)
    net = judge.fitted(judge.scaled(arrays["x_train"]), torch.tensor(arrays["y_train"]).long())
    return judge, net, judge.features(net, judge.scaled(arrays["x_test"]))[0]


def outside_judge(path: str, data: str) -> Judge:
    """The Fréchet distance of 10,000 samples by a judge of images, which is trained first."""
    judge, net, real = trained_judge(path, data)
    return lambda made: judge.frechet(real, judge.features(net, judge.scaled(made(10_000)))[0])


def ours(data: DataSet) -> Iterator[nn.Module]:
    """The averaged generator of monge's default recipe after every step, until the recipe ends."""
    config = recommended(data)
    state, objective, sampler = assemble(config, data, torch.device("cpu"))
    rates_at = rates(config)
    for step in range(config.steps):
        set_rates(state, rates_at(step))
        train_step(state, objective, sampler(step))
        yield state.generator_ema


def theirs(case: Case, data: DataSet) -> Iterator[nn.Module]:
    """The textbook's generator after every step."""
    torch.manual_seed(0)
    generator, critic = case.networks()
    samples = data.train.sample(FRESH) if data.train.size is None else data.train.all()
    real = textbook.any_of(data.codec.encode(samples))
    for _ in textbook.steps(generator, critic, real, latent=case.latent, **case.rule):
        yield generator


def reached(
    loop: Iterator[nn.Module], every: float, bar: float, limit: float, judge: Callable[[nn.Module], float]
) -> dict[str, Any]:
    """Trains until a bar or a limit of seconds: the seconds to the bar, or none, and all measurements."""
    seconds, curve = 0.0, []
    while seconds < limit:
        begin, generator = time.process_time(), None
        while time.process_time() - begin < every and (following := next(loop, None)) is not None:
            generator = following
        if generator is None:
            break
        seconds += time.process_time() - begin
        found = judge(generator)
        curve.append([round(seconds, 1), round(found, 4)])
        print(f"  {seconds:.0f} s: {found:.4g}", file=sys.stderr, flush=True)
        if found <= bar:
            return {"seconds": round(seconds, 1), "curve": curve}
    return {"seconds": None, "curve": curve}


def measured(name: str, *files: str) -> dict[str, Any]:
    """Both loops of a case."""
    case = CASES[name]
    data = load_data(case.source or files[0])
    judge = outside_judge(files[1], files[0]) if files else low_quality(data) if name == "grid25" else excess(data)
    random = torch.Generator().manual_seed(0)

    def judged(generator: nn.Module) -> float:
        size = case.latent if isinstance(generator, nn.Sequential) else latent_size(generator)
        return judge(lambda n: generate(generator, data.codec, torch.randn(n, size, generator=random)))

    mine = reached(ours(data), case.every, case.bar, float("inf"), judged)
    if mine["seconds"] is None:
        raise SystemExit(f"{name}: the default recipe ends without {case.words}: {mine['curve'][-1]}")
    limit = case.times * mine["seconds"]
    return {"monge": mine, "textbook": reached(theirs(case, data), limit / 40, case.bar, limit, judged)}


def main(path: str, *names: str) -> None:
    """Measures the cases, prints a table, and adds them to the result."""
    torch.set_num_threads(1)
    kept = json.loads(Path(path).read_text())["cases"] if Path(path).exists() else {}
    cases = {"fashion": names[1:]} if names[:1] == ("fashion",) else dict.fromkeys(names or ("digits", "grid25"), ())
    for name, files in cases.items():
        kept[name] = measured(name, *files)
        Path(path).write_text(json.dumps({"versions": installed(), "cases": kept}) + "\n")
    print("| to | monge, CPU s | textbook | times |\n|---|---|---|---|")
    for name, case in kept.items():
        mine, other = case["monge"]["seconds"], case["textbook"]["seconds"]
        last = case["textbook"]["curve"][-1][0]
        times = f"{other / mine:.1f}" if other else f"more than {last / mine:.1f}"
        print(f"| {name}: {CASES[name].words} | {mine} | {other or f'not in {last}'} | {times} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
