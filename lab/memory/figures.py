"""The memory study's figures: arrays in, matplotlib figures out; no files."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lab import plots
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
    for index, (part, name) in enumerate((("train", "training batches"), ("val", "held out"))):
        style: dict[str, Any] = {
            "color": plots.COLOURS[index],
            "linestyle": plots.LINES[index],
            "marker": plots.MARKERS[index] if len(metrics["step"]) <= 30 else None,
            "markersize": 4,
            "label": name,
        }
        losses.plot(metrics["step"], metrics[f"{part}_loss"], **style)
        accuracies.plot(metrics["step"], metrics[f"{part}_accuracy"], **style)
    losses.axhline(LOSS_OF_CHANCE, color=plots.CHANCE, linewidth=1.0, linestyle=(0, (2, 2)))
    losses.text(
        metrics["step"][0], LOSS_OF_CHANCE * 1.06, "chance ln 10", color=plots.CHANCE, fontsize=8
    )
    losses.set_yscale("log")
    losses.set_ylabel("cross-entropy at the last step (nats)")
    plots.accuracy_axis(accuracies, CHANCE, metrics["step"][0])
    accuracies.set_ylabel("accuracy")
    for axis in (losses, accuracies):
        axis.set_xlabel("optimizer step")
    accuracies.legend(frameon=False, loc="center right", fontsize=9)
    return figure


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
    plots.accuracy_axis(axis, CHANCE, min(lengths))
    axis.set_xlabel("length T of the palindrome tested (digits)")
    axis.set_ylabel("accuracy")
    axis.legend(frameon=False, fontsize=9, loc="best")
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
    shortest = min((row["seq_len"] for row in rows), default=3)
    plots.accuracy_axis(axis, CHANCE, shortest)
    axis.set_xlabel("length T of the palindrome (digits); the network reads T-1")
    axis.set_ylabel("mean accuracy" + (f", band: min to max of {seeds} seeds" if seeds > 1 else ""))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if series:
        axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 0.12))
    return figure
