"""The runs of a sweep side by side: how many this machine has room for, and their processes.

Hydra composes in this process. A worker process gets a job that is composed and checked, so it
needs no Hydra. One server process imports torch, and each worker is forked from it.
"""

import io
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any

from lab.engine import interrupts
from lab.engine.jobs import Outcome
from lab.patches import no_main_module
from lab.sweeps.job import Job

BYTES_PER_RUN = 0.9e9  # torch, its libraries and a small network
# What a run of any study imports. The studies' own modules are imported by their first run.
IMPORTED_ONCE = (
    "torch", "lab.engine.loop", "lab.engine.optimizers", "lab.figures.plots", "lab.memory.task",
    "matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin",
    "safetensors.torch",
)  # fmt: skip
GPUS = (Path("/proc/driver/nvidia/gpus"), Path("/dev/kfd"))


def workers(threads: int = 1, device: str = "auto") -> int:
    """Return how many runs go side by side: one for each physical core that has memory for it.

    On a GPU it is one, because nobody knows how much of the GPU's memory a run takes.

    Args:
        threads: of each run.
        device: as the key `device`.
    """
    if device not in ("cpu", "auto") or (device == "auto" and any(gpu.exists() for gpu in GPUS)):
        return 1
    return max(1, min(cores() // threads, int(free_memory() // BYTES_PER_RUN)))


def cores() -> int:
    """The physical cores that this process may use."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
    siblings = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    try:
        count = len({Path(siblings.format(cpu)).read_text(encoding="utf-8") for cpu in allowed})
    except OSError:
        count = len(allowed)
    with suppress(OSError, ValueError):  # of a container: microseconds in a period
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        count = min(count, int(quota) // int(period))
    return max(count, 1)


def free_memory() -> float:
    """The bytes that this process may still take; infinite where the system does not say."""
    free = float("inf")
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                free = 1024.0 * int(line.split()[1])
    with suppress(OSError, ValueError):  # of a container
        most, used = (
            int(Path("/sys/fs/cgroup", name).read_text(encoding="utf-8"))
            for name in ("memory.max", "memory.current")
        )
        free = min(free, most - used)
    return free


@dataclass(frozen=True)
class Done:
    """What a worker sends back.

    Args:
        job: the job.
        outcome: None of a dry run, and of a job whose process was killed.
        lines: what the run printed.
        killed_by: the signal that killed the process; 0 if none did.
    """

    job: Job
    outcome: Outcome | None
    lines: Sequence[str] = ()
    killed_by: int = 0


@dataclass
class Pool:
    """Worker processes that do jobs, each one at a time.

    A worker that is killed takes its job with it, and another process does the jobs that follow.

    Args:
        size: the number of processes.
    """

    size: int
    running: dict[Any, tuple[Job, Any]] = field(default_factory=dict)

    def do(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Yield what became of each job, in the order in which they end."""
        waiting = iter(jobs)
        idle: list[tuple[Any, Any]] = []
        interrupts.stop_workers_first(lambda: not all(pipe.poll() for pipe in self.running))
        try:
            while True:
                while len(self.running) < self.size and (job := next(waiting, None)) is not None:
                    pipe, process = idle.pop() if idle else self._start()
                    pipe.send(job)
                    self.running[pipe] = (job, process)
                if not self.running:
                    return
                pipes: list[Any] = connection.wait(list(self.running))
                for pipe in pipes:
                    job, process = self.running.pop(pipe)
                    try:
                        done: Done = pipe.recv()
                        yield done
                        if done.outcome is None or done.outcome.kind != "interrupted":
                            idle.append((pipe, process))
                    except (EOFError, ConnectionResetError):
                        process.join()
                        yield Done(job, None, killed_by=-(process.exitcode or 0))
        finally:
            interrupts.stop_workers_first(None)
            for pipe in (*self.running, *(pipe for pipe, _ in idle)):
                pipe.close()  # the worker ends when it has no more to read

    def _start(self) -> tuple[Any, Any]:
        ours, theirs = multiprocessing.Pipe()
        with no_main_module():
            process = _context().Process(target=_work, args=(theirs, sys.path))
            process.start()
        theirs.close()
        return ours, process


def can_start() -> bool:
    """Whether this process may have workers: a worker of somebody else's pool may not."""
    return not multiprocessing.current_process().daemon


def import_early() -> None:
    """Begin to import what the workers need, in a process from which they are forked."""
    if can_start() and hasattr(os, "fork"):
        from multiprocessing import forkserver

        _context().set_forkserver_preload(list(IMPORTED_ONCE))
        forkserver.ensure_running()


def _context() -> Any:
    return multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")


def _work(pipe: Any, path: list[str]) -> None:
    from lab.engine.terminal import make_stdio_safe

    sys.path[:] = path
    interrupts.note_signals()
    make_stdio_safe()
    threading.Thread(target=_stop_if_orphaned, daemon=True).start()
    with suppress(EOFError, OSError):
        while not interrupts.came():
            pipe.send(_done(pipe.recv()))


def _done(job: Job) -> Done:
    text = io.StringIO()
    with redirect_stdout(text), redirect_stderr(text):
        outcome = job.do()
    return Done(job, outcome, text.getvalue().splitlines())


def _stop_if_orphaned() -> None:
    """Stop the run at a safe point when the sweep's own process is gone."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
