"""When training is hopeless: a count of the evaluations that brought nothing better."""

import math
from typing import Any


class Patience:
    """Waits for progress: a smaller loss or a larger accuracy than any evaluation before.

    Args:
        evaluations: so many without progress are hopeless; None: never.
    """

    def __init__(self, evaluations: int | None) -> None:
        self.evaluations = evaluations
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was seen, as what is asked has changed."""
        self.least_loss, self.best_accuracy, self.waited = math.inf, -math.inf, 0

    def see(self, loss: float, accuracy: float) -> None:
        """Count an evaluation."""
        is_progress = loss < self.least_loss or accuracy > self.best_accuracy
        self.waited = 0 if is_progress else self.waited + 1
        self.least_loss = min(loss, self.least_loss)
        self.best_accuracy = max(accuracy, self.best_accuracy)

    @property
    def is_out(self) -> bool:
        """Whether there was no progress for as long as was allowed."""
        return self.evaluations is not None and self.waited >= self.evaluations

    def state_dict(self) -> dict[str, Any]:
        return {"seen": [self.least_loss, self.best_accuracy], "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.least_loss, self.best_accuracy = state["seen"]
        self.waited = state["waited"]
