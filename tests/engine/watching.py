"""A study that looks at its own run while it trains, and a result that tells what it saw.

    lab.run(*WATCHING, "max_steps=5").result["seen"]

Each of its steps takes a second of a clock that a test may put in place of the real one.
"""

import math
import os
import signal
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

import lab
from lab.config import RunConfig, config
from lab.engine.task import Evaluator, Task

CONF = Path(__file__).parent / "conf"
clock = [0.0]
"""The seconds of `time.monotonic`, for a test that puts it there."""


@config
class WatchingConfig(RunConfig):
    """The keys that conf/task/watching.yaml gives values."""

    nan_at: int
    """The step after which an evaluation is not a number; of the last step the result too."""


class Watching(Task):
    """Notes at each step what its own folder says."""

    columns = ("step_seen", "seen")
    state = ("steps", "seen")

    def __init__(self, config: WatchingConfig, device: str) -> None:
        self.config, self.total_steps = config, config.max_steps or 1
        self.log_every = 1
        self.steps = 0
        self.seen: list[list[Any]] = [[], [], []]
        self.evaluators = [Evaluator("look", 1, self.look)]

    def step(self) -> dict[str, torch.Tensor]:
        self.steps += 1
        file = self.config.run_dir / "checkpoint.pt"
        state = torch.load(file, weights_only=True)["state"] if file.exists() else {"step": 0}
        for noted, value in zip(
            self.seen,
            (state["step"], torch.get_num_threads(), lab.load(self.config.run_dir).status),
            strict=True,
        ):
            noted.append(value)
        clock[0] += 1
        return {"step_seen": torch.tensor(float(self.steps))}

    def look(self) -> dict[str, float]:
        is_nan = self.steps == self.config.nan_at < self.total_steps
        return {"seen": math.nan if is_nan else 1.0}

    def conclude(self, history: Any, recorder: Any) -> dict[str, Any]:
        if "STOPS_AMONG_ITS_FIGURES" in os.environ:
            os.kill(os.getpid(), signal.SIGINT)
            recorder.figure("never", Figure())
        seen = dict(zip(("checkpoints", "threads", "status"), self.seen, strict=True))
        return {"seen": seen, "share": math.nan if self.config.nan_at == self.steps else 0.5}


build_task = Watching
