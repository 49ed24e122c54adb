"""A sweep's table and plot, rebuilt from its runs' files: `lab summary SWEEP`.

Right whichever launcher ran the jobs, when some failed and while some are still running.
"""

import argparse
import csv
import io
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.files import save_png, write_atomically, write_text
from lab.engine.locks import lock as lock_file
from lab.engine.run_folder import RunFolder, scalars
from lab.engine.study import sweep_figures
from lab.sweeps.records import Sweep

SECONDS_BETWEEN = 5.0
# These order a curve's points and its seeds; a curve is all else that the sweep varies.
NOT_SERIES = ("seq_len", "seed")
FIRST_COLUMNS = ("overrides", "status", "task", "seed", "steps", "seconds")
LAST_COLUMNS = ("run", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", metavar="SWEEP", type=Path, help="outputs/sweeps/NAME")


def run(args: argparse.Namespace) -> None:
    for path in rebuild(args.sweep):
        print(path)


def rebuild_now_and_then(folder: Path) -> None:
    """As `rebuild`, but not if any process did so in the last five seconds."""
    table = folder / "summary.csv"
    if not table.exists() or time.time() - table.stat().st_mtime > SECONDS_BETWEEN:
        rebuild(folder)


def rebuild(folder: Path) -> list[Path]:
    """Write the sweep's summary.csv and figures; gives their paths.

    Raises:
        UserError: the folder is no sweep's.
    """
    sweep = Sweep(folder)
    if not sweep.records():
        raise UserError(f"{folder}: no sweep's folder, or none of its jobs has begun")
    with _one_at_a_time(folder):
        return _rebuild(sweep)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Without it a process that read early and wrote late would undo a later summary."""
    with open(folder / ".lock", "w") as lock:
        lock_file(lock.fileno(), wait=True)
        yield


def _rebuild(sweep: Sweep) -> list[Path]:
    records = sweep.records()
    varied = _varied([record["overrides"] for record in records])
    rows = [_row(sweep, record, varied) for record in records]
    table = sweep.folder / "summary.csv"
    write_text(table, _as_csv(rows))
    paths = [table]
    finished = [row for row in rows if row["status"] == "finished"]
    config_class = _config_class_of(RunFolder(Path(row["run"])) for row in finished)
    if config_class is not None:
        for name, figure in sweep_figures(config_class, finished).items():
            path = sweep.folder / f"{name}.png"
            write_atomically(path, partial(save_png, figure))
            paths.append(path)
    return paths


def _varied(overrides: list[list[str]]) -> set[str]:
    """The keys whose value is not the same in all jobs."""
    values: dict[str, set[str]] = {}
    for job in overrides:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key, set()).add(value)
    return {key for key, seen in values.items() if len(seen) > 1}


def _row(sweep: Sweep, record: dict[str, Any], varied: set[str]) -> dict[str, Any]:
    row = {"overrides": " ".join(record["overrides"]), "run": "", "reason": ""}
    if record["run"] is None:
        return {**row, "status": "failed", "reason": record["line"]}
    run = sweep.run_of(record)
    row["run"] = os.path.relpath(run.path)
    result = run.result
    if result is None:
        # A run that was finished once and has lost its folder is not finished.
        done = record["kind"] in ("finished", "resumed", "skipped")
        status = run.status or ("missing" if done else record["kind"])
        reason = record["line"] if status == "failed" else ""
        return {**row, "status": status, "reason": reason}
    extra = [
        override
        for override in record["overrides"]
        if (key := override.partition("=")[0]) in varied and key not in NOT_SERIES
        and not key.startswith("cell")
    ]  # fmt: skip
    series = ", ".join([result.get("label") or result.get("task", ""), *extra])
    return {**row, "status": "finished", "series": series, **scalars(result)}


def _config_class_of(runs: Iterable[RunFolder]) -> type[RunConfig] | None:
    """The class of the first config that can be read: one is enough, and each costs its parsing."""
    for run in runs:
        with suppress(UserError):  # of a version of the code that had other keys
            return type(from_file(run.config_file))
    return None


def _as_csv(rows: list[dict[str, Any]]) -> str:
    seen = dict.fromkeys(key for row in rows for key in row)
    middle = [key for key in seen if key not in FIRST_COLUMNS + LAST_COLUMNS]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*FIRST_COLUMNS, *middle, *LAST_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
