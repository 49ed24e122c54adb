"""The look that all figures share, and the two painters: curves with bands, strips by setting."""

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

# Okabe & Ito 2008: told apart by the colour-blind; ordered so that greys differ too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
# Beside the colours, so that nothing rests on colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", "-", "--", "-.")
GREY = "#666666"
# Of a line at a value to compare with.
LEVEL: dict[str, Any] = {"color": GREY, "linewidth": 1.0, "linestyle": (0, (2, 2))}
DPI = 120
# A curve of more points is drawn without a marker at each.
MOST_MARKERS = 30
MOST_TICKS = 14
LETTER = 0.062  # inches, of 8 points
MOST_LETTERS = 100  # of a line of the legend
WIDEST_NAME = 30  # letters of a setting beside its strip


def new_figure(title: str, panels: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """A figure with panels side by side, readable at half a page.

    Made without pyplot, which keeps every figure it makes alive.
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
    """A faint grid, and no frame but the two axes."""
    axis.grid(True, alpha=0.25, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


@dataclass(frozen=True)
class Curve:
    """What was measured at each x.

    Args:
        name: in the legend.
        x: N values.
        values: N; or [N, R] of R seeds, or N sequences of different lengths. Those that are not
            finite are left out.
    """

    name: str
    x: Sequence[float]
    values: Any

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """x, mean, least and greatest where there is a value at all, [M] each."""
        rows = []
        for at, values in zip(self.x, self.values, strict=True):
            found = np.asarray(values, float).reshape(-1)
            found = found[np.isfinite(found)]
            if len(found):
                rows.append((float(at), found.mean(), found.min(), found.max()))
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
    """Lines through the means with a light band from the least to the greatest of several seeds.

    A marker stands at each measured point where there are few.

    Args:
        axis: to draw on.
        curves: each with a look of its own, by its place.
        first: the place of the first one, where others are drawn elsewhere.
        widest_gap: no line connects points that lie farther apart: nothing was measured between.
        nested: draw earlier curves wider, so that equal ones are seen within each other.
        faint: thin lines without markers and names, behind others of the same colours.
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
            "marker": MARKERS[k] if len(x) <= MOST_MARKERS or np.isfinite(widest_gap) else None,
            "markersize": 4 + min(2.4 * wider, 7),
            "linewidth": 1.4 + min(1.1 * wider, 3.3),
        }
        parts = np.split(np.arange(len(x)), np.flatnonzero(np.diff(x) > widest_gap) + 1)
        for number, part in enumerate(parts):
            label = curve.name if number == 0 else None
            axis.plot(x[part], mean[part], LINES[k], label=label, **style)
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
    """A row for each setting: a mark for each of its runs, and a bar at their mean.

    Args:
        axis: to draw on; `name_strips` finishes it.
        settings: the values by name; not finite ones are left out.
        offset: of the marks from the middle of the row, where a row has two kinds of them.
        hollow: marks that are not filled.
        mean: whether the bar is drawn.
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
    """Write the settings' names before their rows, once for all panels, with room for them."""
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
    """One legend for all panels, below them, where no curve can be. None for a single name."""
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


def level_line(axis: Axes, value: float, words: str, below: bool = False) -> None:
    """A line at a value to compare with, its words at the right, where curves have left it."""
    axis.axhline(value, **LEVEL)
    axis.annotate(
        words, (1, value), (-2, -4 if below else 3), ("axes fraction", "data"), "offset points",
        color=GREY, fontsize=8, ha="right", va="top" if below else "baseline",
    )  # fmt: skip


def power_of_ten(exponent: float) -> str:
    """10 to a whole power as plain text, which is drawn in a tenth of mathtext's time."""
    return "10" + f"{exponent:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def log_axis(axis: Axes) -> None:
    """A logarithmic y axis, labelled at whole powers of ten."""
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: power_of_ten(math.log10(y))))
    axis.yaxis.set_minor_locator(NullLocator())


def log_ticks(axis: Axis, least: float, greatest: float) -> None:
    """A logarithmic axis with plain numbers at 1, 2, 5, 10; left as it is for a narrow range."""
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
    """Ticks of the x axis where something was measured; not at each where there are many."""
    distinct = sorted(set(values))
    every = -(-len(distinct) // MOST_TICKS)
    shown = [*distinct[::every]]
    axis.set_xticks(shown, [f"{value:,g}" for value in shown])
    axis.xaxis.set_minor_locator(NullLocator())


def accuracy_axis(axis: Axes, chance: float) -> None:
    """From 0 to 1, with the accuracy of a guess and the perfect one drawn."""
    axis.set_ylim(-0.02, 1.06)
    axis.axhline(1.0, color=GREY, linewidth=0.8)
    level_line(axis, chance, f"chance, {chance:.0%}", below=True)
