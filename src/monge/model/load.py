"""A run folder's way back to its config, its data, and its networks."""

from pathlib import Path

from torch import nn

from monge.config.overlay import overlay
from monge.config.schema import Config
from monge.data.codec import Codec, codec_from_state
from monge.data.dataset import DataSet
from monge.data.source import open_source
from monge.errors import UserError, unknown_name
from monge.model.build import OWN, build_critic, build_generator, placeholder_shares
from monge.model.weights import folder_of, load_network, steps
from monge.run.folder import RunFolder

WEIGHTS = {"ema": "generator_ema", "raw": "generator"}


def config_of(run: RunFolder) -> Config:
    """The resolved config that a run was started with."""
    return overlay(Config(), run.facts()["config"], f"{run.path}/run.json")


def own_data(run: RunFolder, data: DataSet | None = None) -> DataSet:
    """The data that a run was trained on.

    Arguments:
        data: these, already open; none opens them by the run's config.

    Raises:
        UserError: they are gone, were given in memory, or have changed since the training.
    """
    config = config_of(run)
    data = data or open_source(config.source, config.data)
    if data.fingerprint != run.facts()["fingerprint"]:
        what = f"the data of {config.source!r} have changed since the training"
        raise UserError(f"{what}; evaluate --data measures against them all the same")
    return data


def load_generator(run: RunFolder, weights: str = "ema") -> tuple[nn.Module, Codec]:
    """The generator of the last checkpoint and the codec of its data.

    Raises:
        UserError: unknown weights, no run, or no checkpoint yet.
    """
    if weights not in WEIGHTS:
        raise unknown_name("--weights", weights, WEIGHTS)
    facts = run.facts()
    codec = codec_from_state(facts["codec"])
    generator = build_generator(config_of(run), codec.shape, placeholder_shares(facts["classes"]))
    load_network(generator, last_checkpoint(run), WEIGHTS[weights])
    return generator.eval(), codec


def load_critic(run: RunFolder, critic: nn.Module | None = None) -> nn.Module:
    """The critic of the last checkpoint.

    Arguments:
        critic: a module like the one that was trained, if that was no named one.

    Raises:
        UserError: no run, no checkpoint yet, or a critic of the user's own that is not given.
    """
    config, facts = config_of(run), run.facts()
    if critic is None and config.critic.startswith(OWN):
        raise UserError(f"run {str(run.path)!r} was trained with a critic of your own, which must be given again")
    shares = placeholder_shares(facts["classes"])
    network = build_critic(config, codec_from_state(facts["codec"]).shape, shares, critic)
    load_network(network, last_checkpoint(run), "critic")
    return network.eval()


def last_checkpoint(run: RunFolder) -> Path:
    """The folder of the last whole checkpoint.

    Raises:
        UserError: there is none yet.
    """
    found = steps(run.checkpoints)
    if not found:
        raise UserError(f"run {str(run.path)!r} has no checkpoint yet: train it first")
    return folder_of(run.checkpoints, found[-1])
