"""How far networks generalise beyond the lengths they were trained on, and what state they need."""

from collections.abc import Mapping, Sequence
from itertools import dropwhile, takewhile
from typing import Any

from matplotlib.figure import Figure

from lab.figures import plots

NEEDED = 0.99
COLUMNS = 4


def correct_lengths(accuracies: Mapping[int, float]) -> tuple[int, int]:
    """The first and the last of the shortest tested lengths that have 99 % and no gap between them.

    Both are 0 if no length has 99 %.
    """
    correct = dropwhile(lambda length: accuracies[length] < NEEDED, sorted(accuracies))
    block = list(takewhile(lambda length: accuracies[length] >= NEEDED, correct))
    return (block[0], block[-1]) if block else (0, 0)


def accuracy_beyond_training(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw accuracy against the length tested: a panel for each sequence, a line for each cell.

    The lengths that some run was trained on are shaded. A band goes from the smallest to the
    largest value of the seeds.

    Args:
        rows: a row for each run, with `seq_len`, `label`, `accuracy_by_length`, and for another
            sequence than the palindrome also `sequence` and `chance`. Early versions wrote no
            `trained_lengths`; without them the row may have the config's `curriculum`.
    """
    panels: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        panels.setdefault(row.get("sequence", "palindrome"), []).append(row)
    # A single panel is wide enough for the title above it.
    size = (3.1, 2.7) if len(panels) > 1 else (5.6, 3.4)
    figure, axes = plots.new_grid(len(panels), COLUMNS, size)
    labels = list(dict.fromkeys(row["label"] for row in rows))
    for axis, (name, runs) in zip(axes, panels.items(), strict=True):
        for first, last in {span for run in runs for span in _trained_spans(run)}:
            if first == last:
                axis.axvline(first, color=plots.GREY, alpha=0.25, linewidth=3)
            else:
                axis.axvspan(first, last, color=plots.GREY, alpha=0.12, linewidth=0)
        for place, label in enumerate(labels):
            by_length = _by_length([run for run in runs if run["label"] == label])
            if not by_length:  # a curve without points would be in the legend without its line
                continue
            lengths = sorted(by_length)
            curve = plots.Curve(label, lengths, [by_length[n] for n in lengths])
            plots.draw_curves(axis, [curve], first=place)
        plots.accuracy_axis(axis, float(runs[0].get("chance", 0.1)), name_at_left=True)
        axis.set_title(name.replace("_", " "), fontsize=10)
        axis.set_xlim(left=0)
    for axis in axes[-COLUMNS:]:
        axis.set_xlabel("length T tested (steps)")
    for axis in axes[::COLUMNS]:
        axis.set_ylabel("accuracy")
    figure.suptitle("Accuracy beyond the lengths trained on (shaded)", fontsize=11)
    plots.legend_below(figure)
    return figure


def accuracy_by_state_size(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw accuracy against the numbers that a cell carries from step to step, one mark for a run.

    A hollow mark has a state that grows with T; its size is that at T.

    Args:
        rows: a row for each run of one sequence, with `label`, `state_size`, `state_grows`,
            `test_accuracy`, `sequence`, `seq_len` and `chance`.
    """
    first = rows[0]
    name = str(first["sequence"]).replace("_", " ")
    title = f"Accuracy against the size of the state, {name}, T={first['seq_len']:,}"
    figure, (axis,) = plots.new_figure(title)
    for place, label in enumerate(dict.fromkeys(row["label"] for row in rows)):
        runs = [row for row in rows if row["label"] == label]
        k = place % len(plots.COLOURS)
        axis.plot(
            [run["state_size"] for run in runs], [run["test_accuracy"] for run in runs],
            plots.MARKERS[k], color=plots.COLOURS[k], alpha=0.8, label=label,
            fillstyle="none" if runs[0]["state_grows"] else "full",
        )  # fmt: skip
    sizes = sorted({int(row["state_size"]) for row in rows})
    axis.set_xscale("log")
    axis.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)
    plots.measured_ticks(axis, sizes)
    plots.accuracy_axis(axis, float(first["chance"]), name_at_left=True)
    axis.set_xlabel("state size (numbers carried from step to step; hollow: at T, it grows)")
    axis.set_ylabel("accuracy")
    plots.legend_below(figure)
    return figure


def _trained_spans(run: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The lengths that a run was trained on, as spans of a first and a last one."""
    words = run.get("trained_lengths")
    if not isinstance(words, str):  # nan in a table where other runs have it
        curriculum = run.get("curriculum", run.get("config.curriculum", "none"))
        longest = int(run["seq_len"])  # a float in a table where other runs have none
        words = f"2 to {longest}" if curriculum == "upper_half" else str(longest)
    ends = [[int(end) for end in span.split(" to ")] for span in words.split(", ")]
    return [(span[0], span[-1]) for span in ends]


def _by_length(runs: Sequence[Mapping[str, Any]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for run in runs:
        for length, accuracy in run["accuracy_by_length"].items():
            found.setdefault(int(length), []).append(accuracy)
    return found
