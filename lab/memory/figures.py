"""The memory study's figures: arrays in, matplotlib figures out; no files."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lab.engine import plots
from lab.memory.config import MemoryConfig

CHANCE = 0.1
LOSS_OF_CHANCE = math.log(10)


def _settings(config: MemoryConfig) -> str:
    optimizer = str(config.optimizer["_target_"]).rpartition(".")[2]
    return f"{config.label}, H={config.hidden_size}, {optimizer} lr {config.optimizer['lr']:g}"


def learning_curves(metrics: Mapping[str, Sequence[float]], config: MemoryConfig) -> Figure:
    """Loss and accuracy against the step, training batches and held-out palindromes."""
    title = f"Learning T={config.seq_len}, seed {config.seed} ({_settings(config)})"
    figure, (losses, accuracies) = plots.new_figure(title, panels=2)
    steps = np.array(metrics["step"])
    names = {"train": "training batches (mean since the last point)", "val": "held out"}
    for index, (part, name) in enumerate(names.items()):
        loss, accuracy = np.array(metrics[f"{part}_loss"]), np.array(metrics[f"{part}_accuracy"])
        measured = np.isfinite(loss)
        style: dict[str, Any] = {
            "color": plots.COLOURS[index],
            "linestyle": plots.LINES[index],
            "marker": plots.MARKERS[index] if measured.sum() <= 30 else None,
            "markersize": 4,
            "label": name,
        }
        losses.plot(steps[measured], loss[measured], **style)
        accuracies.plot(steps[measured], accuracy[measured], **style)
    plots.log_axis(losses)
    losses.set_ylim(min(0.1, losses.get_ylim()[0]), max(10.0, losses.get_ylim()[1]))
    losses.set_ylabel("cross-entropy at the last step (nats)")
    plots.level_line(losses, LOSS_OF_CHANCE, "chance, ln 10", below=True)
    plots.accuracy_axis(accuracies, CHANCE)
    accuracies.set_ylabel("accuracy")
    if "seq_len" in metrics:
        _mark_growth(accuracies, metrics)
    for axis in (losses, accuracies):
        axis.set_xlim(0, steps.max() * 1.04)
        axis.set_xlabel("optimizer step")
    losses.legend(frameon=False, loc="lower left", fontsize=9)
    return figure


def _mark_growth(axis: Axes, metrics: Mapping[str, Sequence[float]]) -> None:
    """A line where the curriculum's T grew, named by the T that training went on with."""
    before = None
    for step, seq_len in zip(metrics["step"], metrics["seq_len"], strict=True):
        if seq_len != before:
            axis.axvline(step, color=plots.CHANCE, linewidth=0.7, linestyle=":")
            axis.annotate(
                f"T={seq_len:,.0f}", (step, 0.5), xytext=(2, 0), textcoords="offset points",
                rotation=90, fontsize=7, color=plots.CHANCE, va="center",
            )  # fmt: skip
        before = seq_len


def accuracy_by_length(accuracies: Mapping[int, float], config: MemoryConfig) -> Figure:
    """One trained network at every length; its own is marked."""
    title = f"Trained at T={config.seq_len} only, seed {config.seed} ({_settings(config)})"
    figure, (axis,) = plots.new_figure(title)
    lengths = sorted(accuracies)
    axis.plot(lengths, [accuracies[n] for n in lengths], "o-", color=plots.COLOURS[0], markersize=4)
    own = config.seq_len
    axis.plot(
        [own], [accuracies[own]], "D", color=plots.COLOURS[1], markersize=9,
        label=f"its own length, held out: {accuracies[own]:.1%}",
    )  # fmt: skip
    plots.accuracy_axis(axis, CHANCE)
    axis.set_xlabel("length T of the palindrome tested (digits)")
    axis.set_ylabel("accuracy")
    axis.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.0, 0.14))
    return figure


def sweep_accuracy(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Held-out accuracy against length, a line for each setting, its seeds as a band.

    Args:
        rows: of finished runs, with `series`, `seq_len`, `seed`, `val_accuracy`, `test_accuracy`.
    """
    series: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        test = row["test_accuracy"]
        accuracy = row["val_accuracy"] if test is None else test
        series[row["series"]][row["seq_len"]].append(accuracy)
    seeds = len({row["seed"] for row in rows})
    title = f"Held-out accuracy against length ({len(rows)} runs)"
    figure, (axis,) = plots.new_figure(title)
    for index, (name, by_length) in enumerate(series.items()):
        lengths = sorted(by_length)
        values = [np.array(by_length[n]) for n in lengths]
        k = index % len(plots.COLOURS)
        axis.plot(
            lengths, [v.mean() for v in values], plots.LINES[k], color=plots.COLOURS[k],
            marker=plots.MARKERS[k], markersize=4, label=name,
        )  # fmt: skip
        axis.fill_between(
            lengths, [v.min() for v in values], [v.max() for v in values],
            color=plots.COLOURS[k], alpha=0.18, linewidth=0,
        )  # fmt: skip
    plots.accuracy_axis(axis, CHANCE)
    axis.set_xlabel("length T of the palindrome (digits); the network reads T-1")
    axis.set_ylabel("mean accuracy" + (f", band: min to max of {seeds} seeds" if seeds > 1 else ""))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if series:
        axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 0.14))
    return figure
