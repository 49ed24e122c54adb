"""Sweeps continue, share runs with one another, and tell the truth about every job."""

import fcntl
import os
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest

import lab
from lab.config.errors import UserError
from lab.sweeps.summary import rebuild
from tests.cli.test_docs import commands
from tests.command_line import Swept, quick_lab, run_folders, start_lab, wait_until
from tests.fake_runs import fake_run
from tests.run_files import assert_same_run, only, recap, snapshot, summary, wait_for_step
from tests.walk import CONF, WALK, WALK_COMMAND, hold

FOUR = ["cell=rnn,lstm", "seq_len=3,4"]
JOBS = [("rnn", "3"), ("rnn", "4"), ("lstm", "3"), ("lstm", "4")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep FOUR finds its runs finished. Copy it."""
    cwd = tmp_path_factory.mktemp("sweep")
    for cell, seq_len in JOBS:
        fake_run(cwd / "outputs", f"cell={cell}", f"seq_len={seq_len}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        lab.sweep(*FOUR)
    return cwd


@pytest.fixture
def cwd(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `finished`, to change, as the current folder."""
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    monkeypatch.chdir(copy)
    return copy


def test_a_sweep_has_a_row_for_each_run_and_a_plot(finished: Path) -> None:
    folder = only(finished, "outputs/sweeps/*")
    assert {path.name for path in folder.iterdir()} == {
        ".lock", "summary.csv", "accuracy_vs_length.png", "jobs",
    }  # fmt: skip
    table = summary(finished)
    assert [(row["cell"], row["seq_len"]) for row in table] == JOBS
    assert {row["status"] for row in table} == {"finished"}
    assert {row["series"] for row in table} == {"rnn, default init", "lstm, forget bias 5"}
    for row, (cell, seq_len) in zip(table, JOBS, strict=True):
        assert row["overrides"].split()[-2:] == [f"cell={cell}", f"seq_len={seq_len}"]
        result = lab.load(finished / row["run"]).result
        assert float(row["val_accuracy"]) == result["val_accuracy"]


def test_the_same_sweep_again_trains_only_what_is_missing_and_a_wider_one_uses_its_runs(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep, out, _ = swept(*WALK, "seed=0,1,2", config_dir=CONF)
    assert recap(out) == "3 finished"
    # The run alone, bit for bit: earlier jobs in the same process leave nothing behind.
    last = sweep.runs[2]
    alone = lab.run(*WALK, "seed=2", "out_dir=alone", config_dir=CONF)
    assert_same_run(alone.path, last.path)

    kept, half, lost = run_folders(tmp_path)
    (half / "result.json").unlink()
    shutil.rmtree(lost)
    before = snapshot(kept)
    _, out, _ = swept(*WALK, "seed=0,1,2", config_dir=CONF)
    assert out.startswith("sweep of 3 runs: table and plots go to outputs/sweeps/")
    assert recap(out) == "1 finished before, 1 resumed, 1 finished"
    assert [row["status"] for row in summary(tmp_path)] == ["finished"] * 3
    out = swept(*WALK, "seed=range(4)", config_dir=CONF)[1]
    assert recap(out) == "3 finished before, 1 finished"
    assert snapshot(kept) == before


def test_a_summary_keeps_what_it_says_of_a_run_that_lost_its_folder(
    cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cwd)
    (sweep,) = Path().glob("outputs/sweeps/*")
    before, drawn = summary(cwd), (sweep / "accuracy_vs_length.png").read_bytes()
    shutil.rmtree(run_folders(cwd)[1])
    assert rebuild(sweep) == [sweep / "summary.csv"]
    assert [row["status"] for row in summary(cwd)] == ["finished"] * 3 + ["missing"]
    assert [{**row, "status": "finished"} for row in summary(cwd)] == before
    assert (sweep / "accuracy_vs_length.png").read_bytes() == drawn
    record = next((sweep / "jobs").iterdir())
    record.unlink()
    rebuild(sweep)
    assert {row["overrides"] for row in summary(cwd)} == {row["overrides"] for row in before}


def test_a_summary_of_a_sweep_without_its_runs_changes_nothing(cwd: Path, tmp_path: Path) -> None:
    (sweep,) = cwd.glob("outputs/sweeps/*")
    alone = Path(shutil.copytree(sweep, tmp_path / "alone/sweeps/copy"))
    before = snapshot(alone / "jobs"), (alone / "summary.csv").read_bytes()
    with pytest.raises(UserError, match="none of the sweep's runs is where it was"):
        rebuild(alone)
    assert (snapshot(alone / "jobs"), (alone / "summary.csv").read_bytes()) == before


def test_a_sweep_that_has_moved_is_found_also_through_a_link(
    cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_dry_run_tells_and_writes_nothing(cwd: Path) -> None:
    half, again, _, lost = run_folders(cwd)
    (half / "result.json").unlink()
    (half / "checkpoint.pt").touch()
    (again / "result.json").unlink()
    shutil.rmtree(lost)
    before = snapshot(cwd)
    dry = quick_lab("-m", *FOUR, "dry_run=true", cwd=cwd)
    assert (dry.returncode, dry.stderr) == (0, "")
    lines = dry.stdout.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        "finished before", "run", "resume", "run again",
    ]  # fmt: skip
    jobs = [line.replace("=", " ").split()[-3::2] for line in lines]
    assert [(cell, seq_len) for cell, seq_len in jobs] == JOBS
    assert snapshot(cwd) == before


def test_a_summary_waits_for_one_that_is_being_written(cwd: Path) -> None:
    """Else a process that read the runs early and wrote late would undo a later summary."""
    folder = only(cwd, "outputs/sweeps/*")
    with open(folder / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        summary = start_lab("summary", str(folder), cwd=cwd)
        path, files = os.path.realpath(folder / ".lock"), Path(f"/proc/{summary.pid}/fd")
        wait_until(lambda: path in [os.path.realpath(file) for file in files.glob("*")])
        time.sleep(0.2)
        assert summary.is_alive
    assert summary.wait().returncode == 0


def test_a_job_that_fails_is_named_and_the_others_finish(tmp_path: Path) -> None:
    done = quick_lab("-m", *WALK_COMMAND, "scale=1,1e25,-1,2", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert recap(done.stdout) == "2 finished, 2 failed"
    diverged, refused = [line for line in lines if line.startswith("failed: ")]
    assert diverged.startswith("failed: scale=1e+25: ")
    assert "training diverged" in diverged
    assert refused.startswith("failed: scale=-1 is not allowed: ")
    assert "expected more than 0" in refused
    assert len(done.stderr.splitlines()) == 1, "what is refused is told at the end alone"
    assert "training diverged; a smaller learning rate may help" in done.stderr

    table = summary(tmp_path)
    assert [row["status"] for row in table] == ["finished", "failed", "failed", "finished"]
    assert [row["scale"] for row in table] == ["1", "1e+25", "-1", "2"]
    assert "training diverged" in table[1]["reason"]
    failed = tmp_path / table[1]["run"]
    assert (failed / "status").read_text() == "failed\n"
    assert "training diverged" in (failed / "lab.log").read_text()
    assert len(run_folders(tmp_path)) == 3, "a job that was refused leaves no folder"


def test_a_signal_ends_a_whole_sweep_and_the_same_command_finishes_it(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step, number in ((6, signal.SIGINT), (18, signal.SIGTERM)):
        hold(tmp_path, step)
        sweep = start_lab("-m", *WALK_COMMAND, "seed=0,1", cwd=tmp_path)
        wait_for_step(tmp_path, step)
        sweep.send(number)
        stopped = sweep.wait()
        assert stopped.returncode == 128 + number
        assert recap(stopped.stdout) == "1 interrupted, 1 not begun"
        assert "not begun: seed=1" in stopped.stdout.splitlines()
        assert len(stopped.stderr.splitlines()) == 1
        assert "the same command continues" in stopped.stderr
        assert [row["status"] for row in summary(tmp_path)] == ["interrupted"]
        assert len(run_folders(tmp_path)) == 1

    hold(tmp_path, None)
    monkeypatch.chdir(tmp_path)
    assert recap(swept(*WALK, "seed=0,1", config_dir=CONF)[1]) == "1 resumed, 1 finished"
    assert [row["status"] for row in summary(tmp_path)] == ["finished", "finished"]


def test_two_equal_sweeps_at_once_end_with_a_right_summary(tmp_path: Path) -> None:
    words = ["-m", *WALK_COMMAND, "seed=0,1,2"]
    sweeps = [start_lab(*words, cwd=tmp_path) for _ in range(2)]
    ended = [sweep.wait() for sweep in sweeps]
    assert {sweep.returncode for sweep in ended} <= {0, 3}  # each may come to a run of the other's
    assert len(run_folders(tmp_path)) == 3
    assert [row["seed"] for row in summary(tmp_path)] == ["0", "1", "2"]
    assert {row["status"] for row in summary(tmp_path)} == {"finished"}


def test_values_that_belong_together_are_swept_by_another_sweeper(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hydra_plugins.list_sweeper_plugin")
    (documented,) = (words for words in commands() if "hydra/sweeper=list" in words)
    words = shlex.split(documented)
    pairs = [("10", "0.01"), ("20", "0.003")]
    for seq_len, rate in pairs:
        fake_run(tmp_path / "outputs", f"seq_len={seq_len}", f"optimizer.lr={rate}")
    dry = quick_lab(*words, "dry_run=true", cwd=tmp_path)
    assert dry.stderr == (
        "lab: dry_run=true: hydra/sweeper=list names its jobs only as it runs them\n"
    )
    monkeypatch.chdir(tmp_path)
    assert words[0] == "-m"
    _, out, _ = swept(*words[1:])
    assert recap(out) == "2 finished before"
    assert "best:" not in out
    assert [(row["seq_len"], row["optimizer.lr"]) for row in summary(tmp_path)] == pairs


def test_a_value_that_is_given_twice_is_trained_once(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    dry = quick_lab("-m", *WALK_COMMAND, "seed=0,0,1", "dry_run=true", cwd=tmp_path)
    assert [line.split()[-1] for line in dry.stdout.splitlines()] == ["seed=0", "seed=1"]
    monkeypatch.chdir(tmp_path)
    _, out, err = swept(*WALK, "seed=0,0,1", config_dir=CONF)
    assert out.startswith("sweep of 2 runs: ")
    assert (recap(out), err) == ("2 finished", "")
    assert len(run_folders(tmp_path)) == 2
