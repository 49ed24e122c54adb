"""Refuse to continue or show a run if its data have changed.

A task gives the checksum of its data as `data_checksum`, and provenance.json keeps it as `data`.
"""

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder


def check_finished(config: RunConfig, folder: RunFolder) -> None:
    """Refuse to show a finished run if its data have changed or cannot be read.

    Raises:
        UserError: they have changed or cannot be read.
    """
    before = folder.provenance.get("data")
    if before is None:  # a study without data, or a run of a version that noted none
        return
    try:
        now = config.data_checksum()
    except UserError as error:
        raise UserError(
            f"{folder.path} is finished, but its data cannot be read: {error}"
        ) from error
    if now is not None and now != before:
        raise UserError(
            f"{folder.path} is finished, but its data have changed since: "
            "restore them, or train again with fresh=true"
        )


def are_others(config: RunConfig, folder: RunFolder) -> bool:
    """Whether a run would be refused, because its data have changed or cannot be read."""
    try:
        check_finished(config, folder)
    except UserError:
        return True
    return False


def check_classifier(folder: RunFolder, now: str) -> None:
    """Refuse to read a finished run's images with a classifier of other data.

    Args:
        folder: the run's folder.
        now: the checksum of the data as they are now.

    Raises:
        UserError: the data have changed.
    """
    if folder.provenance.get("data", now) != now:
        raise UserError(
            f"{folder.path}: its data have changed since it was trained; restore them, because the "
            "classifier that reads its images is trained on them"
        )


def check_begun(folder: RunFolder, now: str | None) -> None:
    """Refuse to continue a run if its data have changed.

    Args:
        folder: the folder of a run with a checkpoint.
        now: the checksum of the data as they are now.

    Raises:
        UserError: the data have changed.
    """
    before = folder.provenance.get("data")
    if before is not None and now is not None and now != before:
        raise UserError(
            f"{folder.path}: its data have changed since it began; restore them, or start over "
            "with fresh=true"
        )
