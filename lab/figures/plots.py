"""The style of all figures, and the two kinds of plots: curves with bands, strips by setting."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from lab.config.wording import percent

# Okabe & Ito 2008: colour-blind readers can tell them apart. The order makes greys differ too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000", "#999999")
# Markers also tell curves apart, so that colour is not needed.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", "-", "--", "-.", ":")
GREY = "#666666"
# The style of a line at a reference value.
LEVEL: dict[str, Any] = {"color": GREY, "linewidth": 1.0, "linestyle": (0, (2, 2))}
DPI = 120
# A curve with more points has markers at some of them, so that it is told apart in grey.
MOST_MARKERS = 30
FEW_MARKERS = 8
MOST_TICKS = 14
LETTER = 0.062  # the width of a letter of 8 points, in inches
MOST_LETTERS = 100  # in a line of the legend
WIDEST_NAME = 30  # the most letters of a setting's name beside its strip


def new_figure(title: str, panels: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """Make a figure with panels side by side, readable at half the width of a page.

    pyplot is not used, because it keeps every figure in memory.
    """
    figure = Figure(figsize=(7.0 if panels == 1 else 4.6 * panels, 4.2), dpi=DPI)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        light_frame(axis)
    figure.suptitle(fill(title, 80 if panels == 1 else 110), fontsize=11)
    figure.subplots_adjust(
        left=0.11 if panels == 1 else 0.085, right=0.97, bottom=0.13, top=0.88, wspace=0.22
    )
    return figure, list(axes)


def new_grid(panels: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure with rows of panels of so many inches; the last row may have fewer.

    Room is left for a title, the names of both axes and a line above each panel.
    """
    columns = min(columns, panels)
    rows = math.ceil(panels / columns)
    width, height = size[0] * columns, size[1] * rows + 0.5
    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[panels:]:
        axis.remove()
    for axis in axes[:panels]:
        light_frame(axis)
    figure.subplots_adjust(
        left=0.75 / width, right=1 - 0.2 / width, bottom=0.6 / height, top=1 - 0.65 / height,
        hspace=0.42, wspace=0.2,
    )  # fmt: skip
    return figure, axes[:panels]


