"""What a sweep notes after each of its jobs, and tells after the last."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hydra.conf import HydraConf
from omegaconf import OmegaConf

from lab.config import RunConfig
from lab.config.reading import unresolved
from lab.config.trust import EVERYTHING, trusting
from lab.engine import study
from lab.engine.files import remove_empty
from lab.engine.finding import folder_of
from lab.engine.jobs import Outcome, preview, report
from lab.sweeps import search
from lab.sweeps.records import Sweep, asked_for
from lab.sweeps.summary import rebuild, rebuild_now_and_then


@dataclass(frozen=True)
class Begun:
    """The sweep that this process has begun and not ended.

    Args:
        sweep: its folder.
        jobs: the overrides of all its jobs; None where a sweeper chooses them as it goes.
        made: the folders that were made for it, the innermost first.
        before: the stamps of the records that there were.
        direction: of a search, minimize or maximize; None for a plain sweep.
        start: seconds of the monotonic clock.
    """

    sweep: Sweep
    jobs: list[list[str]] | None
    made: list[Path]
    before: dict[str, str]
    direction: str | None = None
    start: float = field(default_factory=time.monotonic)


# Hydra has no other way from its callback to who called it. `end_of_sweep` takes it.
_begun: list[Begun] = []


def begin(
    sweep: Sweep, jobs: list[list[str]] | None, made: list[Path], direction: str | None
) -> Begun:
    """Remember the sweep for `end_of_sweep`."""
    _begun[:] = [Begun(sweep, jobs, made, sweep.stamps(), direction)]
    return _begun[0]


def folder_of_begun() -> Path | None:
    """The folder of the sweep that has begun and not ended, if there is one."""
    return _begun[0].sweep.folder if _begun else None


class Job:
    """A job of a sweep, to be noted.

    Args:
        sweep: its folder.
        number: of the job in the sweep.
        overrides: of the job.
        direction: of the search that it is a trial of, if it is.
    """

    def __init__(
        self, sweep: Sweep, number: int, overrides: Sequence[str], direction: str | None
    ) -> None:
        self.sweep, self.number, self.overrides = sweep, number, overrides
        self.direction = direction

    @classmethod
    def of(cls, hydra_cfg: HydraConf) -> "Job | None":
        """The job that Hydra runs now; None outside a sweep."""
        if OmegaConf.is_missing(hydra_cfg.job, "num"):
            return None
        overrides = unresolved(hydra_cfg.overrides.task)
        direction = search.direction_of(hydra_cfg.sweeper)
        return cls(Sweep(Path(hydra_cfg.sweep.dir)), hydra_cfg.job.num, overrides, direction)

    def note(self, config: RunConfig | None, outcome: Outcome) -> None:
        """Write down what became of the job, and the summary.

        Args:
            config: None if the overrides make no valid one.
            outcome: of the job.
        """
        try:
            trial = None
            if self.direction is not None:
                value = None if outcome.kind == "running" else objective_of(config)
                trial = {"objective": value, "direction": self.direction}
            self.sweep.record(self.number, self.overrides, config, outcome, trial)
            if outcome.kind != "running":
                with trusting(EVERYTHING):  # the user's own command
                    rebuild_now_and_then(self.sweep.folder)
        except OSError as error:  # an exception in a launcher's worker would end the sweep
            report(Outcome("failed", f"cannot write to {self.sweep.folder}: {error.strerror}", 1))


def objective_of(config: RunConfig | None) -> float | None:
    """What a search improves, of a finished run; None of any other."""
    result = None if config is None else folder_of(config).result
    return None if config is None or result is None else study.objective(config, result)


def is_left_to_recap(config: RunConfig | None, outcome: Outcome) -> bool:
    """Whether the recap alone tells of a sweep's job: one that was refused and began no run.

    A run that fails in training is told at once as well, as the recap may be hours away.
    """
    is_refused = config is None or folder_of(config).status != "failed"
    return outcome.kind == "failed" and is_refused


def planned(config: RunConfig, overrides: Sequence[str]) -> str:
    """The line of a dry run."""
    return f"{preview(config)}  {' '.join(asked_for(overrides))}"


def end_of_sweep(code: str | int | None) -> str | int | None:
    """Draw the summary a last time and tell what became of the jobs; gives the exit code."""
    if not _begun:
        return code
    begun = _begun.pop()
    sweep = begun.sweep
    if not sweep.records():
        if begun.made:  # else the folder is somebody's own
            (sweep.folder / "multirun.yaml").unlink(missing_ok=True)
            remove_empty(begun.made)
        return code
    lines, worst = sweep.recap(begun.jobs, begun.before, time.monotonic() - begun.start)
    if begun.direction is not None:
        lines[-1:-1] = search.best_lines(
            sweep.since(begun.before),
            begun.direction,
            lambda record: str(sweep.run_of(record).provenance.get("command", "")),
        )
    print("\n".join(lines), flush=True)
    try:
        with trusting(EVERYTHING):
            rebuild(sweep.folder)
    except OSError as error:
        report(Outcome("failed", f"cannot write to {sweep.folder}: {error.strerror}", 1))
        return code or 1
    return code or worst
