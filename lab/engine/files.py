"""Write files completely or not at all."""

import io
import itertools
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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


def save_png(figure: "Figure", file: BinaryIO) -> None:
    """Draw a figure into a PNG file, with fast compression.

    A dollar sign is drawn as it is, because names of a user's classes are not mathematics.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    figure.savefig(file, format="png", pil_kwargs={"compress_level": 1})


def png_bytes(figure: "Figure") -> bytes:
    """Return the bytes that `save_png` writes."""
    file = io.BytesIO()
    save_png(figure, file)
    return file.getvalue()


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    write_atomically(path, lambda file: file.write(text.encode()))


def short(path: Path) -> str:
    """A path to print: relative if it is below the current folder, else absolute."""
    here, absolute = Path.cwd(), Path(os.path.abspath(path))
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


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


def remove_empty(made: Sequence[Path]) -> None:
    """Remove the folders that `make_folders` made, up to the first that is not empty."""
    with suppress(OSError):
        for folder in made:
            folder.rmdir()
