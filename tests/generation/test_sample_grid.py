"""The grid that `lab sample` draws says how many of the images it shows."""

import numpy as np
import pytest

from lab.generation.tools.sample import _grid


@pytest.mark.parametrize(
    ("count", "classes", "title"),
    [
        (64, (), "seed 0"),
        (100, (), "seed 0, 64 of 100 images"),
        (60, tuple("0123456789"), "seed 0"),
        (64, tuple("0123456789"), "seed 0, 60 of 64 images"),
    ],
)
def test_the_title_says_how_many_images_are_shown(count, classes, title):
    figure = _grid(np.zeros((count, 8, 8), np.float32), "seed 0", classes)
    assert figure.get_suptitle() == title or figure.axes[0].get_title() == title
