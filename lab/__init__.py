"""A laboratory for two classic studies: memory (`task=lstm`) and generation (`task=gan`).

    import lab

    run = lab.run("task=lstm", "seq_len=20")        # as `lab task=lstm seq_len=20`
    run.result["test_accuracy"], run.metrics, run.figures, run.network
    lab.sweep("cell=rnn,lstm", "seq_len=5,10,20")   # as `lab -m …`
    lab.runs("outputs")                             # a DataFrame
    lab.load("last")                                # a run by its name, hash or folder

Importing this imports neither torch nor Hydra.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.cli.api import Run, Sweep, UserError, load, run, runs, sweep

__version__ = "0.1.0"
__all__ = ["Run", "Sweep", "UserError", "load", "run", "runs", "sweep"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lab.cli import api

    return getattr(api, name)
