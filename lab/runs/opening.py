"""Open a finished run in a tool of its study."""

from typing import TypeVar

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.run_folder import RunFolder

Config = TypeVar("Config", bound=RunConfig)


def finished_config(folder: RunFolder, cls: type[Config], study: str) -> Config:
    """Return the config of a finished run.

    Args:
        folder: the run's folder.
        cls: the study's config class.
        study: the study's name, for the message.
    """
    if folder.never_began:
        raise UserError(_not_finished(folder))
    config = from_file(folder.config_file)
    if not isinstance(config, cls):
        raise UserError(
            f"{folder.path}: a run of task={config.task}, not of the {study} study; "
            "lab runs shows the task of each run"
        )
    if folder.result is None:
        raise UserError(_not_finished(folder))
    return config


def _not_finished(folder: RunFolder) -> str:
    """The line for a run that has no result, with what can be done."""
    line = f"{folder.path}: {folder.status or 'not begun'}, not finished"
    if folder.status == "running":
        return f"{line} yet"
    if folder.status == "failed":
        again = "tries again" if not folder.has_checkpoint else "tries again from its checkpoint"
        return f"{line}: lab show {folder.path.name} says why; the command that began it {again}"
    again = "continues it" if folder.has_checkpoint else "begins it again"
    return f"{line}; the command that began it {again}"
