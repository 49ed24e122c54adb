"""Collect finished runs, from run folders and from `docs/evidence/*.csv`, in one table."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lab.config import RunConfig
from lab.config.base import flatten
from lab.config.errors import UserError
from lab.config.reading import from_dict, from_file
from lab.engine.files import write_text
from lab.engine.run_folder import RunFolder
from lab.engine.study import flatten_result, unique_suffixes

SAVED = Path(__file__).parents[2] / "docs" / "evidence"
"""The saved evidence of a checkout; an installed wheel has none."""
MOST_ENTRIES = 100
"""A nested entry of a result with more numbers than this is left out of the table."""
MOST_POINTS = 82
EDGE = 0.1
"""The share of the steps over which `first_NAME` and `last_NAME` are means."""
AS_TEXT = {
    *("run", "task", "label", "cell", "trained_lengths", "data", "history"),
    *("commit", "device", "torch", "cpu"),
}


def row_of(folder: RunFolder, config: RunConfig) -> dict[str, Any]:
    """Return a finished run as a row of the table.

    The columns are: `run`, the folder's name; `config.KEY`, the keys of the config; the entries of
    the result, nested ones with dots such as `quality.fid`; `warnings`, a list; for each column of
    metrics.csv `first_NAME` and `last_NAME`, its means over the first and the last tenth of the
    steps, and `half_NAME`, its value nearest to half of the steps; `history`, at most MOST_POINTS
    rows of metrics.csv as JSON; and `commit`, `torch`, `device` and `cpu`.
    """
    result = folder.result or {}
    origin = folder.provenance
    return {
        "run": folder.path.name,
        **flatten({k: v for k, v in config.to_dict().items() if k not in config.NOT_IN_HASH},
                  "config."),
        **_numbers(result),
        **({"warnings": result["warnings"]} if result.get("warnings") else {}),
        **_of_history(_metrics(folder)),
        "commit": str((origin.get("git") or {}).get("commit") or "")[:10],
        "torch": (origin.get("versions") or {}).get("torch", ""),
        "device": origin.get("device", ""),
        "cpu": origin.get("cpu", ""),
    }  # fmt: skip


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    row = flatten_result(result, MOST_ENTRIES)
    if "val_accuracy" in row:
        test = row.get("test_accuracy")
        row["accuracy"] = row["val_accuracy"] if test is None else test
    return row


def _metrics(folder: RunFolder) -> dict[str, list[float]]:
    try:
        return folder.read_metrics()
    except OSError:  # a folder that was copied only in part may lack it
        return {}


def _of_history(metrics: Mapping[str, list[float]]) -> dict[str, Any]:
    steps = metrics.get("step", [])
    row: dict[str, Any] = {}
    if not steps:
        return row
    edge = max(int(len(steps) * EDGE), 1)
    middle = steps[-1] / 2
    for name, values in metrics.items():
        there = [value for value in values if not math.isnan(value)]
        if name == "step" or not there:
            continue
        row[f"first_{name}"] = _mean(values[:edge], there[0])
        row[f"last_{name}"] = _mean(values[-edge:], there[-1])
        pairs = zip(steps, values, strict=True)
        row[f"half_{name}"] = min((abs(s - middle), v) for s, v in pairs if not math.isnan(v))[1]
    row["history"] = json.dumps(_thinned(metrics), separators=(",", ":"))
    return row


def _mean(values: list[float], otherwise: float) -> float:
    there = [value for value in values if not math.isnan(value)]
    return sum(there) / len(there) if there else otherwise


def _thinned(metrics: Mapping[str, list[float]]) -> dict[str, list[float | None]]:
    """Keep enough points to draw: half from the rows with an evaluation, half from all rows."""
    rows = list(zip(*metrics.values(), strict=True))
    evaluated = [row for row in rows if not any(math.isnan(value) for value in row)]
    kept = sorted({*_some(rows), *_some(evaluated)})
    return {
        name: [None if math.isnan(v) else float(f"{v:.4g}") for v in column]
        for name, column in zip(metrics, zip(*kept, strict=True), strict=True)
    }


def _some(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Choose at most MOST_POINTS / 2 rows at even distances, with the last one."""
    return rows[::-1][:: max(-(-len(rows) // (MOST_POINTS // 2)), 1)]


class Evidence:
    """The table of all runs, and where its rows come from.

    Args:
        out_dir: the folder whose run folders are read, at any depth.
        saved: a folder with `*.csv` as `save` writes them; None: no saved rows.

    Attributes:
        table: a row for each run. A run folder in `out_dir` replaces a saved row. Nested entries of
            results also have short names: `fid` for `quality.fid`.
        configs: the typed config of each row, by `run`.
        folders: the run folders in `out_dir`, by `run`.
        unreadable: a line for each run that this version cannot read.
        saved: the folder with the saved rows, or None.
    """

    def __init__(self, out_dir: Path, saved: Path | None = None) -> None:
        self.saved = saved
        self.configs: dict[str, RunConfig] = {}
        self.folders: dict[str, RunFolder] = {}
        self.unreadable: list[str] = []
        self.rows: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}
        self._columns: dict[str, set[str]] = {}
        for file in sorted(saved.glob("*.csv")) if saved else ():
            for row in _read_csv(file):
                config = self._readable(row["run"], partial(_config_of, row))
                if config is not None:
                    self._add(row["run"], {**row, "from": file.name}, config)
        for path in sorted(out_dir.rglob("config.yaml")):
            folder = RunFolder(path.parent)
            if folder.result is None:
                continue
            config = self._readable(folder.path.name, partial(from_file, path))
            if config is not None:
                name = folder.path.name
                self._add(name, {**row_of(folder, config), "from": "here"}, config)
                self.folders[name] = folder
        self.table = pd.DataFrame([_with_short_names(row) for row in self.rows.values()])

    def name_of(self, config: RunConfig) -> str | None:
        """The name of a config's run in the table; None if it is not there."""
        return self._names.get(config.identity)

    def columns(self, task: str) -> set[str]:
        """The columns in which some run of a task has a value; none if the task has no run."""
        if task not in self._columns and len(self.table):
            some = self.table[self.table["task"] == task].dropna(axis=1, how="all")
            self._columns[task] = set(map(str, some.columns)) if len(some) else set()
        return self._columns.get(task, set())

    def _add(self, name: str, row: dict[str, Any], config: RunConfig) -> None:
        """Add a row, or replace that of the same run, which may have had another name.

        An earlier version may have named and hashed the run in another form, so the config decides.
        """
        before = self._names.get(config.identity)
        if before is not None:
            del self.rows[before], self.configs[before]
            self.folders.pop(before, None)
        self._names[config.identity] = name
        self.rows[name], self.configs[name] = row, config

    def _readable(self, name: str, read: Callable[[], RunConfig]) -> RunConfig | None:
        try:
            return read()
        except UserError as error:
            self.unreadable.append(f"{name}: {error}")
            return None

    def save(self, runs: Iterable[str], folder: Path) -> list[Path]:
        """Add the rows of these runs to `<folder>/<task>.csv`; return the paths of the files."""
        paths = []
        chosen = [self.rows[name] for name in runs]
        folder.mkdir(parents=True, exist_ok=True)
        for task in sorted({row["task"] for row in chosen}):
            path = folder / f"{task}.csv"
            kept = {_config_of(row).identity: row
                    for row in (_read_csv(path) if path.exists() else ())}  # fmt: skip
            kept |= {self.configs[row["run"]].identity: row
                     for row in chosen if row["task"] == task}  # fmt: skip
            _write_csv(path, sorted(kept.values(), key=lambda row: str(row["run"])))
            paths.append(path)
        return paths


def _with_short_names(row: Mapping[str, Any]) -> dict[str, Any]:
    short = unique_suffixes(name for name in row if not name.startswith("config."))
    tested = "test_count" if row.get("test_accuracy") is not None else "val_count"
    count = {"accuracy_count": row[tested]} if tested in row else {}
    return {**{name: row[full] for name, full in short.items()}, **count, **row}


def _config_of(row: Mapping[str, Any]) -> RunConfig:
    """The config in a row's `config.…` columns, with defaults for the keys of the machine."""
    nested: dict[str, Any] = {"device": "auto", "threads": 1, "out_dir": "outputs", "fresh": False,
                              "dry_run": False, "checkpoint_seconds": 10.0}  # fmt: skip
    for column, value in row.items():
        if column.startswith("config."):
            *parents, last = column.removeprefix("config.").split(".")
            at = nested
            for parent in parents:
                at = at.setdefault(parent, {})
            at[last] = value
    return from_dict(nested)


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: _value(k, text) for k, text in row.items() if text != ""} for row in rows]


def _value(column: str, text: str) -> Any:
    if column in AS_TEXT:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list({key: None for row in rows for key in row if key != "from"})
    columns.sort(key=lambda name: (name != "run", not name.startswith("config."), name))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_text(row[column]) if column in row else "" for column in columns])
    write_text(path, buffer.getvalue())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(float(f"{value:.7g}") if isinstance(value, float) else value)
