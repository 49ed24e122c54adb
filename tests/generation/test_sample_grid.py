"""The grid that `lab sample` draws says how many of the images it shows; names of files."""

import numpy as np
import pytest

from lab.engine.run_folder import RunFolder
from lab.generation.sample import _grid


@pytest.mark.parametrize(
    ("count", "classes", "title"),
    [
        (64, (), "seed 0"),
        (100, (), "seed 0"),
        (200, (), "seed 0, 100 of 200 images"),
        (60, tuple("0123456789"), "seed 0"),
        (64, tuple("0123456789"), "seed 0, 60 of 64 images"),
    ],
)
def test_the_title_says_how_many_images_are_shown(count, classes, title):
    figure = _grid(np.zeros((count, 8, 8), np.float32), "seed 0", classes)
    assert figure.get_suptitle() == title or figure.axes[0].get_title() == title


def test_the_name_of_a_class_may_have_a_slash(tmp_path):
    write = lambda file: file.write(b"x")  # noqa: E731
    paths = [
        RunFolder(tmp_path).save_file(f"{name}.npz", write) for name in ("a/b", "a%2Fb", "é 7")
    ]
    assert [path.name for path in paths] == ["a%2Fb.npz", "a%252Fb.npz", "é 7.npz"]
    assert {path.parent for path in paths} == {tmp_path / "figures"}
