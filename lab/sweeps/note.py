"""What people note on a run: `lab note RUN [TEXT]`. The notes are a run's notes.txt."""

import argparse

from lab.config.errors import UserError
from lab.engine.arguments import add_run, chosen_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("text", metavar="TEXT", nargs="?", help="the line to add (default: show)")


def run(args: argparse.Namespace) -> None:
    folder = chosen_run(args)
    if args.text is not None:
        if not args.text.strip():
            raise UserError("an empty note is none")
        folder.add_note(" ".join(args.text.split()))
    print(folder.path)
    for line in folder.notes():
        print(f"  {line}")
