"""The base class of a study's task, with defaults for everything that need not be written."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from torch import Tensor, nn

from lab.engine.process import random_streams_kept
from lab.engine.run_folder import RunFolder
from lab.figures.style import png_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.engine.tracking import Tracker


History = Mapping[str, list[float]]
"""The columns of metrics.csv by name, with a value for each row; nan if a row has none."""


class Recorder:
    """Writes weights, figures and other files of one run.

    Args:
        folder: the run's folder.
        tracker: also shows the figures in TensorBoard; None: they are only written.
    """

    def __init__(self, folder: RunFolder, tracker: "Tracker | None" = None) -> None:
        self._folder, self._tracker = folder, tracker

    def figure(self, name: str, figure: "Figure", *, tag: str | None = None, step: int = 0) -> Path:
        """Draw a figure once, and give the same bytes to figures/<name>.png and to TensorBoard.

        Args:
            name: the name of the file, without its ending.
            figure: a Matplotlib figure.
            tag: the name in TensorBoard; None: `name`. Figures with one tag are a series of steps.
            step: the step in TensorBoard.

        Returns:
            the path of the file.
        """
        png = png_bytes(figure)
        if self._tracker:
            self._tracker.image(tag or name, png, step)
        return self.file(f"{name}.png", lambda file: file.write(png))

    def file(self, name: str, write: Callable[[BinaryIO], object]) -> Path:
        """Let `write` fill figures/<name>, such as an animation or an array; return its path."""
        return self._folder.save_file(name, write)

    def weights(self, weights: "dict[str, Tensor]") -> None:
        """Write model.safetensors, with the tensors by their names in the equations."""
        self._folder.save_weights(weights)

    def last_weights(self, weights: "dict[str, Tensor]") -> None:
        """Write last.safetensors, for a run whose model.safetensors has weights of another step."""
        self._folder.save_weights(weights, last=True)


@dataclass(frozen=True)
class Evaluator:
    """A function that is called every so many steps, and after the last step.

    Args:
        name: the name, for messages.
        every: the number of steps between two calls.
        run: returns the scalars to log, or an empty mapping. It runs within `observing`, so that
            it need neither set eval mode nor keep random streams. It must not change anything else
            on which training depends.
        at_start: whether it also runs before the first step. Its scalars are not logged then.
    """

    name: str
    every: int
    run: Callable[[], Mapping[str, float]]
    at_start: bool = False


class Task:
    """Data, networks and the step of one study.

    A study's task is derived from this class. It must set `total_steps`, `columns` and `state`, and
    define `step`. Everything else has a default.
    """

    total_steps: int
    """Training ends after so many steps, or earlier if `is_solved` or `is_hopeless` is true."""

    columns: Sequence[str]
    """The columns of metrics.csv besides `step`: the names of all scalars that are returned."""

    state: Sequence[str]
    """The attributes on which the next step depends. Checkpoints hold them: of a network or another
    object with a `state_dict` that dict, else the tensor, number, string, list or dict itself."""

    data_checksum: str | None = None
    """The checksum of the training data, for provenance.json; see lab.engine.provenance."""

    precision: str | None = None
    """The precision of matrix products, for provenance.json, if it depends on the device."""

    log_every: int = 1
    """The number of steps between two rows of metrics.csv."""

    evaluators: Sequence[Evaluator] = ()
    """The evaluators, in the order in which they run."""

    def networks(self) -> Iterator[nn.Module]:
        """The networks whose mode `observing` sets.

        By default these are the attributes, and what the attributes hold: elements of lists, tuples
        and dicts, and attributes of other objects.
        """
        return _networks_in(self, depth=2)

    def step(self) -> Mapping[str, Tensor]:
        """Take one optimizer step; return scalars, whose means are logged."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Everything on which the next step depends, by the names in `state`."""
        parts = {name: getattr(self, name) for name in self.state}
        return {
            name: part.state_dict() if hasattr(part, "state_dict") else part
            for name, part in parts.items()
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue, bit for bit, from a state that `state_dict` returned.

        What an earlier version did not save keeps the value that it has.
        """
        for name in self.state:
            if name in state and hasattr(getattr(self, name), "load_state_dict"):
                getattr(self, name).load_state_dict(state[name])
            elif name in state:
                setattr(self, name, state[name])

    def is_solved(self, metrics: Mapping[str, float]) -> bool:
        """Whether training may stop, from the metrics of a step at which an evaluator ran."""
        return False

    def is_hopeless(self) -> bool:
        """Whether training may stop because the evaluations no longer show progress."""
        return False

    @property
    def may_stop_early(self) -> bool:
        """Whether the task defines `is_solved` or `is_hopeless`."""
        rules = (type(self).is_solved, type(self).is_hopeless)
        return rules != (Task.is_solved, Task.is_hopeless)

    def check(self) -> None:
        """Try evaluation and the end of the run on tiny inputs, before the first step.

        This changes no state and writes nothing. It runs within `observing`, as evaluators do.
        """

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Write the final weights and figures after training, within `observing`.

        Args:
            history: everything that was logged, as in metrics.csv.
            recorder: writes weights, figures and other files.

        Returns:
            the entries of result.json, besides steps and seconds.
        """
        return {}


@contextmanager
def observing(task: Task) -> Iterator[None]:
    """A context in which a task is looked at: networks in eval mode, and random streams kept.

    At its end each module has its own mode again, and the global random streams of torch, NumPy and
    Python are as before. So no evaluation changes the training, however often it runs.
    """
    networks = list(task.networks())
    modes = [[(module, module.training) for module in network.modules()] for network in networks]
    with random_streams_kept():
        try:
            for network in networks:
                network.eval()
            yield
        finally:
            for network, of_each in zip(networks, modes, strict=True):
                network.train(of_each[0][1])  # for a class with a `train` of its own
                for module, mode in of_each:
                    module.training = mode


def evaluate(task: Task, step: int) -> dict[str, float]:
    """Run the evaluators that are due after `step`, after the last step all; return scalars."""
    last = step == task.total_steps
    return _run(task, [e for e in task.evaluators if last or step % e.every == 0])


def evaluate_at_start(task: Task) -> None:
    """Run the evaluators that also run before the first step."""
    _run(task, [evaluator for evaluator in task.evaluators if evaluator.at_start])


def _networks_in(holder: object, depth: int) -> Iterator[nn.Module]:
    if isinstance(holder, nn.Module):
        yield holder
    elif depth:
        held = holder if isinstance(holder, dict) else getattr(holder, "__dict__", {})
        parts = holder if isinstance(holder, list | tuple) else held.values()
        for part in parts:
            yield from _networks_in(part, depth - 1)


def _run(task: Task, evaluators: Sequence[Evaluator]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for evaluator in evaluators:
        with observing(task):
            metrics |= evaluator.run()
    return metrics


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
