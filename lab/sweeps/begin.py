"""Check a sweep and announce it, before its first job."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from lab.config.command import as_written
from lab.config.complaints import hydra_complaint, refuse_added_keys
from lab.config.errors import UserError
from lab.engine import interrupts
from lab.engine.files import make_folders, short
from lab.engine.jobs import Outcome, report
from lab.patches import PLUGINS
from lab.sweeps import recap, search
from lab.sweeps.expand import configs_of, fixed_of, jobs_of, refuse_fractions
from lab.sweeps.job import planned
from lab.sweeps.launcher import suit_machine
from lab.sweeps.records import Sweep, identity_overrides, named, shared


class SweepCallback(Callback):
    """A callback that Hydra calls before a run and before a sweep."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Let Hydra open no log file for a dry run."""
        if config.dry_run:
            with open_dict(config):
                config.hydra.job_logging.root = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a wrong sweep, print where results go, and do the whole of a dry run.

        Hydra turns an Exception of a callback into a warning, so that this ends by SystemExit.
        """
        try:
            if config.dry_run:
                raise SystemExit(_dry_run(config))
            _begin(config)
        except UserError as error:
            raise SystemExit(f"lab: {error}") from error
        except Exception as error:
            GlobalHydra.instance().clear()  # the complaint composes anew
            overrides = as_written(config.hydra.overrides.task)
            line = hydra_complaint(error, _conf_dirs(config), overrides)
            raise SystemExit(f"lab: {line}") from error


def _begin(config: DictConfig) -> None:
    jobs = _checked_jobs(config)
    folder = Path(config.hydra.sweep.dir).absolute()
    sweep = Sweep(folder)
    try:
        new_folders = make_folders(folder)
        goes_on = config.fresh and not sweep.begin_fresh()
    except OSError as error:
        raise UserError(f"cannot make the sweep's folder {folder}: {error.strerror}") from error
    before, direction = sweep.stamps(), search.direction_of(config.hydra.sweeper)
    recap.active[:] = [recap.ActiveSweep(sweep, jobs, new_folders, before, direction)]
    suit_machine(config)
    if "optuna" in config.hydra.sweeper._target_:
        search.suit_plugin(config.hydra)
        search.be_quiet()
    if not _is_own(config):
        interrupts.stop_workers_first(
            lambda: sweep.is_any_busy(before),
            is_queued=config.hydra.launcher._target_.endswith(".SlurmLauncher"),
        )
    print(f"{_size(config, jobs)}: table and plots go to {short(folder)}", flush=True)
    if goes_on:
        print("fresh=true acts once: this goes on with the sweep that was started over and stopped")
    for line in sweep.foreign_files():
        print(line, flush=True)


def _size(config: DictConfig, jobs: list[list[str]] | None) -> str:
    """Return how many runs a sweep or trials a search has; some sweepers do not say."""
    if jobs is not None:
        return f"sweep of {len(jobs)} {'run' if len(jobs) == 1 else 'runs'}"
    trials = OmegaConf.select(config, "hydra.sweeper.n_trials")
    return "sweep" if trials is None else f"search of up to {trials} trials"


def _is_own(config: DictConfig) -> bool:
    """Whether the launcher itself stops its jobs at a signal: lab's own, and Hydra's basic one."""
    return str(config.hydra.launcher._target_).startswith((PLUGINS, "hydra._internal."))


def _checked_jobs(config: DictConfig) -> list[list[str]] | None:
    if config.hydra.job.chdir:
        raise UserError("hydra.job.chdir=true would move each job's results: leave it out")
    for kind in ("launcher", "sweeper"):
        _refuse_what_is_not_installed(config, kind)
    jobs = jobs_of(config)
    refuse_added_keys(_conf_dirs(config), as_written(config.hydra.overrides.task))
    is_search = search.direction_of(config.hydra.sweeper) is not None
    if is_search:
        search.refuse_wrong_settings(config.hydra.sweeper)
        refuse_fractions(config)
    samples = fixed_of(config) if jobs is None and is_search else jobs or []
    configs = list(configs_of(config.hydra.job.config_name, samples))
    wrong = [config for config in configs if isinstance(config, UserError)]
    if wrong and len(wrong) == len(configs):  # in any other sweep the wrong jobs fail alone
        raise wrong[0]
    return jobs


def _refuse_what_is_not_installed(config: DictConfig, kind: str) -> None:
    package = ".".join(config.hydra[kind]._target_.split(".")[:2])
    if package == PLUGINS:
        return
    with suppress(ImportError):
        if find_spec(package) is not None:
            return
    name = str(config.hydra.runtime.choices[f"hydra/{kind}"])
    extra = "search" if kind == "sweeper" else name.partition("_")[0]
    raise UserError(f"hydra/{kind}={name} is not installed: pip install 'lab[{extra}]'")


def _conf_dirs(config: DictConfig) -> list[str]:
    """Return the folders of YAML files: lab's own, then the user's."""
    sources = config.hydra.runtime.config_sources
    return [source.path for source in sources if source.schema == "file"]


def _dry_run(config: DictConfig) -> int:
    """Print what each job would do, and return the exit code."""
    jobs = _checked_jobs(config)
    if jobs is None:
        if search.direction_of(config.hydra.sweeper) is None:
            name = config.hydra.runtime.choices["hydra/sweeper"]
            raise UserError(
                f"dry_run=true: hydra/sweeper={name} names its jobs only as it runs them"
            )
        raise UserError("dry_run=true: a search chooses its trials by the results of earlier ones")
    code, in_all = 0, shared(jobs)
    sweep = Sweep(Path(config.hydra.sweep.dir))
    for job, composed in zip(jobs, configs_of(config.hydra.job.config_name, jobs), strict=True):
        interrupts.act()
        try:
            if isinstance(composed, UserError):
                raise composed
            print(planned(composed, job, sweep.fresh_for), flush=True)
        except UserError as error:
            line = named(identity_overrides(job), in_all, str(error))
            report(Outcome("failed", line, error.exit_code))
            code = error.exit_code
    return code
