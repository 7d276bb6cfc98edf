"""Config and data to the state at step 0, the objective, and the draws of every step."""

import torch
from torch import nn

from monge.config.schema import Config
from monge.data.dataset import ArrayData, DataSet
from monge.data.space import Space
from monge.errors import UserError
from monge.model.build import build_critic, build_generator, build_objective, label_shares, latent_size
from monge.nn.batch_norm import share_batch_norms
from monge.nn.collective import world_size
from monge.objective import Objective
from monge.training.compatibility import check_combination, check_layers, check_parts, model_of, outputs
from monge.training.replay import ReplayPool
from monge.training.sampler import Sampler
from monge.training.schedule import rates, transport_begins
from monge.training.state import Average, TrainingState, optimiser


def assemble(
    config: Config, data: DataSet, device: torch.device, critic: nn.Module | None = None
) -> tuple[TrainingState, Objective, Sampler]:
    """The state at step 0, the objective, and the draws of every step.

    Arguments:
        critic: takes the place of the one that the config names.

    Raises:
        UserError: unknown names or options, a combination that is refused, a batch larger than the data.
    """
    config.check()
    rule = config.training
    if data.train.size is not None and rule.batch > data.train.size:
        raise UserError(
            f"--training.batch must be at most {data.train.size}, the number of training samples; got {rule.batch}"
        )
    objective = build_objective(config)
    check_combination(rule, objective, data)
    check_parts(rule)
    data, validation = parts(config, objective, data)
    steered = objective.augment is not None and objective.augment.steered
    shares = label_shares(data) if rule.conditional else None
    generator, judge = (
        _placed(network, data.space, device)
        for network in (build_generator(config, data.space, shares), build_critic(config, data.space, shares, critic))
    )
    check_layers(judge)
    objective.check(judge, outputs(judge, data, rule.pack))
    betas, (generator_rate, critic_rate) = (float(rule.beta1), float(rule.beta2)), rates(config)(0)
    state = TrainingState(
        generator,
        judge,
        Average(generator, rule.ema),
        optimiser(generator, rule.optimiser, generator_rate, betas),
        optimiser(judge, rule.optimiser, critic_rate, betas),
        strength=torch.full((), 1.0 if objective.augment is None else objective.augment.start, device=device),
        pool=ReplayPool(rule.batch, data.space.shape, device) if rule.replay else None,
    )
    probed = validation if steered and isinstance(validation, ArrayData) else None
    sampler = _sampler(config, objective, data, latent_size(generator), probed)
    return state, objective, sampler


def parts(config: Config, objective: Objective, data: DataSet) -> tuple[DataSet, DataSet | None]:
    """The data that are trained on, and the validation part that is kept from them if anything chooses or steers by it.

    Fresh draws need no part of their own: whatever is drawn was never trained on.
    """
    steered = objective.augment is not None and objective.augment.steered
    if not (steered or config.training.keep_best or model_of(config, objective, data) == "auto"):
        return data, None
    return data.validated() if isinstance(data, ArrayData) else (data, data)


def _sampler(config: Config, objective: Objective, data: DataSet, latent: int, validation: ArrayData | None) -> Sampler:
    rule = config.training
    return Sampler(
        data,
        latent,
        rule.batch,
        rule.n_critic,
        rule.critic_boost,
        config.seed,
        noisy=objective.noise is not None,
        noise_sets=objective.penalty.noise_sets if objective.penalty is not None else 0,
        augmented=0 if objective.augment is None else objective.augment.numbers,
        validation=validation,
        conditional=rule.conditional,
        replayed=round(rule.replay * rule.batch),
        transport=transport_begins(config),
    )


def _placed(network: nn.Module, space: Space, device: torch.device) -> nn.Module:
    """A network on its device, for images with the channels of each pixel side by side, which convolves faster.

    The batch norms of several processes are of the whole batch.
    """
    network = network.to(device)
    if world_size() > 1:
        share_batch_norms(network)
    if space.side is not None:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
