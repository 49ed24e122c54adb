"""`lab report`: test the claims, or show a student's runs, as a notebook and a page."""

import argparse
from pathlib import Path

from lab.cli import CONF
from lab.config.errors import UserError
from lab.engine.files import write_text
from lab.report.bench import BENCH
from lab.report.claims import load_claims
from lab.report.evidence import Evidence
from lab.report.links import without_links
from lab.report.make import make
from lab.report.selection import plan
from lab.runs.arguments import add_out_dir

SAVED = Path(__file__).parents[2] / "docs" / "evidence"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lab report`."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR",
                        help="the same as --out-dir DIR")  # fmt: skip
    parser.add_argument("--assignment", action="store_true",
                        help="the assignment's tasks in order, with your own runs")  # fmt: skip
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR",
                        help="a folder with claims of your own in claim/*.yaml")  # fmt: skip
    parser.add_argument("--docs", metavar="DIR", help="also copy the page to DIR")
    parser.add_argument("--save-evidence", metavar="DIR",
                        help="add your finished runs to the evidence DIR/*.csv")  # fmt: skip
    add_out_dir(parser)


def run(args: argparse.Namespace) -> None:
    """Write the files and print their paths.

    Raises:
        UserError: the folder does not exist, a claim is broken, or the libraries are missing.
    """
    out_dir = args.folder or args.out_dir
    if not out_dir.is_dir():
        raise UserError(f"{out_dir}: no such folder; expected the folder of the runs")
    _check_folders(args)
    if args.save_evidence:
        paths = save_evidence(out_dir, Path(args.save_evidence))
    elif args.assignment:
        paths = make("assignment", "Memory and generation: the assignment", out_dir / "report",
                     out_dir=str(out_dir))  # fmt: skip
    else:
        paths = make_report(out_dir, args.config_dir)
    for path in paths:
        print(path)
    if args.docs:
        for path in paths:
            if path.suffix == ".html":
                copy = Path(args.docs) / path.name
                write_text(copy, without_links(path.read_text(encoding="utf-8")))
                print(copy)


def _check_folders(args: argparse.Namespace) -> None:
    """Refuse a wrong folder now, not after the minutes that the notebook takes.

    Raises:
        UserError: a folder does not exist, or it has no claims.
    """
    for folder in args.config_dir:
        if not Path(folder).is_dir():
            raise UserError(f"--config-dir {folder}: no such folder")
        if not any(Path(folder, "claim").glob("*.yaml")):
            raise UserError(f"--config-dir {folder}: it has no claims; they are its claim/*.yaml")
    if args.docs and not Path(args.docs).is_dir():
        raise UserError(f"--docs {args.docs}: no such folder")


def make_report(out_dir: Path, config_dirs: list[str] | None = None) -> list[Path]:
    """Write the notebook and the page of the claims; return their paths."""
    load_claims([CONF, *(config_dirs or [])])  # complain before the notebook runs
    return make("claims", "Claims about memory and GANs, and what holds", out_dir / "report",
                out_dir=str(out_dir), saved=str(SAVED) if SAVED.is_dir() else None,
                config_dirs=config_dirs or [])  # fmt: skip


def save_evidence(out_dir: Path, folder: Path) -> list[Path]:
    """Write the rows of the finished runs of the claims and of the bench; return the paths."""
    evidence = Evidence(out_dir, folder)
    steps = [*plan(load_claims([CONF]), quick=False).values(), BENCH]
    chosen = {name for step in steps for name in step.found(evidence).get("run", ())}
    return evidence.save(sorted(chosen), folder)
