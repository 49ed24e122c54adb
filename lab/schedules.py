"""Learning-rate schedules, counted in optimizer steps."""

import math
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

ScheduleName = Literal["constant", "halving", "cosine"]


def schedule(
    name: ScheduleName, optimizer: Optimizer, *, total_steps: int, halve_every: int
) -> LambdaLR:
    """The factor on the learning rate at each step.

    Args:
        name: constant; halving, every `halve_every` steps; cosine, from 1 to 0 over `total_steps`.
        optimizer: its own lr is what the factor multiplies.
        total_steps: of the whole run.
        halve_every: steps.
    """
    factors = {
        "constant": lambda step: 1.0,
        "halving": lambda step: 0.5 ** (step // halve_every),
        "cosine": lambda step: 0.5 * (1 + math.cos(math.pi * min(step / total_steps, 1.0))),
    }
    return LambdaLR(optimizer, factors[name])
