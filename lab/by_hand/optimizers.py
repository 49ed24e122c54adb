"""The two optimizers, SGD and Adam, written out."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Sgd:
    """P <- P - lr dJ/dP with a constant learning rate, in place."""

    def __init__(self, params: list[Tensor], lr: float) -> None:
        self.params, self.lr = params, lr

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update each parameter; the gradients are in the order of the parameters."""
        for param, grad in zip(self.params, grads, strict=True):
            param.sub_(grad, alpha=self.lr)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), with bias correction, in place.

    M <- beta1 M + (1 - beta1) dJ/dP,  V <- beta2 V + (1 - beta2) (dJ/dP)^2,
    P <- P - lr (M / (1 - beta1^t)) / (sqrt(V / (1 - beta2^t)) + eps)
    """

    def __init__(
        self,
        params: list[Tensor],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.params, self.lr, self.betas, self.eps = params, lr, betas, eps
        self.steps = 0
        self.first = [torch.zeros_like(param) for param in params]
        self.second = [torch.zeros_like(param) for param in params]

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update each parameter; the gradients are in the order of the parameters."""
        self.steps += 1
        beta1, beta2 = self.betas
        rate = self.lr / (1 - beta1**self.steps)
        correction = 1 - beta2**self.steps
        for param, grad, m, v in zip(self.params, grads, self.first, self.second, strict=True):
            m.mul_(beta1).add_(grad, alpha=1 - beta1)
            v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            param.addcdiv_(m, v.div(correction).sqrt_().add_(self.eps), value=-rate)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "first": self.first, "second": self.second}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        copy_all(self.first, state["first"])
        copy_all(self.second, state["second"])


def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy in place, so that other references to a target have the new values.

    Raises:
        ValueError: the shapes differ.
    """
    if [t.shape for t in targets] != [s.shape for s in sources]:
        raise ValueError("the saved state belongs to other GANs: its shapes do not fit")
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
