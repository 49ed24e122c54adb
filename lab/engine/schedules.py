"""Learning-rate schedules, counted in optimizer steps."""

import math
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

ScheduleName = Literal["constant", "halving", "cosine", "soft_cosine"]
SOFT_END = 0.3


def schedule(
    name: ScheduleName, optimizer: Optimizer, *, total_steps: int, halve_every: int
) -> LambdaLR:
    """The factor on the learning rate at each step.

    Args:
        name: constant; halving, every `halve_every` steps; cosine, from 1 to 0 over `total_steps`;
            soft_cosine, from 1 to 0.3.
        optimizer: its own lr is what the factor multiplies.
        total_steps: of the whole run.
        halve_every: steps.
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
