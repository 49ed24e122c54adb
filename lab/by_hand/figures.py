"""The by-hand study's figures, beside those of lab.generation.figures: arrays in, figures out."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lab.engine import plots
from lab.images.sheets import GAP, MARGIN, TITLE, strips, tile

SIDE_LABELS = MARGIN // 2


def frame_strip(
    frames: np.ndarray, epochs: Sequence[int], names: Sequence[str], best: Sequence[int]
) -> Figure:
    """One sample of each digit through training: a row a digit, a column an epoch.

    Args:
        frames: [F, G, 28, 28] in [-1, 1].
        epochs: F, set above the columns.
        names: G, set before the rows.
        best: G of the epochs, of the frames to be framed.
    """
    rows = frames.swapaxes(0, 1)  # [G, F, 28, 28]
    sheet = tile(rows.reshape(-1, *rows.shape[2:]), len(epochs))
    figure, (axis,) = strips([sheet], left=SIDE_LABELS, above=TITLE)
    step = rows.shape[-1] + GAP
    for column, epoch in enumerate(epochs):
        axis.text((column + 0.5) * step, -GAP, f"{epoch:,}", fontsize=9, ha="center", va="bottom")
    for row, (name, epoch) in enumerate(zip(names, best, strict=True)):
        axis.text(-2 * GAP, (row + 0.5) * step, name, fontsize=10, ha="right", va="center")
        corner = (epochs.index(epoch) * step, row * step)
        axis.add_patch(
            Rectangle(corner, step, step, fill=False, edgecolor=plots.COLOURS[1], linewidth=2)
        )
    return figure


def quality_curves(
    epochs: Sequence[int], shares: np.ndarray, fids: np.ndarray, floor: float, title: str
) -> Figure:
    """The judge's share and the FID against the epoch: the mean and a band from worst to best.

    Args:
        epochs: F.
        shares: [F, G], of samples read as their digit.
        fids: [F, G], within the class.
        floor: the mean FID of real images.
        title: of the figure.
    """
    figure, (left, right) = plots.new_figure(title, panels=2)
    for axis, values, colour in ((left, shares, 0), (right, fids, 1)):
        _band(axis, epochs, values, plots.COLOURS[colour])
        axis.set_xlabel("epoch (one update each)")
    left.set_ylim(-0.02, 1.04)
    left.axhline(1.0, color=plots.CHANCE, linewidth=0.8)
    left.set_ylabel("share of samples read as their digit")
    right.set_yscale("log")
    plots.level_line(right, floor, f"real images {floor:.1f}")
    right.set_ylabel("FID within the class (less is better)")
    left.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def _band(axis: Axes, epochs: Sequence[int], values: np.ndarray, colour: str) -> None:
    count = values.shape[1]
    axis.fill_between(
        epochs, values.min(1), values.max(1), color=colour, alpha=0.2, linewidth=0,
        label=f"worst to best of {count} digits",
    )  # fmt: skip
    axis.plot(epochs, values.mean(1), color=colour, marker="o", markersize=3, label="mean")


def loss_curves(
    steps: Sequence[int],
    losses: Mapping[str, Sequence[float]],
    epochs: Sequence[int],
    shares: Mapping[str, np.ndarray],
    title: str,
) -> Figure:
    """The losses at every logged epoch, and D's accuracy and the bright pixels at the frames'.

    Args:
        steps: S logged epochs.
        losses: curves of S means over the digits, by name; log 2 is that of a coin.
        epochs: F, of the frames.
        shares: curves [F, G] in [0, 1] by name.
        title: of the figure.
    """
    figure, (left, right) = plots.new_figure(title, panels=2)
    for index, (name, values) in enumerate(losses.items()):
        left.plot(steps, values, plots.LINES[index], color=plots.COLOURS[index], label=name)
    plots.level_line(left, log(2), "log 2: D cannot decide")
    left.set_ylabel("loss, mean over the digits")
    for index, (name, of_digits) in enumerate(shares.items()):
        right.plot(
            epochs, of_digits.mean(1), plots.LINES[index], color=plots.COLOURS[index],
            marker=plots.MARKERS[index], markersize=3, label=name,
        )  # fmt: skip
    right.set_ylim(-0.02, 1.02)
    right.axhline(0.5, **plots.LEVEL)
    right.set_ylabel("share, mean over the digits")
    for axis in (left, right):
        axis.set_xlabel("epoch (one update each)")
        axis.legend(frameon=False, fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.subplots_adjust(top=0.84)
    return figure


def best_and_last(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """The judge's share and the FID of each setting, at the best frames and at the end.

    Args:
        rows: of finished runs, with `series`; a mark for each of them.
    """
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    title = "Means over the digits: filled at each digit's best frame, hollow at the end"
    figure, axes = plots.new_figure(title, panels=2)
    panels = (
        ("judge_share", "share of samples read as their digit"),
        ("fid", "FID within the class (less is better)"),
    )
    for axis, (key, words) in zip(axes, panels, strict=True):
        for index, name in enumerate(names):
            style: dict[str, Any] = {
                "color": plots.COLOURS[index % len(plots.COLOURS)],
                "marker": plots.MARKERS[index % len(plots.MARKERS)],
                "linestyle": "",
            }
            for prefix, offset, fill in (("best_", -0.15, "full"), ("", 0.15, "none")):
                values = [float(row[prefix + key]) for row in rows if row["series"] == name]
                axis.plot(values, [index + offset] * len(values), fillstyle=fill, **style)
        axis.set_xlabel(words)
        axis.set_ylim(len(names) - 0.5, -0.5)
    axes[0].set_xlim(-0.02, 1.04)
    axes[0].set_yticks(range(len(names)), names)
    axes[1].set_xscale("log")
    axes[1].set_yticks(range(len(names)), [""] * len(names))
    figure.subplots_adjust(left=0.28)
    return figure


def through_training(runs: Sequence[tuple[str, Mapping[str, Sequence[float]]]]) -> Figure:
    """Quality against the epoch, and beside it what could explain its fall.

    Args:
        runs: the setting and the columns of metrics.csv of each; runs of one setting are averaged,
            a band from the least to the greatest of them.
    """
    panels = {
        "share of samples read as their digit": lambda m: m["judge_share"],
        "D's accuracy on held-out images:\ndoes it fall behind (to 0.5)?": lambda m: m[
            "d_accuracy"
        ],
        "D's accuracy, training minus held-out:\ndoes it overfit (above 0)?": (
            lambda m: m["d_train_accuracy"] - m["d_accuracy"]
        ),
        "share of pixels above 1:\ntricks with bright pixels?": lambda m: m["saturated"],
    }
    figure = Figure(figsize=(9.2, 7.2), dpi=plots.DPI)
    columns = [(name, {k: np.array(v) for k, v in metrics.items()}) for name, metrics in runs]
    names = list(dict.fromkeys(name for name, _ in runs))
    for axis, (words, measure) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        for index, name in enumerate(names):
            of_setting = [metrics for other, metrics in columns if other == name]
            measured = np.isfinite(of_setting[0]["judge_share"])
            epochs = of_setting[0]["step"][measured]
            values = np.array([measure(metrics)[measured] for metrics in of_setting])
            colour = plots.COLOURS[index % len(plots.COLOURS)]
            line = plots.LINES[index % len(plots.LINES)]
            axis.plot(epochs, values.mean(0), line, color=colour, label=name)
            axis.fill_between(
                epochs, values.min(0), values.max(0), color=colour, alpha=0.18, linewidth=0
            )
        axis.set_title(words, fontsize=10)
        plots.light_frame(axis)
        axis.set_xlabel("epoch (one update each)", fontsize=9)
    seeds = max(sum(name == other for other, _ in runs) for name in names)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="upper center", ncols=2,
                  frameon=False, fontsize=9)  # fmt: skip
    figure.text(0.5, 0.01, f"means over the digits; band: least to greatest of {seeds} runs",
                ha="center", fontsize=9)  # fmt: skip
    figure.subplots_adjust(left=0.085, right=0.98, top=0.87, bottom=0.1, hspace=0.42, wspace=0.2)
    return figure
