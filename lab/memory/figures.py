"""The memory study's figures. They take numbers, return matplotlib figures and write no files."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lab.config.wording import percent
from lab.figures import plots
from lab.memory.config import MemoryConfig
from lab.memory.network import DIGITS, build_sequence

if TYPE_CHECKING:
    from lab.memory.flow import Flow

# The axis of lengths is logarithmic if the longest is at least so many times the shortest.
MANY_TIMES = 10
# What figures of several runs say of the length and of the accuracy.
LENGTH = "length T of the whole sequence (steps)"
MEASURED_ON = "on the test set; on the validation set where there is no test set"
DIGITS_THAT_FIT = 60
# log10 of the smallest gradient that float32 can hold; the axis ends there.
FLOAT32_VANISHES = -45.0
MOST_UNITS = 128
# The logit scale shows how much faster a gate of 0.95 forgets than one of 0.999.
GATE_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


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
        ticks = [longest]
        for n in sorted(lengths, reverse=True):
            if math.log(ticks[-1] / n) >= apart:
                ticks.append(n)
        plots.measured_ticks(axis, ticks)
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
    sequence = str(rows[0].get("sequence", "palindrome")) if rows else "palindrome"
    chance = float(rows[0].get("chance", 1 / DIGITS)) if rows else 1 / DIGITS
    series: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        test = row["test_accuracy"]
        accuracy = row["val_accuracy"] if test is None else test
        series[row["series"]][int(row["seq_len"])].append(accuracy)
    seeds = len({row["seed"] for row in rows})
    alone = f", {next(iter(series))}" if len(series) == 1 else ""  # then there is no legend
    figure, (axis,) = plots.new_figure(
        f"Accuracy against length, {sequence.replace('_', ' ')}{alone} ({len(rows)} runs)"
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


def gradient_flow(initial: "Flow", trained: "Flow", title: str) -> Figure:
    """Draw one run's gradient norms against t, at initialisation and after training."""
    figure, (axis,) = plots.new_figure(title)
    curves = [
        _curve(flow.norms[name], f"|dLoss/d{name}(t)| {when}{flow.phrase(name)}")
        for name in trained.norms
        for flow, when in ((initial, "before training"), (trained, "trained"))
    ]
    plots.draw_curves(axis, curves)
    _finish_norms([axis])
    plots.legend_below(figure)
    return figure


def compare_flows(flows: Mapping[str, tuple["Flow", "Flow"]], seq_len: int) -> Figure:
    """Draw the gradient norms of several runs, at initialisation and after training.

    An LSTM is shown by the gradient of its cell state. A run has the same line in both panels. The
    factor in the legend is that of the trained network.
    """
    title = f"How much of the loss's gradient at the end of T={seq_len:,} reaches step t"
    figure, axes = plots.new_figure(title, panels=2)
    names = {run: list(trained.norms)[-1] for run, (_, trained) in flows.items()}
    for index, (axis, when) in enumerate(zip(axes, ("before training", "trained"), strict=True)):
        curves = [
            _curve(flows[run][index].norms[name], f"d{name}(t), {run}{flows[run][1].phrase(name)}")
            for run, name in names.items()
        ]
        plots.draw_curves(axis, curves)
        axis.set_title(when, fontsize=10)
    _finish_norms(axes)
    figure.subplots_adjust(top=0.85, wspace=0.3)
    plots.legend_below(figure)
    return figure


def _curve(norms: np.ndarray, name: str) -> plots.Curve:
    return plots.Curve(name, range(1, len(norms) + 1), norms)


def _finish_norms(axes: Sequence[Axes]) -> None:
    """Give all panels the same range of norms, which ends where float32 ends."""
    low = min(axis.get_ylim()[0] for axis in axes)
    high = max(axis.get_ylim()[1] for axis in axes)
    vanishes = low < FLOAT32_VANISHES
    for axis in axes:
        axis.set_ylim(max(low, FLOAT32_VANISHES - 2), high)
        if vanishes:
            plots.level_line(axis, FLOAT32_VANISHES, "smaller than any float32")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("step t (digits read)")
        axis.set_ylabel("norm of the gradient (nats per unit)")
        # The values are log10 of the norms, because the smallest norms are below any float.
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plots.power_of_ten(value)))


