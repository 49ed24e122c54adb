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

import lab
from tests.command_line import Walked, run_folder, start_lab, wait_until
from tests.run_files import (
    assert_curves_are_whole,
    assert_same_run,
    copy_into,
    saved_steps,
    wait_for_step,
)
from tests.walk import CONF, WALK, WALK_COMMAND, hold


def half_written(folder: Path) -> list[Path]:
    return list(folder.glob(".checkpoint.*"))


def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_been(
    reference: Path, walk: Walked, tmp_path: Path
) -> None:
    moments = random.Random(0)
    for step in (4, 11, 17):
        hold(tmp_path, step)
        run = start_lab(*WALK_COMMAND, cwd=tmp_path)
        wait_for_step(tmp_path, step, saved_steps)
        hold(tmp_path, 35)
        time.sleep(moments.uniform(0, 0.02))
        run.kill()
    (tmp_path / "hold").unlink()
    folder = run_folder(tmp_path)
    assert not (folder / "result.json").exists()
    # As a kill leaves it while a checkpoint is being written.
    (folder / ".checkpoint.new.pt.0123abcd.tmp").write_bytes(b"PK\3\4 half of a checkpoint")

    assert "continuing after step" in walk()[1]
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)
    assert not half_written(folder)


def test_a_signal_writes_a_checkpoint_and_says_how_to_go_on(
    reference: Path, walk: Walked, tmp_path: Path
) -> None:
    for step, number in ((7, signal.SIGINT), (19, signal.SIGTERM)):
        hold(tmp_path, step)
        # No checkpoint is due by time: the one there is afterwards was written for the signal.
        run = start_lab(*WALK_COMMAND, "checkpoint_seconds=1000", cwd=tmp_path)
        wait_for_step(tmp_path, step - 1)
        run.send(number)
        stopped = run.wait()
        assert stopped.returncode == 128 + number
        (saved,) = saved_steps(tmp_path)
        assert step - 3 < saved <= step + 1
        assert stopped.stderr.splitlines()[-1] == (
            f"lab: stopped at step {saved}; the same command continues it "
            f"({run_folder(tmp_path).relative_to(tmp_path)})"
        )
    hold(tmp_path, None)
    walk()
    assert_same_run(run_folder(tmp_path), reference)
    assert_curves_are_whole(run_folder(tmp_path))


def clock_set_back(folder: Path) -> None:
    """The events were written in what is now the future."""
    (events,) = folder.glob("events.*")
    in_an_hour = str(int(time.time()) + 3600)
    events.rename(folder / re.sub(r"\d{10}", in_an_hour, events.name))


def cut_in_half(folder: Path, name: str = "checkpoint.pt") -> None:
    os.truncate(folder / name, (folder / name).stat().st_size // 2)


def from_another_run(folder: Path) -> None:
    content = torch.load(folder / "checkpoint.pt", weights_only=True)
    torch.save({**content, "identity": "00000000"}, folder / "checkpoint.pt")


class Bomb:
    """A pickle that leaves a mark when it is read carelessly."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch bomb-went-off",)


def bomb(folder: Path) -> None:
    content = torch.load(folder / "checkpoint.pt", weights_only=True)
    torch.save({**content, "bomb": Bomb()}, folder / "checkpoint.pt")


@pytest.mark.parametrize("damage", [clock_set_back, cut_in_half, from_another_run, bomb])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    damage: Callable[[Path], None], half_done: Path, reference: Path, walk: Walked, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    (folder / "checkpoint.new.pt").unlink(missing_ok=True)
    damage(folder)
    _, out, err = walk()
    assert "continuing after step" in out
    if damage is clock_set_back:
        assert err == ""
    else:
        assert "checkpoint.pt cannot be used" in (folder / "lab.log").read_text()
        (line,) = err.splitlines()
        assert line.startswith(f"lab: {folder.relative_to(tmp_path)}/checkpoint.pt cannot be used")
    assert not list(tmp_path.rglob("bomb-went-off"))
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)


def test_with_no_usable_checkpoint_it_starts_over(
    half_done: Path, reference: Path, walk: Walked, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    for path in folder.glob("checkpoint*.pt"):
        cut_in_half(folder, path.name)
    _, out, err = walk()
    assert "results go to" in out
    assert err.splitlines()[-1] == (
        f"lab: no checkpoint of {folder.relative_to(tmp_path)} can be used, "
        "so the run starts again at step 0"
    )
    assert_same_run(folder, reference)
    assert len(list(folder.glob("events.*"))) == 1


def test_files_that_know_more_than_the_checkpoint_are_mended(
    half_done: Path, reference: Path, walk: Walked, tmp_path: Path
) -> None:
    """As after a power cut: metrics and events of steps that will be done a second time."""
    folder = copy_into(tmp_path, half_done)
    hold(tmp_path, 31)
    run = start_lab(*WALK_COMMAND, cwd=tmp_path)
    wait_until(lambda: saved_steps(tmp_path) == [31])
    run.kill()
    hold(tmp_path, None)
    for path in folder.glob("checkpoint*.pt"):
        path.unlink()
    for path in half_done.glob("checkpoint*.pt"):
        shutil.copy(path, folder)
    metrics = folder / "metrics.csv"
    os.truncate(metrics, metrics.stat().st_size - 7)  # in the midst of a line
    assert "continuing after step 19" in walk()[1]
    assert_same_run(folder, reference)
    assert_curves_are_whole(folder)


def test_a_checkpoint_of_an_older_code_is_told_in_one_line(
    half_done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = copy_into(tmp_path, half_done)
    for path in folder.glob("checkpoint*.pt"):
        content = torch.load(path, weights_only=True)
        del content["state"]["task"]["points"]
        torch.save(content, path)
    with pytest.raises(lab.UserError) as error:
        lab.run(*WALK, config_dir=CONF)
    assert "does not fit this version of the code" in str(error.value)
    assert "fresh=true starts over" in str(error.value)
    assert "\n" not in str(error.value)
    assert (folder / "status").read_text() == "failed\n"
    assert "Traceback" in (folder / "lab.log").read_text()
