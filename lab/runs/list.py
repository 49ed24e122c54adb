"""List runs in a table: `lab runs [DIR] [FILTER ...]`."""

import argparse
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.config.errors import UserError, say
from lab.config.wording import aligned, in_table
from lab.runs.arguments import add_out_dir

BASE = ("name", "task", "status", "steps")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        metavar="FILTER",
        nargs="*",
        help="show only runs that fit this filter, such as seq_len=20 or 'val_accuracy<1'; "
        "a folder to look in may also be given here",
    )
    parser.add_argument("--sort", metavar="KEY", help="a setting or a result (default: begun)")
    parser.add_argument("--reverse", action="store_true", help="the largest, or the latest, first")
    parser.add_argument(
        "--json", action="store_true", help="print every setting and result of these runs as JSON"
    )
    add_out_dir(parser)


def run(args: argparse.Namespace) -> None:
    from lab.runs.table import Filter, chosen, rows

    folders, filters = [args.out_dir], []
    for word in args.words:
        if Path(word).is_dir():
            folders = [*([] if folders == [args.out_dir] else folders), Path(word)]
        elif not any(sign in word for sign in "=<>"):
            raise UserError(f"{word}: no such folder, and no filter such as task=lstm")
        else:
            filters.append(Filter.read(word))
    all_rows = [row for folder in folders for row in rows(folder)]
    shown = _sorted(chosen(all_rows, filters), args.sort, args.reverse)
    if args.json:
        print(json.dumps([_json_able(row) for row in shown], indent=1))
        return
    if not shown:
        where = " and ".join(map(str, folders))
        print(f"none of the {len(all_rows)} runs below {where} fits the filter" if all_rows
              else f"there are no runs below {where}")  # fmt: skip
        return
    for line in table(shown, [args.sort] if args.sort else []):
        print(line)
    for problem in dict.fromkeys(row["problem"] for row in shown if row["problem"]):
        say(problem)


def table(shown: Sequence[dict[str, Any]], more: Sequence[str] = ()) -> list[str]:
    """Return the lines of a table: name, task, status, steps, headline metrics, age.

    Args:
        shown: rows as `describe` makes them.
        more: keys of further columns.
    """
    from lab.runs.table import headline_metrics, value

    metrics = dict.fromkeys(name for row in shown for name in headline_metrics(row))
    columns = dict.fromkeys(
        [*BASE, *(m for m in metrics if any(value(row, m) is not None for row in shown)), *more]
    )
    lines = [[*columns, "age"]]
    for row in shown:
        moment = age(row["ended"] or row["begun"])
        lines.append([*(_cell(value(row, key)) for key in columns), moment])
    left = [number for number, key in enumerate(columns) if key in ("name", "task", "status")]
    return aligned(lines, left)


def age(moment: object) -> str:
    """Return how long ago a time in ISO 8601 was; an empty text if it is none."""
    try:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(str(moment))).total_seconds()
    except (ValueError, TypeError):
        return ""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _cell(value: object) -> str:
    return "" if value is None or value != value else in_table(value)


def _sorted(rows: list[dict[str, Any]], key: str | None, reverse: bool) -> list[dict[str, Any]]:
    """Sort rows by a key, rows without it last; without a key in the order in which they began."""
    if key is None:
        return rows[::-1] if reverse else rows
    from lab.runs.table import check_key, value

    check_key(key, rows)
    have = [row for row in rows if value(row, key) is not None]
    have.sort(key=lambda row: _order(value(row, key)), reverse=reverse)
    return [*have, *(row for row in rows if value(row, key) is None)]


def _order(value: Any) -> tuple[bool, float, str]:
    """A sort key that puts numbers before texts."""
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if is_number else 0.0, "" if is_number else str(value)


def _json_able(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