def gates(
    panels: Mapping[str, np.ndarray],
    digits: str,
    title: str,
    caption: str,
    linear: Sequence[str] = (),
) -> Figure:
    """Draw heat maps over time, one below the other.

    Args:
        panels: values [H, T-1] by name, with the units in the order in which they are drawn. Values
            in [0, 1] are drawn as gates, others as a cell state.
        digits: the digits that were read, one for each step.
        title: the text above the heat maps.
        caption: the text below them.
        linear: the panels whose values in [0, 1] are no gates; their scale is linear.
    """
    units = next(iter(panels.values())).shape[0]
    shown = min(units, MOST_UNITS)
    of_panel = max(1.1, 2 * shown / plots.DPI)  # in inches; a unit needs at least two dots
    height = 1.65 + (of_panel + 0.35) * len(panels)
    figure = Figure(figsize=(7.0, height), dpi=plots.DPI)
    axes: Sequence[Axes] = figure.subplots(len(panels), 1)
    figure.subplots_adjust(
        left=0.09, right=0.87, top=1 - 0.85 / height, bottom=0.9 / height, hspace=0.35 / of_panel
    )
    # There are few axes, ticks and colour bars, because each takes as long to draw as a heat map.
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        _heat_map(axis, values[:shown], Normalize(0, 1) if name in linear else None)
        axis.set_xticks([])
        axis.set_yticks([0, shown - 1])
        axis.tick_params(labelsize=8)
        axis.set_ylabel("units, ranked", fontsize=9)
        axis.set_title(name, fontsize=9, loc="left", pad=3)
    gates = [axis for axis in axes if isinstance(axis.images[0].norm, FuncNorm)]
    for alike in (gates, *([axis] for axis in axes if axis not in gates)):
        _colour_bar(figure, alike)
    if len(digits) <= DIGITS_THAT_FIT:
        axes[-1].set_xticks(range(len(digits)), list(digits))
        axes[-1].set_xlabel("the digits read, in order")
    else:
        axes[-1].set_xlabel("step t (digits read)")
    rest = f"; the first {shown} of {units} units" if shown < units else ""
    figure.suptitle(title + rest, fontsize=11, y=1 - 0.1 / height)
    figure.text(0.5, 0.08 / height, fill(caption, 80), ha="center", va="bottom", fontsize=9)
    return figure


def _heat_map(axis: Axes, values: np.ndarray, norm: Normalize | None) -> None:
    """Draw gates on a logit scale, and a cell state from -m to m, so that 0 is the middle tone."""
    if norm is None and values.min() >= 0 and values.max() <= 1:
        norm = FuncNorm((_logit, _sigmoid), GATE_TICKS[0], GATE_TICKS[-1])
    elif norm is None:
        most = float(np.abs(values).max())
        norm = Normalize(-most, most)
    axis.imshow(values, aspect="auto", cmap="cividis", norm=norm, interpolation="nearest")


def _colour_bar(figure: Figure, alike: Sequence[Axes]) -> None:
    """Draw one colour bar at the right of panels that share a scale."""
    if not alike:
        return
    image = alike[0].images[0]
    top, bottom = alike[0].get_position().y1, alike[-1].get_position().y0
    bar = figure.colorbar(image, figure.add_axes((0.885, bottom, 0.016, top - bottom)))
    bar.ax.tick_params(labelsize=8)
    if isinstance(image.norm, FuncNorm):
        bar.set_ticks(GATE_TICKS, labels=[f"{tick:g}" for tick in GATE_TICKS])
        bar.ax.minorticks_off()


def _logit(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, GATE_TICKS[0], GATE_TICKS[-1])
    return np.log(share / (1 - share))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def probe(
    steps: Sequence[int], accuracies: Mapping[str, Sequence[float]], title: str, count: int
) -> Figure:
    """Draw how well a linear probe reads the first digit.

    Args:
        steps: the steps t at which it was fitted, from 1 to T-1.
        accuracies: its accuracies at these steps, by curve.
        title: the text above.
        count: the number of palindromes that it was tested on.
    """
    figure, (axis,) = plots.new_figure(title)
    curves = [plots.Curve(name, steps, values) for name, values in accuracies.items()]
    plots.draw_curves(axis, curves, nested=True)
    plots.accuracy_axis(axis, 1 / DIGITS)
    axis.set_xlabel("step t (digits read)")
    axis.set_ylabel(f"accuracy of the first digit (validation, {count:,})")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    plots.legend_below(figure)
    return figure
