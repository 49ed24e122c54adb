"""What the tests of the by-hand study share: a user's own images, and their judge."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.images.classifier import load_judge
from lab.images.datasets import load
from tests.images.small_data import write_bars


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with images of three classes, 12 to train on and 10 held out, and a data cache."""
    cwd = tmp_path_factory.mktemp("workshop")
    write_bars(cwd / "images", 36, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA", str(cwd / "cache"))
        train, test = (
            load("folder", "train", root=cwd / "images"),
            load("folder", "test", root=cwd / "images"),
        )
        load_judge(train, test)
        yield cwd
