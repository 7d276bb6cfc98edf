"""Networks: plain modules, `generator(z) -> x` and `critic(x) -> (n, k)`."""

from monge.nn.code import CodedGenerator, Codes
from monge.nn.condition import ConditionalGenerator, ProjectionCritic
from monge.nn.critic import Critic
from monge.nn.dcgan import DCGANCritic, DCGANGenerator
from monge.nn.head import TwoHeadedCritic
from monge.nn.mlp import MLPCritic, MLPGenerator
from monge.nn.packing import PackedCritic
from monge.nn.resnet import ResNetCritic, ResNetGenerator
from monge.nn.sngan import SNGANCritic

__all__ = [
    "CodedGenerator",
    "Codes",
    "ConditionalGenerator",
    "Critic",
    "DCGANCritic",
    "DCGANGenerator",
    "MLPCritic",
    "MLPGenerator",
    "PackedCritic",
    "ProjectionCritic",
    "ResNetCritic",
    "ResNetGenerator",
    "SNGANCritic",
    "TwoHeadedCritic",
]
