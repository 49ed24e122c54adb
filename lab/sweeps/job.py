"""One job of a command, as Hydra composed it: it can be sent to another process and done there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from lab.config import RunConfig
from lab.config.command import as_written, command_of
from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, trusting
from lab.engine.files import short
from lab.engine.jobs import Outcome, perform, plan, preview, report
from lab.engine.run_folder import folder_of
from lab.sweeps import search
from lab.sweeps.records import Sweep, identity_overrides
from lab.sweeps.summary import rebuild_now_and_then


@dataclass(frozen=True)
class Job:
    """One run that a command asks for.

    Args:
        config: of the run, or what is wrong with it.
        overrides: of the job.
        command: the arguments of `python -m lab` that make this run alone.
        number: of the job in its sweep; None outside a sweep.
        folder: of its sweep; None outside a sweep.
        direction: of the search that it is a trial of, if it is.
    """

    config: RunConfig | UserError
    overrides: Sequence[str]
    command: Sequence[str]
    number: int | None = None
    folder: Path | None = None
    direction: str | None = None

    @classmethod
    def of(cls, config: RunConfig | UserError, hydra_cfg: Any) -> "Job":
        """Return the job that Hydra runs now.

        Args:
            hydra_cfg: the node `hydra` of what Hydra composed for it.
        """
        overrides = as_written(hydra_cfg.overrides.task)
        if OmegaConf.is_missing(hydra_cfg.job, "num"):
            return cls(config, overrides, command_of(hydra_cfg, overrides))
        return cls.of_sweep(config, hydra_cfg, overrides, hydra_cfg.job.num)

    @classmethod
    def of_sweep(
        cls,
        config: RunConfig | UserError,
        hydra_cfg: Any,
        overrides: Sequence[str],
        number: int,
    ) -> "Job":
        """A job of a sweep.

        Args:
            hydra_cfg: the node `hydra` of the sweep's config, or of the job's.
            overrides: of the job.
        """
        return cls(
            config,
            overrides,
            command_of(hydra_cfg, overrides),
            number,
            Path(hydra_cfg.sweep.dir).absolute(),
            search.direction_of(hydra_cfg.sweeper),
        )

    def do(self) -> Outcome | None:
        """Train the run, continue it or find it finished; return None after a dry run."""
        if isinstance(self.config, UserError):
            outcome = Outcome("failed", str(self.config), self.config.exit_code)
        elif self.config.dry_run:
            try:
                print(planned(self.config, self.overrides, self._fresh_for), flush=True)
            except UserError as error:
                return Outcome("failed", str(error), error.exit_code)
            return None
        else:
            outcome = perform(
                self.config,
                self.command,
                self._note,
                self._fresh_for,
            )
        self._note(outcome)
        return outcome

    @property
    def needs_no_training(self) -> bool:
        """Whether it is answered at once: the run is finished, or its config is wrong."""
        if isinstance(self.config, UserError):
            return True
        return plan(self.config, folder_of(self.config), self._fresh_for) == "finished before"

    @property
    def _fresh_for(self) -> str:
        return Sweep(self.folder).fresh_for if self.folder else ""

    def is_left_to_recap(self, outcome: Outcome) -> bool:
        """Whether this job is reported at the end of the sweep: it was refused and began no run.

        A run that fails in training is also reported at once, because the end may be hours away.
        """
        return self.folder is not None and outcome.kind == "failed" and outcome.status != "failed"

    def _note(self, outcome: Outcome) -> None:
        """Write the job's record into the sweep's folder, and the summary."""
        if self.folder is None:
            return
        sweep = Sweep(self.folder)
        try:
            sweep.write(self.record(outcome))
            if outcome.kind != "running":
                with trusting(EVERYTHING):  # the user's own command
                    rebuild_now_and_then(self.folder)
        except (OSError, UserError) as error:  # otherwise it would end the worker
            report(not_written(sweep, error))

    def record(self, outcome: Outcome) -> dict[str, Any]:
        """Return the record of this job, which must belong to a sweep."""
        assert self.folder is not None
        assert self.number is not None
        trial = {}
        if self.direction is not None:
            trial = {"objective": outcome.objective, "direction": self.direction}
        return Sweep(self.folder).record(self.number, self.overrides, outcome, trial)


def not_written(sweep: Sweep, error: OSError | UserError) -> Outcome:
    """Return the outcome that is printed if a record or the summary cannot be written."""
    if isinstance(error, UserError):
        return Outcome("failed", str(error), 1)
    return Outcome("failed", f"cannot write to {short(sweep.folder)}: {error.strerror}", 1)


def planned(config: RunConfig, overrides: Sequence[str], fresh_for: str = "") -> str:
    """Return the line of a dry run; `perform` says what `fresh_for` is."""
    return f"{preview(config, fresh_for)}  {' '.join(identity_overrides(overrides))}"
