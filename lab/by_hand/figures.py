"""The by-hand study's figures: those of one run, and those of a sweep."""

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lab.figures import plots, sheets

if TYPE_CHECKING:
    from torch import Tensor

    from lab.engine.task import History, Recorder

COLUMNS = 5
SIDE_LABELS = sheets.MARGIN // 2
STEP = "step (one update of D and one of G)"


def draw_run(
    recorder: "Recorder",
    frames: Mapping[int, "Tensor"],
    measured: Mapping[int, Mapping[str, list[float]]],
    history: "History",
    names: Mapping[int, str],
    best: Mapping[int, int],
    floor: float,
    title: str,
) -> None:
    """Draw animations, sheets, the strip of all frames, quality and losses.

    Args:
        recorder: writes the figures.
        frames: samples of the same z, uint8 [G, 25, H, W] or [G, 25, H, W, 3], by step.
        measured: the metrics by step and name, [G] each.
        history: every logged metric.
        names: the names of the G classes, by digit.
        best: the step of each digit's best frame.
        floor: the FID of real images, the mean over the digits.
        title: the name of the run.
    """
    steps = sorted(frames)
    pixels = np.stack([frames[step].numpy() for step in steps])  # [F, G, 25, H, W]
    recorder.file(sheets.FRAMES, lambda file: sheets.save_frames(pixels, steps, file))
    images = pixels.astype(np.float32) / 127.5 - 1
    for index, digit in enumerate(names):
        recorder.file(
            f"digit_{digit}.gif",
            lambda file, i=index: sheets.animation(images[:, i], COLUMNS, file),  # type: ignore[misc]
        )
    samples = images[:, :, 0]  # [F, G, H, W] or [F, G, H, W, 3]
    columns = min(COLUMNS, len(names))
    recorder.file("all_digits.gif", lambda file: sheets.animation(samples, columns, file))
    at_best = np.stack([samples[steps.index(step), i] for i, step in enumerate(best.values())])
    curves = {
        name: np.array([measured[step][name] for step in steps]) for name in measured[steps[0]]
    }
    shares = {
        "accuracy of D, test images": curves["d_accuracy"],
        "accuracy of D, training images": curves["d_train_accuracy"],
        "pixels above 1": curves["clipped_share"],
    }
    drawn = {
        "all_digits_last": sheets.image_grid(samples[-1], columns, f"step {steps[-1]:,}"),
        "all_digits_best": sheets.image_grid(at_best, columns, "at each digit's best step"),
        "frames": frame_strip(samples, steps, list(names.values()), list(best.values())),
        "quality": quality_curves(
            steps, curves["classifier_accuracy"], curves["fid"], floor, title
        ),
        "losses": loss_curves(history, steps, shares, title),
    }
    for name, figure in drawn.items():
        recorder.figure(name, figure)


def frame_strip(
    frames: np.ndarray, steps: Sequence[int], names: Sequence[str], best: Sequence[int]
) -> Figure:
    """Draw one sample of each digit during training: a row for a digit, a column for a step.

    Args:
        frames: float [F, G, H, W] or [F, G, H, W, 3] in [-1, 1].
        steps: F steps, written above the columns.
        names: G names, written at the left of the rows.
        best: the step of each digit's best frame, which gets a border.
    """
    rows = frames.swapaxes(0, 1)  # [G, F, H, W] or [G, F, H, W, 3]
    sheet = sheets.tile(rows.reshape(-1, *rows.shape[2:]), len(steps))
    figure, (axis,) = sheets.strips([sheet], left=SIDE_LABELS, above=sheets.TITLE)
    down, right = rows.shape[2] + sheets.GAP, rows.shape[3] + sheets.GAP
    for column, number in enumerate(steps):
        axis.text(
            (column + 0.5) * right, -sheets.GAP, f"{number:,}", fontsize=9, ha="center", va="bottom"
        )
    for row, (name, at) in enumerate(zip(names, best, strict=True)):
        axis.text(-2 * sheets.GAP, (row + 0.5) * down, name, fontsize=10, ha="right", va="center")
        corner = (steps.index(at) * right, row * down)
        axis.add_patch(
            Rectangle(corner, right, down, fill=False, edgecolor=plots.COLOURS[1], linewidth=2)
        )
    return figure


def quality_curves(
    steps: Sequence[int], shares: np.ndarray, fids: np.ndarray, floor: float, title: str
) -> Figure:
    """Draw the share that is read and the FID against the step: the mean and range of the digits.

    Args:
        steps: the F steps of the frames.
        shares: the shares of samples that are read as their digit, [F, G].
        fids: the FIDs within the class, [F, G].
        floor: the mean FID of real images.
        title: the figure's title.
    """
    figure, (left, right) = plots.new_figure(title, panels=2)
    count = shares.shape[1]
    over = f",\nmean and range of {count} digits" if count > 1 else ""
    plots.draw_curves(left, [plots.Curve("share", steps, shares)])
    plots.draw_curves(right, [plots.Curve("FID", steps, fids)], first=1)
    left.set_ylim(-0.02, 1.04)
    left.axhline(1.0, color=plots.GREY, linewidth=0.8)
    left.set_ylabel(f"samples read as their digit{over}")
    plots.log_ticks(right.yaxis, min(floor, float(fids.min())), float(fids.max()))
    plots.level_line(right, floor, f"real images {floor:.1f}")
    right.set_ylabel(f"FID within the class{over}")
    for axis in (left, right):
        axis.set_xlabel(STEP)
    figure.subplots_adjust(wspace=0.28)
    return figure


