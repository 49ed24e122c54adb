"""A run's pictures: samples of each digit during training, quality and losses."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from lab.by_hand import figures
from lab.engine.task import History, Recorder
from lab.figures.sheets import FRAMES, animation, image_grid, save_frames

COLUMNS = 5


def of_run(
    recorder: Recorder,
    frames: Mapping[int, Tensor],
    measured: Mapping[int, Mapping[str, list[float]]],
    history: History,
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
    recorder.file(FRAMES, lambda file: save_frames(pixels, steps, file))
    sheets = pixels.astype(np.float32) / 127.5 - 1
    for index, digit in enumerate(names):
        recorder.file(
            f"digit_{digit}.gif",
            lambda file, i=index: animation(sheets[:, i], COLUMNS, file),  # type: ignore[misc]
        )
    samples = sheets[:, :, 0]  # [F, G, H, W] or [F, G, H, W, 3]
    columns = min(COLUMNS, len(names))
    recorder.file("all_digits.gif", lambda file: animation(samples, columns, file))
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
        "all_digits_last": image_grid(samples[-1], columns, f"step {steps[-1]:,}"),
        "all_digits_best": image_grid(at_best, columns, "at each digit's best step"),
        "frames": figures.frame_strip(samples, steps, list(names.values()), list(best.values())),
        "quality": figures.quality_curves(
            steps, curves["classifier_accuracy"], curves["fid"], floor, title
        ),
        "losses": figures.loss_curves(history, steps, shares, title),
    }
    for name, figure in drawn.items():
        recorder.figure(name, figure)
