"""Standard output and error that may fail: words may be lost, work never."""

import io
import os
import sys
from typing import TextIO

ERRORS = "backslashreplace"


class Forgiving(io.TextIOWrapper):
    """Text for people. Once its reader is gone, the words go nowhere, and nobody notices.

    A reader goes when a pipe is closed (`| head -1`) or a terminal is. What the encoding lacks is
    written as `\\u2192`.
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
        # Of the descriptor itself: what is still buffered is written to it at the exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def forgive() -> None:
    """Let printing never fail in this process."""
    # Closed ones (`>&-`) would be given to the next file that is opened, and print would fill it.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = _forgiving(sys.stdout, 1)
    sys.stderr = _forgiving(sys.stderr, 2)


def _forgiving(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        return open(descriptor, "w", encoding="utf-8")
    if type(stream) is not io.TextIOWrapper:  # a notebook's or a test's stream is theirs
        return stream
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    return Forgiving(stream.detach(), encoding, ERRORS, line_buffering=lines, write_through=through)
