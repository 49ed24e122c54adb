"""What a study is, found in its module from the config class without torch.

The config class names the module as `STUDY`; by default it is the module of the class itself.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lab.config import RunConfig
from lab.config.base import flatten
from lab.config.columns import Column
from lab.config.errors import UserError
from lab.config.wording import in_table, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from lab.engine.task import Task

OF_EVERY_STUDY = (
    Column("steps", "training steps"),
    Column("seconds", "seconds of training"),
    Column("stopped", "why training ended"),
    Column("parameters", "trained parameters"),
    Column("lr", "learning rate"),
)
WHY_STOPPED = {
    "solved": "the target was reached",
    "patience": "no more progress (patience)",
    "budget": "all steps were taken",
}

Rows = list[dict[str, Any]]
"""The rows of a sweep's summary: each finished run's result, its series and its folder."""


def _steps(result: Mapping[str, Any]) -> str:
    return f"{result['steps']} steps"


@dataclass(frozen=True)
class Study:
    """What a study's module may define, by these names; only `build_task` is required.

    Args:
        build_task: builds the data, the networks and the step; this imports torch.
        COLUMNS: what the numbers of the study are called.
        headline: the most important numbers of a finished run's result, in a phrase.
        objective: the number of a result that a search makes small by default.
        sweep_figures: draws the plots of a sweep, by file name.
        load_network: builds the trained network of a finished run from config, weights and result,
            in evaluation mode on the CPU. This imports torch.
    """

    build_task: Callable[[Any, str], "Task"] | None = None
    COLUMNS: Sequence[Column] = ()
    headline: Callable[[Mapping[str, Any]], str] = _steps
    objective: Callable[[Mapping[str, Any]], float | None] = lambda result: None
    sweep_figures: Callable[[Rows], "dict[str, Figure]"] = lambda rows: {}
    load_network: Callable[[Any, Any, Any], "nn.Module"] | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The names in TensorBoard, by the names in metrics.csv or result.json."""
        return {column.key: column.tag for column in self.COLUMNS if column.tag}

    @property
    def in_progress(self) -> list[str]:
        """The columns of the progress line; empty if the study names none."""
        return [column.key for column in self.COLUMNS if column.in_progress]

    def column(self, key: str) -> Column:
        """The column of an entry of a result, nested ones with dots, or of metrics.csv."""
        named = {column.name: column for column in (*OF_EVERY_STUDY, *self.COLUMNS)}
        return lookup(named, key) or Column(key, key)


def study_of(config_class: type[RunConfig]) -> Study:
    """The study of a config class."""
    module = import_module(config_class.study_module())
    names = [field.name for field in dataclasses.fields(Study) if hasattr(module, field.name)]
    return Study(**{name: getattr(module, name) for name in names})


def build_task(config: RunConfig, device: str) -> "Task":
    """Build the study's task."""
    build = study_of(type(config)).build_task
    if build is None:
        module = config.study_module()
        raise UserError(f"task={config.task}: {module} has no build_task(config, device)")
    return build(config, device)


def headline(config: RunConfig, result: Mapping[str, Any]) -> str:
    """The most important numbers of a finished run's result, in a phrase."""
    return study_of(type(config)).headline(result)


def readable(config: RunConfig, key: str, value: Any) -> tuple[str, str, str]:
    """What a reader calls an entry of a result or a column, its key, and its value as text."""
    column = study_of(type(config)).column(key)
    if key == "stopped":
        return column.label, key, WHY_STOPPED.get(value, str(value))
    return column.label, key, percent(value) if column.is_share else in_table(value, digits=6)


def load_network(
    config: RunConfig, weights: "dict[str, Tensor]", result: Mapping[str, Any]
) -> "nn.Module":
    """Build the trained network of a finished run."""
    load = study_of(type(config)).load_network
    if load is None:
        raise UserError(
            f"no network can be loaded from a run of task={config.task}; lab show lists its "
            "results and figures"
        )
    return load(config, weights, result)


def objective(config: RunConfig, result: Mapping[str, Any]) -> float | None:
    """The number that a search improves: the entry `objective=`, or else the study's own.

    It is None if the result has no such number.
    """
    if config.objective is not None:
        value = lookup(flatten_result(result), config.objective)
    else:
        try:
            value = study_of(type(config)).objective(result)
        except (KeyError, TypeError):  # an entry of result.json is missing
            return None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def flatten_result(result: Mapping[str, Any], most: int = 0) -> dict[str, Any]:
    """Return the entries of a result that fit into a cell of a table, nested ones as `quality.fid`.

    Lists do not fit. Values by length, class or epoch do not fit either, because their keys are not
    names.

    Args:
        result: the content of result.json.
        most: a nested entry with at most so many numbers is included in any case.
    """
    cells: dict[str, Any] = {}
    for key, value in result.items():
        nested = flatten({key: value})
        if len(nested) > most:
            nested = {name: v for name, v in nested.items() if name == key or _is_path(name)}
        cells |= nested
    return {name: value for name, value in cells.items() if not isinstance(value, list)}


def _is_path(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def unique_suffixes(names: Iterable[str]) -> dict[str, str]:
    """The full names by their last part, if only one name ends with it: `quality.fid` by `fid`."""
    full: dict[str, list[str]] = {}
    for name in names:
        full.setdefault(name.rpartition(".")[2], []).append(name)
    return {
        last: owners[0]
        for last, owners in full.items()
        if len(owners) == 1 and owners[0] != last and _is_path(owners[0])
    }


def lookup(cells: Mapping[str, Any], name: str) -> Any:
    """The cell of a name, or of the one longer name that ends with it; None if there is none."""
    if name in cells:
        return cells[name]
    matches = [full for full in cells if full.endswith(f".{name}")]
    return cells[matches[0]] if len(matches) == 1 else None
