"""A laboratory for two classic studies: memory (`task=lstm`) and generation (`task=gan`).

    import lab

    run = lab.run("task=lstm", "seq_len=20")        # as `lab task=lstm seq_len=20`
    run.result["test_accuracy"], run.metrics, run.figures, run.network
    lab.sweep("cell=rnn,lstm", "seq_len=5,10,20")   # as `lab -m …`
    lab.runs("outputs")                             # a DataFrame
    lab.load("last")                                # a run by its name, hash or folder

Importing this imports neither torch nor Hydra.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

# The room is imported before the function is defined. Else its import would replace the function.
import lab.runs as _room  # noqa: F401

if TYPE_CHECKING:
    import pandas

    from lab.cli.api import Run, Sweep, UserError, load, run, sweep

__version__ = "0.1.0"
__all__ = ["Run", "Sweep", "UserError", "load", "run", "runs", "sweep"]


def runs(out_dir: str | Path = "outputs", *filters: str) -> "pandas.DataFrame":
    """All runs below a folder, a row each; see `lab.cli.api.runs`."""
    from lab.cli import api

    return api.runs(out_dir, *filters)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lab.cli import api

    return getattr(api, name)
