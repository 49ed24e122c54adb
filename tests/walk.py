"""A study for what holds of every run: a step takes a millisecond and its end no more.

    lab.run(*WALK, config_dir=CONF)        start_lab(*WALK_COMMAND, cwd=cwd)

The next step depends on all that a checkpoint holds: weights, sums and each random stream. A file
`hold` in the current folder has the step before which a run waits, until the file or a signal says
otherwise: so a test stops a run where it wants to, however busy the machine is.
"""

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lab.config import Positive, RunConfig, config
from lab.engine import interrupts
from lab.engine.task import Evaluator, History, Recorder, Task

CONF = Path(__file__).parent / "conf"
WALK = ("task=walk",)
WALK_COMMAND = (f"--config-dir={CONF}", *WALK)
ENDLESS = (*WALK_COMMAND, "max_steps=1000000", "checkpoint_seconds=1000")


@config
class WalkConfig(RunConfig):
    """The keys that conf/task/walk.yaml gives values."""

    scale: Positive
    """Of a step; from 1e20 on the walk leaves the numbers of float32."""
    notes: list[str]
    """Without a meaning; a list needs quotes in a shell."""


class Walk(Task):
    """A random walk of three points."""

    columns = ("position", "seen")
    log_every = 3

    def __init__(self, config: WalkConfig, device: str) -> None:
        self.scale, self.total_steps = config.scale, config.max_steps or 1
        self.steps, self.points = 0, torch.zeros(3)
        self.evaluators = [Evaluator("seen", 5, lambda: {"seen": float(self.points.max())})]

    def step(self) -> Mapping[str, torch.Tensor]:
        while self.steps >= held_before() and interrupts.came() is None:
            time.sleep(0.002)
        self.steps += 1
        drawn = torch.randn(3) + random.gauss(0, 1) + np.random.randn()
        self.points = 0.9 * self.points + self.scale**2 * drawn
        return {"position": self.points[0]}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "points": self.points}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.points = state["steps"], state["points"]

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        recorder.weights({"points": self.points})
        recorder.file("walk.bin", lambda file: file.write(bytes(40_000)))
        return {"seen": history["seen"][-1]}


build_task = Walk


def held_before(cwd: Path = Path()) -> float:
    """The number of steps that runs in this folder may take for now."""
    with suppress(FileNotFoundError, ValueError):
        return int((cwd / "hold").read_text())
    return float("inf")


def hold(cwd: Path, steps: int | None) -> None:
    """Let runs in this folder take so many steps for now; None: all."""
    if steps is None:
        (cwd / "hold").unlink()
    else:
        new = cwd / "hold.new"
        new.write_text(str(steps))
        new.rename(cwd / "hold")


def headline(result: Mapping[str, Any]) -> str:
    return f"seen {result['seen']:.3f}"


def objective(result: Mapping[str, Any]) -> float:
    return float(result["seen"])
