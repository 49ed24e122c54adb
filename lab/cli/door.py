"""Which way a command line goes: to a tool, or to Hydra."""

import re
import signal
import sys

from lab.engine import interrupts

# Neither key=value, nor one of Hydra's flags, nor its +key, ~key and @package.
BARE_WORD = re.compile(r"[^-+~@=][^=]*")


def main() -> None:
    """`lab …` and `python -m lab …`."""
    arguments = sys.argv[1:]
    if arguments and BARE_WORD.fullmatch(arguments[0]):
        from lab.cli.tools import run_tool

        _end_on_signals()
        sys.exit(run_tool(arguments[0], arguments[1:]))
    from lab.cli import hydra_entry

    hydra_entry.main()


def _end_on_signals() -> None:
    """A tool has nothing to save: Ctrl-C and SIGTERM end it where it is."""
    interrupts.stop_at_once()
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    came = interrupts.came()
    if came is not None:
        sys.exit(128 + came)
