"""Draw the same figures whatever the surroundings say of Matplotlib, and write them fast."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def save_png(figure: "Figure", file: BinaryIO) -> None:
    """Draw a figure into a PNG file, with fast compression.

    A dollar sign is drawn as it is, because names of a user's classes are not mathematics.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    figure.savefig(file, format="png", pil_kwargs={"compress_level": 1})


def png_bytes(figure: "Figure") -> bytes:
    """Return the bytes that `save_png` writes."""
    file = io.BytesIO()
    save_png(figure, file)
    return file.getvalue()
