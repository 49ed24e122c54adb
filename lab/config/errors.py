"""Mistakes that the user can put right: one line each, with an exit code."""

import os
import sys
import sysconfig
import traceback
from pathlib import Path


def say(line: str) -> None:
    """Print a line `lab: …` to standard error."""
    print(f"lab: {line}", file=sys.stderr, flush=True)


class UserError(Exception):
    """Something the user can put right: the message is one line, with no traceback."""

    exit_code = 1


class BusyError(UserError):
    """Another process is at the same run."""

    exit_code = 3


NOT_THE_USERS = tuple(
    {
        str(Path(__file__).parents[1]) + os.sep,
        *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")),
        *(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib")),
        "<",  # <frozen importlib._bootstrap>, <string>
    }
)


def reason(error: BaseException) -> str:
    """Describe an unforeseen exception in one line: name, last line, place in the user's code.

    Examples: `NotImplementedError: no layers yet (my_cells.py:12)`; an `assert` without a message
    shows its source instead: `AssertionError (my_cells.py:12: assert size > 3)`.
    """
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[-1].strip()}" if lines else type(error).__name__
    place = users_line(error, with_source=not lines)
    return f"{text} ({place})" if place else text


def users_line(error: BaseException, with_source: bool = False) -> str:
    """`my_cells.py:12`, the last line of the user's own code that led to `error`, or nothing.

    Code of the user's own is what lies neither in lab, nor in Python, nor among installed packages.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return ""  # its message names the file and the line already
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(NOT_THE_USERS)
    ]
    if not frames:
        return ""
    path = Path(frames[-1].filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    source = f": {frames[-1].line}" if with_source and frames[-1].line else ""
    return f"{shown}:{frames[-1].lineno}{source}"


def broken_yaml(error: Exception) -> str:
    """What a YAML file has wrong and where, in a line."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    mark = getattr(error, "problem_mark", None)
    where = f" in line {mark.line + 1}" if mark else ""
    return f"{getattr(error, 'problem', None) or str(error).splitlines()[0]}{where}"
