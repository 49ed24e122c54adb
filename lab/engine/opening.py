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

    Raises:
        UserError: the run belongs to another study or version, or it is not finished.
    """
    config = from_file(folder.config_file)
    if not isinstance(config, cls):
        raise UserError(
            f"{folder.path}: a run of task={config.task}, not of the {study} study; "
            "lab runs shows the task of each run"
        )
    if folder.result is None:
        raise UserError(
            f"{folder.path}: {folder.status or 'not begun'}, not finished; "
            "the command that began it continues it"
        )
    return config
