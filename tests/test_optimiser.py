"""Optimisers: those of torch, without its compiler."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monge.training.state import optimiser

BETAS = (0.5, 0.9)
THEIRS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": (torch.optim.Adam, {"betas": BETAS, "fused": True}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.99, "foreach": True}),
}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def trained(net: nn.Module, rule: torch.optim.Optimizer, steps: int) -> list[Tensor]:
    x = torch.linspace(-1, 1, 30).view(10, 3)
    for _ in range(steps):
        rule.zero_grad()
        net(x).square().mean().backward()
        rule.step()
    return list(net.parameters())


@pytest.mark.parametrize("name", THEIRS)
def test_they_do_what_torchs_own_do(name: str) -> None:
    kind, settings = THEIRS[name]
    mine, other = network(), network()
    rule, own = optimiser(mine, name, 0.01, BETAS), kind(other.parameters(), lr=0.01, **settings)
    assert isinstance(rule, kind)
    trained(mine, rule, 3)
    trained(other, own, 3)
    again = optimiser(mine, name, 0.5, BETAS)
    again.load_state_dict(rule.state_dict())
    for one, two in zip(trained(mine, again, 3), trained(other, own, 3), strict=True):
        assert torch.equal(one, two)
        assert one.requires_grad


def test_a_training_does_not_load_torchs_compiler(tmp_path: Any) -> None:
    code = f"""import sys
from monge.cli import run
assert run(["train", "toy:ring8", "--steps", "3", "--threads", "1", "--run", {str(tmp_path / "run")!r}]) == 0
print("torch._dynamo" in sys.modules)"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("False\n")
