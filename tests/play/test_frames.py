"""The images of training that a page shows are those that the run kept."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.engine.run_folder import RunFolder
from lab.figures.sheets import FRAMES, save_frames
from lab.play.recorded import MOST_FRAMES, of_training, some


@pytest.mark.parametrize(
    ("shape", "channels", "most", "images"),
    [((7, 28, 28), 1, None, 7), ((7, 9, 8, 3), 3, None, 7), ((2, 5, 8, 9), 1, 4, 8)],
)
def test_every_level_of_every_image_comes_back(
    tmp_path: Path, shape: tuple[int, ...], channels: int, most: int | None, images: int
):
    pixels = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
    pixels[2] = pixels[1]
    folder = RunFolder(tmp_path)
    assert of_training(folder, channels, most) is None
    folder.save_file(FRAMES, lambda file: save_frames(pixels, [0, 5, 7], file))
    found = of_training(folder, channels, most)
    assert found is not None
    assert (found["steps"], found["images"]) == ([0, 5, 7], images)
    png = base64.b64decode(found["image"].partition(",")[2])
    drawn = np.asarray(Image.open(io.BytesIO(png)))
    height, width = shape[-3:-1] if channels == 3 else shape[-2:]
    rows = pixels[:, :, :most] if most else pixels
    rows = rows.reshape(3, images, height, width, channels).swapaxes(1, 2)
    assert (drawn.reshape(rows.shape) == rows).all()


def test_few_frames_are_all_shown_and_of_many_the_ends_too():
    assert some(3) == [0, 1, 2]
    chosen = some(1000)
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 999, MOST_FRAMES)
