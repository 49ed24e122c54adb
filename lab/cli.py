"""The command line: Hydra composes, the dataclasses validate, a job is handed over."""

import os
import shutil
import sys
import warnings
from pathlib import Path

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # exceptions reach us, and become one line

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from lab.complaints import hydra_complaint, refuse_added_keys
from lab.config import RunConfig, from_hydra
from lab.errors import UserError
from lab.interrupts import stop_on_sigterm
from lab.jobs import Outcome, perform, plan
from lab.sweeps import Announce, Sweep, register_resolver

PACKAGED = Path(__file__).parent / "conf"  # in an installed wheel
CONF = str(PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[1] / "conf")

register_resolver()


def main() -> None:
    """`python -m lab …` and `lab …`."""
    warnings.simplefilter("ignore")
    stop_on_sigterm()
    try:
        compose_and_run()
    except SystemExit as stop:
        sys.exit(_end_of_sweep(stop.code))
    except KeyboardInterrupt as stop:
        print("lab: stopped; the same command goes on", file=sys.stderr)
        sys.exit(_end_of_sweep(getattr(stop, "exit_code", 130)))
    except Exception as error:
        overrides = [word for word in sys.argv[1:] if not word.startswith("-")]
        line = (
            str(error) if isinstance(error, UserError) else hydra_complaint(error, CONF, overrides)
        )
        _end_of_sweep(1)
        sys.exit(f"lab: {line}")
    sys.exit(_end_of_sweep(0))


@hydra.main(config_path=CONF, config_name="config", version_base="1.3")
def compose_and_run(cfg: DictConfig) -> None:
    """One job, alone or of a sweep."""
    hydra_cfg = HydraConfig.get()
    overrides = list(hydra_cfg.overrides.task)
    sweep = None if OmegaConf.is_missing(hydra_cfg.job, "num") else Sweep(Path(hydra_cfg.sweep.dir))
    config: RunConfig | None = None
    try:
        refuse_added_keys(CONF, overrides)
        config = from_hydra(cfg)
        if config.dry_run:
            print(f"{plan(config):10} {config.run_dir}  {' '.join(overrides)}", flush=True)
            return
        if sweep and plan(config) != "skip":
            sweep.record(hydra_cfg.job.num, overrides, config, Outcome("running", ""))
        outcome = perform(config, overrides)
    except UserError as error:
        outcome = Outcome("failed", str(error), error.exit_code)
    report(outcome)
    if sweep is None:
        sys.exit(outcome.exit_code)
    from lab.summary import rebuild_now_and_then

    sweep.record(hydra_cfg.job.num, overrides, config, outcome)
    rebuild_now_and_then(sweep.folder)
    if outcome.kind == "interrupted":
        sys.exit(outcome.exit_code)


def compose_config(*overrides: str) -> RunConfig:
    """The typed config of these words, for scripts and notebooks.

    Raises:
        UserError: a value is wrong; Hydra's own exceptions where a key or an option is.
    """
    with hydra.initialize_config_dir(CONF, version_base="1.3"):
        return from_hydra(hydra.compose("config", list(overrides)))


def report(outcome: Outcome) -> None:
    """The line that ends a job."""
    good = outcome.exit_code == 0
    print(outcome.line if good else f"lab: {outcome.line}", file=None if good else sys.stderr)
    sys.stdout.flush()


def _end_of_sweep(code: str | int | None) -> str | int | None:
    """Draw the summary a last time and tell what became of the jobs; gives the exit code."""
    if Announce.folder is None or not Announce.folder.is_dir():
        return code
    from lab.summary import rebuild

    sweep = Sweep(Announce.folder)
    if not sweep.records():
        sweep.discard()
        return code
    lines, worst = sweep.recap(Announce.begin)
    if Announce.is_dry:
        shutil.rmtree(sweep.folder)
        return code or worst
    rebuild(sweep.folder)
    print("\n".join(lines), flush=True)
    return code or worst
