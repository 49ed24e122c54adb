"""The data cache in which the classifier of `marks` is kept for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def data_cache(cache: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA", str(cache))
        yield cache