def light_frame(axis: Axes) -> None:
    """Draw a faint grid, and no frame except the two axes."""
    axis.grid(True, alpha=0.25, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


@dataclass(frozen=True)
class Curve:
    """The values of a curve at each x.

    Args:
        name: the name in the legend.
        x: N values.
        values: N values, or [N, R] for R seeds, or N sequences of different lengths. Values that
            are not finite are left out.
    """

    name: str
    x: Sequence[float] | np.ndarray
    values: Any

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """x, mean, smallest and largest value where there is any value, [M] each."""
        rows = []
        for at, values in zip(self.x, self.values, strict=True):
            finite = np.asarray(values, float).reshape(-1)
            finite = finite[np.isfinite(finite)]
            if len(finite):
                rows.append((float(at), finite.mean(), finite.min(), finite.max()))
        x, mean, least, greatest = np.array(rows, float).reshape(-1, 4).T
        return x, mean, least, greatest


def draw_curves(
    axis: Axes,
    curves: Sequence[Curve],
    *,
    first: int = 0,
    widest_gap: float = math.inf,
    nested: bool = False,
    faint: bool = False,
) -> None:
    """Draw lines through the means, with a light band from the smallest to the largest seed.

    If there are few points, each has a marker, otherwise some at places of the curve's own.

    Args:
        axis: the axis to draw on.
        curves: the curves; the position of a curve decides its colour and marker.
        first: the position of the first curve, if others are drawn elsewhere.
        widest_gap: points that are farther apart are not connected, since nothing was measured
            between them.
        nested: whether earlier curves are wider, so that equal curves can be seen.
        faint: whether to draw thin lines without markers and names, behind other curves.
    """
    for place, curve in enumerate(curves, start=first):
        k = place % len(COLOURS)
        x, mean, least, greatest = curve.points()
        if faint:
            axis.plot(x, mean, color=COLOURS[k], linewidth=0.8, alpha=0.3)
            continue
        wider = len(curves) - 1 - (place - first) if nested else 0
        style: dict[str, Any] = {
            "color": COLOURS[k],
            "marker": MARKERS[k],
            "markersize": 4 + min(2.4 * wider, 7),
            "linewidth": 1.4 + min(1.1 * wider, 3.3),
        }
        parts = np.split(np.arange(len(x)), np.flatnonzero(np.diff(x) > widest_gap) + 1)
        if len(x) > MOST_MARKERS and not np.isfinite(widest_gap):
            apart = len(x) // FEW_MARKERS
            style["markevery"] = (k * apart // 3 % apart, apart)
        line = LINES[k] if any(len(part) > 1 for part in parts) else "none"
        for number, part in enumerate(parts):
            label = curve.name if number == 0 else None
            axis.plot(x[part], mean[part], linestyle=line, label=label, **style)
            if (greatest > least).any():
                band: dict[str, Any] = {"color": COLOURS[k], "alpha": 0.18}
                axis.fill_between(x[part], least[part], greatest[part], linewidth=0, **band)
                if len(part) == 1:  # a band of one point has no width
                    axis.vlines(x[part], least[part], greatest[part], linewidth=5, **band)


def draw_strips(
    axis: Axes,
    settings: Mapping[str, Sequence[float]],
    *,
    offset: float = 0.0,
    hollow: bool = False,
    mean: bool = True,
) -> None:
    """Draw a row for each setting: a mark for each of its runs, and a bar at their mean.

    Args:
        axis: the axis to draw on; `name_strips` finishes it.
        settings: the values by the setting's name; values that are not finite are left out.
        offset: the distance of the marks from the middle of the row, if a row has two kinds.
        hollow: whether the marks are hollow.
        mean: whether to draw the bar.
    """
    for row, values in enumerate(settings.values()):
        k = row % len(COLOURS)
        finite = [float(value) for value in values if math.isfinite(float(value))]
        axis.plot(
            finite, [row + offset] * len(finite), MARKERS[k], color=COLOURS[k],
            alpha=0.7, fillstyle="none" if hollow else "full",
        )  # fmt: skip
        if mean and finite:
            middle = float(np.mean(finite))
            axis.plot([middle] * 2, [row + offset - 0.3, row + offset + 0.3], color=COLOURS[k])


def name_strips(figure: Figure, axes: Sequence[Axes], names: Sequence[str]) -> None:
    """Write the settings' names at the left of their rows, once for all panels."""
    wrapped = [fill(name, WIDEST_NAME) for name in names]
    lines = sum(name.count("\n") + 1 for name in wrapped)
    figure.set_figheight(max(figure.get_figheight(), 1.2 + 0.22 * lines + 0.15 * len(names)))
    for axis in axes:
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_yticks(range(len(names)), [""] * len(names))
    axes[0].set_yticks(range(len(names)), wrapped, fontsize=8)
    letters = max((len(line) for name in wrapped for line in name.split("\n")), default=0)
    figure.subplots_adjust(left=(0.3 + LETTER * letters) / figure.get_figwidth(), bottom=0.16)


def legend_below(figure: Figure) -> None:
    """Draw one legend below all panels; none if there is only one name."""
    named: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            named.setdefault(fill(label, MOST_LETTERS), handle)
    if len(named) < 2:
        return
    widest = max(len(line) for name in named for line in name.split("\n"))
    columns = max(1, min(len(named), int(figure.get_figwidth() / (LETTER * widest + 0.6))))
    tallest = max(name.count("\n") + 1 for name in named)
    room = 0.2 * tallest * math.ceil(len(named) / columns) + 0.05
    before = figure.get_figheight()
    bottom, top = (getattr(figure.subplotpars, side) for side in ("bottom", "top"))
    height = before + room
    figure.set_figheight(height)
    figure.subplots_adjust(
        bottom=(bottom * before + room) / height, top=1 - (1 - top) * before / height
    )
    if figure.get_suptitle():
        figure.suptitle(figure.get_suptitle(), fontsize=11, y=1 - 0.02 * before / height)
    figure.legend(
        list(named.values()), list(named), loc="lower center", ncols=columns, frameon=False,
        fontsize=8, handlelength=2.6, borderaxespad=0.2,
    )  # fmt: skip


def level_line(
    axis: Axes, value: float, name: str, *, below: bool = False, at_left: bool = False
) -> None:
    """Draw a line at a reference value, with its name at one end, where no curve should be."""
    axis.axhline(value, **LEVEL)
    axis.annotate(
        name, (0 if at_left else 1, value), (2 if at_left else -2, -4 if below else 3),
        ("axes fraction", "data"), "offset points", color=GREY, fontsize=8,
        ha="left" if at_left else "right", va="top" if below else "baseline",
    )  # fmt: skip


def power_of_ten(exponent: float) -> str:
    """10 to a whole power as plain text, which takes a tenth of the time of mathtext."""
    return "10" + f"{exponent:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def log_axis(axis: Axes) -> None:
    """Make the y axis logarithmic, with labels at whole powers of ten."""
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: power_of_ten(math.log10(y))))
    axis.yaxis.set_minor_locator(NullLocator())


def log_ticks(axis: Axis, least: float, greatest: float) -> None:
    """Label a logarithmic axis with plain numbers at 1, 2, 5, 10, unless its range is narrow."""
    if greatest < 3 * least:
        return
    is_x = axis is axis.axes.xaxis
    (axis.axes.set_xscale if is_x else axis.axes.set_yscale)("log")
    decades = math.log10(greatest / least)
    steps = (1,) if decades > 4 else (1, 3) if decades > 2 else (1, 2, 5)
    powers = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(greatest)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def measured_ticks(axis: Axes, values: Sequence[float]) -> None:
    """Put ticks of the x axis at measured values; if there are many, at some of them."""
    distinct = sorted(set(values))
    every = -(-len(distinct) // MOST_TICKS)
    shown = [*distinct[::every]]
    axis.set_xticks(shown, [f"{value:,g}" for value in shown])
    axis.xaxis.set_minor_locator(NullLocator())


def accuracy_axis(axis: Axes, chance: float, *, name_at_left: bool = False) -> None:
    """Make the y axis go from 0 to 1, with lines at chance and at 1."""
    axis.set_ylim(-0.02, 1.06)
    axis.axhline(1.0, color=GREY, linewidth=0.8)
    level_line(axis, chance, f"chance, {percent(chance)}", below=True, at_left=name_at_left)
