"""Optimizers without torch's compiler: the same steps, and the compiler is not imported."""

import copy

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import StepLR

from lab.engine.optimizers import build_optimizer
from lab.patches import unwrap_compile_hooks
from tests.command_line import run_code

COMPONENTS = [
    {"_target_": "torch.optim.RMSprop", "lr": 0.1},
    {"_target_": "torch.optim.Adam", "lr": 0.1, "fused": True},
    {"_target_": "torch.optim.SGD", "lr": 0.1, "momentum": 0.9},
    {"_target_": "torch.optim.LBFGS", "lr": 0.1},
]
IN_A_PROCESS = """
import sys
import torch
from lab.engine.optimizers import build_optimizer
weight = torch.nn.Parameter(torch.ones(3))
optimizer = build_optimizer({"_target_": "torch.optim.RMSprop", "lr": 0.1}, [weight])
optimizer.zero_grad()
weight.sum().backward()
optimizer.step()
optimizer.load_state_dict(optimizer.state_dict())
assert weight[0] < 1
assert "torch._dynamo" not in sys.modules
"""


def train(network: nn.Module, optimizer: Optimizer) -> None:
    x = torch.linspace(-1, 1, 20).reshape(4, 5)
    schedule = StepLR(optimizer, 2)

    def loss() -> float:
        optimizer.zero_grad()
        value = network(x).square().sum()
        value.backward()
        return float(value.detach())

    for _ in range(4):
        optimizer.step(loss)
        schedule.step()


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: c["_target_"])
def test_the_steps_are_those_of_torchs_optimizer(component):
    ours, theirs = (nn.Linear(5, 2), nn.Linear(5, 2))
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    arguments = {key: value for key, value in component.items() if key != "_target_"}
    cls = getattr(torch.optim, component["_target_"].rpartition(".")[2])
    optimizer = build_optimizer(component, ours.parameters())
    train(ours, optimizer)
    train(theirs, cls(theirs.parameters(), **arguments))
    assert torch.equal(ours.weight, theirs.weight)
    assert isinstance(optimizer, cls)
    assert type(optimizer).__name__ == cls.__name__


def test_a_step_of_ones_own_is_left_as_it_is():
    class Own(Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {"lr": 1.0})

        @torch.no_grad()
        def step(self):
            for parameter in self.param_groups[0]["params"]:
                parameter.sub_(1.0)

    weight = nn.Parameter(torch.ones(2))
    adapted = unwrap_compile_hooks(Own)
    adapted([weight]).step()
    assert weight.tolist() == [0.0, 0.0]


def test_what_is_no_optimizer_is_given_back():
    assert unwrap_compile_hooks(build_optimizer) is build_optimizer


def test_the_compiler_is_not_imported():
    run_code(IN_A_PROCESS)
