"""The memory study's figures. They take numbers, return matplotlib figures and write no files."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.config.wording import percent
from lab.figures import plots
from lab.memory.config import MemoryConfig
from lab.memory.network import DIGITS, build_sequence

# The axis of lengths is logarithmic if the longest is at least so many times the shortest.
MANY_TIMES = 10
# What figures of several runs say of the length and of the accuracy.
LENGTH = "length T of the whole sequence (steps)"
MEASURED_ON = "on the test set; on the validation set where there is no test set"


def _settings(config: MemoryConfig) -> str:
    optimizer = str(config.optimizer["_target_"]).rpartition(".")[2]
    lr = f"lr\N{NO-BREAK SPACE}{config.optimizer['lr']:g}"  # a title is not broken there
    return f"{config.label}, H={config.hidden_size}, {optimizer} {lr}"


def _sequence(config: MemoryConfig) -> str:
    """The name of the sequence for a title, if it is not the palindrome."""
    name = config.sequence_name.replace("_", " ")
    return "" if name == "palindrome" else f"{name}, "


def learning_curves(metrics: Mapping[str, Sequence[float]], config: MemoryConfig) -> Figure:
    """Draw loss and accuracy of training batches and validation set against the step."""
    sequence = build_sequence(config)
    what = f"{_sequence(config)}T={config.seq_len:,}"
    title = f"Learning {what}, seed {config.seed} ({_settings(config)})"
    figure, (losses, accuracies) = plots.new_figure(title, panels=2)
    growing = ", of the T that is trained" if "seq_len" in metrics else ""
    names = {
        "train": "training batches (mean since the last point)",
        "val": f"validation set{growing}",
    }
    for axis, metric in ((losses, "loss"), (accuracies, "accuracy")):
        curves = [
            plots.Curve(name, metrics["step"], metrics[f"{part}_{metric}"])
            for part, name in names.items()
        ]
        plots.draw_curves(axis, curves)
    plots.log_axis(losses)
    losses.set_ylim(min(0.1, losses.get_ylim()[0]), max(10.0, losses.get_ylim()[1]))
    losses.set_ylabel(sequence.loss_name)
    guess = sequence.chance_loss
    plots.level_line(losses, guess, f"chance, {guess:.2f}", below=True)
    plots.accuracy_axis(accuracies, sequence.chance)
    accuracies.set_ylabel("accuracy")
    if "seq_len" in metrics:
        _mark_growth(accuracies, metrics)
    for axis in (losses, accuracies):
        axis.set_xlim(0, max(metrics["step"]) * 1.04)
        axis.set_xlabel("optimizer step")
    plots.legend_below(figure)
    return figure


def _mark_growth(axis: Axes, metrics: Mapping[str, Sequence[float]]) -> None:
    """Draw a line where the curriculum's T grew, with the new T beside it."""
    before = None
    for step, seq_len in zip(metrics["step"], metrics["seq_len"], strict=True):
        if seq_len != before:
            axis.axvline(step, color=plots.GREY, linewidth=0.7, linestyle=":")
            axis.annotate(
                f"T={seq_len:,.0f}", (step, 0), xytext=(2, 0), textcoords="offset points",
                rotation=90, fontsize=7, color=plots.GREY, va="bottom",
            )  # fmt: skip
        before = seq_len


def accuracy_by_length(
    accuracies: Mapping[int, float], config: MemoryConfig, measured_on: str
) -> Figure:
    """Draw the accuracy of one trained network at every length; its own length is marked.

    Args:
        accuracies: the accuracy, from 0 to 1, by length.
        config: the run's config.
        measured_on: the set that gave the accuracy at its own length, such as `the test set`.
    """
    own, sequence = config.seq_len, build_sequence(config)
    trained = f"T={own:,} only" if config.curriculum == "none" else f"growing T up to {own:,}"
    title = f"Trained on {_sequence(config)}{trained}, seed {config.seed} ({_settings(config)})"
    figure, (axis,) = plots.new_figure(title)
    lengths = sorted(accuracies)
    others = plots.Curve(
        f"up to 400 {sequence.noun} of each length", lengths, [accuracies[n] for n in lengths]
    )
    plots.draw_curves(axis, [others], widest_gap=1)
    axis.plot(
        [own], [accuracies[own]], "D", color=plots.COLOURS[1], markersize=9, fillstyle="none",
        markeredgewidth=2,
        label=f"T={own:,}, {measured_on}: {percent(accuracies[own])}",
    )  # fmt: skip
    _length_axis(axis, lengths)
    plots.accuracy_axis(axis, sequence.chance, name_at_left=True)
    axis.set_xlabel(f"length T of the {sequence.noun} tested (steps)")
    axis.set_ylabel("accuracy")
    plots.legend_below(figure)
    return figure


def _length_axis(axis: Axes, lengths: Sequence[int]) -> None:
    """Put ticks at lengths that were tested, and leave room at both ends."""
    shortest, longest = min(lengths), max(lengths)
    if longest >= MANY_TIMES * shortest:
        axis.set_xscale("log")
        axis.set_xlim(shortest / 1.1, longest * 1.15)
        apart = math.log(longest / shortest) / plots.MOST_TICKS
        chosen = [longest]
        for n in sorted(lengths, reverse=True):
            if math.log(chosen[-1] / n) >= apart:
                chosen.append(n)
        plots.measured_ticks(axis, chosen)
    else:
        axis.set_xlim(shortest - 1, longest + 1)
        plots.measured_ticks(axis, lengths)


def sweep_accuracy(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw accuracy against length: a line for each setting, with a band over its seeds.

    Args:
        rows: a row for each finished run of one sequence, with `series`, `seq_len`, `seed`,
            `val_accuracy`, `test_accuracy`, and for another sequence than the palindrome also
            `sequence` and `chance`.
    """
    asked = str(rows[0].get("sequence", "palindrome")) if rows else "palindrome"
    chance = float(rows[0].get("chance", 1 / DIGITS)) if rows else 1 / DIGITS
    series: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        test = row["test_accuracy"]
        accuracy = row["val_accuracy"] if test is None else test
        series[row["series"]][int(row["seq_len"])].append(accuracy)
    seeds = len({row["seed"] for row in rows})
    figure, (axis,) = plots.new_figure(
        f"Accuracy against length, {asked.replace('_', ' ')} ({len(rows)} runs)"
    )
    curves = []
    for name, by_length in series.items():
        lengths = sorted(by_length)
        curves.append(plots.Curve(name, lengths, [by_length[n] for n in lengths]))
    plots.draw_curves(axis, curves, widest_gap=1, nested=True)
    plots.accuracy_axis(axis, chance, name_at_left=True)
    if series:
        _length_axis(axis, sorted({n for by_length in series.values() for n in by_length}))
    axis.set_xlabel(LENGTH)
    axis.set_ylabel("accuracy" + (f", mean and range of {seeds} seeds" if seeds > 1 else ""))
    axis.set_title(MEASURED_ON, fontsize=9)
    plots.legend_below(figure)
    return figure
