"""Figures of how a network remembers: gradients, gates, probes. Arrays in, figures out."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lab.engine import plots

if TYPE_CHECKING:
    from lab.memory.flow import Flow

CHANCE = 0.1
DIGITS_THAT_FIT = 60
LEGEND_WIDTH = 64  # letters in half a figure


def gradient_flow(start: "Flow", trained: "Flow", title: str) -> Figure:
    """One run: the gradients' norms against t, at its start and after training."""
    figure, (axis,) = plots.new_figure(title)
    for k, name in enumerate(trained.norms):
        for flow, when, line in ((start, "at the start", "--"), (trained, "trained", "-")):
            words = f"|dLoss/d{name}(t)| {when}{flow.phrase(name)}"
            _draw_norms(axis, flow.norms[name], plots.COLOURS[k], line, words)
    _finish_norms(axis, 2 * len(trained.norms))
    return figure


def compare_flows(flows: Mapping[str, tuple["Flow", "Flow"]], seq_len: int) -> Figure:
    """Several runs, at their start and after training; for an LSTM the way of its cell state."""
    title = f"How much of the loss at the end of T={seq_len:,} reaches the digit read at t"
    figure, axes = plots.new_figure(title, panels=2)
    lines = dict.fromkeys(axes, 0)
    for index, (run, both) in enumerate(flows.items()):
        k = index % len(plots.COLOURS)
        for axis, flow in zip(axes, both, strict=True):
            name = list(flow.norms)[-1]
            words = fill(f"d{name}(t), {run}{flow.phrase(name)}", LEGEND_WIDTH)
            lines[axis] += words.count("\n") + 1
            _draw_norms(axis, flow.norms[name], plots.COLOURS[k], plots.LINES[k], words)
    low = min(axis.get_ylim()[0] for axis in axes)
    high = max(axis.get_ylim()[1] for axis in axes)
    for axis, when in zip(axes, ("at the start of training", "trained"), strict=True):
        axis.set_ylim(low, high)
        axis.set_title(when, fontsize=10)
        _finish_norms(axis, max(lines.values()))
    figure.subplots_adjust(top=0.85, wspace=0.3)
    return figure


def _draw_norms(axis: Axes, norms: np.ndarray, colour: str, line: str, words: str) -> None:
    steps = np.arange(1, len(norms) + 1)
    axis.plot(steps, norms, line, color=colour, label=words, linewidth=1.6)


def _finish_norms(axis: Axes, lines: int) -> None:
    # Room below for the legend, which would cover the curves elsewhere.
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.08 * (lines + 1) * max(high - low, 1), high)
    axis.legend(frameon=False, fontsize=7.5, loc="lower right")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("step t (digits read)")
    axis.set_ylabel("norm of the gradient (nats per unit of state)")
    # The norms are logarithms already: the smallest of them are below any float.
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plots.power_of_ten(value)))


def gates(panels: Mapping[str, np.ndarray], digits: str, title: str, words: str) -> Figure:
    """Heat maps over time, one below the other.

    Args:
        panels: by name, each [H, T-1], its units in the order in which they are drawn.
        digits: those read, one for each step.
        title, words: above and below.
    """
    figure = Figure(figsize=(7.0, 7.2), dpi=plots.DPI)
    axes: Sequence[Axes] = figure.subplots(len(panels), 1, sharex=True)
    figure.subplots_adjust(left=0.09, right=0.9, top=0.91, bottom=0.11, hspace=0.3)
    bars: dict[float, tuple[Axes, Axes, AxesImage]] = {}  # one for all panels of the same scale
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        # Gates lie in [0, 1]; a cell state is drawn from -m to m, so that 0 is the middle tone.
        low = 0.0 if values.min() >= 0 and values.max() <= 1 else -float(np.abs(values).max())
        high = 1.0 if low == 0 else -low
        image = axis.imshow(
            values, aspect="auto", cmap="cividis", vmin=low, vmax=high, interpolation="nearest"
        )
        axis.set_ylabel("unit", fontsize=9)
        axis.set_title(name, fontsize=9, loc="left", pad=3)
        axis.tick_params(labelsize=8)
        bars[low] = (bars[low][0], axis, image) if low in bars else (axis, axis, image)
    if len(digits) <= DIGITS_THAT_FIT:
        axes[-1].set_xticks(range(len(digits)), list(digits))
        axes[-1].set_xlabel("the digits read, in order")
    else:
        axes[-1].set_xlabel("step t (digits read)")
    figure.suptitle(title, fontsize=11)
    figure.text(0.5, 0.015, words, ha="center", fontsize=9)
    for first, last, image in bars.values():
        bottom, top = last.get_position().y0, first.get_position().y1
        figure.colorbar(image, figure.add_axes((0.915, bottom, 0.018, top - bottom)))
    return figure


def probe(
    steps: Sequence[int], accuracies: Mapping[str, Sequence[float]], title: str, count: int
) -> Figure:
    """How well a linear probe reads the first digit from each state, on `count` held out."""
    figure, (axis,) = plots.new_figure(title)
    for k, (name, values) in enumerate(accuracies.items()):
        axis.plot(
            steps, values, plots.LINES[k], color=plots.COLOURS[k], marker=plots.MARKERS[k],
            markersize=4, label=name,
        )  # fmt: skip
    plots.accuracy_axis(axis, CHANCE)
    axis.set_xlabel("step t (digits read)")
    axis.set_ylabel(f"first digit read rightly (share of {count:,})")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 0.14))
    return figure
