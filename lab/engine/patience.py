"""Decide when training is hopeless, by counting evaluations without progress."""

import math
from typing import Any


class Patience:
    """Counts evaluations without progress: a smaller loss or a larger accuracy than all before.

    Args:
        evaluations: how many without progress are too many; None: any number is allowed.
    """

    def __init__(self, evaluations: int | None) -> None:
        self.evaluations = evaluations
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the evaluations so far, because the task has changed."""
        self.least_loss, self.best_accuracy, self.waited = math.inf, -math.inf, 0

    def see(self, loss: float, accuracy: float) -> None:
        """Take note of an evaluation."""
        is_progress = loss < self.least_loss or accuracy > self.best_accuracy
        self.waited = 0 if is_progress else self.waited + 1
        self.least_loss = min(loss, self.least_loss)
        self.best_accuracy = max(accuracy, self.best_accuracy)

    @property
    def is_out(self) -> bool:
        """Whether too many evaluations brought no progress."""
        return self.evaluations is not None and self.waited >= self.evaluations

    def state_dict(self) -> dict[str, Any]:
        return {"seen": [self.least_loss, self.best_accuracy], "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.least_loss, self.best_accuracy = state["seen"]
        self.waited = state["waited"]
