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


def shows_bar() -> bool:
    """Whether standard error can draw a bar: on a terminal, or in a Jupyter kernel.

    A service such as Colab derives a shell of its own from Jupyter's.
    """
    if sys.stderr.isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return any(base.__name__ == "ZMQInteractiveShell" for base in type(shell).__mro__)
