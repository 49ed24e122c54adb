"""Start the tool that a command line names, or else Hydra."""

import os
import re
import signal
import sys
from contextlib import suppress

from lab.engine import interrupts

# Neither key=value, nor one of Hydra's flags, nor its +key, ~key and @package.
BARE_WORD = re.compile(r"[^-+~@=][^=]*")
AFTER_A_TOOL = re.compile(r"\S+\s+[^-+~@=\s][^=\s]*\s")


def main() -> None:
    """`lab …` and `python -m lab …`."""
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "-sc" and arguments[1].startswith("query="):
        sys.exit(_complete(os.environ.get("COMP_LINE", "")))
    if arguments and BARE_WORD.fullmatch(arguments[0]):
        from lab.cli.tools import run_tool

        _end_on_signals()
        sys.exit(run_tool(arguments[0], arguments[1:]))
    from lab.cli import hydra_entry

    hydra_entry.main()


def _complete(line: str) -> int:
    """Print what may come next, for the function that `lab -sc install=bash` defines.

    A line that cannot be completed gets no word: a message would be written into it.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with suppress(Exception):
        from lab.cli.tools import completions

        print(" ".join(completions(line)), flush=True)
    if not AFTER_A_TOOL.match(line):
        from lab.cli import hydra_entry

        hydra_entry.main()
    return 0


def _end_on_signals() -> None:
    """A tool has nothing to save: Ctrl-C and SIGTERM end it where it is."""
    interrupts.stop_at_once()
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    came = interrupts.came()
    if came is not None:
        sys.exit(128 + came)
