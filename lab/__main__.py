"""`python -m lab task=lstm seq_len=20` and `lab task=lstm seq_len=20` (see README)."""

from lab.engine.interrupts import note_signals
from lab.engine.terminal import forgive

if __name__ in ("__main__", "__mp_main__"):  # the second is a launcher's worker process
    note_signals()


def main() -> None:
    """Run the command line; signals are noted before the seconds of imports begin."""
    note_signals()
    forgive()
    from lab.cli import main as run

    run()


if __name__ == "__main__":
    main()
