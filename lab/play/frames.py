"""Read the frames of training from a run's animation, and make one sheet of them for a page."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageSequence

from lab.figures.sheets import FRAME_MS, GAP, LAST_FRAME_MS, ZOOM
from lab.play.recorded import data_address

MOST_FRAMES = 41


def read_animation(path: Path, columns: int, height: int, width: int) -> np.ndarray:
    """Read the images that `sheets.animation` wrote, uint8 [F, N, H, W, C]; C is 1 or 3 (RGB).

    Args:
        path: the GIF file.
        columns: the number of columns of each sheet.
        height, width: the size of an image.

    Raises:
        ValueError: the file does not contain sheets of such images.
        OSError: the file does not exist or is not an image.
    """
    with Image.open(path) as animation:
        is_grey = animation.mode == "L"
        mode = "L" if is_grey else "RGB"
        found, times = [], []
        for frame in ImageSequence.Iterator(animation):
            found.append(np.asarray(frame.convert(mode)))
            times.append(frame.info.get("duration", FRAME_MS))
    # GIF stores consecutive equal frames as one frame that is shown for longer.
    times[-1] -= LAST_FRAME_MS - FRAME_MS
    sheets = np.repeat(np.stack(found), [max(time // FRAME_MS, 1) for time in times], axis=0)
    sheets = sheets.reshape(*sheets.shape[:3], -1)[:, ::ZOOM, ::ZOOM]  # [F, sheet, sheet, C]
    down, right = height + GAP, width + GAP
    rows = (sheets.shape[1] - GAP) // down
    if sheets.shape[1:3] != (rows * down + GAP, columns * right + GAP):
        raise ValueError(f"{path}: not a sheet of {columns} columns of {height}x{width} images")
    corners = [(GAP + r * down, GAP + c * right) for r in range(rows) for c in range(columns)]
    return np.stack([sheets[:, y : y + height, x : x + width] for y, x in corners], axis=1)


def some(count: int) -> list[int]:
    """Return indices of at most MOST_FRAMES of `count` frames at even distances, with both ends."""
    spread = np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int)
    return [int(index) for index in spread]


def sheet(frames: np.ndarray, steps: Sequence[int]) -> dict[str, Any]:
    """Return frames [F, N, H, W, C] as one PNG with a row for each frame, and their steps."""
    count, images, height, width, channels = frames.shape
    pixels = frames.transpose(0, 2, 1, 3, 4).reshape(count * height, images * width, channels)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(file, "PNG", optimize=True)
    return {"steps": list(steps), "images": images, "image": data_address(file.getvalue())}
