"""What must not lose or mix up anything: kills, signals, damaged files."""

import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.command_line import TINY, quick_lab, rows, run_folder, start_lab, wait_until
from tests.run_files import assert_curves_are_whole, assert_same_run, copy_into


def half_written(folder: Path) -> list[Path]:
    return list(folder.glob(".checkpoint.*"))


def kill_in_training(cwd: Path, after: int, seconds: float) -> None:
    """Go on with the run in `cwd`; kill it so long after it has more than `after` rows."""
    run = start_lab(*TINY, cwd=cwd)
    wait_until(lambda: rows(cwd) > after)
    time.sleep(seconds)
    run.kill()


def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_been(
    reference: Path, tmp_path: Path
) -> None:
    moments = random.Random(0)
    for after in sorted(moments.sample(range(1, 12), 3)):
        kill_in_training(tmp_path, after, moments.uniform(0, 0.02))
    folder = run_folder(tmp_path)
    assert not (folder / "result.json").exists()
    # As a kill leaves it while a checkpoint is being written.
    (folder / ".checkpoint.new.pt.0123abcd.tmp").write_bytes(b"PK\3\4 half of a checkpoint")
    assert half_written(folder)

    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.returncode == 0
    assert "continuing after step" in done.stdout
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)
    assert not half_written(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_writes_a_checkpoint_and_says_how_to_go_on(
    number: signal.Signals, reference: Path, tmp_path: Path
) -> None:
    # No checkpoint is due by time: the one there is afterwards was written for the signal.
    words = [*TINY, "checkpoint_seconds=1000"]
    run = start_lab(*words, cwd=tmp_path)
    wait_until(lambda: rows(tmp_path) >= 3)
    run.send(number)
    stopped = run.wait()
    assert stopped.returncode == 128 + number
    folder = run_folder(tmp_path)
    step = torch.load(folder / "checkpoint.pt", weights_only=True)["state"]["step"]
    assert step > 5
    assert stopped.stderr.splitlines()[-1] == (
        f"lab: stopped at step {step}; the same command continues it "
        f"({folder.relative_to(tmp_path)})"
    )

    done = quick_lab(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)


def test_a_clock_that_was_set_back_does_not_hide_what_comes_after(
    half_done: Path, reference: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    (events,) = folder.glob("events.*")
    in_an_hour = str(int(time.time()) + 3600)
    events.rename(folder / re.sub(r"\d{10}", in_an_hour, events.name))
    done = quick_lab(*TINY, cwd=tmp_path)
    assert "continuing after step" in done.stdout
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def from_another_run(path: Path) -> None:
    content = torch.load(path, weights_only=True)
    torch.save({**content, "identity": "00000000"}, path)


class Bomb:
    """A pickle that leaves a mark when it is read carelessly."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch bomb-went-off",)


def bomb(path: Path) -> None:
    torch.save({**torch.load(path, weights_only=True), "bomb": Bomb()}, path)


@pytest.mark.parametrize("damage", [cut_in_half, from_another_run, bomb])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    damage: Callable[[Path], None], half_done: Path, reference: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    (folder / "checkpoint.new.pt").unlink(missing_ok=True)
    damage(folder / "checkpoint.pt")
    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.returncode == 0
    assert "continuing after step" in done.stdout
    assert "checkpoint.pt cannot be used" in (folder / "lab.log").read_text()
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"lab: {folder.relative_to(tmp_path)}/checkpoint.pt cannot be used (")
    assert not list(tmp_path.rglob("bomb-went-off"))
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)


def test_with_no_usable_checkpoint_it_starts_over(
    half_done: Path, reference: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    for path in folder.glob("checkpoint*.pt"):
        cut_in_half(path)
    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.returncode == 0
    assert "results go to" in done.stdout
    last = (
        f"no checkpoint of {folder.relative_to(tmp_path)} can be used, "
        "so the run starts again at step 0"
    )
    assert done.stderr.splitlines()[-1] == f"lab: {last}"
    assert_same_run(folder, reference)
    assert len(list(folder.glob("events.*"))) == 1


def test_files_that_know_more_than_the_checkpoint_are_mended(
    half_done: Path, reference: Path, tmp_path: Path
) -> None:
    """As after a power cut: metrics and events of steps that will be done a second time."""
    folder = copy_into(tmp_path, half_done)
    had = rows(tmp_path)
    kill_in_training(tmp_path, had + 5, 0)
    for path in folder.glob("checkpoint*.pt"):
        path.unlink()
    for path in half_done.glob("checkpoint*.pt"):
        shutil.copy(path, folder)
    metrics = folder / "metrics.csv"
    os.truncate(metrics, metrics.stat().st_size - 7)  # in the midst of a line
    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.returncode == 0
    assert "continuing after step" in done.stdout
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)


def test_a_checkpoint_of_an_older_code_is_told_in_one_line(half_done: Path, tmp_path: Path) -> None:
    folder = copy_into(tmp_path, half_done)
    for path in folder.glob("checkpoint*.pt"):
        content = torch.load(path, weights_only=True)
        content["state"]["task"]["network"].popitem()
        torch.save(content, path)
    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.returncode == 1
    assert "does not fit this version of the code" in done.stderr
    assert "fresh=true starts over" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (folder / "status").read_text() == "failed\n"
    assert "Traceback" in (folder / "lab.log").read_text()
