"""Sweeps continue, share runs with one another, and tell the truth about every job."""

import fcntl
import os
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest

from lab.config.errors import UserError
from lab.sweeps.summary import rebuild
from tests.cli.test_docs import commands
from tests.command_line import SMALL, TINY, quick_lab, run_folders, start_lab, wait_until
from tests.run_files import recap, snapshot, summary

THREE = ["-m", *SMALL, "seq_len=3,4,5"]
THREE_LENGTHS = ["seq_len=3", "seq_len=4", "seq_len=5"]
LONGER = [*TINY, "epochs=400", "max_steps=400"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep THREE has finished. Copy it."""
    cwd = tmp_path_factory.mktemp("sweep")
    done = quick_lab(*THREE, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert recap(done.stdout) == "3 finished"
    return cwd


@pytest.fixture
def cwd(finished: Path, tmp_path: Path) -> Path:
    """A copy of `finished`, to change."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_a_sweep_has_a_row_for_each_run_and_a_plot(finished: Path) -> None:
    table = summary(finished)
    assert [row["seq_len"] for row in table] == ["3", "4", "5"]
    assert {row["status"] for row in table} == {"finished"}
    assert [row["overrides"].split()[-1] for row in table] == THREE_LENGTHS
    assert all((finished / row["run"] / "result.json").exists() for row in table)
    assert list(finished.glob("outputs/sweeps/*/accuracy_vs_length.png"))


def test_the_same_sweep_again_trains_only_what_is_missing(cwd: Path) -> None:
    kept, half, lost = run_folders(cwd)
    (half / "result.json").unlink()
    shutil.rmtree(lost)
    before = snapshot(kept)
    again = quick_lab(*THREE, cwd=cwd)
    assert again.returncode == 0
    assert again.stdout.startswith("sweep of 3 runs: table and plots go to outputs/sweeps/")
    assert recap(again.stdout) == "1 finished before, 1 resumed, 1 finished"
    assert snapshot(kept) == before
    assert [row["status"] for row in summary(cwd)] == ["finished"] * 3


def test_a_summary_keeps_what_it_says_of_a_run_that_lost_its_folder(
    cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cwd)
    (sweep,) = Path().glob("outputs/sweeps/*")
    before, drawn = summary(cwd), (sweep / "accuracy_vs_length.png").read_bytes()
    shutil.rmtree(run_folders(cwd)[1])
    assert rebuild(sweep) == [sweep / "summary.csv"]
    assert [row.pop("status") for row in summary(cwd)] == ["finished", "missing", "finished"]
    assert [{**row, "status": "finished"} for row in summary(cwd)] == before
    assert (sweep / "accuracy_vs_length.png").read_bytes() == drawn
    record = next((sweep / "jobs").iterdir())
    record.unlink()
    rebuild(sweep)
    assert sorted(row["overrides"] for row in summary(cwd)) == [row["overrides"] for row in before]


def test_a_summary_of_a_sweep_without_its_runs_changes_nothing(cwd: Path, tmp_path: Path) -> None:
    (sweep,) = cwd.glob("outputs/sweeps/*")
    alone = Path(shutil.copytree(sweep, tmp_path / "alone/sweeps/copy"))
    before = snapshot(alone / "jobs"), (alone / "summary.csv").read_bytes()
    with pytest.raises(UserError, match="none of the sweep's runs is where it was"):
        rebuild(alone)
    assert (snapshot(alone / "jobs"), (alone / "summary.csv").read_bytes()) == before


def test_a_sweep_is_found_through_a_link(cwd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cwd)
    table = summary(cwd)
    (cwd / "linked").symlink_to(cwd / "outputs/sweeps")
    (sweep,) = Path("linked").iterdir()
    rebuild(sweep)
    monkeypatch.chdir(sweep)
    rebuild(Path())
    monkeypatch.chdir(cwd)
    rebuild(sweep)
    assert summary(cwd) == table


def test_a_wider_sweep_uses_the_runs_there_are(cwd: Path) -> None:
    before = [snapshot(folder) for folder in run_folders(cwd)]
    wider = quick_lab("-m", *SMALL, "seq_len=range(3,7)", cwd=cwd)
    assert recap(wider.stdout) == "3 finished before, 1 finished"
    assert [snapshot(folder) for folder in run_folders(cwd)[:3]] == before
    assert len(run_folders(cwd)) == 4


def test_a_dry_run_tells_and_writes_nothing(cwd: Path) -> None:
    half, _, lost = run_folders(cwd)
    (half / "result.json").unlink()
    shutil.rmtree(lost)
    before = snapshot(cwd)
    dry = quick_lab(*THREE, "dry_run=true", cwd=cwd)
    assert dry.returncode == 0
    assert dry.stderr == ""
    lines = dry.stdout.splitlines()
    for line, plan in zip(lines, ("resume ", "finished before ", "run "), strict=True):
        assert line.startswith(plan)
    assert [line.split()[-1] for line in lines] == THREE_LENGTHS
    assert snapshot(cwd) == before
    assert len(list(cwd.glob("outputs/sweeps/*"))) == 1


def test_a_summary_is_right_where_the_outputs_have_moved(cwd: Path) -> None:
    (folder,) = cwd.glob("outputs/sweeps/*")
    table = summary(cwd)
    (folder / "summary.csv").unlink()
    done = quick_lab("summary", str(folder), cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert summary(cwd) == table


def test_a_summary_waits_for_one_that_is_being_written(cwd: Path) -> None:
    """Else a process that read the runs early and wrote late would undo a later summary."""
    (folder,) = cwd.glob("outputs/sweeps/*")
    with open(folder / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        summary = start_lab("summary", str(folder), cwd=cwd)
        path, files = os.path.realpath(folder / ".lock"), Path(f"/proc/{summary.pid}/fd")
        wait_until(lambda: path in [os.path.realpath(file) for file in files.glob("*")])
        time.sleep(0.2)
        assert summary.is_alive
    assert summary.wait().returncode == 0


def test_a_job_that_fails_is_named_and_the_others_finish(tmp_path: Path) -> None:
    rates = "optimizer.lr=0.01,1e30,-1,0.02"
    done = quick_lab("-m", *TINY, "optimizer=adamw", "clip_norm=null", rates, cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert recap(done.stdout) == "2 finished, 2 failed"
    diverged, refused = [line for line in lines if line.startswith("failed: ")]
    assert diverged.startswith("failed: optimizer.lr=1e+30: ")
    assert "training diverged" in diverged
    assert refused.startswith("failed: optimizer.lr=-1 is not allowed: ")
    assert "expected a number above 0" in refused
    assert len(done.stderr.splitlines()) == 1, "what is refused is told at the end alone"
    assert "training diverged" in done.stderr

    table = summary(tmp_path)
    assert [row["status"] for row in table] == ["finished", "failed", "failed", "finished"]
    assert "training diverged" in table[1]["reason"]
    failed = tmp_path / table[1]["run"]
    assert (failed / "status").read_text() == "failed\n"
    assert "training diverged" in (failed / "lab.log").read_text()
    assert len(run_folders(tmp_path)) == 3, "a job that was refused leaves no folder"


def test_a_run_that_diverges_alone_is_told_in_one_line(tmp_path: Path) -> None:
    done = quick_lab(*TINY, "optimizer=adamw", "clip_norm=null", "optimizer.lr=1e30", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "training diverged; a smaller learning rate may help" in done.stderr


def test_ctrl_c_in_a_sweep_and_the_same_command_finishes_it(tmp_path: Path) -> None:
    words = ["-m", *LONGER, "seed=0,1"]
    sweep = start_lab(*words, cwd=tmp_path)
    wait_until(lambda: list(tmp_path.glob("outputs/runs/*/checkpoint.prev.pt")))
    sweep.send(signal.SIGINT)
    stopped = sweep.wait()
    assert stopped.returncode == 130
    assert recap(stopped.stdout) == "1 interrupted, 1 not begun"
    assert "not begun: seed=1" in stopped.stdout.splitlines()
    assert "the same command continues" in stopped.stderr
    assert [row["status"] for row in summary(tmp_path)] == ["interrupted"]

    done = quick_lab(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert recap(done.stdout) == "1 resumed, 1 finished"
    assert [row["status"] for row in summary(tmp_path)] == ["finished", "finished"]


def test_two_equal_sweeps_at_once_end_with_a_right_summary(tmp_path: Path) -> None:
    words = ["-m", *TINY, "seed=0,1,2"]
    sweeps = [start_lab(*words, cwd=tmp_path) for _ in range(2)]
    ended = [sweep.wait() for sweep in sweeps]
    assert {sweep.returncode for sweep in ended} <= {0, 3}  # each may come to a run of the other's
    assert len(run_folders(tmp_path)) == 3
    assert [row["seed"] for row in summary(tmp_path)] == ["0", "1", "2"]
    assert {row["status"] for row in summary(tmp_path)} == {"finished"}


def test_values_that_belong_together_are_swept_by_another_sweeper(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.list_sweeper_plugin")
    (documented,) = (words for words in commands() if "hydra/sweeper=list" in words)
    words = [*shlex.split(documented), *SMALL, "max_steps=6"]
    dry = quick_lab(*words, "dry_run=true", cwd=tmp_path)
    assert dry.stderr == (
        "lab: dry_run=true: hydra/sweeper=list names its jobs only as it runs them\n"
    )
    done = quick_lab(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert recap(done.stdout) == "2 finished"
    assert "best:" not in done.stdout
    assert [(row["seq_len"], row["optimizer.lr"]) for row in summary(tmp_path)] == [
        ("10", "0.01"), ("20", "0.003"),
    ]  # fmt: skip
    assert recap(quick_lab(*words, cwd=tmp_path).stdout) == "2 finished before"


def test_a_value_that_is_given_twice_is_trained_once(tmp_path: Path) -> None:
    words = ["-m", *SMALL, "seq_len=3", "max_steps=6", "seed=0,0,1"]
    dry = quick_lab(*words, "dry_run=true", cwd=tmp_path)
    assert [line.split()[-1] for line in dry.stdout.splitlines()] == ["seed=0", "seed=1"]
    done = quick_lab(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sweep of 2 runs: ")
    assert recap(done.stdout) == "2 finished"
    assert len(run_folders(tmp_path)) == 2
