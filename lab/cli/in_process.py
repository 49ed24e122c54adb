"""Runs and sweeps inside somebody else's process, which is left as it was."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.types import RunMode
from omegaconf import DictConfig

from lab.cli.composing import application
from lab.cli.hydra_entry import composed_job
from lab.config.complaints import needs_a_sweep
from lab.config.errors import UserError
from lab.config.trust import current_folder
from lab.engine import interrupts
from lab.engine.jobs import Outcome, report
from lab.sweeps.job import Job
from lab.sweeps.recap import active_folder, end_of_sweep
from lab.sweeps.search import is_only_its_end

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra


def train(overrides: Sequence[str], config_dir: str | Path | None) -> Path:
    """Do the run that `overrides` compose; return its folder.

    Raises:
        UserError: a key or a value is wrong, the run failed, or another process is training it.
        KeyboardInterrupt: it was stopped.
    """
    _check_words("run", overrides)
    with _host_is_kept(), application(overrides, config_dir) as app:
        try:
            done = app.run("config", _one, list(overrides), with_log_configuration=False)
        except AssertionError as error:  # Hydra's, of a preset that is a sweep
            mode = app.compose_config("config", list(overrides), RunMode.RUN).hydra.mode
            if mode == RunMode.MULTIRUN:
                raise UserError(needs_a_sweep("this preset is a sweep", overrides, True)) from error
            raise
        _, outcome = done.return_value
    if outcome is None:
        raise UserError("dry_run=true trains nothing, so lab.run has no run to return")
    if outcome.kind == "interrupted":
        raise KeyboardInterrupt(outcome.line)
    if outcome.exit_code:
        raise UserError(outcome.line)
    assert outcome.run is not None
    return outcome.run


def train_all(overrides: Sequence[str], config_dir: str | Path | None) -> Path:
    """Do the sweep that `overrides` compose; return its folder.

    Raises:
        UserError: a key or a value is wrong in a way that leaves nothing to run.
        KeyboardInterrupt: it was stopped.
    """
    _check_words("sweep", overrides)
    with _host_is_kept():
        try:
            with application(overrides, config_dir) as app:
                _multirun(app, overrides)
        except SystemExit as stop:  # a mistake is reported before the first job
            if stop.code:
                raise UserError(str(stop.code).removeprefix("lab: ")) from None
        finally:
            interrupts.stop_workers_first(None)
            folder = active_folder()
            end_of_sweep(0)
    if folder is None or not folder.is_dir():
        raise UserError("the sweep has no job")
    return folder


def _check_words(function: str, overrides: Sequence[object]) -> None:
    """Refuse a list of overrides in place of each as an argument of its own, and flags."""
    for word in overrides:
        if not isinstance(word, str):
            raise UserError(
                f"lab.{function} takes each override as an argument of its own: "
                f'lab.{function}("task=lstm", "seq_len=20"); got {word!r}'
            )
        if word.startswith("-"):
            raise UserError(
                f"lab.{function} takes no flag {word}: lab.sweep is -m, and config_dir= is "
                "--config-dir"
            )


def _multirun(app: "Hydra", overrides: Sequence[str]) -> None:
    try:
        app.multirun("config", _job_of_a_sweep, list(overrides), False)
    except (RuntimeError, ValueError) as error:
        if not is_only_its_end(error):
            raise


def _one(cfg: DictConfig) -> tuple[Job, Outcome | None]:
    job = composed_job(cfg)
    return job, job.do()


def _job_of_a_sweep(cfg: DictConfig) -> float | None:
    job, outcome = _one(cfg)
    if outcome is None:
        return None
    if outcome.kind == "interrupted":
        raise KeyboardInterrupt(outcome.line)
    if not job.is_left_to_recap(outcome):
        report(outcome)
    return outcome.objective


@contextmanager
def _host_is_kept() -> Iterator[None]:
    """Put back what a run sets for the whole process; Ctrl-C stops it at a safe point.

    Other threads wait, because two runs would draw from the same random streams.
    """
    current_folder()
    from lab.engine.process import own_process

    with own_process(), warnings.catch_warnings(), interrupts.noted_in_a_host():
        warnings.simplefilter("ignore")
        yield
