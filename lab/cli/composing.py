"""Where the YAML files lie, and the config that they compose, for scripts and notebooks."""

from pathlib import Path

import hydra

from lab.cli.tools import table
from lab.config import RunConfig
from lab.config.hydra_versions import VERSION_BASE, register_resolver
from lab.config.reading import from_hydra
from lab.sweeps.records import register_resolvers
from lab.sweeps.search import use_own_config

PACKAGED = Path(__file__).parents[1] / "conf"  # in an installed wheel
CONF = str(PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[2] / "conf")

register_resolvers()
use_own_config()
# Read by the help text alone.
register_resolver("lab.tools", table, replace=True)


def compose_config(*overrides: str) -> RunConfig:
    """The typed config of these words.

    Raises:
        UserError: a value is wrong; Hydra's own exceptions where a key or an option is.
    """
    with hydra.initialize_config_dir(CONF, **VERSION_BASE):
        return from_hydra(hydra.compose("config", list(overrides)))
