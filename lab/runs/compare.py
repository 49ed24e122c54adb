"""Two or more runs side by side: what differs in the config, the results, the curves.

`lab compare RUN RUN ...` prints a table and draws one figure, outputs/report/compare-<hash>.png
unless `--out` says otherwise. A run that is not finished is compared by what it has logged so far.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.naming import short_hash
from lab.config.reading import from_file
from lab.config.wording import aligned, in_table
from lab.engine.files import write_atomically
from lab.engine.run_folder import RunFolder
from lab.runs.arguments import add_runs, chosen_runs
from lab.runs.table import logged_metrics, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
WIDEST = 40
SUFFIXES = (".png", ".pdf", ".svg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=Path,
        help=f"the figure to write, which ends in {', '.join(SUFFIXES)} "
        "(default: report/compare-<hash>.png in outputs)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    if args.out is not None and args.out.suffix not in SUFFIXES:
        raise UserError(f"--out {args.out}: expected a file that ends in {', '.join(SUFFIXES)}")
    for line in compare(chosen_runs(args), args.out):
        print(line)


def compare(runs: Sequence[RunFolder], out: Path | None = None) -> list[str]:
    """Write the figure of the comparison and return the lines."""
    if len(runs) < 2:
        raise UserError("two or more runs are compared, and only one is given")
    configs = [_config_of(run) for run in runs]
    tasks = {config.task for config in configs}
    if len(tasks) > 1:
        raise UserError(f"runs of different tasks do not compare: {', '.join(sorted(tasks))}")
    names = [chr(ord("A") + index) if index < 26 else str(index) for index in range(len(runs))]
    lines = [f"{name}  {run.path}" for name, run in zip(names, runs, strict=True)]
    lines += [
        f"   {name} is {run.status or 'not begun'}: by what it has logged so far"
        for name, run in zip(names, runs, strict=True)
        if run.result is None
    ]
    settings = [config.flat_settings for config in configs]
    lines += ["", "config, where they differ", *_table(names, settings, only_different=True)]
    lines += ["", "results", *_table(names, [_results(run) for run in runs])]
    path = out or _default_path(runs)
    figure = _figure(runs, names, configs)
    if figure is None:
        return [*lines, "", "no curves: none of the runs has logged anything"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: figure.savefig(file, format=path.suffix[1:]))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    return [*lines, "", str(path)]


def _config_of(run: RunFolder) -> RunConfig:
    if not run.path.is_dir():
        raise UserError(f"{run.path}: no such folder")
    if run.never_began:
        raise UserError(f"{run.path}: it ended before it began, so there is nothing to compare")
    if not run.config_file.is_file():
        raise UserError(f"{run.path}: not a run's folder (it has no config.yaml)")
    return from_file(run.config_file)


def _results(run: RunFolder) -> dict[str, Any]:
    return {k: v for k, v in numbers(run).items() if k not in ("task", "seed")}


def _table(
    names: Sequence[str], columns: Sequence[Mapping[str, Any]], only_different: bool = False
) -> list[str]:
    """Return a line for each key; two runs also have the difference of their numbers."""
    keys = list(dict.fromkeys(key for column in columns for key in column))
    rows = []
    for key in keys:
        values = [column.get(key, "–") for column in columns]
        if only_different and all(value == values[0] for value in values):
            continue
        rows.append([key, *map(_words, values), _difference(values)])
    if not rows:
        return ["  no difference"]
    with_differences = len(names) == 2 and not only_different
    table = [["", *names, "B - A"], *rows]
    if not with_differences:
        table = [row[:-1] for row in table]
    return [f"  {line}" for line in aligned(table, left=[0])]


def _words(value: Any) -> str:
    text = in_table(value)
    return text if len(text) <= WIDEST else f"…{text[-WIDEST + 1 :]}"


def _difference(values: Sequence[Any]) -> str:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if len(values) != 2 or not numbers or values[0] == values[1]:
        return ""
    return f"{values[1] - values[0]:+.4g}"


def _default_path(runs: Sequence[RunFolder]) -> Path:
    """Return the default path, in the folder that holds the first run's `runs/`."""
    parent = runs[0].path.parent
    outputs = parent.parent if parent.name == "runs" else parent
    identity = short_hash([run.path.name for run in runs])
    return outputs / "report" / f"compare-{identity}.png"


def _figure(
    runs: Sequence[RunFolder], names: Sequence[str], configs: Sequence[RunConfig]
) -> "Figure | None":
    """Draw a panel for each column with a curve for each run that logged it; None without any."""

    from lab.figures import plots

    logged = {
        name: metrics
        for name, run in zip(names, runs, strict=True)
        if (metrics := logged_metrics(run))
    }
    shown = [k for k in next(iter(logged.values()), {}) if k != "step"]
    shown = [k for k in shown if all(k in metrics for metrics in logged.values())]
    if not shown:
        return None
    figure, axes = plots.new_grid(len(shown), COLUMNS, size=(4.2, 2.7))
    for axis, key in zip(axes, shown, strict=True):
        for place, (name, config) in enumerate(zip(names, configs, strict=True)):
            if name in logged:
                label = f"{name}: {config.readable_name}-{config.identity}"
                curve = plots.Curve(label, logged[name]["step"], logged[name][key])
                plots.draw_curves(axis, [curve], first=place)
        axis.set_title(key, fontsize=10, loc="left")
        axis.tick_params(labelsize=8)
    for axis in axes[-COLUMNS:]:
        axis.set_xlabel("optimizer step", fontsize=9)
    plots.legend_below(figure)
    return figure
