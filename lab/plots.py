"""The look that all figures share."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito 2008: told apart by the colour-blind; ordered so that greys differ too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
# Beside the colours, so that nothing rests on colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", "-", "--", "-.")
CHANCE = "#666666"
DPI = 120


def new_figure(title: str, panels: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """A figure with panels side by side, readable at half a page.

    Made without pyplot, which keeps every figure it makes alive.
    """
    figure = Figure(figsize=(7.0 if panels == 1 else 4.6 * panels, 4.2), dpi=DPI)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        axis.grid(True, alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    figure.subplots_adjust(
        left=0.1 if panels == 1 else 0.08, right=0.97, bottom=0.13, top=0.88, wspace=0.22
    )
    return figure, list(axes)


def accuracy_axis(axis: Axes, chance: float, chance_at: float) -> None:
    """From 0 to 1, with chance and perfect drawn.

    Args:
        chance: the accuracy of a guess.
        chance_at: x at which the word stands.
    """
    axis.set_ylim(-0.02, 1.06)
    axis.axhline(1.0, color=CHANCE, linewidth=0.8)
    axis.axhline(chance, color=CHANCE, linewidth=1.0, linestyle=(0, (2, 2)))
    axis.text(chance_at, chance + 0.015, f"chance {chance:.0%}", color=CHANCE, fontsize=8)
