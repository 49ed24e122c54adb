"""What the tests of the pages share: a browser, finished runs, and images of a user's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from lab.cli import compose_config
from lab.engine.jobs import perform
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.memory.network import build_network
from tests.play.browser import PROGRAM, Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def trained(studio: Path) -> Callable[..., RunFolder]:
    """Trains a run of a study of images for real, and gives its folder."""

    def train(*overrides: str) -> RunFolder:
        # A later word takes the place of an earlier one.
        words = ["data=folder", f"data.root={studio / 'images'}", f"out_dir={studio}", *overrides]
        config = compose_config(*words, "device=cpu")
        outcome = perform(config, words)
        assert outcome.kind == "finished", outcome
        return RunFolder(config.run_dir)

    return train


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunFolder]:
    """Makes the folder of a finished memory run, with the weights that training would begin with:
    what a page computes does not depend on how good they are."""

    def make(*overrides: str) -> RunFolder:
        config = compose_config("size=small", "seq_len=8", *overrides)
        assert isinstance(config, MemoryConfig)
        folder = RunFolder(tmp_path_factory.mktemp("runs") / f"{config.readable_name}-0123abcd")
        folder.path.mkdir()
        folder.save_config(config.to_dict())
        torch.manual_seed(0)
        folder.save_weights(build_network(config).equation_weights())
        folder.save_result({"steps": 0, "val_accuracy": 0.1, "test_accuracy": None})
        return folder

    return make
