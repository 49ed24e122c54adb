"""Runs and sweeps inside somebody else's process, which is left as it was."""

import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from lab.cli.composing import CONF
from lab.cli.hydra_entry import do_job
from lab.config.complaints import hydra_complaint
from lab.config.errors import UserError
from lab.config.hydra_versions import VERSION_BASE
from lab.engine import interrupts
from lab.engine.finding import folder_of
from lab.engine.jobs import report
from lab.sweeps.recap import end_of_sweep, folder_of_begun, objective_of

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra


def train(overrides: Sequence[str], config_dir: str | Path | None) -> Path:
    """Do the run that `overrides` compose; gives its folder.

    Raises:
        UserError: a key or a value is wrong, the run failed, or another process is training it.
        KeyboardInterrupt: it was stopped.
    """
    with _host_is_kept(), _hydra(overrides, config_dir) as app:
        done = app.run("config", do_job, list(overrides), with_log_configuration=False)
        config, outcome = done.return_value
    if outcome is None:
        raise UserError("dry_run=true trains nothing: lab.run has no run to give")
    if outcome.kind == "interrupted":
        raise KeyboardInterrupt(outcome.line)
    if outcome.exit_code:
        raise UserError(outcome.line)
    return folder_of(config).path


def train_all(overrides: Sequence[str], config_dir: str | Path | None) -> Path:
    """Do the sweep that `overrides` compose; gives its folder.

    Raises:
        UserError: a key or a value is wrong in a way that leaves nothing to run.
        KeyboardInterrupt: it was stopped.
    """
    with _host_is_kept():
        try:
            with _hydra(overrides, config_dir) as app:
                app.multirun("config", _job_of_a_sweep, list(overrides), False)
        except SystemExit as stop:  # what is wrong is told before the first job
            if stop.code:
                raise UserError(str(stop.code).removeprefix("lab: ")) from None
        finally:
            interrupts.stop_workers_first(None)
            folder = folder_of_begun()
            end_of_sweep(0)
    if folder is None or not folder.is_dir():
        raise UserError("the sweep has no job")
    return folder


def _job_of_a_sweep(cfg: DictConfig) -> float | None:
    config, outcome = do_job(cfg)
    if outcome is None:
        return None
    if outcome.kind == "interrupted":
        raise KeyboardInterrupt(outcome.line)
    report(outcome)
    return objective_of(config)


@contextmanager
def _hydra(overrides: Sequence[str], config_dir: str | Path | None) -> "Iterator[Hydra]":
    """An application of Hydra's, beside any that the host has."""
    own = [str(Path(config_dir).absolute())] if config_dir is not None else []
    if own and not Path(own[0]).is_dir():
        raise UserError(f"config_dir={config_dir}: no such folder")
    state = GlobalHydra.instance()
    hosts, state.hydra = state.hydra, None
    try:
        with hydra.initialize_config_dir(CONF, job_name="lab", **VERSION_BASE):
            app = GlobalHydra.instance().hydra
            assert app is not None
            for folder in own:
                _search_first(app.config_loader, folder)
            yield app
    except UserError:
        raise
    except Exception as error:
        raise UserError(hydra_complaint(error, [CONF, *own], list(overrides))) from error
    finally:
        GlobalHydra.instance().hydra = hosts


def _search_first(loader: Any, folder: str) -> None:
    """Do what `--config-dir` does, so that the run's command and the sweep's name are the same."""
    path = loader.get_search_path()
    path.prepend("command-line", f"file://{folder}", SearchPathQuery(provider="schema"))
    loader.repository.initialize_sources(path)


@contextmanager
def _host_is_kept() -> Iterator[None]:
    """Put back what a run sets for the whole process; Ctrl-C stops it at a safe point."""
    import numpy as np
    import torch

    numbers: Any = random.getstate(), np.random.get_state()
    threads = torch.get_num_threads()
    path = sys.path.copy()  # the current folder is put there, for classes of the user's own
    try:
        with (
            warnings.catch_warnings(),
            torch.random.fork_rng(range(torch.cuda.device_count())),
            interrupts.noted_in_a_host(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(numbers[0])
        np.random.set_state(numbers[1])
        torch.set_num_threads(threads)
        sys.path[:] = path
