"""Draw the same figures whatever the surroundings say of Matplotlib."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def own_style() -> Iterator[None]:
    """A context in which Matplotlib has its own defaults; afterwards it has the host's again.

    A matplotlibrc, a style or rcParams of the user would change or break every figure: usetex needs
    LaTeX, and savefig.dpi makes an image of another size.
    """
    _import_matplotlib()
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def _import_matplotlib() -> None:
    """Import Matplotlib for the first time, also if MPLBACKEND names no backend of its."""
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:  # as the import itself would have done
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend
