"""All of training: assembled, one step, the loop, checkpoints, resuming, what is observed."""

from monge.training.loop import Hooks, LoopSettings, run_loop
from monge.training.sampler import Sampler, StepInputs
from monge.training.schedule import rates
from monge.training.state import Average, TrainingState
from monge.training.step import train_step
from monge.training.train import train_config

__all__ = [
    "Average",
    "Hooks",
    "LoopSettings",
    "Sampler",
    "StepInputs",
    "TrainingState",
    "rates",
    "run_loop",
    "train_config",
    "train_step",
]
