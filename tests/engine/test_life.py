"""A run's life in its own folder: when a checkpoint is written, what ends it, who holds it."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lab
from tests.engine.watching import CONF, clock
from tests.run_files import snapshot


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., lab.Run]:
    """Runs the study that looks at itself, with these words."""
    return lambda *words: lab.run(
        "task=watching", "checkpoint_seconds=1000", *words, f"out_dir={tmp_path}", config_dir=CONF
    )


def test_a_checkpoint_is_written_when_its_time_has_come(
    run: Callable[..., lab.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def checkpoints(seconds: int) -> list[int]:
        """The step of the checkpoint that there is as each step begins."""
        done = run(f"checkpoint_seconds={seconds}", f"seed={seconds}")
        assert (done.path / "checkpoint.pt").exists(), "the last state is kept, for a larger budget"
        return done.result["seen"]["checkpoints"]

    assert checkpoints(0) == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert checkpoints(3) == [0, 0, 0, 3, 3, 3, 6, 6, 6]
    assert checkpoints(1000) == [0] * 9


def test_threads_are_those_of_torch(run: Callable[..., lab.Run]) -> None:
    assert run("threads=2").result["seen"]["threads"] == [2] * 9


@pytest.mark.parametrize(("step", "name"), [(4, "seen"), (9, "share")])
def test_what_is_not_a_number_ends_a_run_without_a_result(
    run: Callable[..., lab.Run], tmp_path: Path, step: int, name: str
) -> None:
    with pytest.raises(lab.UserError) as error:
        run(f"nan_at={step}")
    assert "\n" not in str(error.value)
    (folder,) = tmp_path.glob("runs/*")
    assert not (folder / "result.json").exists()
    assert lab.load(folder).status == "failed"
    if name == "seen":
        assert "seen became nan at step 4" in str(error.value)


def test_the_result_is_the_last_file_and_the_status_the_one_before(
    run: Callable[..., lab.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed process leaves a folder that says it is finished only if everything is there."""
    replace, written = os.replace, []

    def noting(source: Any, target: Any) -> None:
        written.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", noting)
    folder = run().path
    assert written[-2:] == ["status", "result.json"]
    assert (folder / "status").read_text() == "finished\n"


@pytest.fixture
def before_the_lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Does something once, as another process would, between the opening and the locking."""
    flock = fcntl.flock

    def arrange(act: Callable[[], object]) -> None:
        def locking(file: int, kind: int) -> None:
            if kind & fcntl.LOCK_EX:
                monkeypatch.setattr(fcntl, "flock", flock)
                act()
            flock(file, kind)

        monkeypatch.setattr(fcntl, "flock", locking)

    return arrange


def test_a_lock_of_a_file_that_was_removed_is_taken_again(
    run: Callable[..., lab.Run], before_the_lock: Any, tmp_path: Path
) -> None:
    def remove() -> None:
        (folder,) = tmp_path.glob("runs/*")
        shutil.rmtree(folder)

    before_the_lock(remove)
    assert run().result["seen"]["status"] == ["running"] * 9


def test_a_run_that_another_process_finished_meanwhile_is_not_trained_again(
    run: Callable[..., lab.Run], before_the_lock: Any, tmp_path: Path
) -> None:
    folder = run().path
    finished = Path(shutil.move(folder, tmp_path / "finished"))
    before_the_lock(lambda: shutil.copytree(finished, folder, dirs_exist_ok=True))
    assert run().result["steps"] == 9
    of_another, now = ({name: file for name, file in snapshot(f).items() if name != ".lock"}
                       for f in (finished, folder))  # fmt: skip
    assert now == of_another
