"""Sheets of images as Matplotlib figures, and animations.

Images are float arrays in [-1, 1], [H, W] if grey and [H, W, 3] if RGB, as `datasets.as_drawn`
returns them. -1 is black and 1 is white in every image; no image is normalised. Every pixel is
drawn as a square of ZOOM dots.
"""

import subprocess
from collections.abc import Sequence
from math import ceil, isqrt
from pathlib import Path
from typing import BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.config.errors import UserError
from lab.figures import plots

GAP = 2  # image pixels between two images
GAP_GREY = 190
ZOOM = 3
TITLE = 28  # dots above an image
LABEL = 22  # dots below it
LETTER = 11  # dots of a letter of a title
MARGIN = 104  # dots left of a row
EDGE = 16  # dots at either side of labelled rows
FRAME_MS = 120
LAST_FRAME_MS = 2000
FRAMES = "frames.npz"
FILM_MS = 50
FILM_ZOOM = 8


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Put N images row by row on one sheet, uint8 [H, W] or [H, W, 3], with a thin gap around."""
    count, height, width, *colours = images.shape
    rows = ceil(count / columns)
    step_down, step_right = height + GAP, width + GAP
    size = (rows * step_down + GAP, columns * step_right + GAP, *colours)
    sheet = np.full(size, GAP_GREY, np.uint8)
    for index, image in enumerate(to_grey_levels(images)):
        top, left = GAP + index // columns * step_down, GAP + index % columns * step_right
        sheet[top : top + height, left : left + width] = image
    return sheet


def image_grid(
    images: np.ndarray, columns: int | None = None, title: str = "", rows: Sequence[str] = ()
) -> Figure:
    """Draw N images in a grid.

    Args:
        images: N images.
        columns: the number of columns; None: as many as rows.
        title: the text above the grid.
        rows: a name for each row, at its left; or none.
    """
    sheet = tile(images, columns or isqrt(len(images) - 1) + 1)
    beside = max(LETTER * len(title) - sheet.shape[1] * ZOOM, 0) // 2  # if the title is wider
    left = max(beside, LETTER * (max(map(len, rows), default=-1) + 1))
    figure, (axis,) = strips([sheet], left=left, right=beside, above=TITLE if title else 0)
    axis.set_title(title, fontsize=10, pad=4)
    _name_rows(axis, rows, images.shape[1])
    return figure


def progress_sheet(sheets: np.ndarray, steps: Sequence[int], notes: Sequence[str] = ()) -> Figure:
    """Draw images of the same z during training: a row for each step, the first on top.

    Args:
        sheets: S times N images.
        steps: S optimizer steps.
        notes: S short texts below the steps, or none.
    """
    sheet = tile(np.concatenate(list(sheets)), sheets.shape[1])
    figure, (axis,) = strips([sheet], left=MARGIN)
    names = [
        "\n".join(filter(None, [f"step {step:,}", *notes[index : index + 1]]))
        for index, step in enumerate(steps)
    ]
    _name_rows(axis, names, sheets.shape[2])
    return figure


def _name_rows(axis: Axes, names: Sequence[str], height: int) -> None:
    """Write a name at the left of each row of images of this height, in pixels."""
    for index, name in enumerate(names):
        middle = (index + 0.5) * (height + GAP)
        axis.text(-GAP, middle, name, fontsize=9, ha="right", va="center")


def labelled_rows(
    rows: np.ndarray,
    labels: Sequence[Sequence[str]],
    titles: Sequence[str],
    *,
    bold_ends: bool = False,
    caption: str = "",
) -> Figure:
    """Draw rows of images with a label below each image, such as the class that is read in it.

    Args:
        rows: R times S images.
        labels: R times S labels.
        titles: R titles, one above each row.
        bold_ends: whether the labels of the first and the last image of a row are bold.
        caption: the text below the last row, which says what the labels are.
    """
    figure, axes = strips(
        [tile(row, len(row)) for row in rows],
        left=EDGE, right=EDGE, above=TITLE, below=LABEL, foot=LABEL if caption else 0,
    )  # fmt: skip
    figure.text(0.5, 0.3 * LABEL / figure.get_figheight() / plots.DPI, caption, fontsize=9,
                ha="center")  # fmt: skip
    side = rows.shape[3]
    for axis, row, title in zip(axes, labels, titles, strict=True):
        axis.set_title(title, fontsize=10, loc="left", pad=4)
        for index, label in enumerate(row):
            x, y = GAP + index * (side + GAP) + side / 2, axis.get_ylim()[0] + LABEL / ZOOM / 2
            weight = "bold" if bold_ends and index in (0, len(row) - 1) else "normal"
            axis.text(x, y, label, fontsize=9, fontweight=weight, ha="center", va="center")
    return figure


def strips(
    sheets: Sequence[np.ndarray],
    *,
    left: int = 0,
    right: int = 0,
    above: int = 0,
    below: int = 0,
    foot: int = 0,
) -> tuple[Figure, list[Axes]]:
    """Draw sheets of equal size below each other, ZOOM dots a pixel. Margins are in dots.

    Args:
        sheets: uint8 [H, W] or [H, W, 3].
        left, right: the margins at the sides.
        above, below: the margins of each sheet.
        foot: the margin below all sheets.
    """
    height, width = sheets[0].shape[0] * ZOOM, sheets[0].shape[1] * ZOOM
    total = left + width + right, len(sheets) * (above + height + below) + foot
    figure = Figure((total[0] / plots.DPI, total[1] / plots.DPI), plots.DPI, facecolor="white")
    axes = []
    for index, sheet in enumerate(sheets):
        bottom = total[1] - (index + 1) * (above + height + below) + below
        place = left / total[0], bottom / total[1], width / total[0], height / total[1]
        axis = figure.add_axes(place)
        # Greys are drawn as colours, because a colour map would round them once more.
        colours = sheet if sheet.ndim == 3 else np.stack([sheet] * 3, axis=-1)
        axis.imshow(colours, interpolation="nearest", aspect="auto")
        axis.set_axis_off()
        axes.append(axis)
    return figure, axes


def animation(frames: np.ndarray, columns: int, file: Path | BinaryIO) -> None:
    """Write sheets of images as a GIF that repeats, with a pause at its end.

    Args:
        frames: T times N images.
        columns: the number of columns of each sheet.
        file: a path, or a file that is open for writing bytes.
    """
    sheets = np.stack([tile(frame, columns) for frame in frames])
    _gif(_larger(sheets, ZOOM), [FRAME_MS] * (len(sheets) - 1) + [LAST_FRAME_MS], file)


def save_frames(frames: np.ndarray, steps: Sequence[int], file: BinaryIO) -> None:
    """Write FRAMES: images of training, uint8 [F, ...], and their steps, for the run's page.

    An animation cannot be read back exactly, because it merges equal frames.
    """
    np.savez_compressed(file, frames=frames, steps=np.asarray(steps))


def film(images: np.ndarray, file: Path | BinaryIO) -> None:
    """Write T images as a GIF that repeats without a pause."""
    _gif(_larger(to_grey_levels(images), FILM_ZOOM), [FILM_MS] * len(images), file)


def film_mp4(images: np.ndarray, file: BinaryIO) -> None:
    """Write T images as an MP4; ffmpeg must be on the path."""
    pixels = _larger(to_grey_levels(images), FILM_ZOOM)  # an even zoom: H.264 needs even sides
    height, width = pixels.shape[1:3]
    kind = "gray" if pixels.ndim == 3 else "rgb24"
    # An MP4 that is written to a pipe must come in fragments.
    command = (
        f"ffmpeg -loglevel error -f rawvideo -pix_fmt {kind} -s {width}x{height} "
        f"-r {1000 // FILM_MS} -i - -pix_fmt yuv420p -f mp4 -movflags frag_keyframe+empty_moov -"
    )
    ffmpeg = subprocess.run(command.split(), input=pixels.tobytes(), capture_output=True)
    if ffmpeg.returncode:
        lines = ffmpeg.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise UserError(f"ffmpeg cannot write the film: {lines[-1]}")
    file.write(ffmpeg.stdout)


def to_grey_levels(images: np.ndarray) -> np.ndarray:
    """Turn floats in [-1, 1] into uint8, of the same shape."""
    levels: np.ndarray = ((images + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
    return levels


def _larger(pixels: np.ndarray, zoom: int) -> np.ndarray:
    """Repeat each pixel of images [T, H, W] or [T, H, W, 3]."""
    return pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)


def _gif(pixels: np.ndarray, durations: list[int], file: Path | BinaryIO) -> None:
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in pixels)
    first.save(file, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
