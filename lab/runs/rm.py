"""Remove runs with all of their files: `lab rm RUN [RUN ...]`."""

import argparse
import sys
from collections.abc import Sequence

from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.runs.arguments import add_runs, chosen_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def run(args: argparse.Namespace) -> None:
    runs = chosen_runs(args)
    for one in runs:
        if one.is_held:
            raise UserError(f"{one.path} is being run by another process: nothing is removed")
    if not args.yes:
        _ask(runs)
    for one in runs:
        one.remove()
        print(f"removed {one.path}", flush=True)


def _ask(runs: Sequence[RunFolder]) -> None:
    """Ask for the user's consent; raise a UserError without it."""
    if not sys.stdin.isatty():
        raise UserError("there is no terminal to ask on: --yes removes without asking")
    for one in runs:
        print(f"{one.path}  ({one.status or 'not begun'})")
    count = "this run" if len(runs) == 1 else f"these {len(runs)} runs"
    try:
        answer = input(f"remove {count} with all of their files? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("nothing is removed")
