"""Hydra's entry point: it composes a config, the dataclasses validate it, a job runs it."""

import os
import sys
import warnings
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

import lab
from lab.cli.composing import CONF
from lab.config import RunConfig
from lab.config.command import as_written, parse_flags
from lab.config.complaints import hydra_complaint, refuse_added_keys, refuse_repeated
from lab.config.errors import UserError, say
from lab.config.reading import from_hydra
from lab.config.trust import see_current_folder
from lab.engine import interrupts
from lab.engine.files import short
from lab.engine.jobs import CANNOT_WRITE, report
from lab.engine.terminal import make_stdio_safe
from lab.sweeps.job import Job
from lab.sweeps.recap import active_folder, end_of_sweep
from lab.sweeps.search import is_only_its_end

CONTINUES = "the same command continues"


def main() -> None:
    """Run a command line that names no tool. Only this sets anything for the whole process."""
    interrupts.note_signals()
    make_stdio_safe()
    warnings.simplefilter("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for the launchers' workers
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # exceptions reach us, and become one line
    code = _compose_and_run()
    interrupts.stop_workers_first(None)
    code = end_of_sweep(code)
    number = interrupts.came()
    if number is not None:
        if not code:
            say("stopped when everything was done")
        code = 128 + number
    sys.stdout.flush()
    interrupts.stop_at_once()
    sys.exit(code)


def _compose_and_run() -> str | int | None:
    """Run the command line, print what stopped it, and return the exit code."""
    try:
        interrupts.act()
        arguments = parse_flags(sys.argv[1:])
        if arguments.version:
            print(f"lab {lab.__version__}")
            return 0
        refuse_repeated(arguments.overrides)
        see_current_folder()
        compose_and_run()
        interrupts.act()
    except SystemExit as stop:
        return stop.code
    except KeyboardInterrupt as stop:
        line = str(stop) or "stopped"
        say(line if CONTINUES in line else f"{line}; {CONTINUES}")
        return getattr(stop, "exit_code", 130)
    except Exception as error:
        if interrupts.came():  # a launcher whose workers were stopped fails
            say(f"stopped; {CONTINUES}")
            return 1
        if is_only_its_end(error):
            return 0
        say(str(error) if isinstance(error, UserError) else _complaint(error))
        return 1
    return 0


@hydra.main(config_path=CONF, config_name="config", version_base="1.3")
def compose_and_run(cfg: DictConfig) -> float | None:
    """One job, alone or of a sweep, here or in a launcher's worker process.

    Returns the objective for a sweeper; None for a failed run.
    """
    interrupts.note_signals()
    make_stdio_safe()
    interrupts.act()
    job = composed_job(cfg)
    outcome = job.do()
    if outcome is None:
        return None
    if not job.is_left_to_recap(outcome):
        report(outcome)
    if job.number is None or outcome.kind == "interrupted":
        sys.exit(outcome.exit_code)
    return outcome.objective


def composed_job(cfg: DictConfig) -> Job:
    """The job that Hydra has composed, with its typed config or an error."""
    hydra_cfg = HydraConfig.get()
    config: RunConfig | UserError
    try:
        sources = [source.path for source in hydra_cfg.runtime.config_sources]
        refuse_added_keys(sources, as_written(hydra_cfg.overrides.task))
        config = from_hydra(cfg)
    except UserError as error:
        config = error
    return Job.of(config, hydra_cfg)


def _complaint(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in CANNOT_WRITE:
        where = error.filename or short(active_folder() or Path())
        return f"cannot write to {where}: {error.strerror}"
    arguments = parse_flags(sys.argv[1:])
    own = [os.path.abspath(arguments.config_dir)] if arguments.config_dir else []
    return hydra_complaint(error, [CONF, *own], arguments.overrides)
