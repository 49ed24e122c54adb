"""A study's three functions, found from its config class without importing torch.

They lie in the module that the class names as `STUDY`, by default its own:

    build_task(config, device) -> Task       the only one that must be there
    headline(result) -> str                  a finished run's result in a phrase
    sweep_figures(rows) -> dict of figures   the plots of a sweep by file name
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lab.config import RunConfig
from lab.config.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.engine.task import Task

Rows = list[dict[str, Any]]
"""Of a sweep's summary: the scalars of each finished run's result, its series, its folder."""


def build_task(config: RunConfig, device: str) -> "Task":
    """The study's data, networks and step. Imports torch.

    Raises:
        UserError: the study has no such function, or a component or the data are refused.
    """
    study = _module(type(config))
    if not hasattr(study, "build_task"):
        raise UserError(f"task={config.task}: {study.__name__} has no build_task(config, device)")
    task: Task = study.build_task(config, device)
    return task


def headline(config: RunConfig, result: Mapping[str, Any]) -> str:
    """A finished run's result in a phrase: what a person asks for first."""
    study = _module(type(config))
    if hasattr(study, "headline"):
        return str(study.headline(result))
    return f"{result['steps']} steps"


def sweep_figures(config_class: type[RunConfig], rows: Rows) -> "dict[str, Figure]":
    """The plots of a sweep by file name, none if the study draws none."""
    draw = getattr(_module(config_class), "sweep_figures", None)
    return draw(rows) if draw else {}


def _module(config_class: type[RunConfig]) -> ModuleType:
    return import_module(config_class.STUDY or config_class.__module__)
