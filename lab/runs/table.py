"""Describe each run as a row: settings, results, state. This module imports no torch."""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.config.base import flatten
from lab.config.errors import UserError
from lab.config.reading import config_class, from_file
from lab.config.wording import did_you_mean
from lab.engine import study
from lab.engine.run_folder import RunFolder
from lab.engine.study import flatten_result, lookup, unique_suffixes
from lab.runs.finding import find_runs

Row = dict[str, Any]

ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
NEVER_BEGAN = (
    "a run without a task ended before it began: lab show NAME tells why, lab rm NAME removes it"
)
_FILTER = re.compile(r"([A-Za-z_][\w.]*)\s*(<=|>=|!=|==?|<|>)\s*(.*)", re.DOTALL)


def rows(out_dir: str | Path) -> list[Row]:
    """Return a row for each run below `out_dir`, at any depth, in the order in which they began."""
    return [describe(run) for run in find_runs(out_dir)]


def describe(run: RunFolder) -> Row:
    """Return a run as a row.

    `name`, `status`, `begun`, `ended` and `run` (its folder) come first, then the settings with
    keys such as `optimizer.lr`, then the numbers of the result, nested ones with keys such as
    `quality.fid`. Of a run that is not finished these are the numbers that were logged last. A
    number that is named like a setting gets the prefix `result.`: `epochs` are those asked for,
    `result.epochs` those trained. `problem` says what could not be read.
    """
    row: Row = {
        "name": run.path.name,
        "status": run.status or "not begun",
        "begun": run.provenance.get("start"),
        "ended": run.provenance.get("end"),
        "run": str(run.path),
        "problem": None,
    }
    settings: Mapping[str, Any] = {}
    if damaged := run.unreadable():
        row["problem"] = f"{run.path}: {', '.join(damaged)} cannot be read as text"
    if run.never_began:
        return {**row, "problem": NEVER_BEGAN}
    try:
        settings = from_file(run.config_file).to_dict()
    except UserError as error:
        row["problem"] = str(error)
        settings = _raw(run.config_file)
    row |= flatten(settings)
    for name, value in numbers(run).items():
        if name not in ("task", "seed"):
            row[f"result.{name}" if name in row else name] = value
    return row


def headline_metrics(row: Row) -> Sequence[str]:
    """Return the names of the most important numbers of a row's study."""
    try:
        columns = study.study_of(config_class(row.get("_target_"))).COLUMNS
        return [column.key for column in columns if column.is_headline]
    except (UserError, ImportError):
        return ()


def numbers(run: RunFolder) -> dict[str, Any]:
    """Return the numbers of a run's result; if it is not finished, those that were logged last."""
    if run.result is not None:
        return flatten_result(run.result)
    last: dict[str, Any] = {}
    for name, values in logged_metrics(run).items():
        logged = [value for value in values if value == value]
        if logged:
            last["steps" if name == "step" else name] = (
                int(logged[-1]) if name == "step" else logged[-1]
            )
    return last


def logged_metrics(run: RunFolder) -> dict[str, list[float]]:
    """Return metrics.csv by column; empty if the file is missing or incomplete."""
    try:
        return run.read_metrics()
    except (OSError, TypeError, KeyError, ValueError):
        return {}


def _raw(path: Path) -> Mapping[str, Any]:
    """Return the content of a config.yaml that this version does not accept as a config."""
    with suppress(OSError, ValueError, yaml.YAMLError):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(values, dict):
            return values
    return {}


@dataclass(frozen=True)
class Filter:
    """A condition on a row, such as `val_accuracy<1`.

    Args:
        key: of the row, or a group such as `cell`, which is compared with the class's name.
        operator: = or != or one of ORDERS.
        text: the value to compare with.
    """

    key: str
    operator: str
    text: str

    @classmethod
    def read(cls, text: str) -> "Filter":
        """Parse a condition."""
        match = _FILTER.fullmatch(text)
        if not match:
            raise UserError(f"{text}: expected a filter such as task=lstm or 'val_accuracy<1'")
        key, operator, value = match.groups()
        return cls(key, "=" if operator == "==" else operator, value)

    def holds(self, row: Row) -> bool:
        """Whether the condition holds for a row. For a row without such a value only != holds."""
        actual = value(row, self.key)
        wanted: Any = yaml.safe_load(self.text) if self.text else ""
        with suppress(TypeError, ValueError):  # YAML 1.1 reads 1e-3 as text
            wanted = float(self.text)
        if self.operator in ("=", "!="):
            same = actual == wanted or _plain(str(actual)) == _plain(self.text)
            return same if self.operator == "=" else not same
        return _is_number(actual) and _is_number(wanted) and ORDERS[self.operator](actual, wanted)


def value(row: Row, key: str) -> Any:
    """Return the value of a key, or of the only key that ends with it: `fid` is `quality.fid`.

    The value of a group such as `cell` is the name of its class: `lstm`.
    """
    if row.get(key) is None and f"{key}._target_" in row:
        name = str(row[f"{key}._target_"]).rpartition(".")[2].lower()
        return name.removesuffix(key) or name
    return lookup(row, key)


def chosen(all_rows: Sequence[Row], filters: Iterable[Filter]) -> list[Row]:
    """Return the rows for which every filter holds."""
    filters = list(filters)
    for one in filters:
        check_key(one.key, all_rows)
    return [row for row in all_rows if all(one.holds(row) for one in filters)]


def check_key(key: str, all_rows: Sequence[Row]) -> None:
    """Raise a UserError unless a row has this key; the line names the nearest."""
    keys = dict.fromkeys(name for row in all_rows for name in row)
    groups = [name.removesuffix("._target_") for name in keys if name.endswith("._target_")]
    short = {name for row in all_rows for name in unique_suffixes(row)}
    if all_rows and key not in {*keys, *groups, *short}:
        near = did_you_mean(key, [*keys, *groups, *short])
        raise UserError(f"no run has a key {key}{near}")


def _plain(text: str) -> str:
    return text.lower().replace("_", "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
