"""A checkpoint holds every random state there is."""

import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lab.config.errors import UserError
from lab.engine import checkpoints
from lab.engine.process import seed_everything
from lab.engine.run_folder import RunFolder


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


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (np.float64(0.5), "numpy.float64"),
        (np.zeros(2), "numpy.ndarray"),
        (np.True_, "numpy.bool"),
        ({1, 2}, "set"),
        (date(2026, 1, 1), "datetime.date"),
        (lambda: 0, "function"),
    ],
)
def test_what_could_not_be_read_again_is_refused_at_once(
    value: Any, name: str, tmp_path: Path
) -> None:
    state = {"step": 1, "task": {"optimizer": {"state": {0: {"average": [1.0, value]}}}}}
    with pytest.raises(UserError, match=f"state of optimizer.state.0.average.1 is a {name};"):
        checkpoints.save(RunFolder(tmp_path), "identity", state)
    assert not list(tmp_path.iterdir())


def test_what_torch_reads_again_is_kept(tmp_path: Path) -> None:
    state = {"task": {1: (torch.float16, torch.Size([2])), "counts": Counter("aab"), "text": b"x"}}
    checkpoints.save(RunFolder(tmp_path), "identity", state)
    assert checkpoints.load(RunFolder(tmp_path), "identity") == state
