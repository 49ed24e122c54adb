"""The words of a command line that make one very job, read from what Hydra knows of it."""

import os
from collections.abc import Sequence
from typing import Any

from lab.config.conf import CONF
from lab.config.hydra_versions import IS_13

# The recorded command shows or continues a run, and never deletes it.
NOT_AGAIN = ("fresh=", "dry_run=")


def command_of(hydra_cfg: Any, overrides: Sequence[str]) -> list[str]:
    """What follows `python -m lab` to make this very job, also where it is one of a sweep.

    Args:
        hydra_cfg: the node `hydra` of the job's config, or of its sweep's.
        overrides: of the job.
    """
    overrides = [o for o in overrides if not o.lstrip("+").startswith(NOT_AGAIN)]
    # A preset may make a sweep of every command. Of Hydra 1.3 it can be told whether it does, as it
    # sets the mode itself only for a preset that does not.
    is_sweep = hydra_cfg.mode is not None and hydra_cfg.mode.name == "MULTIRUN"
    is_hydras = "hydra.mode=MULTIRUN" in hydra_cfg.overrides.hydra
    has_preset = any(word.lstrip("+").startswith("experiment") for word in overrides)
    if is_sweep and (has_preset if not IS_13 else not is_hydras):
        overrides.append("hydra.mode=RUN")
    return [*composing_flags(hydra_cfg.job, hydra_cfg.runtime, hydra_cfg.overrides), *overrides]


def composing_flags(job: Any, runtime: Any, overrides: Any) -> list[str]:
    """Where the YAML files lie, if not all are ours: what decides beside the keys on the jobs.

    Args:
        job, runtime, overrides: nodes of Hydra's config.
    """
    flags = []
    for source in runtime.config_sources:
        if source.provider == "command-line":
            flags += ["--config-dir", os.path.abspath(source.path)]
        elif source.provider == "main" and source.path != CONF:
            flags += ["--config-path", os.path.abspath(source.path)]
    if job.config_name != "config":
        flags += ["--config-name", job.config_name]
    return [*flags, *(o for o in overrides.hydra if o.lstrip("+").startswith("hydra.searchpath"))]
