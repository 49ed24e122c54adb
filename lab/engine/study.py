"""Call the functions of a study's module, which is found from the config class without torch.

The config class names the module as `STUDY`; by default it is the module of the class itself:

    build_task(config, device) -> Task       the only function that is required
    headline(result) -> str                  the result of a finished run in a phrase
    objective(result) -> float               the number that a search makes small by default
    sweep_figures(rows) -> dict of figures   the plots of a sweep by file name
    load_network(config, weights, result) -> Module  the trained network of a finished run
    HEADLINE                                 the entries of a result in a table of runs
    READABLE                                 what `lab show` calls an entry of a result, or a metric
    SHARES                                   which of them it prints in percent
"""

import math
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.wording import in_table, percent
from lab.engine.results import entry, flat

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from lab.engine.task import Task

READABLE = {
    "steps": "training steps",
    "seconds": "seconds of training",
    "stopped": "why training ended",
    "parameters": "trained parameters",
    "lr": "learning rate",
}
WHY_STOPPED = {
    "solved": "the target was reached",
    "patience": "no more progress (patience)",
    "budget": "all steps were taken",
}

Rows = list[dict[str, Any]]
"""The rows of a sweep's summary: each finished run's result, its series and its folder."""


def build_task(config: RunConfig, device: str) -> "Task":
    """Build the study's task: its data, networks and step. This imports torch.

    Raises:
        UserError: the study has no `build_task`, or a component or the data are refused.
    """
    study = _module(type(config))
    if not hasattr(study, "build_task"):
        raise UserError(f"task={config.task}: {study.__name__} has no build_task(config, device)")
    task: Task = study.build_task(config, device)
    return task


def headline(config: RunConfig, result: Mapping[str, Any]) -> str:
    """The most important numbers of a finished run's result, in a phrase."""
    study = _module(type(config))
    if hasattr(study, "headline"):
        return str(study.headline(result))
    return f"{result['steps']} steps"


def headline_metrics(config_class: type[RunConfig]) -> tuple[str, ...]:
    """The names of the most important numbers of a result."""
    return tuple(getattr(_module(config_class), "HEADLINE", ()))


def readable(config: RunConfig, key: str, value: Any) -> tuple[str, str, str]:
    """What a reader calls an entry of a result, its key, and its value as text.

    Args:
        key: of result.json, nested ones with dots, or a column of metrics.csv.
    """
    study = _module(type(config))
    names = {**READABLE, **getattr(study, "READABLE", {})}
    name = str(entry(names, key) or key)
    if key == "stopped":
        return name, key, WHY_STOPPED.get(value, str(value))
    is_share = entry(dict.fromkeys(getattr(study, "SHARES", ()), True), key)
    return name, key, percent(value) if is_share else in_table(value, digits=6)


def load_network(
    config: RunConfig, weights: "dict[str, Tensor]", result: Mapping[str, Any]
) -> "nn.Module":
    """Build the trained network of a finished run, in evaluation mode on the CPU. Imports torch.

    Raises:
        UserError: the study cannot load a network, or the weights do not fit.
    """
    load = getattr(_module(type(config)), "load_network", None)
    if load is None:
        raise UserError(f"a run of task={config.task} has weights, but no network can be loaded")
    network: nn.Module = load(config, weights, result)
    return network


def objective(config: RunConfig, result: Mapping[str, Any]) -> float | None:
    """The number that a search improves: the entry `objective=`, or else the study's own.

    It is None if the result has no such number.
    """
    if config.objective is not None:
        value = entry(flat(result), config.objective)
    else:
        of_study = getattr(_module(type(config)), "objective", None)
        try:
            value = of_study(result) if of_study else None
        except (KeyError, TypeError):  # an entry of result.json is missing
            return None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def sweep_figures(config_class: type[RunConfig], rows: Rows) -> "dict[str, Figure]":
    """The plots of a sweep by file name; empty if the study draws none."""
    draw = getattr(_module(config_class), "sweep_figures", None)
    return draw(rows) if draw else {}


def _module(config_class: type[RunConfig]) -> ModuleType:
    return import_module(config_class.STUDY or config_class.__module__)
