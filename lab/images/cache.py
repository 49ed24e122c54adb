"""The data cache: where it is, and how several processes share it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.config.errors import UserError
from lab.engine import locks


def default_cache() -> Path:
    """Return `LAB_DATA`, else `~/.cache/lab`; the folder need not exist."""
    try:
        return Path(os.environ.get("LAB_DATA") or "~/.cache/lab").expanduser()
    except RuntimeError as error:
        raise UserError(
            "there is no home directory for the data cache: set LAB_DATA to a folder for it"
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make `folder` and wait until no other process works in it.

    Readers need no lock, because complete files are moved into the cache by renaming.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        entered = ExitStack()
        entered.enter_context(locks.locked(folder / ".lock"))
    except OSError as error:
        raise UserError(
            f"the data cache {folder} cannot be written ({error.strerror}): "
            "set LAB_DATA to a folder that can be written"
        ) from error
    with entered:  # errors inside are not ours
        yield
