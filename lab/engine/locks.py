"""Locks on open files, on Unix and on Windows. The system releases one when its process ends."""

import os
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Windows locks bytes, which nobody can read then. So we lock one far behind the file's content.
FAR = 1 << 30


def lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> None:
    """Lock the file until the descriptor is closed.

    Args:
        descriptor: the open file.
        shared: whether others may share the lock. On Windows it is never shared.
        wait: whether to wait until no other process has the lock.

    Raises:
        BlockingIOError: another process has the lock, and `wait` is false.
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
    """Whether a live process holds a file's lock now; false if the file does not exist."""
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
