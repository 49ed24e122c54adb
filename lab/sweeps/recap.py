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
        made: the folders that were made for it, the innermost first.
        before: the stamps of the records at the beginning.
        direction: of a search, minimize or maximize; None for a plain sweep.
        start: seconds of the monotonic clock.
        known: the records of jobs that ended, as lab's own launcher got them; a full disk may have
            kept them from being written.
    """

    sweep: Sweep
    jobs: list[list[str]] | None
    made: list[Path]
    before: dict[str, str]
    direction: str | None = None
    start: float = field(default_factory=time.monotonic)
    known: list[dict[str, Any]] = field(default_factory=list)


# Hydra's callback cannot return a value to its caller. `end_of_sweep` takes it from here.
_begun: list[ActiveSweep] = []


def begin(
    sweep: Sweep, jobs: list[list[str]] | None, made: list[Path], direction: str | None
) -> ActiveSweep:
    """Remember the sweep for `end_of_sweep`."""
    _begun[:] = [ActiveSweep(sweep, jobs, made, sweep.stamps(), direction)]
    return _begun[0]


def remember(record: dict[str, Any]) -> None:
    """Keep the record of a job that ended, for `end_of_sweep`."""
    _begun[0].known.append(record)


def jobs_of_begun() -> list[list[str]] | None:
    """Return the overrides of each job of the sweep; None if a sweeper chooses them."""
    return _begun[0].jobs


def folder_of_begun() -> Path | None:
    """Return the folder of the sweep that this process runs; None if there is none."""
    return _begun[0].sweep.folder if _begun else None


def end_of_sweep(code: str | int | None) -> str | int | None:
    """Write the summary a last time, print the result of the jobs, and return the exit code."""
    if not _begun:
        return code
    begun = _begun.pop()
    sweep = begun.sweep
    if not (sweep.records() or begun.known):
        if begun.made:  # otherwise the folder was there before
            (sweep.folder / "multirun.yaml").unlink(missing_ok=True)
            remove_empty(begun.made)
        return code
    seconds = time.monotonic() - begun.start
    lines, worst, is_over = sweep.recap(begun.jobs, begun.before, seconds, begun.known)
    if begun.direction is not None:
        lines[-1:-1] = search.best_lines(
            sweep.since(begun.before),
            begun.direction,
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
