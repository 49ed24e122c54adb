"""Compose configs from overrides, without running anything."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from lab.cli.tools import table
from lab.config import RunConfig
from lab.config.command import CONF, parse_flags
from lab.config.complaints import hydra_complaint
from lab.config.errors import UserError
from lab.config.reading import from_hydra
from lab.patches import add_config_dir, prefer_own_yaml, share_config_store
from lab.sweeps import launcher
from lab.sweeps.expand import configs_of, jobs_of
from lab.sweeps.records import register_resolvers

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra

register_resolvers()
launcher.register()
prefer_own_yaml()
share_config_store()
# Read by the help text alone.
OmegaConf.register_new_resolver("lab.tools", table, replace=True)


def compose_config(*overrides: str, config_dir: str | Path | None = None) -> RunConfig:
    """The typed config of these overrides.

    Args:
        config_dir: where YAML files of the user's own lie, as `--config-dir`.
    """
    with application(overrides, config_dir):
        return from_hydra(hydra.compose("config", list(overrides)))


def compose_jobs(command: str) -> Iterator[RunConfig]:
    """The config of each job of `python -m lab COMMAND`, composed when it is asked for.

    Args:
        command: what follows `python -m lab`; it may be a sweep without `-m`.
    """
    given = parse_flags(shlex.split(command))
    with application(given.overrides, given.config_dir) as app:
        sweep = app.compose_config("config", given.overrides, RunMode.MULTIRUN, from_shell=False)
        jobs = jobs_of(sweep)
        if jobs is None:
            raise UserError("a search chooses its jobs as it goes")
        yield from map(_valid, configs_of("config", jobs, sweep))


def _valid(config: RunConfig | UserError) -> RunConfig:
    if isinstance(config, UserError):
        raise config
    return config


@contextmanager
def application(
    overrides: Sequence[str], config_dir: str | Path | None = None
) -> "Iterator[Hydra]":
    """An application of Hydra's, beside any that the host has.

    Args:
        overrides: that it will compose, for the complaint where they are wrong.
        config_dir: where YAML files of the user's own lie, as `--config-dir`.
    """
    own = [str(Path(config_dir).absolute())] if config_dir is not None else []
    if own and not Path(own[0]).is_dir():
        raise UserError(f"config_dir={config_dir}: no such folder")
    state = GlobalHydra.instance()
    hosts, state.hydra = state.hydra, None
    try:
        with hydra.initialize_config_dir(CONF, job_name="lab", version_base="1.3"):
            app = GlobalHydra.instance().hydra
            assert app is not None
            for folder in own:
                add_config_dir(app.config_loader, folder)
            yield app
    except UserError:
        raise
    except Exception as error:
        raise UserError(hydra_complaint(error, [CONF, *own], list(overrides), True)) from error
    finally:
        GlobalHydra.instance().hydra = hosts
