"""Which training rules, objectives, critics and data go together."""

import warnings

import numpy as np
import torch
from torch import Tensor, nn

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.space import TableSpace
from monge.errors import UserError
from monge.nn.batch_norm import SharedBatchNorm
from monge.nn.collective import world_size
from monge.objective import Objective
from monge.objective.auxiliary import Auxiliary

LISTED = 5
"""Classes that a warning names."""


def check_combination(rule: TrainingConfig, objective: Objective, data: DataSet) -> None:
    """Refuses training rules that do not go with an objective or the data; warns of data that little is learnt from.

    Raises:
        UserError: says what to change.
    """
    if isinstance(data.space, TableSpace) and not data.space.layout.width:
        raise UserError(
            f"{data.info.name} must have a column whose values differ; got {data.space.form}, all of them equal"
        )
    _check_classes(rule, objective.auxiliary, data)
    if objective.augment is not None and data.space.side is None:
        raise UserError(f"--augment must be off for {data.space.name}s, as its transforms are those of images")
    if rule.batch % rule.pack:
        raise UserError(f"--training.pack must divide --training.batch {rule.batch}; got {rule.pack}")
    # what a critic is asked besides whether a single sample is real
    asked = rule.conditional or objective.auxiliary is not None
    if rule.pack > 1 and asked:
        raise UserError(
            f"--training.pack must be 1 with classes or codes, which need a critic of single samples; got {rule.pack}"
        )
    if rule.transport_from < 1 and objective.auxiliary is not None:
        raise UserError(
            "--training.transport-from must be 1 with an objective that predicts codes or classes, which exact "
            f"transport would forget; got {rule.transport_from:g}"
        )
    if rule.replay and (rule.pack > 1 or asked or objective.loss.vector):
        raise UserError(
            f"--training.replay must be 0 with classes, codes, packs or an objective on vectors, as it needs a critic "
            f"with one output per sample; got {rule.replay}"
        )


def check_parts(rule: TrainingConfig) -> None:
    """Refuses a batch that several processes cannot share equally, or not without breaking packs, and rollbacks there.

    Raises:
        UserError: says by what the batch must be divisible, or what is for one process alone.
    """
    count = world_size()
    if count > 1 and rule.on_divergence != "stop":
        raise UserError(
            f"--training.on-divergence must be stop with several processes, here {count}; got {rule.on_divergence}"
        )
    if rule.batch % (count * rule.pack):
        packs = f" times the {rule.pack} samples of a pack" if rule.pack > 1 else ""
        raise UserError(
            f"--training.batch must be divisible by {count * rule.pack}, the {count} processes{packs}; got {rule.batch}"
        )


def check_layers(critic: nn.Module) -> None:
    """Refuses layers of a user's own critic with which several processes would not compute what one does.

    Raises:
        UserError: names the layer.
    """
    if world_size() == 1:
        return
    for name, layer in critic.named_modules():
        if isinstance(layer, (nn.modules.dropout._DropoutNd, nn.RReLU)):
            why = "draws numbers of its own"
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm) and not isinstance(layer, SharedBatchNorm):
            why = "has statistics of its own"
        else:
            continue
        what = f"layer {name!r} ({type(layer).__name__}) {why}"
        raise UserError(f"critic: {what}, which {world_size()} processes cannot share; train with one, or leave it out")


def _check_classes(rule: TrainingConfig, auxiliary: Auxiliary | None, data: DataSet) -> None:
    """Refuses classes that the data has not, and objectives that do not go with them."""
    if rule.conditional and data.info.obstacle is not None and data.train.labels is None:
        raise UserError(f"--training.conditional: {data.info.name} has no classes, because {data.info.obstacle}")
    if rule.conditional and data.train.labels is None:
        raise UserError(
            f"--training.conditional needs labels; {data.info.name} has none; use an .npz with arrays x and y, a table "
            "with --data.label, or a folder with one subfolder per class"
        )
    _warn_of_untrained(data)
    if auxiliary is not None and auxiliary.conditional and not rule.conditional:
        raise UserError("--objective: this objective predicts classes, so it needs --training.conditional")
    if rule.conditional and auxiliary is not None and not auxiliary.conditional:
        raise UserError("--training.conditional cannot be combined with an objective that predicts codes")


def _warn_of_untrained(data: DataSet) -> None:
    """Warns of classes without training samples, as where all of them are held out."""
    labels, classes = data.train.labels, data.info.classes
    if labels is None or classes is None:
        return
    counts = np.bincount(labels, minlength=len(classes))
    if names := [repr(name) for name, count in zip(classes, counts, strict=True) if not count]:
        listed = ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
        what = f"class {listed} has" if len(names) == 1 else f"classes {listed} have"
        text = f"{data.info.name}: {what} no training samples and cannot be learnt"
        warnings.warn(text, UserWarning, stacklevel=4)


def model_of(config: Config, objective: Objective, data: DataSet) -> str:
    """Which model is kept: `gan`, `copula`, or for `auto` the nearer one; with classes or codes `auto` is `gan`.

    Raises:
        UserError: a copula of anything but a table, or one that would be asked for classes or codes.
    """
    if config.model != "gan" and not isinstance(data.space, TableSpace):
        raise UserError(f"--model must be gan for {data.space.name}s, as a copula is one of tables; got {config.model}")
    asked = config.training.conditional or objective.auxiliary is not None
    if config.model == "copula" and asked:
        raise UserError("--model must be gan with classes or codes, which no copula can be asked for; got copula")
    return "gan" if asked else config.model


def outputs(critic: nn.Module, data: DataSet, pack: int) -> int:
    """How many numbers a critic gives for a sample, by asking it.

    Raises:
        UserError: it fails, or gives something of another shape than (n, k).
    """
    device, n = next(critic.parameters()).device, 2 * pack
    training = critic.training
    critic.eval()
    try:
        with torch.no_grad():
            values = critic(torch.zeros(n, *data.codec.space.shape, device=device))
    except (RuntimeError, TypeError, ValueError) as error:
        what = f"critic: {type(critic).__name__} failed on samples of shape {data.codec.space.shape}"
        raise UserError(f"{what}: {str(error).splitlines()[0]}") from error
    critic.train(training)
    if not isinstance(values, Tensor):
        raise UserError(f"critic must return a tensor (n, k) for n samples; got a {type(values).__name__} for {n}")
    if values.dim() != 2 or len(values) != 2:
        raise UserError(f"critic must return shape (n, k) for n samples; got {tuple(values.shape)} for {n}")
    return int(values.shape[1])
