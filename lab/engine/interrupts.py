"""Ctrl-C, a cluster's SIGTERM, a queue's own signals: finish the step, write the checkpoint, stop.

Outside of training SIGINT and SIGTERM end the program at once, through every `finally`.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from lab.config.errors import Interrupted

MOST_SECONDS_FOR_WORKERS = 60.0


def stop_on_sigterm() -> None:
    """Make SIGTERM end the program as Ctrl-C does; a second one kills."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise Interrupted(number, "stopped")


def stop_workers_first(is_any_busy: Callable[[], bool]) -> None:
    """On SIGINT and SIGTERM let the worker processes write their checkpoints, then stop.

    A launcher that is interrupted at once kills its workers before they have.

    Args:
        is_any_busy: whether a worker still is at a run.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        workers = multiprocessing.active_children()
        # A terminal sends Ctrl-C to the workers too, `kill` does not. The other of the two signals
        # reaches them in either case, and is no second one of a kind, which would act at once.
        other = signal.SIGTERM if number == signal.SIGINT else signal.SIGINT
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker.pid or 0, other)
        end = time.monotonic() + MOST_SECONDS_FOR_WORKERS
        while workers and is_any_busy() and time.monotonic() < end:
            time.sleep(0.05)
        raise Interrupted(number, "stopped")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


class Interrupt:
    """Which signal came while it was deferred, if one did."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._before: dict[int, Any] = {}

    def __bool__(self) -> bool:
        return self._came is not None

    def defer(self) -> None:
        """Note the signals from now on; a second one of a kind acts at once."""
        # A queue that has a handler for a signal of its own sends it before it takes the job away.
        queues = [n for n in (signal.SIGUSR1, signal.SIGUSR2) if callable(signal.getsignal(n))]
        for number in (signal.SIGINT, signal.SIGTERM, *queues):
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = number
        signal.signal(number, self._before[number])

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def act(self, message: str) -> None:
        """What the signal would have done, now that the checkpoint is written.

        Returns only where the one who handled it before us lets the run go on: submitit does on
        SIGTERM, because Slurm takes the job away and queues it again by itself.

        Raises:
            Interrupted: otherwise, with this message.
            SystemExit: of a handler that has queued the job again.
        """
        assert self._came is not None
        number, handler = self._came, self._before[self._came]
        self._came = None
        if not callable(handler):
            raise Interrupted(number, message)
        try:
            handler(number, None)
        except KeyboardInterrupt:
            raise Interrupted(number, message) from None
        signal.signal(number, self._note)


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """Note signals that would stop the run, instead of stopping in the middle of a step.

    Outside the main thread, where Python cannot catch signals, nothing is deferred.
    """
    interrupt = Interrupt()
    if threading.current_thread() is threading.main_thread():
        interrupt.defer()
    try:
        yield interrupt
    finally:
        interrupt.restore()
