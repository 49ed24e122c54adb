"""Write files completely or not at all."""

import itertools
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from lab.engine.locks import locked

TEMPORARY = ".tmp"


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file in the folder of `path`, flush it to the disk, rename it.

    Raises:
        OSError: the file could not be written; `path` is as before.
    """
    # The name is random, because processes of several machines may have the same id.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    write_atomically(path, lambda file: file.write(text.encode()))


def read_text(path: Path) -> str:
    """Read a text file that a person may have written; bytes that are not UTF-8 become U+FFFD."""
    return path.read_text(encoding="utf-8", errors="replace")


def append_line(path: Path, line: str) -> None:
    """Add a line at the end of a text file, completely or not at all.

    The file is locked, and what it holds is not written again, so that several processes can add
    lines at once and bytes that cannot be read stay as they are.
    """
    with locked(path) as file:
        size = os.fstat(file).st_size
        begun = size > 0 and not _ends_a_line(path)
        data = ("\n" * begun + line + "\n").encode()
        try:
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise


def _ends_a_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def short(path: Path) -> str:
    """A path to print: relative if it is below the current folder, else absolute."""
    try:
        here, absolute = Path.cwd(), Path(os.path.abspath(path))
    except OSError:  # the current folder is gone
        return str(path)
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def in_a_name(text: str) -> str:
    """Write `/` and what else file names must not contain as %2F; other text stays as it is."""
    return re.sub(r'[/\\:*?"<>|%\x00-\x1f]', lambda match: f"%{ord(match[0]):02X}", text)


def make_folders(path: Path) -> list[Path]:
    """Make a folder and its parents.

    Returns:
        the folders that were missing, the innermost first.

    Raises:
        OSError: one of them cannot be made.
    """
    missing = list(itertools.takewhile(lambda one: not one.exists(), (path, *path.parents)))
    path.mkdir(parents=True, exist_ok=True)
    return missing


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove the folders that `make_folders` made, up to the first that is not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
