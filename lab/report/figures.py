"""The report's figures: rows of the runs' table in, Matplotlib figures out.

A claim names one by `draw` and gives its arguments; `runs`, `where` and what else it takes.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.engine import plots
from lab.report.evidence import Evidence

MOST_NAMES = 10


def series_of(rows: pd.DataFrame) -> pd.Series:
    """What tells the rows apart, beside the seed: the label, and the name of the claim's runs."""
    label = rows["label"] if "label" in rows else rows["task"]
    if "group" in rows and rows["group"].nunique() > 1:
        return rows["group"] + ": " + label
    return label


def accuracy(rows: pd.DataFrame, x: str = "seq_len", title: str = "") -> Figure:
    """Accuracy against a key: a line through the means of each series, a band over its seeds."""
    figure, (axis,) = plots.new_figure(title or "Accuracy of the last digit")
    ticks = sorted({float(v) for v in rows[x]})
    for index, (name, some) in enumerate(rows.groupby(series_of(rows))):
        _band(axis, index, str(name), some, x, "accuracy")
    plots.accuracy_axis(axis, 0.1)
    if x.startswith("config.") and ticks[0] > 0 and ticks[-1] > 8 * ticks[0]:
        axis.set_xscale("log")
    shown = ticks if len(ticks) <= 12 else ticks[:: -(-len(ticks) // 12)]
    axis.set_xticks(shown, [f"{tick:g}" for tick in shown], minor=False)
    axis.minorticks_off()
    axis.set_xlabel("length T of the palindrome" if x == "seq_len" else x.removeprefix("config."))
    axis.set_ylabel("accuracy on palindromes of neither set")
    return _legend_below(figure, [axis])


def _band(axis: Axes, index: int, name: str, some: pd.DataFrame, x: str, metric: str) -> None:
    k = index % len(plots.COLOURS)
    by_x = some.groupby(x)[metric]
    means = by_x.mean()
    axis.plot(means.index, means, plots.LINES[k], marker=plots.MARKERS[k], markersize=4,
              color=plots.COLOURS[k], linewidth=1.4, label=name)  # fmt: skip
    if (by_x.count() > 1).any():
        axis.fill_between(means.index, by_x.min(), by_x.max(), color=plots.COLOURS[k], alpha=0.15,
                          linewidth=0)  # fmt: skip


def learning_curves(rows: pd.DataFrame) -> Figure:
    """Loss and accuracy of training batches (thin) and validation set, the first seed of each."""
    first = rows.sort_values("seed").drop_duplicates(["label", "seq_len"])
    names = first["label"] + first["seq_len"].map(", T={:.0f}".format)
    figure, axes = plots.new_figure("Learning curves, the first seed", panels=2)
    panels = (("loss", "cross-entropy (nats)"), ("accuracy", "accuracy"))
    for axis, (metric, words) in zip(axes, panels, strict=True):
        _histories(axis, first["history"], names, f"train_{metric}", thin=True)
        _histories(axis, first["history"], names + ", validation", f"val_{metric}")
        axis.set_xlabel("optimizer step")
        axis.set_ylabel(words)
    axes[0].set_yscale("log")
    plots.accuracy_axis(axes[1], 0.1)
    return _legend_below(figure, axes)


def _histories(
    axis: Axes, histories: pd.Series, names: pd.Series, metric: str, thin: bool = False
) -> None:
    for index, (history, name) in enumerate(zip(histories, names, strict=True)):
        columns = json.loads(history)
        pairs = zip(columns["step"], columns[metric], strict=True)
        points = [(step, value) for step, value in pairs if value is not None]
        if not points:
            continue
        k = index % len(plots.COLOURS)
        if thin:
            axis.plot(*zip(*points, strict=True), color=plots.COLOURS[k], linewidth=0.8, alpha=0.5)
        else:
            axis.plot(*zip(*points, strict=True), plots.LINES[k], color=plots.COLOURS[k],
                      marker=plots.MARKERS[k] if len(points) <= 25 else None, markersize=4,
                      linewidth=1.4, label=str(name))  # fmt: skip


def losses(rows: pd.DataFrame) -> Figure:
    """The losses of both players against the step, the first seed."""
    row = rows.sort_values("seed").iloc[0]
    columns = json.loads(row["history"])
    figure, (axis,) = plots.new_figure(f"Losses of D and G, {row['label']}, seed {row['seed']}")
    for index, player in enumerate("dg"):
        axis.plot(columns["step"], columns[f"{player}_loss"], plots.LINES[index],
                  color=plots.COLOURS[index], label=player.upper())  # fmt: skip
    plots.level_line(axis, float(np.log(2)), "log 2", below=True)
    axis.set_xlabel("optimizer step")
    axis.set_ylabel("loss (nats)")
    return _legend_below(figure, [axis])


def curves(rows: pd.DataFrame, metric: str, words: str) -> Figure:
    """A metric against the step: the mean of each series over its seeds, and their range."""
    figure, (axis,) = plots.new_figure(f"{words[0].upper()}{words[1:]}, means over seeds")
    kinds = [c for c in ("config.noise", "config.reduction") if c in rows and rows[c].nunique() > 1]
    names = series_of(rows)
    for kind in kinds:
        names = names + ", " + rows[kind].astype(str)
    for index, (name, some) in enumerate(rows.groupby(names)):
        long = pd.concat([_long(history, metric) for history in some["history"]])
        _band(axis, index, str(name), long, "step", metric)
    axis.set_xlabel("optimizer step")
    axis.set_ylabel(words)
    return _legend_below(figure, [axis])


def _long(history: str, metric: str) -> pd.DataFrame:
    columns = json.loads(history)
    return pd.DataFrame({"step": columns["step"], metric: columns[metric]}).dropna()


def quality(rows: pd.DataFrame) -> Figure:
    """FID and recall of each series, a mark for each seed."""
    from lab.generation.figures import sweep_quality

    some = rows[rows["fid"].notna()]
    names = series_of(some) + some["steps"].map(", {:,.0f} steps".format)
    return sweep_quality(some.assign(series=names).to_dict("records"))


def counts(rows: pd.DataFrame, entry: str, marked: str) -> Figure:
    """How often each outcome comes out of a nested entry of the results, a bar for each kind."""
    shares: dict[str, dict[str, float]] = {}
    for column in rows:
        if str(column).startswith(f"{entry}."):
            kind, _, outcome = str(column).removeprefix(f"{entry}.").rpartition(".")
            shares.setdefault(kind, {})[outcome] = float(rows[column].sum())
    figure, (axis,) = plots.new_figure(f"What comes out of {entry.removeprefix('sum_')}")
    for index, outcomes in enumerate(shares.values()):
        total, left = sum(outcomes.values()) or 1.0, 0.0
        for outcome in [marked, *sorted(outcomes.keys() - {marked})]:
            share = outcomes.get(outcome, 0.0) / total
            axis.barh(index, share, left=left, height=0.7, edgecolor="white", linewidth=0.8,
                      color=plots.COLOURS[1] if outcome == marked else "#B8C4CE")  # fmt: skip
            if share > 0.035:
                axis.text(left + share / 2, index, outcome, ha="center", va="center", fontsize=9)
            left += share
    axis.set_yticks(range(len(shares)), list(shares))
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.grid(False)
    axis.set_xlabel("share of sums that the classifier reads as each class")
    figure.subplots_adjust(left=0.24)
    return figure


def picture(rows: pd.DataFrame, evidence: Evidence, name: str | Sequence[str]) -> list[Path]:
    """Pictures of the first seed's own run; those of runs that are not here are left out."""
    names = [name] if isinstance(name, str) else list(name)
    for run in rows.sort_values("seed")["run"]:
        if run in evidence.folders:
            folder = evidence.folders[run].path / "figures"
            return [path for n in names if (path := folder / f"{n}.png").exists()]
    return []


def _legend_below(figure: Figure, axes: Sequence[Axes]) -> Figure:
    """One legend for all panels, below them, where no curve can be."""
    drawn: Mapping[str, Any] = {
        label: handle
        for axis in axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    shown = list(drawn.items())[:MOST_NAMES]
    if len(shown) > 1:
        columns = 1 if max(len(name) for name, _ in shown) > 40 else 2
        lines = -(-len(shown) // columns)
        figure.set_figheight(figure.get_figheight() + 0.2 * lines)
        height = figure.get_figheight()
        figure.subplots_adjust(bottom=(0.6 + 0.2 * lines) / height, top=1 - 0.5 / height)
        figure.legend([handle for _, handle in shown], [name for name, _ in shown], frameon=False,
                      fontsize=8, loc="lower center", ncols=columns)  # fmt: skip
    return figure
