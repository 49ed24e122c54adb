"""An optimizer of your own: the sign of the gradient's running mean.

cd examples && python -m lab --config-dir conf task=lstm optimizer=sign seq_len=5
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class SignMomentum(torch.optim.Optimizer):
    """Signum, Bernstein et al. 2018, "signSGD": step by the sign of a running mean.

    Args:
        params: lab gives them.
        lr: the learning rate; every optimizer of lab has one.
        momentum: of the running mean, in [0, 1).
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(parameter)
                state["mean"].lerp_(parameter.grad, 1 - group["momentum"])
                parameter.sub_(group["lr"] * state["mean"].sign())
