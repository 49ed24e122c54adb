"""A study of your own, whole: a config, a task, and how the two are found.

    cd examples && python -m lab --config-dir conf task=dice sides=20

Checkpoints, resuming, sweeps, metrics.csv, TensorBoard and the summary come with it.
"""

from collections.abc import Mapping
from typing import Any

import torch

from lab.config import RunConfig, config
from lab.engine.task import Evaluator, History, Recorder, Task


@config
class DiceConfig(RunConfig):
    """The keys that conf/task/dice.yaml gives values."""

    sides: int


class Dice(Task):
    """The mean of thrown dice."""

    columns = ("thrown", "mean")
    state = ("sum", "count")

    def __init__(self, config: DiceConfig, device: str) -> None:
        self.sides = config.sides
        self.total_steps = config.max_steps or 20
        self.sum, self.count = 0.0, 0
        self.evaluators = [Evaluator("mean", every=5, run=self.mean)]

    def step(self) -> Mapping[str, torch.Tensor]:
        thrown = torch.randint(1, self.sides + 1, ()).double()
        self.sum, self.count = self.sum + float(thrown), self.count + 1
        return {"thrown": thrown}

    def mean(self) -> Mapping[str, float]:
        return {"mean": self.sum / self.count}

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        return {"mean": history["mean"][-1]}


build_task = Dice


def headline(result: Mapping[str, Any]) -> str:
    return f"mean {result['mean']:.2f}"
