"""What the tests of the by-hand study share: a user's own images, and their classifier."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.images.classifier import load_classifier
from tests.images.small_data import load_folder, write_bars


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Path]:
    """A folder with images of three classes, 12 to train on and 10 held out, and a data cache."""
    cwd = tmp_path_factory.mktemp("workshop")
    write_bars(cwd / "images", 36, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA", str(cache))
        data = load_folder(cwd / "images")
        load_classifier(data.train, data.test)
        yield cwd
