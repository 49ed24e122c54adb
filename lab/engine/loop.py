"""Train a task until it is solved, makes no progress or has used all its steps.

This module knows no study. A task has steps, evaluators and a state. The loop adds the number of
steps, logs, checkpoints and a clean stop.
"""

import math
import time
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.history import with_todays_columns
from lab.engine import checkpoints, interrupts
from lab.engine.run_folder import RunFolder
from lab.engine.study import study_of
from lab.engine.task import Recorder, Task, evaluate, evaluate_at_start, observing
from lab.engine.tracking import Progress, Tracker


def train(
    task: Task, config: RunConfig, folder: RunFolder, checkpoint: dict[str, Any] | None
) -> dict[str, Any]:
    """Train `task`, from a checkpoint's state if there is one, and conclude it.

    Returns:
        the entries of the result: steps, seconds, why it `stopped` (solved, patience or budget),
        and those of `task.conclude`.

    Raises:
        Interrupted: a signal came; a checkpoint has been written.
    """
    state = checkpoint or {"step": 0, "seconds": 0.0, "sums": {}}
    if checkpoint:
        _restore(task, checkpoint, folder)
    step, stopped = state["step"], _why_stopped(state)
    means = Means(with_todays_columns(state["sums"]))
    study = study_of(type(config))
    tracker = Tracker(folder, task.columns, step + 1, state.get("csv"), study.tags)
    name, total = folder.path.name, task.total_steps
    bar = Progress(name, step, total, study.in_progress, task.may_stop_early)
    begin = time.monotonic() - state["seconds"]
    saved_at = time.monotonic()

    def save() -> None:
        tracker.flush()
        content = {
            "step": step,
            "seconds": time.monotonic() - begin,
            "stopped": stopped,
            "sums": means.sums,
            "csv": tracker.csv_text,
            "task": task.state_dict(),
        }
        checkpoints.save(folder, config.identity, content)

    try:
        if step == 0:
            evaluate_at_start(task)
        while step < task.total_steps and stopped is None:
            step += 1
            means.add(check_finite(task.step(), step))
            bar.step()
            evaluated = check_finite(evaluate(task, step), step)
            if evaluated or step % task.log_every == 0:
                metrics = {**means.take(), **evaluated}
                tracker.log(step, metrics)
                bar.show(metrics)
                if evaluated and task.is_solved(metrics):
                    stopped = "solved"
                elif evaluated and step < task.total_steps and task.is_hopeless():
                    stopped = "patience"
            is_stopped = interrupts.came() is not None
            if is_stopped or time.monotonic() - saved_at >= config.checkpoint_seconds:
                save()
                saved_at = time.monotonic()
            if is_stopped:
                interrupts.act(f"stopped at step {step}")
        if step != state["step"]:
            save()
        interrupts.act(f"stopped at step {step}")
        seconds = time.monotonic() - begin
        bar.close()
        with observing(task):
            concluded = task.conclude(tracker.history, Recorder(folder, tracker))
        result = {
            "steps": step,
            "seconds": round(seconds, 3),
            "stopped": stopped or "budget",
            **concluded,
        }
        tracker.settings(config, result)
        return result
    finally:
        bar.close()
        tracker.close()


def check(task: Task) -> None:
    """Let the task try what its evaluation and end need, within `observing`."""
    with observing(task):
        task.check()


def _restore(task: Task, checkpoint: dict[str, Any], folder: RunFolder) -> None:
    try:
        task.load_state_dict(checkpoint["task"])
    except Exception as error:  # a task raises many kinds for the state of another version
        raise UserError(
            f"the checkpoint in {folder.path} does not fit this version of the code "
            f"({type(error).__name__}); fresh=true starts over"
        ) from error


def _why_stopped(state: dict[str, Any]) -> str | None:
    """Why training stopped, from a checkpoint; None if it has not. Old ones have only `solved`."""
    earlier = "solved" if state.get("solved") else None
    stopped: str | None = state.get("stopped", earlier)
    return stopped


def check_finite(
    metrics: Mapping[str, Tensor] | Mapping[str, float], step: int
) -> dict[str, float]:
    """Return the metrics as floats."""
    values = {name: float(value) for name, value in metrics.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise UserError(
                f"{name} became {value} at step {step}: training diverged; "
                "a smaller learning rate may help"
            )
    return values


class Means:
    """The means of scalars since they were last taken.

    Args:
        sums: `[sum, count]` by name, as in a checkpoint.
    """

    def __init__(self, sums: dict[str, list[float]]) -> None:
        self.sums = sums

    def add(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            total, count = self.sums.get(name, [0.0, 0])
            self.sums[name] = [total + value, count + 1]

    def take(self) -> dict[str, float]:
        means = {name: total / count for name, (total, count) in self.sums.items()}
        self.sums = {}
        return means
