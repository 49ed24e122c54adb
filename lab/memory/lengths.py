"""How far networks generalise beyond the lengths they were trained on: one sweep, one figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from lab.engine import plots

NEEDED = 0.99
COLUMNS = 4


def longest_correct(accuracies: Mapping[int, float]) -> int:
    """The largest length up to which all lengths tested reach 99 %; 0 if the shortest does not."""
    longest = 0
    for length in sorted(accuracies):
        if accuracies[length] < NEEDED:
            break
        longest = length
    return longest


def accuracy_beyond_training(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Accuracy against the length tested, a panel for each sequence, a line for each cell.

    The lengths trained on are shaded; a band goes from the least to the greatest of the seeds.

    Args:
        rows: with `seq_len`, `label`, `accuracy_by_length`, and `sequence` and `chance` where it is
            not the palindrome.
    """
    panels: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        panels.setdefault(row.get("sequence", "palindrome"), []).append(row)
    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.7 * lines + 0.5), dpi=plots.DPI)
    axes = figure.subplots(lines, columns, squeeze=False, sharey=True).flatten()
    labels = list(dict.fromkeys(row["label"] for row in rows))
    for axis, (name, runs) in zip(axes, panels.items(), strict=False):
        plots.light_frame(axis)
        longest = max(int(run["seq_len"]) for run in runs)
        axis.axvspan(0, longest, color=plots.GREY, alpha=0.12, linewidth=0)
        for place, label in enumerate(labels):
            by_length = _by_length([run for run in runs if run["label"] == label])
            lengths = sorted(by_length)
            curve = plots.Curve(label, lengths, [by_length[n] for n in lengths])
            plots.draw_curves(axis, [curve], first=place)
        plots.accuracy_axis(axis, float(runs[0].get("chance", 0.1)))
        axis.set_title(name.replace("_", " "), fontsize=10)
        axis.set_xlim(left=0)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[max(len(panels) - columns, 0) : len(panels)]:
        axis.set_xlabel("length T tested (steps)")
    for line in range(lines):
        axes[line * columns].set_ylabel("accuracy")
    figure.suptitle("Accuracy beyond the lengths trained on (shaded)", fontsize=11)
    height = figure.get_figheight()
    figure.subplots_adjust(
        left=0.08, right=0.98, top=1 - 0.65 / height, bottom=0.6 / height, hspace=0.42, wspace=0.12
    )
    plots.legend_below(figure)
    return figure


def _by_length(runs: Sequence[Mapping[str, Any]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for run in runs:
        for length, accuracy in run["accuracy_by_length"].items():
            found.setdefault(int(length), []).append(accuracy)
    return found
