"""The command line: `lab NAME …` starts a tool, and Hydra reads every other command.

Imports neither Hydra nor torch, so that a tool's help is shown at once.
"""

from typing import TYPE_CHECKING, Any

from lab.cli.door import main

if TYPE_CHECKING:
    from lab.cli.composing import CONF, compose_config, compose_jobs

__all__ = ["CONF", "compose_config", "compose_jobs", "main"]


def __getattr__(name: str) -> Any:
    if name not in ("CONF", "compose_config", "compose_jobs"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lab.cli import composing

    return getattr(composing, name)
