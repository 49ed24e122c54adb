"""Files that several processes, users and file systems share."""

import errno
import fcntl
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.images import cache
from lab.runs.table import rows
from lab.sweeps.summary import rebuild
from tests.command_line import environment
from tests.engine.test_disks import AS_A_USER
from tests.fake_runs import fake_run


@pytest.mark.parametrize("answer", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_in_one_line_and_can_be_read(
    answer: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fake_run(tmp_path, "seed=0")
    (tmp_path / "sweep/jobs").mkdir(parents=True)
    record = (
        '{"number": 0, "overrides": [], "run": null, "kind": "failed", "line": "", "exit_code": 1}'
    )
    (tmp_path / "sweep/jobs/0123456789abcdef.json").write_text(record)

    def refuse(*_: object) -> None:
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(fcntl, "flock", refuse)
    new = RunFolder(tmp_path / "new/runs/run")
    for locks in (
        lambda: new.locked().__enter__(),
        lambda: run.add_note("a note"),
        lambda: rebuild(tmp_path / "sweep"),
        lambda: cache.locked(tmp_path / "cache").__enter__(),
    ):
        with pytest.raises(UserError, match=r"cannot lock files .* out_dir=DIR .* LAB_DATA=DIR"):
            locks()
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "sweep/summary.csv").exists()
    assert [row["status"] for row in rows(tmp_path)] == ["finished"]
    assert not run.is_held


def test_the_umask_decides_who_may_continue_a_run(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        run = RunFolder(tmp_path / "runs" / "run")
        with run.locked():
            run.set_status("running")
            run.save_file("array.npz", lambda file: file.write(b""))
        run.add_note("a note")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "runs").rglob("*")}
    assert modes == {0o775, 0o664}


def test_notes_made_at_once_are_all_kept(tmp_path: Path) -> None:
    notes = [f"note {number} by Zoë" for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda note: RunFolder(tmp_path).add_note(note), notes))
    assert sorted(RunFolder(tmp_path).notes()) == sorted(notes)


def test_a_note_that_does_not_fit_on_the_disk_leaves_the_others(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.add_note("the first")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len("the first\n") + 3, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            run.add_note("the second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "notes.txt").read_text() == "the first\n"


def test_a_folder_that_may_be_listed_but_not_entered_hides_no_run(tmp_path: Path) -> None:
    fake_run(tmp_path, "seed=0")
    closed = fake_run(tmp_path, "seed=1").path
    closed.chmod(0o644)
    code = f"from lab.runs.table import rows; print(len(rows({str(tmp_path)!r})))"
    found = subprocess.run(
        [*AS_A_USER, sys.executable, "-c", code],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    closed.chmod(0o755)
    assert (found.stdout, found.stderr) == ("1\n", "")
