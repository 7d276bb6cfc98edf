"""A run folder's way back to its config, its data, and its trained model."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from monge.config.overlay import overlay
from monge.config.schema import Config, DataConfig
from monge.data.codec import codec_from_state
from monge.data.dataset import DataSet
from monge.data.scale import Codec
from monge.data.source import MEMORY, absolute, exists, load_data, open_like, open_source, takes
from monge.data.space import Space
from monge.data.table.codec import TableCodec
from monge.errors import UserError, unknown_name
from monge.model.build import OWN, build_critic, build_generator, placeholder_shares
from monge.model.trained_model import TrainedModel
from monge.model.weights import COPULA, folder_of, loaded, steps
from monge.model.whole import best, copula_flaw, newest
from monge.nn.copula import CopulaGenerator
from monge.run.folder import RunFolder

WEIGHTS = {"ema": "generator_ema", "raw": "generator", "best": "generator_ema"}
"""File of a checkpoint that contains each kind of weights; of "best", which checkpoint it is follows from the log."""


def config_of(run: RunFolder, facts: Mapping[str, Any] | None = None) -> Config:
    """The resolved config that a run was started with.

    Arguments:
        facts: the content of its `run.json`, if that was read already.
    """
    return overlay(Config(), (facts or run.facts())["config"], f"{run.path}/run.json")


def other_content(data: DataSet, facts: Mapping[str, Any]) -> str | None:
    """The part of some data that is not what a run was trained on, in words; None where all is.

    Arguments:
        facts: the content of the run's `run.json`. Older ones know nothing of the held-out part.
    """
    if data.fingerprint != facts["fingerprint"]:
        return "content"
    known = facts.get("held_out_fingerprint")
    return None if known in (None, data.held_out_fingerprint) else "held-out part"


def own_data(run: RunFolder, data: DataSet | None = None, facts: Mapping[str, Any] | None = None) -> DataSet:
    """The data that a run was trained on.

    Arguments:
        data: these, already open; none opens them where they were when the run was last trained, there as seen from the
            run folder, or by the recorded name as seen from here.
        facts: the content of the run's `run.json`, if that was read already.

    Raises:
        UserError: they are gone, were given in memory, or have changed since training.
    """
    facts = facts or run.facts()
    config = config_of(run, facts)
    if data is not None:
        if part := other_content(data, facts):
            given = data.info.source or data.info.name
            raise UserError(f"--data {given}: its {part} differs from that of the data of run {str(run.path)!r}")
        return data
    refusal = None
    for place in _places(run, config.source, facts.get("place")):
        try:
            data = open_source(place, config.data)
        except UserError as error:
            refusal = refusal or error
            continue
        part = other_content(data, facts)
        if part is None:
            return data
        parts = "data" if part == "content" else "held-out data"
        what = f"the {parts} in {config.source!r} have changed since training"
        refusal = refusal or UserError(f"{what}; use evaluate --data to measure against them anyway")
    raise refusal or _gone(run, config.source, facts.get("place"))


def data_like(run: RunFolder, source: str | os.PathLike[str] | ArrayLike) -> DataSet:
    """Data read as a run's own were, as far as that applies to them; as in `load_data`."""
    facts = run.facts()
    how = config_of(run, facts).data
    if not isinstance(source, str | os.PathLike):
        return load_data(source, **asdict(how))
    options = {name: getattr(how, name) for name in takes(os.fspath(source), how.label)}
    return open_like(os.fspath(source), DataConfig(**options), codec_of_run(run, facts).space)


def _places(run: RunFolder, source: str, recorded: Mapping[str, str] | None) -> list[str]:
    """Where the data of a run may be, the likeliest first, each place once."""
    if source.startswith(MEMORY):
        return [source]
    places = [source]
    if recorded is not None:
        moved_along = os.path.join(run.path, os.path.relpath(recorded["data"], recorded["run"]))
        here = absolute(source) == recorded["data"]
        places = [source if here else recorded["data"], os.path.realpath(moved_along), source]
    distinct: dict[str, str] = {}
    for place in filter(exists, places):
        distinct.setdefault(os.path.realpath(place), place)
    return list(distinct.values())


