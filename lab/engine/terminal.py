"""Standard output and error that never raise: text may be lost, but a run is not."""

import io
import os
import sys
from typing import TextIO

ERRORS = "backslashreplace"


class SafeStream(io.TextIOWrapper):
    """A text stream that drops its text when the reader is gone.

    The reader is gone when a pipe (`| head -1`) or a terminal is closed. A character that the
    encoding lacks is written as `\\u2192`.
    """

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self._write_to_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._write_to_nowhere()

    def _write_to_nowhere(self) -> None:
        # The descriptor itself is replaced, because buffered text is written to it at the exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def make_stdio_safe() -> None:
    """Make printing never fail in this process."""
    # If a descriptor is closed (`>&-`), the next opened file would get it, and print would write
    # there.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = _safe_stream(sys.stdout, 1)
    sys.stderr = _safe_stream(sys.stderr, 2)


def _safe_stream(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        return open(descriptor, "w", encoding="utf-8")
    if type(stream) is not io.TextIOWrapper:  # leave the streams of a notebook or a test alone
        return stream
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    return SafeStream(
        stream.detach(), encoding, ERRORS, line_buffering=lines, write_through=through
    )


def bar_file() -> TextIO | None:
    """Where a bar is drawn: standard error of a terminal, or a place in a notebook; None: nowhere.

    A service such as Colab derives a shell of its own from Jupyter's.
    """
    if sys.stderr.isatty():
        return sys.stderr
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    is_notebook = any(base.__name__ == "ZMQInteractiveShell" for base in type(shell).__mro__)
    return _NotebookLine() if is_notebook else None


class _NotebookLine(io.StringIO):
    """One line of a notebook that is replaced: a saved notebook keeps none of a bar's states."""

    def __init__(self) -> None:
        super().__init__()
        from IPython.display import display

        self._line = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text: str) -> int:
        line = text.strip()
        if self._line is not None and (line or "\r" in text):
            self._line.update({"text/plain": line}, raw=True)
        return len(text)
