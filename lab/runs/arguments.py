"""Arguments that several tools have. Imports no torch, so that a tool's help comes at once."""

import argparse
from collections.abc import Callable
from pathlib import Path

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.runs.finding import find_run

RUN_HELP = "a run: its folder, its name, the start of its hash, or last"


def add_run(parser: argparse.ArgumentParser) -> None:
    """Give a tool the argument RUN and the option `--out-dir`."""
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    add_out_dir(parser)


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Give a tool one or more arguments RUN and the option `--out-dir`."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help=RUN_HELP)
    add_out_dir(parser)


def add_out_dir(parser: argparse.ArgumentParser) -> None:
    """Give a tool the option `--out-dir`."""
    parser.add_argument(
        "--out-dir", metavar="DIR", type=Path, default=Path("outputs"),
        help="the folder to look for runs in, at any depth (default: outputs)",
    )  # fmt: skip


def add_number(
    parser: argparse.ArgumentParser, flag: str, default: int, least: int, text: str
) -> None:
    """Give a tool an option that takes a whole number of at least `least`."""
    parser.add_argument(
        flag, metavar="N", type=_whole_number(least), default=default,
        help=f"{text} (default: {default})",
    )  # fmt: skip


def chosen_run(args: argparse.Namespace, kind: type[RunConfig] = RunConfig) -> RunFolder:
    """The run that a command line names; `last` is the newest of this kind."""
    return find_run(args.run, args.out_dir, kind)


def chosen_runs(args: argparse.Namespace, kind: type[RunConfig] = RunConfig) -> list[RunFolder]:
    """The runs that a command line names; `last` is the newest of this kind."""
    runs = [find_run(word, args.out_dir, kind) for word in args.runs]
    places = [run.path.resolve() for run in runs]
    for run, place in zip(runs, places, strict=True):
        if places.count(place) > 1:
            raise UserError(f"{run.path}: the same run is given twice")
    return runs


def _whole_number(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        # int() alone accepts "1_000", spaces and digits of other scripts.
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}")
        return int(text)

    return read
