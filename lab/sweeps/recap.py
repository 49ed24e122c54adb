"""The sweep that this process runs, and what is printed at its end."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, trusting
from lab.engine.files import remove_empty
from lab.engine.jobs import report
from lab.sweeps import search
from lab.sweeps.job import not_written
from lab.sweeps.records import Sweep
from lab.sweeps.summary import rebuild


@dataclass(frozen=True)
class ActiveSweep:
    """The sweep that this process runs.

    Args:
        sweep: its folder.
        jobs: the overrides of all jobs; None if a sweeper chooses them during the sweep.
        new_folders: the folders that were made for it, the innermost first.
        before: the stamps of the records at the beginning.
        direction: of a search, minimize or maximize; None for a plain sweep.
        start: seconds of the monotonic clock.
        records: of jobs that ended, as lab's own launcher got them; a full disk may have
            kept them from being written.
    """

    sweep: Sweep
    jobs: list[list[str]] | None
    new_folders: list[Path]
    before: dict[str, str]
    direction: str | None = None
    start: float = field(default_factory=time.monotonic)
    records: list[dict[str, Any]] = field(default_factory=list)


# Hydra's callback cannot return a value to its caller. `end_of_sweep` takes it from here.
active: list[ActiveSweep] = []
"""The sweep that this process runs, if it runs one."""


def active_folder() -> Path | None:
    """The folder of the sweep that this process runs; None if there is none."""
    return active[0].sweep.folder if active else None


def end_of_sweep(code: str | int | None) -> str | int | None:
    """Write the summary a last time, print the result of the jobs, and return the exit code."""
    if not active:
        return code
    ended = active.pop()
    sweep = ended.sweep
    if not (sweep.records() or ended.records):
        if ended.new_folders:  # otherwise the folder was there before
            (sweep.folder / "multirun.yaml").unlink(missing_ok=True)
            remove_empty(ended.new_folders)
        return code
    seconds = time.monotonic() - ended.start
    lines, worst, is_over = sweep.recap(ended.jobs, ended.before, seconds, ended.records)
    if ended.direction is not None:
        lines[-1:-1] = search.best_lines(
            sweep.since(ended.before),
            ended.direction,
            lambda record: str(sweep.run_of(record).provenance.get("command", "")),
        )
    try:
        if is_over:
            sweep.end_fresh()
        with trusting(EVERYTHING):
            plots = [path.name for path in rebuild(sweep.folder) if path.suffix == ".png"]
        if plots:
            lines[-1] += f"/{', '.join(plots)}"
    except (OSError, UserError) as error:
        report(not_written(sweep, error))
        worst = 1
    finally:
        print("\n".join(lines), flush=True)
    return code or worst
