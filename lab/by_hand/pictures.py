"""A run's pictures: each digit and all of them through training, quality and losses."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from lab.by_hand import figures
from lab.engine.recorder import History, Recorder
from lab.images.sheets import animation, image_grid

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
    """Animations, sheets, the strip of all frames, quality and losses.

    Args:
        frames: uint8 [G, 25, 28, 28] by epoch, of the same z.
        measured: measures [G] by name by epoch.
        history: every logged metric.
        names: G digits and the names of their classes.
        best: the epoch of each digit's best frame.
        floor: the FID of real images, the mean over the digits.
        title: of the run.
    """
    epochs = sorted(frames)
    sheets = np.stack([frames[epoch].numpy() for epoch in epochs]).astype(np.float32) / 127.5 - 1
    for index, digit in enumerate(names):
        recorder.file(
            f"digit_{digit}.gif",
            lambda file, i=index: animation(sheets[:, i], COLUMNS, file),  # type: ignore[misc]
        )
    samples = sheets[:, :, 0]  # [F, G, 28, 28]
    columns = min(COLUMNS, len(names))
    recorder.file("ten_digits.gif", lambda file: animation(samples, columns, file))
    at_best = np.stack([samples[epochs.index(epoch), i] for i, epoch in enumerate(best.values())])
    curves = {
        name: np.array([measured[epoch][name] for epoch in epochs]) for name in measured[epochs[0]]
    }
    drawn = {
        "ten_digits_last": image_grid(samples[-1], columns),
        "ten_digits_best": image_grid(at_best, columns),
        "frames": figures.frame_strip(samples, epochs, list(names.values()), list(best.values())),
        "quality": figures.quality_curves(
            epochs, curves["judge_share"], curves["fid"], floor, title
        ),
        "losses": figures.loss_curves(
            [int(step) for step in history["step"]],
            # The half of D's, whose two terms a coin brings to log 2 each.
            {"D / 2": [loss / 2 for loss in history["d_loss"]], "G": history["g_loss"]},
            epochs,
            {
                "D right, held out": curves["d_accuracy"],
                "in training": curves["d_train_accuracy"],
                "pixels above 1": curves["saturated"],
            },
            title,
        ),
    }
    for name, figure in drawn.items():
        recorder.figure(name, figure)
