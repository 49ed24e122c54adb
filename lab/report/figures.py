"""The report's own figures: arrays in, matplotlib figures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lab.engine import plots

Curve = tuple[Sequence[float], Sequence[float]]
MOST_NAMES = 10


@dataclass(frozen=True)
class Panel:
    """Curves on one pair of axes.

    Args:
        ylabel: what is drawn, with its unit.
        curves: name: (x, y); points that are not finite are left out.
        levels: words: a height at which a dotted line stands.
        log: whether the height is logarithmic.
        limits: of the height.
    """

    ylabel: str
    curves: Mapping[str, Curve]
    levels: Mapping[str, float] = field(default_factory=dict)
    log: bool = False
    limits: tuple[float, float] | None = None


def curves(title: str, xlabel: str, panels: Sequence[Panel]) -> Figure:
    """Panels side by side; a name has the same look in all of them."""
    figure, axes = plots.new_figure(title, panels=len(panels))
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    drawn: dict[str, Any] = {}
    for axis, panel in zip(axes, panels, strict=True):
        for name, (x, y) in panel.curves.items():
            k = names.index(name) % len(plots.COLOURS)
            points = [(a, b) for a, b in zip(x, y, strict=True) if isfinite(b)]
            if not points:
                continue
            (line,) = axis.plot(
                *zip(*points, strict=True),
                plots.LINES[k],
                color=plots.COLOURS[k],
                linewidth=1.4,
                marker=plots.MARKERS[k] if len(points) <= 25 else None,
                markersize=4,
            )
            drawn.setdefault(name, line)
        for words, level in panel.levels.items():
            plots.level_line(axis, level, words, below=True)
        if panel.log:
            axis.set_yscale("log")
        if panel.limits:
            axis.set_ylim(*panel.limits)
        axis.set_xlabel(xlabel)
        axis.set_ylabel(panel.ylabel)
    shown = list(drawn.items())[:MOST_NAMES]
    if shown:
        columns = 1 if len(shown) > 4 or max(len(n) for n, _ in shown) > 30 else 2
        rows = -(-len(shown) // columns)
        # Below the axes, where no curve can be.
        figure.set_figheight(figure.get_figheight() + 0.2 * rows)
        height = figure.get_figheight()
        figure.subplots_adjust(bottom=(0.6 + 0.2 * rows) / height, top=1 - 0.5 / height)
        figure.legend(
            [line for _, line in shown],
            [name for name, _ in shown],
            frameon=False,
            fontsize=8,
            loc="lower center",
            ncols=columns,
        )
    return figure


def smoothed(x: Sequence[float], y: Sequence[float], points: int = 100) -> Curve:
    """Means over windows, so that a long curve is drawn with at most so many points."""
    size = max(len(x) // points, 1)
    count = len(x) // size * size
    if not count:
        return x, y
    fold = [np.asarray(v, float)[:count].reshape(-1, size).mean(1).tolist() for v in (x, y)]
    return fold[0], fold[1]


def stacked_counts(rows: Mapping[str, Mapping[str, float]], title: str, marked: str) -> Figure:
    """Shares of classes, a bar for each row; one class is marked.

    Args:
        rows: name: class: share.
        marked: the class whose share is written beside the bar.
    """
    figure, (axis,) = plots.new_figure(title)
    names = list(rows)
    classes = sorted({name for row in rows.values() for name in row})
    for index, name in enumerate(names):
        left = 0.0
        for label in [marked, *[c for c in classes if c != marked]]:
            share = rows[name].get(label, 0.0)
            is_marked = label == marked
            axis.barh(
                index,
                share,
                left=left,
                height=0.7,
                edgecolor="white",
                linewidth=0.8,
                color=plots.COLOURS[1] if is_marked else "#B8C4CE",
            )
            if share > 0.035:
                axis.text(
                    left + share / 2,
                    index,
                    label,
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="white" if is_marked else "black",
                )
            left += share
        axis.text(
            1.01, index, f"{rows[name].get(marked, 0):.0%} are {marked}", va="center", fontsize=9
        )
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlim(0, 1)
    axis.grid(False)
    axis.set_xlabel("share of sums that the judge takes for each class")
    figure.subplots_adjust(left=0.3, right=0.86)
    return figure


def scatter(
    title: str, xlabel: str, ylabel: str, groups: Mapping[str, Curve], log_y: bool = False
) -> Figure:
    """Points of several groups on one pair of axes."""
    figure, (axis,) = plots.new_figure(title)
    for index, (name, (x, y)) in enumerate(groups.items()):
        k = index % len(plots.COLOURS)
        axis.plot(x, y, plots.MARKERS[k], color=plots.COLOURS[k], label=name, alpha=0.85)
    if log_y:
        axis.set_yscale("log")
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.legend(frameon=False, fontsize=8)
    return figure
