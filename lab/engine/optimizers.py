"""Build optimizers without importing torch's compiler, which would take a fifth of a short run."""

import math
from collections.abc import Iterable
from typing import Any, Literal

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lab.config.components import build, refuse_other_kind
from lab.patches import unwrap_compile_hooks


def build_optimizer(component: dict[str, Any], parameters: Iterable[Tensor]) -> Optimizer:
    """Build the optimizer that a config names.

    Args:
        component: `_target_` and the keyword arguments of the YAML file.
        parameters: the parameters to optimize.
    """
    optimizer: Optimizer = build(
        "optimizer", component, parameters, base=Optimizer, transform_class=unwrap_compile_hooks
    )
    refuse_other_kind("optimizer", component, optimizer, Optimizer)
    return optimizer


ScheduleName = Literal["constant", "halving", "cosine", "soft_cosine"]
SOFT_END = 0.3


def schedule(
    name: ScheduleName, optimizer: Optimizer, *, total_steps: int, halve_every: int
) -> LambdaLR:
    """Return a schedule that multiplies the learning rate by a factor at each step.

    Args:
        name: constant; halving, every `halve_every` steps; cosine, from 1 to 0 over `total_steps`;
            soft_cosine, from 1 to 0.3.
        optimizer: the optimizer, whose learning rate is multiplied.
        total_steps: the number of steps of the whole run.
        halve_every: the number of steps after which halving halves the rate.
    """

    def cosine(step: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * min(step / total_steps, 1.0)))

    factors = {
        "constant": lambda step: 1.0,
        "halving": lambda step: 0.5 ** (step // halve_every),
        "cosine": cosine,
        "soft_cosine": lambda step: SOFT_END + (1 - SOFT_END) * cosine(step),
    }
    return LambdaLR(optimizer, factors[name])
