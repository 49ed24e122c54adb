"""Ctrl-C and a cluster's SIGTERM: finish the step, write the checkpoint, then stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Which signal came, if one did."""

    signal_number: int | None = None


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """Note SIGINT and SIGTERM instead of dying by them; a second one acts at once.

    Outside the main thread, where Python cannot catch signals, nothing is deferred.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.signal_number = number
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
