"""The generation study's figures of numbers. They return Matplotlib figures and write no files."""

from collections.abc import Mapping, Sequence
from math import isclose, log
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.figures import plots


def loss_dynamics(
    history: Mapping[str, Sequence[float]], title: str, is_cross_entropy: bool, undecided: float
) -> Figure:
    """Draw both losses against the step, and beside them the discriminator's outputs.

    Args:
        history: the columns `step`, `d_loss`, `g_loss`, `d_accuracy`, `d_real`, `d_fake`, `d_auc`,
            `d_real_score`, `d_fake_score`.
        title: the figure's title.
        is_cross_entropy: whether D(x), the sigmoid of a score, is a probability. A probability is
            drawn with the shares; a score has a panel of its own. D's accuracy is drawn if it has a
            meaning for the loss.
        undecided: the loss of a D that cannot decide.
    """
    figure, (left, middle, *others) = plots.new_figure(title, panels=2 if is_cross_entropy else 3)
    steps = history["step"]
    _smoothed(left, steps, {"D's loss": history["d_loss"], "G's loss": history["g_loss"]})
    plots.level_line(left, undecided, f"{level(undecided)}: D cannot decide")
    left.set_ylabel("loss (nats)" if is_cross_entropy else "loss")
    shares = {}
    if not np.isnan(history["d_accuracy"]).all():
        shares["accuracy of D on training images and samples"] = history["d_accuracy"]
    if is_cross_entropy:
        shares |= {
            "D(x), probability that a training image is real": history["d_real"],
            "D(G(z)), probability that a sample is real": history["d_fake"],
        }
    _smoothed(middle, steps, shares, first=2)
    auc = plots.Curve("AUC of D on test images and samples", steps, history["d_auc"])
    plots.draw_curves(middle, [auc], first=2 + len(shares))
    plots.level_line(middle, 0.5, "0.5: chance", below=True)
    middle.set_ylim(-0.02, 1.04)
    middle.set_ylabel("accuracy, AUC, probability" if is_cross_entropy else "accuracy, AUC")
    for axis in others:
        scores = {
            "D(x), score of training images": history["d_real_score"],
            "D(G(z)), score of samples": history["d_fake_score"],
        }
        _smoothed(axis, steps, scores, first=3 + len(shares))
        plots.level_line(axis, 0.0, "0")
        axis.set_ylabel("mean score (not a probability)")
    for axis in (left, middle, *others):
        axis.set_xlabel("optimizer step")
    plots.legend_below(figure)
    return figure


def level(loss: float) -> str:
    """The loss of a D that cannot decide, as text: log 2, 2."""
    return "log 2" if isclose(loss, log(2), rel_tol=1e-6) else f"{loss:g}"


def _smoothed(
    axis: Axes, steps: Sequence[float], values: Mapping[str, Sequence[float]], first: int = 0
) -> None:
    """Draw each value faintly, and over it the moving mean over a fiftieth of the steps."""
    plots.draw_curves(
        axis, [plots.Curve(name, steps, v) for name, v in values.items()], first=first, faint=True
    )
    window = np.full(max(len(steps) // 50, 1), 1 / max(len(steps) // 50, 1))
    middle = np.convolve(steps, window, "valid").tolist()
    means = [plots.Curve(n, middle, np.convolve(v, window, "valid")) for n, v in values.items()]
    plots.draw_curves(axis, means, first=first)


def sweep_quality(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw FID and recall of each setting: a mark for each seed and a bar at their mean.

    Args:
        rows: a row for each finished run, with `series`, `fid`, `recall`, `n`, and the values of
            real images, `real_fid` and `real_recall`.
    """
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    counts = sorted({int(row["n"]) for row in rows})
    title = (
        f"FID in the classifier's features and recall at n={' and '.join(f'{n:,}' for n in counts)}"
    )
    figure, axes = plots.new_figure(title, panels=2)
    panels = (("fid", "real_fid", "FID (lower is better)"), ("recall", "real_recall", "recall"))
    for axis, (key, of_real, label) in zip(axes, panels, strict=True):
        plots.draw_strips(
            axis, {n: [float(r[key]) for r in rows if r["series"] == n] for n in names}
        )
        real = float(np.mean([row[of_real] for row in rows]))
        axis.axvline(real, **plots.LEVEL)
        axis.set_xlabel(f"{label}; dotted: real images, {real:.2f}")
    values = [float(row[key]) for row in rows for key in ("fid", "real_fid")]
    plots.log_ticks(axes[0].xaxis, min(values), max(values))
    axes[1].set_xlim(0, 1)
    plots.name_strips(figure, axes, names)
    return figure
