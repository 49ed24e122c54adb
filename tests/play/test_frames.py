"""The frames of training, read back from the animation that a run drew."""

from pathlib import Path

import numpy as np
import pytest

from lab.figures.sheets import animation
from lab.play.frames import MOST_FRAMES, read_animation, some


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """An animation of grey sheets with equal frames within it and at its end."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 28, 28), np.uint8)
    pixels[2] = pixels[1]
    pixels[5] = pixels[4]
    path = tmp_path / "training.gif"
    with open(path, "wb") as file:
        animation(pixels.astype(np.float32) / 127.5 - 1, 5, file)
    return path, pixels


def test_every_grey_level_of_every_frame_comes_back(drawn):
    path, pixels = drawn
    frames = read_animation(path, 5, 28, 28)
    assert frames.shape == (6, 10, 28, 28, 1)  # with the empty places of the last row
    assert (frames[:, :7, ..., 0] == pixels).all()


def test_sheets_of_other_images_are_refused(drawn):
    with pytest.raises(ValueError, match="not a sheet"):
        read_animation(drawn[0], 5, 32, 32)


def test_few_frames_are_all_shown_and_of_many_the_ends_too():
    assert some(3) == [0, 1, 2]
    chosen = some(1000)
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 999, MOST_FRAMES)
