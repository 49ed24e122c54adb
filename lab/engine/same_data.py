"""Data belong to a run: other images under the same command are told, never passed over.

A task names the checksum of its data as `data_checksum`, and provenance.json keeps it as `data`.
"""

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder


def check_finished(config: RunConfig, folder: RunFolder) -> None:
    """Refuse to show a finished run as the answer where the data are others now, or gone.

    Raises:
        UserError: says so, and that `fresh=true` trains anew.
    """
    before = folder.provenance.get("data")
    if before is None:  # a study without data, or a run from before they were noted
        return
    try:
        now = config.data_checksum()
    except UserError as error:
        raise UserError(f"{folder.path} is finished, but its data are gone: {error}") from error
    if now is not None and now != before:
        raise UserError(
            f"{folder.path} is finished, but with other data than there are now: "
            "put those back, or train anew with fresh=true"
        )


def are_others(config: RunConfig, folder: RunFolder) -> bool:
    """Whether a run that was begun would be refused, as its data are others now, or gone."""
    try:
        check_finished(config, folder)
    except UserError:
        return True
    return False


def check_classifier(folder: RunFolder, now: str) -> None:
    """Refuse to judge a finished run's images by a classifier of other data.

    Args:
        folder: of the run.
        now: the checksum of the data there are.

    Raises:
        UserError: says so.
    """
    if folder.provenance.get("data", now) != now:
        raise UserError(
            f"{folder.path} was trained on other data than there are now: put those back, "
            "as they teach the classifier that judges its images"
        )


def check_begun(folder: RunFolder, now: str | None) -> None:
    """Refuse to go on with a run on other data than it began with.

    Args:
        folder: of a run with a checkpoint.
        now: the checksum of the data there are.

    Raises:
        UserError: says so, and that `fresh=true` starts over.
    """
    before = folder.provenance.get("data")
    if before is not None and now is not None and now != before:
        raise UserError(
            f"the run in {folder.path} began with other data than there are now: "
            "put those back, or start over with fresh=true"
        )
