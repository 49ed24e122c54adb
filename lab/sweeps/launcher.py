"""Hydra's plugins that run the jobs of a sweep on this machine's cores."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus, filter_overrides, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict
from tqdm import tqdm

from lab.config.command import as_written
from lab.config.errors import UserError, say
from lab.engine import interrupts
from lab.engine.jobs import report
from lab.engine.terminal import bar_file
from lab.patches import PLUGINS, register_plugins
from lab.sweeps import recap, search
from lab.sweeps.expand import configs_of
from lab.sweeps.job import Job
from lab.sweeps.workers import Done, Pool, can_start, import_early, workers

BAR = "{n_fmt} of {total_fmt} runs, {desc}|{bar:16}| {remaining} left{postfix}"
PREFIX = "lab: "  # of a line that tells something which stops nothing


class Combinations(Sweeper):
    """Launch every combination of the values, which `begin` has composed and checked.

    Args:
        params: of a preset: values by key. `jobs_of` reads them.
        max_batch_size: of Hydra's own sweeper; has no meaning here.
    """

    def __init__(self, params: Any = None, max_batch_size: int | None = None) -> None:
        pass

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives each sweeper."""
        self.jobs = recap.active[0].jobs
        self.jobs_launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        """Launch all jobs at once."""
        assert self.jobs is not None
        return self.jobs_launcher.launch(self.jobs, 0)


class Workers(Launcher):
    """Do the jobs in as many processes as this machine has room for.

    One job, or one worker, needs no other process.

    Args:
        n_jobs: the number of workers.
    """

    def __init__(self, n_jobs: int) -> None:
        self.count = n_jobs

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives each launcher."""
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Do the jobs; an objective of each is its return value."""
        setup_globals()
        count = min(self.count, len(job_overrides)) if can_start() else 1
        jobs = self._jobs(job_overrides, initial_job_idx)
        ended = _side_by_side(jobs, count) if count > 1 else map(_done_here, jobs)
        values = {}
        with Screen(len(job_overrides), count) as screen:
            for done in ended:
                screen.show(done)
                if done.outcome is not None:
                    recap.active[0].records.append(done.job.record(done.outcome))
                values[done.job.number] = done.outcome.objective if done.outcome else None
        if screen.killed:
            raise UserError(f"{screen.killed} of the sweep's processes were killed")
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        return [_returned(values.get(number)) for number in numbers]

    def _jobs(self, job_overrides: Sequence[Sequence[str]], first: int) -> Iterator[Job]:
        hydra_cfg = self.config.hydra
        jobs = [list(overrides) for overrides in job_overrides]
        configs = configs_of(hydra_cfg.job.config_name, jobs)
        for number, (overrides, config) in enumerate(zip(jobs, configs, strict=True), first):
            yield Job.of_sweep(config, hydra_cfg, overrides, number)


class Screen:
    """Shows a sweep's progress: a bar on a terminal, elsewhere a line for each run that ends.

    A run that failed or warned has a line of its own in both. Runs in this process have a bar of
    their own.

    Args:
        total: the number of jobs.
        count: the number of workers.
    """

    def __init__(self, total: int, count: int) -> None:
        self.total, self.count, self.ended, self.killed = total, count, 0, 0
        self.bar: tqdm[Any] | None = None
        if count > 1 and (file := bar_file()) is not None:
            self.bar = tqdm(total=total, bar_format=BAR, leave=False, file=file)
            self._count()

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, done: Done) -> None:
        """Show what became of a job."""
        self.ended += 1
        if self.bar is not None:
            self.bar.clear()
        for line in done.lines:
            if line.startswith(PREFIX):
                say(f"{_name(done.job)}: {line.removeprefix(PREFIX)}")
        if done.killed_by:
            self.killed += 1
            say(f"{_name(done.job)}: its process was killed by signal {done.killed_by}")
        outcome = done.outcome
        if outcome is not None and not done.job.is_left_to_recap(outcome):
            if self.bar is None or outcome.exit_code:
                report(outcome)
            else:
                result = outcome.line.partition(" → ")[0].partition("; ")[0]
                self.bar.set_postfix_str(f"{_name(done.job)}: {result}", refresh=False)
        if self.bar is not None:
            self.bar.update()
            self._count()

    def _count(self) -> None:
        assert self.bar is not None
        self.bar.set_description(f"{min(self.count, self.total - self.ended)} running")


def _side_by_side(jobs: Iterable[Job], count: int) -> Iterator[Done]:
    """Do jobs in `count` processes; what needs no training is answered here."""
    left: list[Job] = []
    for job in jobs:
        if job.needs_no_training:
            yield _done_here(job)
        else:
            if not left:
                import_early()
            left.append(job)
    yield from Pool(min(count, len(left))).do(left)


def _done_here(job: Job) -> Done:
    """Do a job in this process; a stop ends the sweep."""
    outcome = job.do()
    if outcome is not None and outcome.kind == "interrupted":
        raise interrupts.Interrupted(outcome.exit_code - 128, outcome.line)
    return Done(job, outcome)


def _name(job: Job) -> str:
    if isinstance(job.config, UserError):
        return " ".join(filter_overrides(job.overrides))
    return job.config.readable_name


def _returned(value: float | None) -> JobReturn:
    done = JobReturn(status=JobStatus.COMPLETED)
    done.return_value = value
    return done


def suit_machine(config: DictConfig) -> None:
    """Put lab's launcher and sweeper in the place of Hydra's basic ones.

    A preset could not choose another launcher if conf/config.yaml did so. `hydra/launcher=basic`
    on the command line asks for Hydra's own.

    Args:
        config: of the sweep, with its `hydra` keys.
    """
    with open_dict(config):
        if "basic_launcher" in config.hydra.launcher._target_ and not any(
            word.startswith("hydra/launcher=") for word in as_written(config.hydra.overrides.hydra)
        ):
            count = workers(config.threads, config.device)
            config.hydra.launcher = {"_target_": f"{PLUGINS}.Workers", "n_jobs": count}
        if search.knows_its_jobs(config.hydra.sweeper):
            config.hydra.sweeper._target_ = f"{PLUGINS}.Combinations"


def register() -> None:
    """Make the launcher, the sweeper and `${lab.workers:…}` known to Hydra."""
    OmegaConf.register_new_resolver("lab.workers", workers, replace=True)
    register_plugins(Workers, Combinations)