def _gone(run: RunFolder, source: str, recorded: Mapping[str, str] | None) -> UserError:
    path = source if recorded is None else recorded["data"]
    return UserError(f"run {str(run.path)!r}: its data are no longer at {path}; say where they are with --data PATH")


def load(
    run: RunFolder,
    weights: str = "ema",
    *,
    critic: nn.Module | None = None,
    facts: Mapping[str, Any] | None = None,
) -> TrainedModel:
    """The model of a run's last checkpoint, or of its best one.

    Arguments:
        weights: "ema" (averaged), "raw", or "best": averaged, of the checkpoint nearest to the validation part.
        critic: a module like the one that was trained, if that was no named one.
        facts: the content of the run's `run.json`, if that was read already.

    Raises:
        UserError: unknown weights, no run, no checkpoint yet, no whole one, or for "best" no validation part.

    Warns:
        UserWarning: newer checkpoints are damaged.
    """
    if weights not in WEIGHTS:
        raise unknown_name("--weights", weights, WEIGHTS)
    facts = facts or run.facts()
    config, codec = config_of(run, facts), codec_of_run(run, facts)
    shares = placeholder_shares(facts["classes"])
    kept_copula = facts.get("model") == COPULA  # which has one state only
    found = best(run, facts) if weights == "best" and not kept_copula else newest(run, facts)
    step, folder = found.step, found.folder
    if kept_copula and isinstance(codec, TableCodec):
        if wrong := copula_flaw(run, facts):
            raise UserError(f"run {str(run.path)!r}: {wrong}; monge train --resume {run.path} fits it again")
        generator = loaded(partial(CopulaGenerator, codec.layout, len(codec.modelled)), run.path, COPULA)
    else:
        generator = loaded(partial(build_generator, config, codec.space, shares), folder, WEIGHTS[weights])
    # the critic costs as much again and most do not need it, so it is read when it is asked for
    read_critic = partial(_read_critic, config, codec.space, shares, critic, folder)
    absent = (critic is None and config.critic.startswith(OWN)) or kept_copula
    return TrainedModel(
        name=str(run.path),
        generator=generator.eval(),
        read_critic=None if absent else read_critic,
        codec=codec,
        classes=facts["classes"],
        columns=facts.get("columns"),
        label_column=facts.get("label_column"),
        config=config,
        weights=weights,
        step=step,
    )


def _read_critic(
    config: Config, space: Space, shares: Tensor | None, critic: nn.Module | None, folder: Path
) -> nn.Module:
    return loaded(partial(build_critic, config, space, shares, critic), folder, "critic").eval()


def codec_of_run(run: RunFolder, facts: Mapping[str, Any]) -> Codec:
    """The codec of the data that a run was trained on.

    Raises:
        UserError: what `run.json` says of it is damaged.
    """
    try:
        codec = codec_from_state(facts["codec"])
        if isinstance(codec, TableCodec):  # whose many parts show that they fit when they are used
            codec.decode(torch.zeros(3, codec.space.layout.width))
        return codec
    except UserError:
        raise
    except Exception as error:
        said = str(error).splitlines()[:1] or [type(error).__name__]
        raise UserError(f"run {str(run.path)!r}: run.json is damaged: its codec cannot be read: {said[0]}") from error


class LastModel:
    """The trained model of a run's last checkpoint, kept until there is a newer one or other weights are asked for.

    Arguments:
        run: its folder.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._model: TrainedModel | None = None
        self._key: tuple[Any, ...] = ()

    def __call__(self, weights: str, facts: Mapping[str, Any] | None = None) -> TrainedModel:
        """The model, see `load`."""
        # a folder that was replaced can contain a checkpoint of the same step
        key = (weights, *(_mark(folder_of(self._run.checkpoints, step)) for step in steps(self._run.checkpoints)))
        if self._model is None or self._key != key:
            self._model, self._key = load(self._run, weights, facts=facts), key
        return self._model


def _mark(folder: Path) -> tuple[int, int]:
    """Changes when a folder does, which may be gone."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns
