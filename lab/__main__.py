"""`python -m lab task=lstm seq_len=20` and `lab task=lstm seq_len=20` (see README)."""

import atexit
import gc
import os
import sys

if os.path.isdir(sys.path[0] or ".") and os.path.samefile(sys.path[0] or ".", "."):
    # `python -m` puts the current folder first, where a secrets.py of the user's own would be
    # imported in place of Python's. At the end it still serves for classes of the user's own.
    sys.path.append(sys.path.pop(0))

from lab.engine.interrupts import note_signals
from lab.engine.terminal import make_stdio_safe
from lab.patches import end_at_once

# With Python's default of 700 the imports alone take a second more: the garbage collector reads
# everything that is imported several times.
OBJECTS_BETWEEN_COLLECTIONS = 50_000

if __name__ in ("__main__", "__mp_main__"):  # the second is a launcher's worker process
    note_signals()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)

NEEDED = {"hydra", "omegaconf", "pydantic", "torch"}


def main() -> None:
    """Run the command line; signals are noted before the seconds of imports begin."""
    note_signals()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    make_stdio_safe()
    exit_codes: list[int] = []
    # Registered first, so that it is called after all others.
    atexit.register(end_at_once, exit_codes)
    try:
        _run()
    except SystemExit as stop:
        is_text = stop.code is not None and not isinstance(stop.code, int)
        exit_codes.append(1 if is_text else int(stop.code or 0))
        raise


def _run() -> None:
    try:
        from lab.cli import main as run

        run()
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        sys.exit(
            f"lab: {error.name} is not installed for {sys.executable}: "
            "use scripts/run once, then source .venv/bin/activate"
        )


if __name__ == "__main__":
    main()
