"""How far networks generalise beyond the lengths they were trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from lab.figures import plots

NEEDED = 0.99
COLUMNS = 4


def longest_correct(accuracies: Mapping[int, float]) -> int:
    """The largest length up to which all tested lengths have 99 %; 0 if the shortest has less."""
    longest = 0
    for length in sorted(accuracies):
        if accuracies[length] < NEEDED:
            break
        longest = length
    return longest


def accuracy_beyond_training(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw accuracy against the length tested: a panel for each sequence, a line for each cell.

    The lengths that were trained on are shaded. A band goes from the smallest to the largest value
    of the seeds.

    Args:
        rows: a row for each run, with `seq_len`, `label`, `accuracy_by_length`, and for another
            sequence than the palindrome also `sequence` and `chance`.
    """
    panels: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        panels.setdefault(row.get("sequence", "palindrome"), []).append(row)
    # A single panel is wide enough for the title above it.
    size = (3.1, 2.7) if len(panels) > 1 else (5.6, 3.4)
    figure, axes = plots.new_grid(len(panels), COLUMNS, size)
    labels = list(dict.fromkeys(row["label"] for row in rows))
    for axis, (name, runs) in zip(axes, panels.items(), strict=True):
        longest = max(int(run["seq_len"]) for run in runs)
        axis.axvspan(0, longest, color=plots.GREY, alpha=0.12, linewidth=0)
        for place, label in enumerate(labels):
            by_length = _by_length([run for run in runs if run["label"] == label])
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


def _by_length(runs: Sequence[Mapping[str, Any]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for run in runs:
        for length, accuracy in run["accuracy_by_length"].items():
            found.setdefault(int(length), []).append(accuracy)
    return found
