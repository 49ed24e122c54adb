"""The generation study's figures: numbers in, Matplotlib figures out."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lab.engine import plots


def loss_dynamics(
    steps: Sequence[int],
    losses: Mapping[str, Sequence[float]],
    shares: Mapping[str, Sequence[float]],
    title: str,
    cross_entropy: bool,
) -> Figure:
    """Both losses, and what the discriminator thinks, against the step.

    Args:
        steps: S optimizer steps.
        losses: curves of S values by name.
        shares: curves of S values in [0, 1] by name, e.g. D(x), D(G(z)), how often D is right.
        title: of the figure.
        cross_entropy: whether the losses are, so that a D which cannot decide stands at log 2.
    """
    figure, (left, right) = plots.new_figure(title, panels=2)
    for axis, curves in ((left, losses), (right, shares)):
        for index, (name, values) in enumerate(curves.items()):
            colour = plots.COLOURS[index]
            axis.plot(steps, values, color=colour, linewidth=0.8, alpha=0.25)
            axis.plot(*_running_mean(steps, values), plots.LINES[index], color=colour, label=name)
        axis.set_xlabel("optimizer step")
        axis.legend(frameon=False, fontsize=9, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.subplots_adjust(top=0.84)
    if cross_entropy:
        plots.level_line(left, log(2), "log 2: D cannot decide")
    left.set_ylabel("loss")
    right.axhline(0.5, **plots.LEVEL)
    right.set_ylim(-0.02, 1.02)
    right.set_ylabel("mean over the batch")
    return figure


def sweep_quality(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """FID and recall of each setting, a mark for each seed and a bar at their mean.

    Args:
        rows: of finished runs, with `series`, `fid`, `recall` and what real images get.
    """
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    counts = sorted({int(row["n"]) for row in rows})
    title = f"The judge's FID and recall at n={' and '.join(f'{n:,}' for n in counts)}"
    figure, axes = plots.new_figure(title, panels=2)
    panels = (("fid", "fid_floor", "FID (less is better)"), ("recall", "real_recall", "recall"))
    for axis, (key, of_real, words) in zip(axes, panels, strict=True):
        for index, name in enumerate(names):
            values = [float(row[key]) for row in rows if row["series"] == name]
            colour = plots.COLOURS[index % len(plots.COLOURS)]
            marker = plots.MARKERS[index % len(plots.MARKERS)]
            axis.plot(values, [index] * len(values), marker, color=colour, alpha=0.7)
            axis.plot([float(np.mean(values))] * 2, [index - 0.3, index + 0.3], "-", color=colour)
        real = float(np.mean([row[of_real] for row in rows]))
        axis.axvline(real, **plots.LEVEL)
        axis.set_xlabel(f"{words}; dotted: real images, {real:.2f}")
        axis.set_ylim(len(names) - 0.5, -0.5)
    axes[0].set_xscale("log")
    axes[0].set_yticks(range(len(names)), names)
    axes[1].set_xlim(0, 1)
    axes[1].set_yticks(range(len(names)), [""] * len(names))
    figure.subplots_adjust(left=0.32, bottom=0.16)
    return figure


def _running_mean(steps: Sequence[int], values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Over a fiftieth of the curve, at the middle of each window."""
    window = np.full(max(len(values) // 50, 1), 1 / max(len(values) // 50, 1))
    return np.convolve(steps, window, "valid"), np.convolve(values, window, "valid")
