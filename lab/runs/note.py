"""Add a line to a run's notes.txt, or show it: `lab note RUN [TEXT]`."""

import argparse

from lab.config.errors import UserError
from lab.runs.arguments import add_run, chosen_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("text", metavar="TEXT", nargs="?", help="the line to add (default: show)")


def run(args: argparse.Namespace) -> None:
    folder = chosen_run(args)
    if args.text is not None:
        if not args.text.strip():
            raise UserError("the note is empty")
        try:
            folder.add_note(" ".join(args.text.split()))
        except UnicodeEncodeError:
            raise UserError("the note is not in the encoding of this terminal") from None
        except OSError as error:
            raise UserError(
                f"cannot write to {folder.path}: {error.strerror}; the notes are as they were"
            ) from error
    print(folder.path)
    for line in folder.notes():
        print(f"  {line}")
