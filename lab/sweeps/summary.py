"""A sweep's table and plot, rebuilt from its runs' files: `lab summary SWEEP`.

Any launcher may have run the jobs; some may have failed, and some may still be running.
"""

import argparse
import csv
import io
import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config import RunConfig
from lab.config.errors import UserError, say
from lab.config.reading import from_file
from lab.engine.files import write_atomically, write_text
from lab.engine.locks import locked
from lab.engine.run_folder import RunFolder
from lab.engine.study import flatten_result, study_of
from lab.figures.style import own_style, save_png
from lab.sweeps import search
from lab.sweeps.records import Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS_BETWEEN = 5.0
FIRST_COLUMNS = ("overrides", "status", "task", "seed", "steps", "seconds")
LAST_COLUMNS = ("run", "reason")
MISSING = "missing"

Row = dict[str, Any]
# What a study's plot raises if result.json lacks a key or metrics.csv is missing.
NOT_WHOLE = (KeyError, TypeError, ValueError, OSError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", metavar="SWEEP", type=Path, help="outputs/sweeps/NAME")


def run(args: argparse.Namespace) -> None:
    for line in (*rebuild(args.sweep), *Sweep(args.sweep).foreign_files()):
        print(line)
    missing = sum(row["status"] == MISSING for row in table_of(args.sweep))
    if missing:
        say(
            f"{missing} {'run is' if missing == 1 else 'runs are'} not where the sweep left them: "
            "their rows and the figures are as they were"
        )


def rebuild_now_and_then(folder: Path) -> None:
    """Do what `rebuild` does, unless any process did so in the last five seconds."""
    table = folder / "summary.csv"
    # A file from the future was written before the clock was set back, or on another machine.
    if not table.exists() or not 0 <= time.time() - table.stat().st_mtime <= SECONDS_BETWEEN:
        rebuild(folder)


def rebuild(folder: Path) -> list[Path]:
    """Write the sweep's summary.csv and figures, and return their paths.

    The row of a run whose folder is gone stays as it was, and so do the figures.
    """
    sweep = Sweep(folder)
    if not sweep.records():
        raise UserError(
            f"{folder}: not the folder of a sweep, or none of its runs has begun; "
            "sweeps are in outputs/sweeps, or in sweeps/ of your out_dir"
        )
    # Without a lock, a process that reads early and writes late would undo a later summary.
    with locked(folder / ".lock"), own_style():
        return _rebuild(sweep)


def _rebuild(sweep: Sweep) -> list[Path]:
    records = sweep.records()
    overrides = [_by_key(record["overrides"]) for record in records]
    varied = _varied(overrides)
    rows = [_row(sweep, record, varied) for record in records]
    places = [Path(row["run"]) for row in rows if row["status"] != "failed"]
    if places and not any(place.exists() for place in places):
        raise UserError(
            f"{sweep.folder}: none of the sweep's runs is where it was, such as {places[0]}; "
            "nothing is changed"
        )
    studies = _studies(rows)
    for row, job in zip(rows, overrides, strict=True):
        if row["status"] == "finished":
            row["series"] = _series(row, job, varied, studies.get(row.get("task", "")))
    table = sweep.folder / "summary.csv"
    all_rows = _with_earlier(rows, table_of(sweep.folder))
    write_text(table, _as_csv(all_rows))
    paths = [table]
    drawn = search.figure(records, varied)
    if drawn is not None:
        write_atomically(sweep.folder / "search.png", partial(save_png, drawn))
        paths.append(sweep.folder / "search.png")
    shown = [row for row in rows if row["status"] == "finished"]
    if len(shown) < sum(row["status"] in ("finished", MISSING) for row in all_rows):
        return paths  # the figures would lose what they show
    for task, study in studies.items():
        of_task = [row for row in shown if row.get("task", "") == task]
        for name, figure in _figures(study, of_task).items():
            path = sweep.folder / f"{name if len(studies) == 1 else f'{task}_{name}'}.png"
            write_atomically(path, partial(save_png, figure))
            paths.append(path)
    return paths


def table_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of summary.csv; none if there is no such file."""
    try:
        with open(folder / "summary.csv", newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if row.get("overrides") is not None]
    except (OSError, ValueError, csv.Error):
        return []


def _with_earlier(rows: list[Row], earlier: list[dict[str, str]]) -> list[Row]:
    """Add from an earlier table the rows of runs and of records that are gone."""
    before = {row["overrides"]: {key: text for key, text in row.items() if text} for row in earlier}
    full = [
        {**before.get(row["overrides"], {}), **row} if row["status"] == MISSING else row
        for row in rows
    ]
    names = {row["overrides"] for row in rows}
    return [*full, *(row for name, row in before.items() if name not in names)]


def _figures(study: type[RunConfig], rows: list[Row]) -> "dict[str, Figure]":
    """Draw a study's plots of finished runs, without runs whose files are incomplete."""
    try:
        return study_of(study).sweep_figures(rows)
    except NOT_WHOLE:
        whole = [row for row in rows if _is_whole(study, row)]
        return study_of(study).sweep_figures(whole) if whole else {}


def _is_whole(study: type[RunConfig], row: dict[str, Any]) -> bool:
    try:
        study_of(study).sweep_figures([row])
    except NOT_WHOLE:
        return False
    return True


def _by_key(overrides: list[str]) -> dict[str, str]:
    """The values by key, `+experiment` as `experiment`."""
    parts = (override.partition("=") for override in overrides)
    return {key.lstrip("+"): value for key, _, value in parts}


def _varied(jobs: list[dict[str, str]]) -> list[str]:
    """The keys whose value is not the same in all jobs."""
    keys = dict.fromkeys(key for job in jobs for key in job)
    return [key for key in keys if len({job.get(key) for job in jobs}) > 1]


def _row(sweep: Sweep, record: dict[str, Any], varied: list[str]) -> Row:
    values, status = _by_key(record["overrides"]), sweep.status_of(record)
    row: Row = {
        "overrides": " ".join(record["overrides"]),
        "status": status,
        "run": "",
        "reason": record["line"] if status == "failed" else "",
        **{key: values[key] for key in varied if key in values},
    }
    if "objective" in record:
        row["objective"] = record["objective"]
    if record["run"] is None:
        return row
    run = sweep.run_of(record)
    row["run"] = os.path.relpath(run.path)
    result = run.result
    return (
        row
        if result is None
        else {**row, "status": "finished", "series": "", **flatten_result(result)}
    )


def _series(
    row: Row, values: dict[str, str], varied: list[str], study: type[RunConfig] | None
) -> str:
    """Return the name of a run's curve: its label, and what else the sweep varies."""
    told = ("seed", study.SWEEP_AXIS, *study.IN_LABEL) if study else ("seed",)
    extra = [f"{key}={values[key]}" for key in varied if key in values and key not in told]
    return ", ".join([str(row.get("label") or row.get("task", "")), *extra])


def _studies(rows: list[Row]) -> dict[str, type[RunConfig]]:
    """The config class of each task, from the first of its finished runs that can be read.

    One run is enough, because each config.yaml takes time to parse.
    """
    studies: dict[str, type[RunConfig]] = {}
    for row in rows:
        task = row.get("task", "")
        if row["status"] == "finished" and task not in studies:
            with suppress(UserError):  # another version of the code wrote it
                studies[task] = type(from_file(RunFolder(Path(row["run"])).config_file))
    return studies


def _as_csv(rows: list[Row]) -> str:
    seen = dict.fromkeys(key for row in rows for key in row)
    middle = [key for key in seen if key not in FIRST_COLUMNS + LAST_COLUMNS]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*FIRST_COLUMNS, *middle, *LAST_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
