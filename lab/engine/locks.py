"""Locks on open files, on Unix and on Windows; the system opens one when its process dies."""

import os
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Windows locks bytes, and nobody may read them: one far behind what is written into the file.
FAR = 1 << 30


def lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> None:
    """Lock the file until the descriptor is closed.

    Args:
        shared: others may share it. On Windows nobody shares.
        wait: until nobody else has it.

    Raises:
        BlockingIOError: somebody else has it, and the caller does not wait.
    """
    if fcntl is not None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
        return
    while not _lock_a_byte(descriptor):
        if not wait:
            raise BlockingIOError("locked by another process")
        time.sleep(0.05)


def is_locked(path: Path) -> bool:
    """Whether a live process holds a file's lock now; also false where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        lock(descriptor, shared=True)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _lock_a_byte(descriptor: int) -> bool:
    import msvcrt

    os.lseek(descriptor, FAR, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return True
