"""Stop on Ctrl-C, SIGTERM and a queue's signals: note a signal at once, act on it where it is safe.

If a handler raised an exception in the middle of an import or a step, other code might catch it. So
a handler only notes the signal, and `act` is called at safe points: after imports, between steps,
between figures. A second signal of the same kind ends the process at once.

Only the command line installs handlers for the whole process. In a host program, such as a
notebook, Ctrl-C is noted only within `noted_in_a_host`. Elsewhere `act` does nothing.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

MOST_SECONDS_FOR_WORKERS = 60.0
STOPS = (signal.SIGINT, signal.SIGTERM)
# A queue sends a signal of its own before it ends the job. Windows has neither of these.
OF_QUEUES = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal came. As a KeyboardInterrupt, it is not caught by `except Exception`.

    Args:
        signal_number: the signal; the exit code is 128 + its number, as in shells.
        message: how far the run had come.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


_came: list[int] = []
"""The signals that have come and are not yet acted on."""
_before: dict[int, Any] = {}
"""The handler before ours, by signal."""
_is_any_worker_busy: Callable[[], bool] | None = None
"""Set in a process that waits for worker processes."""
_is_queued = False


def note_signals() -> None:
    """Note from now on the signals that stop a run, so that `act` can act on them.

    Ignored signals stay ignored, because a shell starts background jobs that way. Outside the main
    thread Python cannot catch signals, and nothing is noted.
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
    # If the terminal is closed, the run continues without printing.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextmanager
def noted_in_a_host() -> Iterator[None]:
    """A context in which Ctrl-C stops a run at a safe point; then the host's handler acts.

    A second Ctrl-C goes to the host's handler at once. At the end that handler is installed again.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    _before[signal.SIGINT] = handler
    signal.signal(signal.SIGINT, _note)
    try:
        yield
        act()  # for a signal that came after the last safe point
    finally:
        signal.signal(signal.SIGINT, handler)
        del _before[signal.SIGINT]
        _came.clear()


def stop_at_once() -> None:
    """Let signals act at once again, because there is nothing left to save."""
    for number, handler in _before.items():
        signal.signal(number, handler)


def _note(number: int, frame: FrameType | None) -> None:
    signal.signal(number, _before[number])  # a second signal acts at once
    _came.append(number)
    if _is_any_worker_busy is not None:
        # The process waits in the launcher's code, which has no safe points.
        raise Interrupted(number, _stop_workers(number, _is_any_worker_busy))


def came() -> int | None:
    """The number of a signal that has come and is not yet acted on, or None."""
    return _came[0] if _came else None


def act(message: str = "stopped") -> None:
    """Act on a signal, if one came. Call this only where nothing is half done.

    It returns if no signal came, or if the handler before ours lets the run go on. submitit does
    that on SIGTERM, because Slurm ends the job itself and queues it again.

    Args:
        message: how far the run has come.

    Raises:
        Interrupted: ends the run. Each later call raises it again.
        SystemExit: raised by a handler that has queued the job again.
    """
    while _came:
        number = _came[0]
        handler = _before[number]
        if not callable(handler):
            raise Interrupted(number, message)
        del _came[0]
        handler(number, None)
        signal.signal(number, _note)


def stop_workers_first(is_any_busy: Callable[[], bool] | None, is_queued: bool = False) -> None:
    """Tell this module that the process now waits for workers, so that a signal raises at once.

    The workers first write their checkpoints. Without this, an interrupted launcher kills them.

    Args:
        is_any_busy: whether a worker is still training; None: the process no longer waits.
        is_queued: whether the workers are jobs of a cluster's queue, which a signal does not reach.
    """
    global _is_any_worker_busy, _is_queued
    _is_any_worker_busy, _is_queued = is_any_busy, is_queued


def _stop_workers(number: int, is_any_busy: Callable[[], bool]) -> str:
    """Stop the workers; return a message that says whether they stopped."""
    if _is_queued:
        return "stopped, but its jobs stay in the queue and train on: scancel ends them"
    from multiprocessing import active_children

    # A set, because the server from which workers are forked looks like a controller.
    workers = {child.pid or 0 for child in active_children()} | _jobs_of_controllers()
    # A terminal sends Ctrl-C to the workers too; `kill` does not. So send them the other of the two
    # signals. A second signal of the same kind would end them at once. A shell's background jobs
    # ignore Ctrl-C, and so do their workers.
    is_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    other = signal.SIGTERM if number == signal.SIGINT or is_ignored else signal.SIGINT
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, other)
    end = time.monotonic() + MOST_SECONDS_FOR_WORKERS
    while is_any_busy():
        if not workers or time.monotonic() > end:
            by = f": kill -KILL {' '.join(map(str, workers))} ends them" if workers else ""
            return f"stopped, but runs that it started train on in other processes{by}"
        time.sleep(0.05)
    return "stopped"


def _jobs_of_controllers() -> set[int]:
    """The processes that children of this one have started, as submitit_local's controllers do.

    The controllers are left alone, since one that is stopped kills its job after a second. Where
    there is no /proc, none is found.
    """
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):  # it has just ended
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    ours, own = set(), os.getpid()
    for process in parents.keys() - set(parents.values()):  # those without a child
        line = [process]
        while line[-1] in parents and line[-1] != own:
            line.append(parents[line[-1]])
        if line[-1] == own and len(line) > 2:
            ours.add(process)
    return ours
