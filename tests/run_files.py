"""What is in a run's folder, compared."""

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.command_line import wait_until

TAGS = {"lr": "train/lr"}
"""Of the columns whose tag in TensorBoard is not their name with `/` in place of the first `_`."""


def copy_into(cwd: Path, folder: Path) -> Path:
    """A run's folder, copied to where the same command given in `cwd` looks for it."""
    return Path(shutil.copytree(folder, cwd / "outputs" / "runs" / folder.name))


def saved_steps(cwd: Path) -> list[int]:
    """The steps of the checkpoints of the runs that were begun in `cwd`, by the names of the runs.

    A file is never half written. Between two renames, and after a kill there, only the new one is.
    """
    steps = []
    for folder in sorted(cwd.glob("outputs/runs/*")):
        for name in ("checkpoint.pt", "checkpoint.new.pt", "checkpoint.pt"):
            with suppress(FileNotFoundError):
                steps.append(torch.load(folder / name, weights_only=True)["state"]["step"])
                break
    return steps


def logged_steps(cwd: Path) -> list[int]:
    """The last logged step of each run that was begun in `cwd`, by the names of the runs."""
    files = sorted(cwd.glob("outputs/runs/*/metrics.csv"))
    last = [file.read_text().split()[-1] for file in files]
    return [int(line.partition(",")[0]) for line in last if line[0].isdigit()]


def wait_for_step(cwd: Path, step: int, steps: Callable[[Path], list[int]] = logged_steps) -> None:
    """Wait until each run that was begun in `cwd` has logged, or saved, so many steps."""
    wait_until(lambda: (found := steps(cwd)) and min(found) >= step)


def result_but_seconds(folder: Path) -> dict[str, Any]:
    return {**json.loads((folder / "result.json").read_text()), "seconds": None}


def assert_same_run(folder: Path, reference: Path) -> None:
    """Bitwise the same weights and metrics, the same result but for the time it took."""
    for name in ("model.safetensors", "metrics.csv"):
        assert (folder / name).read_bytes() == (reference / name).read_bytes(), name
    assert result_but_seconds(folder) == result_but_seconds(reference)
    assert (folder / "status").read_text() == "finished\n"


def assert_curves_are_whole(folder: Path) -> None:
    """What TensorBoard shows of each column: every logged value once, in the order of the steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    with open(folder / "metrics.csv", newline="") as file:
        logged = list(csv.DictReader(file))
    for name in logged[0].keys() - {"step"}:
        tag = TAGS.get(name, name.replace("_", "/", 1))
        shown = [(event.step, event.value) for event in accumulator.Scalars(tag)]
        expected = [(int(row["step"]), float(row[name])) for row in logged if row[name]]
        assert [step for step, _ in shown] == [step for step, _ in expected], name
        assert [value for _, value in shown] == pytest.approx([v for _, v in expected]), name


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below `folder`: when it was last written, and what it holds."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def only(folder: Path, pattern: str) -> Path:
    """The one path in `folder` that matches."""
    (path,) = folder.glob(pattern)
    return path


def summary(cwd: Path) -> list[dict[str, str]]:
    """The table of the one sweep in `cwd`."""
    (file,) = cwd.glob("outputs/sweeps/*/summary.csv")
    with open(file, newline="") as text:
        return list(csv.DictReader(text))


def recap(output: str) -> str:
    """What the last line of a sweep counts: `2 finished, 1 failed`."""
    return output.splitlines()[-1].removeprefix("sweep: ").partition("; ")[0]
