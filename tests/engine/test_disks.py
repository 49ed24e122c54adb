"""A full disk and a folder that cannot be written: one line, and nothing is lost."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lab
from tests.command_line import Walked, command, environment, run_folder
from tests.run_files import assert_same_run, copy_into, saved_steps
from tests.walk import CONF, WALK, WALK_COMMAND

IS_ROOT = os.geteuid() == 0
# Root may write anywhere, unless it gives that right up.
AS_A_USER = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if IS_ROOT else []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Give a disk of its own a size, as `mount` has it, again and again."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def resize(size: str) -> Path:
        how = f"remount,size={size}" if os.path.ismount(disk) else f"size={size}"
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", how, "none", disk], check=False)
        if made.returncode:
            pytest.skip("NOT TESTED: a full disk; it needs the right to mount one (root)")
        return disk

    yield resize
    subprocess.run(["umount", disk], check=False)


def test_a_full_disk_is_told_in_one_line_and_the_run_goes_on_with_room(
    small_disk: Callable[[str], Path], reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size, at_the_end in (("24k", False), ("100k", True)):
        disk = small_disk(size)
        monkeypatch.chdir(disk)
        with pytest.raises(lab.UserError) as error:
            lab.run(*WALK, config_dir=CONF)
        folder = run_folder(disk)
        assert str(error.value) == (
            f"cannot write to {folder.relative_to(disk)}: No space left on device"
        )
        assert bool(saved_steps(disk)) == at_the_end
    small_disk("64m")
    lab.run(*WALK, config_dir=CONF)
    assert_same_run(folder, reference)
    monkeypatch.undo()


def test_a_file_size_limit_is_told_in_one_line(
    reference: Path, walk: Walked, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, limits[1]))
    try:
        with pytest.raises(lab.UserError) as error:
            walk()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    folder = run_folder(tmp_path)
    assert str(error.value) == f"cannot write to {folder.relative_to(tmp_path)}: File too large"
    assert (folder / "status").read_text() == "failed\n"
    assert "File too large" in (folder / "lab.log").read_text()
    walk()
    assert_same_run(folder, reference)


@pytest.mark.skipif(
    IS_ROOT and shutil.which("setpriv") is None,
    reason="NOT TESTED: a folder that cannot be written; root may, and setpriv is missing",
)
def test_outputs_that_cannot_be_written(reference: Path, tmp_path: Path) -> None:
    def as_a_user(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*AS_A_USER, *command(*args)],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    copy_into(tmp_path, reference)
    everything = [tmp_path / "outputs", *tmp_path.rglob("outputs/**/*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)

    failed = as_a_user(*WALK_COMMAND, "seed=1")
    assert failed.returncode == 1
    assert failed.stderr.startswith("lab: cannot write to outputs/runs/walk-s1-")
    assert failed.stderr.endswith(": Permission denied\n")
    assert len(failed.stderr.splitlines()) == 1

    shown = as_a_user(*WALK_COMMAND)
    assert shown.returncode == 0
    assert shown.stdout.startswith("finished before: ")

    for path in everything:
        path.chmod(0o755)
