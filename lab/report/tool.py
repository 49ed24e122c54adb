"""`lab report`: test the claims on the runs, and write a page."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.config.errors import UserError
from lab.engine.files import write_text
from lab.engine.interrupts import act, note_signals, stop_at_once
from lab.runs.arguments import add_out_dir

if TYPE_CHECKING:
    from lab.report.page import Tell

EXTRA = ("jinja2", "pandas", "scipy")
SHOWN = (
    "-m +experiment=all_remember",
    "-m task=gan seed=0,1,2",
    "+experiment=stacked_mnist",
    "-m task=one_layer_gan 'seed=range(5)'",
    "-m +experiment=bench_state",
    "-m +experiment=bench_recall",
)
"""Commands behind README's results and docs/bench.md; the evidence keeps their runs beside those of
the claims."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lab report`."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR",
                        help="the same as --out-dir DIR")  # fmt: skip
    parser.add_argument("--bench", action="store_true",
                        help="print the bench of memory as a table, and write no page")  # fmt: skip
    parser.add_argument("--docs", metavar="DIR", help="also write the page to DIR/report.html")
    parser.add_argument("--save-evidence", metavar="DIR",
                        help="add your finished runs to the evidence DIR/*.csv")  # fmt: skip
    add_out_dir(parser)


def run(args: argparse.Namespace) -> None:
    """Write the files and print their paths."""
    out_dir = args.folder or args.out_dir
    if not out_dir.is_dir():
        raise UserError(f"{out_dir}: no such folder; expected the folder of the runs")
    _check_folders(args)
    with _stopped_between_claims(), progress() as tell:
        _check_libraries()
        if args.bench:
            print_bench(out_dir, tell)
        elif args.save_evidence:
            paths = save_evidence(out_dir, Path(args.save_evidence), tell)
        else:
            paths = make_report(out_dir, args.config_dir, args.docs, tell)
    if not args.bench:
        print(*paths, sep="\n")


def make_report(
    out_dir: Path, config_dirs: list[str], docs: str | None = None, tell: "Tell" = lambda line: None
) -> list[Path]:
    """Write the page into `<out_dir>/report`, and a copy to `docs`; return the paths."""
    from lab.report.evidence import SAVED
    from lab.report.page import Report

    saved = SAVED if SAVED.is_dir() else None
    report = Report(out_dir, saved, config_dirs, tell)
    page = report.html()
    paths = [out_dir / "report" / "claims.html"]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    write_text(paths[0], page)
    if docs is not None:
        paths.append(Path(docs) / "report.html")
        # The links to pages beside the runs would not work from another folder.
        write_text(paths[1], report.html(links=False))
    return paths


def print_bench(out_dir: Path, tell: "Tell") -> None:
    """Print the bench of memory: a line for each sequence and cell."""
    from lab.config.wording import aligned
    from lab.report.bench import COMMAND, Bench
    from lab.report.evidence import SAVED, Evidence

    tell("reading the runs")
    bench = Bench(Evidence(out_dir, SAVED if SAVED.is_dir() else None))
    if bench.rows.empty:
        raise UserError(f"no run has the settings of the bench; the command is {COMMAND}")
    print(*aligned([bench.head, *bench.lines], left=(0, 1)), sep="\n")


def save_evidence(out_dir: Path, folder: Path, tell: "Tell") -> list[Path]:
    """Write the rows and pictures of the runs of claims and bench; return the paths."""
    from lab.cli import CONF, compose_jobs
    from lab.report.bench import BENCH
    from lab.report.claims import load_claims
    from lab.report.evidence import Evidence
    from lab.report.figures import save_pictures
    from lab.report.plan import plan

    tell("reading the runs")
    evidence, claims = Evidence(out_dir, folder), load_claims([CONF])
    steps = plan(claims, quick=False).values()
    chosen = {name for step in steps for name in step.found(evidence).get("run", ())}
    chosen |= set(BENCH.found(evidence, any_seed=True).get("run", ()))
    for command in SHOWN:
        chosen |= {name for config in compose_jobs(command) if (name := evidence.name_of(config))}
    return [*evidence.save(sorted(chosen), folder), *save_pictures(claims, evidence, folder)]


@contextmanager
def progress() -> "Iterator[Tell]":
    """A context that shows what is done: one line in a terminal, else a line for each stage."""
    is_terminal, stage = sys.stderr.isatty(), ""

    def tell(line: str) -> None:
        nonlocal stage
        if is_terminal:
            print(f"\r\x1b[K{line} …", end="", file=sys.stderr, flush=True)
        elif line.partition(" ")[0] != stage:
            stage = line.partition(" ")[0]
            print(f"lab: {stage} {'the claims' if 'claim' in line else 'the runs'}",
                  file=sys.stderr, flush=True)  # fmt: skip

    try:
        yield tell
    finally:
        if is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def _stopped_between_claims() -> Iterator[None]:
    """A context in which a signal ends the report between two claims, with nothing half written."""
    note_signals()
    try:
        yield
        act()
    finally:
        stop_at_once()


def _check_libraries() -> None:
    import importlib

    for name in EXTRA:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UserError(f"{name} is missing: pip install 'lab[report]'") from error


def _check_folders(args: argparse.Namespace) -> None:
    """Refuse a wrong folder now, not after the page is made."""
    for folder in args.config_dir:
        if not any(Path(folder, "claim").glob("*.yaml")):
            raise UserError(f"--config-dir {folder}: it has no claims; they are its claim/*.yaml")
    if args.docs and not Path(args.docs).is_dir():
        raise UserError(f"--docs {args.docs}: no such folder")
