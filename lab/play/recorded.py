"""What a run kept of its training: images for a page, and figures where a page cannot compute."""

import base64
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from lab.engine.run_folder import RunFolder

MOST_FRAMES = 41
MOST_BYTES = 3_000_000  # for all pictures together


def recorded(folder: RunFolder, reason: str) -> dict[str, Any]:
    """Return the reason why there are only pictures, and as many pictures as fit."""
    pictures, size = [], 0
    for path in sorted((folder.path / "figures").glob("*.png")):
        content = path.read_bytes()
        size += len(content)
        if size <= MOST_BYTES:
            pictures.append({"title": path.stem.replace("_", " "), "image": data_address(content)})
    return {"recorded": {"reason": reason, "pictures": pictures}}


def of_unknown(folder: RunFolder, part: str) -> dict[str, Any]:
    """Return the pictures of a run with a part, such as `cell my.Cell`, without equations."""
    return recorded(
        folder,
        f"The page has no equations for the {part}, so it cannot compute it. "
        "These are the figures that the run drew when it was trained.",
    )


def data_address(png: bytes) -> str:
    """Return a PNG as a data address, which needs no network."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def of_training(folder: RunFolder, channels: int, most: int | None = None) -> dict[str, Any] | None:
    """Return images of training for a page; None if the run kept none, as in earlier versions.

    Args:
        folder: the run's folder, whose frames are [F, N, H, W], or [F, G, N, H, W] of G networks;
            in colour there is one more axis.
        channels: 1 or 3.
        most: the number of images to take of N; None: all.
    """
    from lab.figures.sheets import FRAMES

    try:
        with np.load(folder.path / "figures" / FRAMES) as kept:
            frames, steps = kept["frames"], kept["steps"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    frames = frames[..., None] if channels == 1 else frames
    chosen = some(len(frames))
    images = frames[chosen][..., :most, :, :, :]
    return sheet(images.reshape(len(chosen), -1, *images.shape[-3:]), steps[chosen].tolist())


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
