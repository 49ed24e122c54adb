"""The look that all figures share."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

# Okabe & Ito 2008: told apart by the colour-blind; ordered so that greys differ too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
# Beside the colours, so that nothing rests on colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", "-", "--", "-.")
CHANCE = "#666666"
# Of a line at a value to compare with.
LEVEL: dict[str, Any] = {"color": CHANCE, "linewidth": 1.0, "linestyle": (0, (2, 2))}
DPI = 120


def new_figure(title: str, panels: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """A figure with panels side by side, readable at half a page.

    Made without pyplot, which keeps every figure it makes alive.
    """
    figure = Figure(figsize=(7.0 if panels == 1 else 4.6 * panels, 4.2), dpi=DPI)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        light_frame(axis)
    figure.suptitle(title, fontsize=11)
    figure.subplots_adjust(
        left=0.1 if panels == 1 else 0.085, right=0.97, bottom=0.13, top=0.88, wspace=0.22
    )
    return figure, list(axes)


def light_frame(axis: Axes) -> None:
    """A faint grid, and no frame but the two axes."""
    axis.grid(True, alpha=0.25, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def level_line(axis: Axes, value: float, words: str, below: bool = False) -> None:
    """A line at a value to compare with, its words at the right, where curves have left it."""
    axis.axhline(value, **LEVEL)
    axis.annotate(
        words, (1, value), (-2, -4 if below else 3), ("axes fraction", "data"), "offset points",
        color=CHANCE, fontsize=8, ha="right", va="top" if below else "baseline",
    )  # fmt: skip


def power_of_ten(exponent: float) -> str:
    """10 to a whole power as plain text, which is drawn in a tenth of mathtext's time."""
    return "10" + f"{exponent:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def log_axis(axis: Axes) -> None:
    """A logarithmic y axis, labelled at whole powers of ten."""
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: power_of_ten(math.log10(y))))
    axis.yaxis.set_minor_locator(NullLocator())


def accuracy_axis(axis: Axes, chance: float) -> None:
    """From 0 to 1, with the accuracy of a guess and the perfect one drawn."""
    axis.set_ylim(-0.02, 1.06)
    axis.axhline(1.0, color=CHANCE, linewidth=0.8)
    level_line(axis, chance, f"chance, {chance:.0%}", below=True)
