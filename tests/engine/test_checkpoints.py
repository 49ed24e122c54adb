"""A checkpoint holds every random state there is."""

import random
from pathlib import Path

import numpy as np
import torch

from lab.engine import checkpoints
from lab.engine.run_folder import RunFolder
from lab.engine.seeding import seed_everything


def draws() -> list[float]:
    """From each generator, several kinds, so that half-used states count too."""
    return [
        *(random.random(), random.gauss(0, 1)),
        *(np.random.rand(), np.random.randn()),
        *(torch.rand(()).item(), torch.randn(()).item()),
    ]


def test_the_random_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    seed_everything(0)
    draws()  # the normal draws leave a second value behind in Python's and NumPy's states
    checkpoints.save(RunFolder(tmp_path), "identity", {"step": 1})
    expected = draws()
    draws()
    assert checkpoints.load(RunFolder(tmp_path), "identity") == {"step": 1}
    assert draws() == expected


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (1, 2, 3):
        checkpoints.save(folder, "identity", {"step": step})
    assert checkpoints.load(folder, "identity") == {"step": 3}
    folder.checkpoint_file.unlink()
    assert checkpoints.load(folder, "identity") == {"step": 2}


def test_a_kill_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    checkpoints.save(folder, "identity", {"step": 1})
    checkpoints.save(folder, "identity", {"step": 2})
    # As it is left when the kill comes before the last rename of the second `save`.
    folder.checkpoint_file.rename(folder.checkpoint_files[0])
    assert checkpoints.load(folder, "identity") == {"step": 2}
    checkpoints.save(folder, "identity", {"step": 3})
    assert checkpoints.load(folder, "identity") == {"step": 3}
