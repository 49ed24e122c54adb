"""What the loop needs of a study's task, with a default wherever there is a sensible one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from lab.engine.recorder import History, Recorder


@dataclass(frozen=True)
class Evaluator:
    """Something that is done every so many steps, and after the last one.

    Args:
        name: in messages.
        every: so many steps.
        run: gives the scalars to log, an empty mapping if there are none. It changes nothing that
            training depends on.
        at_start: whether it also runs before the first step. What it gives then is not logged.
    """

    name: str
    every: int
    run: Callable[[], Mapping[str, float]]
    at_start: bool = False


class Task:
    """Data, networks and the step of one study.

    A study's task extends this. It must set `total_steps` and `columns` and write `step`,
    `state_dict` and `load_state_dict`; the rest has defaults.
    """

    total_steps: int
    """Training ends after so many steps, or earlier where `is_solved` or `is_hopeless` says so."""

    columns: Sequence[str]
    """Of metrics.csv, beside `step`: the names of all scalars that step and evaluators give."""

    data_checksum: str | None = None
    """Of the data that it trains on, for provenance.json; see lab.engine.same_data."""

    precision: str | None = None
    """In which it multiplies, for provenance.json, where the config leaves that to the device."""

    tags: ClassVar[Mapping[str, str]] = {}
    """What TensorBoard calls a column or a number of the result, with a group: `val/loss`. A column
    that is not named here keeps its name, a number of the result is not shown."""

    log_every: int = 1
    """Steps between two rows of metrics.csv."""

    evaluators: Sequence[Evaluator] = ()
    """What is done periodically, in this order."""

    def step(self) -> Mapping[str, Tensor]:
        """Take one optimizer step; gives scalars, averaged until they are logged."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on: tensors, numbers, strings, lists, dicts."""
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave, bit for bit."""
        raise NotImplementedError

    def is_solved(self, metrics: Mapping[str, float]) -> bool:
        """Whether training may stop, from the metrics of a step at which an evaluator ran."""
        return False

    def is_hopeless(self) -> bool:
        """Whether training may stop as the evaluations until now show no progress any more."""
        return False

    def check(self) -> None:
        """Try what evaluation and the end need on tiny inputs, before the first step.

        Changes no state and writes nothing. What it draws from the global random streams is put
        back by the caller.

        Raises:
            UserError: a component cannot do what is needed of it.
        """

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """After training: final weights and figures into the run's folder.

        Args:
            history: everything that was logged, as metrics.csv holds it.
            recorder: writes weights, figures and other files.

        Returns:
            the entries of result.json beside steps and seconds.
        """
        return {}


def evaluate(task: Task, step: int) -> dict[str, float]:
    """Run the evaluators that are due after `step`, all of them after the last; gives scalars."""
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