def loss_curves(
    history: Mapping[str, Sequence[float]],
    steps: Sequence[int],
    shares: Mapping[str, np.ndarray],
    title: str,
) -> Figure:
    """Draw the losses at every logged step, and shares such as D's accuracy at the frames' steps.

    Args:
        history: the columns `step`, `d_loss` and `g_loss`, means over the digits.
        steps: the F steps of the frames.
        shares: the shares, [F, G] in [0, 1], by the name of their curve.
        title: the figure's title.
    """
    figure, (left, right) = plots.new_figure(title, panels=2)
    # D's loss has two terms, each log 2 if D cannot decide; half of it is drawn.
    losses = {
        "D's loss / 2": [loss / 2 for loss in history["d_loss"]],
        "G's loss": history["g_loss"],
    }
    drawn = [plots.Curve(name, history["step"], values) for name, values in losses.items()]
    plots.draw_curves(left, drawn)
    plots.level_line(left, log(2), "log 2: D cannot decide")
    left.set_ylabel("loss, mean over the digits")
    of_frames = [plots.Curve(name, steps, values.mean(1)) for name, values in shares.items()]
    plots.draw_curves(right, of_frames, first=len(losses), nested=True)
    right.set_ylim(-0.02, 1.02)
    right.axhline(0.5, **plots.LEVEL)
    right.set_ylabel("share, mean over the digits")
    for axis in (left, right):
        axis.set_xlabel(STEP)
    plots.legend_below(figure)
    return figure


def best_and_last(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the share that is read and the FID of each setting, at the best frames and at the end.

    Args:
        rows: a row for each finished run, with `series` and the entries of its result.
    """
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    title = "Means over the digits; filled: at each digit's best frame, hollow: at the end"
    figure, axes = plots.new_figure(title, panels=2)
    panels = (
        ("classifier_accuracy", "samples read as their digit"),
        ("fid", "FID within the class (lower is better)"),
    )
    for axis, (key, label) in zip(axes, panels, strict=True):
        for prefix, offset in (("best_", -0.15), ("", 0.15)):
            values = {n: [float(r[prefix + key]) for r in rows if r["series"] == n] for n in names}
            plots.draw_strips(axis, values, offset=offset, hollow=not prefix, mean=False)
        axis.set_xlabel(label)
    axes[0].set_xlim(-0.02, 1.04)
    fids = [float(row[key]) for row in rows for key in ("fid", "best_fid")]
    plots.log_ticks(axes[1].xaxis, min(fids), max(fids))
    plots.name_strips(figure, axes, names)
    return figure


def through_training(runs: Sequence[tuple[str, Mapping[str, Sequence[float]]]]) -> Figure:
    """Draw quality against the step, and beside it what could explain its decline.

    Args:
        runs: the setting and the columns of metrics.csv of each run. Runs of one setting are
            averaged, with a band from the smallest to the largest value.
    """
    panels = {
        "samples read as their digit": lambda m: m["classifier_accuracy"],
        "D's accuracy on test images:\nis D too weak (0.5)?": lambda m: m["d_accuracy"],
        "D's accuracy, training minus test images:\ndoes D overfit (above 0)?": (
            lambda m: m["d_train_accuracy"] - m["d_accuracy"]
        ),
        "share of pixels above 1:\nis G too bright?": lambda m: m["clipped_share"],
    }
    figure, axes = plots.new_grid(len(panels), columns=2, size=(4.6, 3.35))
    columns = [(name, {k: np.array(v) for k, v in metrics.items()}) for name, metrics in runs]
    names = list(dict.fromkeys(name for name, _ in runs))
    for axis, (label, measure) in zip(axes, panels.items(), strict=True):
        curves = []
        for name in names:
            of_setting = [metrics for other, metrics in columns if other == name]
            measured = np.isfinite(of_setting[0]["classifier_accuracy"])
            values = np.stack([measure(metrics)[measured] for metrics in of_setting], axis=1)
            curves.append(plots.Curve(name, of_setting[0]["step"][measured], values))
        plots.draw_curves(axis, curves)
        axis.set_title(label, fontsize=10)
        axis.set_xlabel(STEP, fontsize=9)
    seeds = max(sum(name == other for other, _ in runs) for name in names)
    band = f"; band: range of {seeds} runs" if seeds > 1 else ""
    figure.suptitle(f"Means over the digits{band}", fontsize=11)
    figure.subplots_adjust(top=0.87)
    plots.legend_below(figure)
    return figure
