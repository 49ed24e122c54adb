"""`python -m lab task=lstm seq_len=20` and `lab task=lstm seq_len=20` (see README)."""

import sys

from lab.engine.interrupts import note_signals
from lab.engine.terminal import forgive

if __name__ in ("__main__", "__mp_main__"):  # the second is a launcher's worker process
    note_signals()

NEEDED = {"hydra", "omegaconf", "pydantic", "torch"}


def main() -> None:
    """Run the command line; signals are noted before the seconds of imports begin."""
    note_signals()
    forgive()
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
