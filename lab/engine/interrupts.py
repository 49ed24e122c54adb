"""Ctrl-C, SIGTERM, a queue's own signals: noted when they come, acted on where it is safe.

A handler that raises may do so in the middle of an import or of a step, where anybody may swallow
the exception. So a handler only notes the signal, and `act` stands at the safe points: after
imports, between steps, between figures. A second signal of the same kind ends the process at once.

Only the command line sets handlers for good. In a host program, a notebook for instance, Ctrl-C is
noted within `noted_in_a_host`, and else nothing is, and `act` does nothing.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

MOST_SECONDS_FOR_WORKERS = 60.0
STOPS = (signal.SIGINT, signal.SIGTERM)
# A queue sends a signal of its own before it takes the job away. Windows has neither of these.
OF_QUEUES = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal came. Like a KeyboardInterrupt, it passes every `except Exception`.

    Args:
        signal_number: what came; the exit code is 128 + it, as shells have it.
        message: how far the run had come.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


_came: list[int] = []
"""The signals that wait to be acted on."""
_before: dict[int, Any] = {}
"""By signal, the handler that stood before ours."""
_is_any_worker_busy: Callable[[], bool] | None = None
"""Set in a process that waits for worker processes."""


def note_signals() -> None:
    """From now on note the signals that stop a run, until `act` is called.

    Signals that are ignored stay ignored: a shell starts background jobs so. Outside the main
    thread, where Python cannot catch signals, nothing is noted.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    of_queues = [number for number in OF_QUEUES if callable(signal.getsignal(number))]
    for number in (*STOPS, *of_queues):
        handler = signal.getsignal(number)
        if handler not in (signal.SIG_IGN, _note) and number not in _came:
            is_pythons = handler in (None, signal.default_int_handler)
            _before[number] = signal.SIG_DFL if is_pythons else handler
            signal.signal(number, _note)
    # Without its terminal a run continues: its lines are lost, its work is not.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextmanager
def noted_in_a_host() -> Iterator[None]:
    """Within it note Ctrl-C, so that it stops a run at a safe point; then the host's handler acts.

    A second Ctrl-C goes to the host's handler at once, which stands again at the end.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    _before[signal.SIGINT] = handler
    signal.signal(signal.SIGINT, _note)
    try:
        yield
        act()  # one that came after the last safe point
    finally:
        signal.signal(signal.SIGINT, handler)
        del _before[signal.SIGINT]
        _came.clear()


def stop_at_once() -> None:
    """Let the signals act as before `note_signals`: nothing is left to be saved."""
    for number, handler in _before.items():
        signal.signal(number, handler)


def _note(number: int, frame: FrameType | None) -> None:
    signal.signal(number, _before[number])  # a second one acts at once
    _came.append(number)
    if _is_any_worker_busy is not None:
        _stop_workers(number, _is_any_worker_busy)
        # The launcher's code, in which the process waits, has no safe points.
        raise Interrupted(number, "stopped")


def came() -> int | None:
    """The number of a signal that waits to be acted on."""
    return _came[0] if _came else None


def act(message: str = "stopped") -> None:
    """Do what the signal asks for, if one came: the caller has nothing half done.

    Returns where none came, and where the one who handled the signal before us lets the run go on:
    submitit does on SIGTERM, because Slurm takes the job away and queues it again.

    Args:
        message: how far the run has come.

    Raises:
        Interrupted: to end the run. Each later call raises it again.
        SystemExit: of a handler that has queued the job again.
    """
    while _came:
        number = _came[0]
        handler = _before[number]
        if not callable(handler):
            raise Interrupted(number, message)
        del _came[0]
        handler(number, None)
        signal.signal(number, _note)


def stop_workers_first(is_any_busy: Callable[[], bool] | None) -> None:
    """From now on this process waits for worker processes, and raises as soon as a signal comes.

    The workers write their checkpoints before. A launcher that is interrupted at once kills them.

    Args:
        is_any_busy: whether a worker still is at a run; None: this process waits no more.
    """
    global _is_any_worker_busy
    _is_any_worker_busy = is_any_busy


def _stop_workers(number: int, is_any_busy: Callable[[], bool]) -> None:
    from multiprocessing import active_children

    workers = active_children()
    # A terminal sends Ctrl-C to the workers too, `kill` does not. The other of the two signals
    # reaches them in either case, and is no second one of a kind, which would end them at once.
    other = signal.SIGTERM if number == signal.SIGINT else signal.SIGINT
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker.pid or 0, other)
    end = time.monotonic() + MOST_SECONDS_FOR_WORKERS
    while workers and is_any_busy() and time.monotonic() < end:
        time.sleep(0.05)
