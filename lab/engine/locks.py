"""Locks on open files, on Unix and on Windows. The system releases one when its process ends."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.config.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Windows locks bytes, which nobody can read then. So we lock one far behind the file's content.
FAR = 1 << 30
# What flock answers on a file system that has no locks: Lustre without -o flock, some NFS and FUSE.
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
# Whoever may write to the folder may lock in it: the umask alone decides who that is.
MODE = 0o666


class NoLocks(UserError):
    """The file system cannot lock files."""


def lock(descriptor: int, path: Path, *, shared: bool = False, wait: bool = False) -> None:
    """Lock an open file until its descriptor is closed.

    Args:
        descriptor: the open file.
        path: the file, for the message.
        shared: whether others may share the lock. On Windows it is never shared.
        wait: whether to wait until no other process has the lock.

    Raises:
        BlockingIOError: another process has the lock, and `wait` is false.
        NoLocks: the file system has no locks.
    """
    if fcntl is not None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            raise NoLocks(
                f"{path.parent}: this file system cannot lock files ({error.strerror}), so two "
                "processes could write there at once: use another disk, with out_dir=DIR for runs "
                "and sweeps, with LAB_DATA=DIR in the environment for data"
            ) from error
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
        lock(descriptor, path, shared=True)
        return False
    except BlockingIOError:
        return True
    except NoLocks:  # so that finished runs can be read there
        return False
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """A context with the descriptor of a file to append to, locked; waits for the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, MODE)
    try:
        lock(descriptor, path, wait=True)
        yield descriptor
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
