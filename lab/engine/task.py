"""The base class of a study's task, with defaults for everything that need not be written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lab.engine.recorder import History, Recorder


@dataclass(frozen=True)
class Evaluator:
    """A function that is called every so many steps, and after the last step.

    Args:
        name: the name, for messages.
        every: the number of steps between two calls.
        run: returns the scalars to log, or an empty mapping. It must not change anything on which
            training depends.
        at_start: whether it also runs before the first step. Its scalars are not logged then.
    """

    name: str
    every: int
    run: Callable[[], Mapping[str, float]]
    at_start: bool = False


class Task:
    """Data, networks and the step of one study.

    A study's task is derived from this class. It must set `total_steps` and `columns` and define
    `step`, `state_dict` and `load_state_dict`. Everything else has a default.
    """

    total_steps: int
    """Training ends after so many steps, or earlier if `is_solved` or `is_hopeless` is true."""

    columns: Sequence[str]
    """The columns of metrics.csv besides `step`: the names of all scalars that are returned."""

    data_checksum: str | None = None
    """The checksum of the training data, for provenance.json; see lab.engine.same_data."""

    precision: str | None = None
    """The precision of matrix products, for provenance.json, if it depends on the device."""

    log_every: int = 1
    """The number of steps between two rows of metrics.csv."""

    evaluators: Sequence[Evaluator] = ()
    """The evaluators, in the order in which they run."""

    def step(self) -> Mapping[str, Tensor]:
        """Take one optimizer step; return scalars, whose means are logged."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Everything on which the next step depends: tensors, numbers, strings, lists, dicts."""
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue, bit for bit, from a state that `state_dict` returned."""
        raise NotImplementedError

    def is_solved(self, metrics: Mapping[str, float]) -> bool:
        """Whether training may stop, from the metrics of a step at which an evaluator ran."""
        return False

    def is_hopeless(self) -> bool:
        """Whether training may stop because the evaluations no longer show progress."""
        return False

    def check(self) -> None:
        """Try evaluation and the end of the run on tiny inputs, before the first step.

        This changes no state and writes nothing. The caller restores the global random streams.

        Raises:
            UserError: a component cannot do what is needed.
        """

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Write the final weights and figures after training.

        Args:
            history: everything that was logged, as in metrics.csv.
            recorder: writes weights, figures and other files.

        Returns:
            the entries of result.json, besides steps and seconds.
        """
        return {}


def evaluate(task: Task, step: int) -> dict[str, float]:
    """Run the evaluators that are due after `step`, after the last step all; return scalars."""
    last = step == task.total_steps
    metrics: dict[str, float] = {}
    for evaluator in task.evaluators:
        if last or step % evaluator.every == 0:
            metrics |= evaluator.run()
    return metrics


def evaluate_at_start(task: Task) -> None:
    """Run the evaluators that also run before the first step."""
    for evaluator in task.evaluators:
        if evaluator.at_start:
            evaluator.run()
