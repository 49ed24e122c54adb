"""Sweeps through the engines that spread them: the same runs, the same summary, no noise."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import (
    SMALL,
    command,
    environment,
    quick_lab,
    rows,
    run_folder,
    run_folders,
    run_lab,
    wait_until,
)
from tests.run_files import assert_same_run, recap, summary

TWO = ["hydra/launcher=workers", "hydra.launcher.n_jobs=2"]
FOUR = ["-m", *SMALL, "epochs=150", "max_steps=150", "seq_len=3,4", "seed=0,1"]
# None is due by time: one that is there after a signal was written for it.
SIGNALLED = ["checkpoint_seconds=1000"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep FOUR has been run in one process, by Hydra's own launcher."""
    cwd = tmp_path_factory.mktemp("alone")
    assert quick_lab(*FOUR, "hydra/launcher=basic", cwd=cwd).returncode == 0
    return cwd


def assert_as_alone(cwd: Path, alone: Path) -> None:
    # The sweep's folder is the very one that the command has without a launcher.
    assert [path.name for path in cwd.glob("outputs/sweeps/*")] == [
        path.name for path in alone.glob("outputs/sweeps/*")
    ]
    columns = ("overrides", "status", "val_accuracy", "run")
    assert [[row[column] for column in columns] for row in summary(cwd)] == [
        [row[column] for column in columns] for row in summary(alone)
    ]
    for folder, other in zip(run_folders(cwd), run_folders(alone), strict=True):
        assert_same_run(folder, other)
    assert set(os.listdir(cwd)) == {"outputs"}


@pytest.mark.parametrize(
    "launcher", ["submitit_local", pytest.param("ray", marks=pytest.mark.slow)]
)
def test_a_launcher_gives_the_same_runs_and_the_same_summary(launcher: str, tmp_path: Path) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    two = ["-m", *SMALL, "seq_len=3,4"]
    alone, here = tmp_path / "alone", tmp_path / "here"
    for cwd, of in ((alone, "basic"), (here, launcher)):
        cwd.mkdir()
        done = quick_lab(*two, f"hydra/launcher={of}", cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        assert recap(done.stdout) == "2 finished"
    assert len(done.stdout.splitlines()) == 2
    assert_as_alone(here, alone)


@pytest.mark.parametrize(
    ("number", "only_the_parent"),
    [(signal.SIGINT, False), pytest.param(signal.SIGTERM, True, marks=pytest.mark.slow)],
)
def test_workers_interrupted_leave_checkpoints_and_no_process_and_go_on(
    number: signal.Signals, only_the_parent: bool, alone: Path, tmp_path: Path
) -> None:
    words = [*FOUR, *SIGNALLED, *TWO]
    sweep = started_until_two_train(words, tmp_path)
    # A terminal sends Ctrl-C to every process of the group; `kill` and `timeout` send to one.
    (os.kill if only_the_parent else os.killpg)(sweep.pid, number)
    stdout, stderr = sweep.communicate(timeout=300)
    assert sweep.returncode == 128 + number
    assert recap(stdout) == "2 interrupted, 2 not begun"
    assert stderr == "lab: stopped; the same command continues\n"
    assert "Traceback" not in stderr
    wait_until(lambda: not processes_of_session(sweep.pid))
    assert len(run_folders(tmp_path)) == 2
    assert all((folder / "checkpoint.pt").exists() for folder in run_folders(tmp_path))

    done = run_lab(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert recap(done.stdout) == "2 resumed, 2 finished"
    assert_as_alone(tmp_path, alone)


def test_a_worker_that_is_killed_loses_its_own_job_alone(alone: Path, tmp_path: Path) -> None:
    sweep = started_until_two_train([*FOUR, *SIGNALLED, *TWO], tmp_path)
    # The first of the processes that Python forks from is the server, which trains nothing.
    workers = sorted(
        pid
        for pid, line in processes_of_session(sweep.pid).items()
        if "forkserver" in line and pid != sweep.pid
    )[1:]
    os.kill(workers[-1], signal.SIGKILL)
    stdout, stderr = sweep.communicate(timeout=300)
    assert sweep.returncode == 1
    assert "was killed by signal 9" in stderr
    assert "Traceback" not in stderr
    assert recap(stdout) == "3 finished, 1 interrupted"
    assert run_lab(*FOUR, *SIGNALLED, *TWO, cwd=tmp_path).returncode == 0
    assert_as_alone(tmp_path, alone)


def test_a_sweep_whose_processes_are_all_killed_goes_on(alone: Path, tmp_path: Path) -> None:
    sweep = started_until_two_train([*FOUR, *TWO], tmp_path)
    os.killpg(sweep.pid, signal.SIGKILL)
    sweep.communicate(timeout=300)
    wait_until(lambda: not processes_of_session(sweep.pid))
    done = run_lab(*FOUR, *TWO, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert_as_alone(tmp_path, alone)


def test_a_sweep_that_is_finished_starts_no_process(alone: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(alone, tmp_path / "copy"))
    code = (
        "import lab, multiprocessing\n"
        f"lab.sweep(*{[*FOUR[1:], *TWO]})\n"
        "assert not multiprocessing.active_children()\n"
        "from multiprocessing import forkserver\n"
        "assert forkserver._forkserver._forkserver_pid is None\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert recap(done.stdout) == "4 finished before"


def test_workers_end_with_the_process_that_they_work_for(tmp_path: Path) -> None:
    sweep = started_until_two_train([*FOUR, *SIGNALLED, *TWO], tmp_path)
    sweep.kill()
    sweep.communicate(timeout=300)
    wait_until(lambda: not processes_of_session(sweep.pid))
    assert all((folder / "checkpoint.pt").exists() for folder in run_folders(tmp_path))


def test_a_script_without_a_guard_sweeps_once(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import lab\nprint('begun')\n"
        f"sweep = lab.sweep(*{[*FOUR[1:], *TWO]})\nprint(len(sweep.runs), 'runs')\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("begun") == 1
    assert done.stdout.endswith("4 runs\n")
    (tmp_path / "script.py").unlink()
    assert_as_alone(tmp_path, alone)


def started_until_two_train(words: list[str], cwd: Path) -> subprocess.Popen[str]:
    """A sweep in a session of its own, once two of its runs have logged steps."""
    sweep = subprocess.Popen(
        command(*words), cwd=cwd, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: has_two_in_training(cwd))
    return sweep


def has_two_in_training(cwd: Path) -> bool:
    files = list(cwd.glob("outputs/runs/*/metrics.csv"))
    return len(files) == 2 and all(file.read_text().count("\n") > 2 for file in files)


def processes_of_session(session: int) -> dict[int, str]:
    """The command lines of the live processes that were started in this session, by their id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of_session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of_session) == session and state != "Z":
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.slow
def test_a_job_that_a_queue_takes_away_is_queued_again_and_goes_on(
    alone: Path, tmp_path: Path
) -> None:
    """submitit's signal for time limits and pre-emption, as a Slurm job gets it."""
    sweep = subprocess.Popen(
        command(*FOUR, "seed=0", "seq_len=3", *SIGNALLED, "hydra/launcher=submitit_local"),
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: rows(tmp_path) > 2)
    (worker,) = (
        pid
        for pid, line in processes_of_session(sweep.pid).items()
        if "submitit.core._submit" in line
    )
    # On SIGTERM Slurm decides what becomes of the job: the run writes a checkpoint and goes on.
    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: (run_folder(tmp_path) / "checkpoint.pt").exists())
    had = rows(tmp_path)
    wait_until(lambda: rows(tmp_path) > had + 3)
    before = int((run_folder(tmp_path) / "metrics.csv").read_text().split()[-1].partition(",")[0])
    os.kill(worker, signal.SIGUSR2)
    stdout, _ = sweep.communicate(timeout=300)
    assert sweep.returncode == 0
    assert recap(stdout) == "1 resumed"
    (log,) = tmp_path.glob("outputs/sweeps/*/.submitit/*_log.out")
    assert "Requeued job" in log.read_text()
    (again,) = re.findall(r"continuing after step (\d+)", log.read_text())
    assert int(again) >= before, "a checkpoint was written before the job was given up"
    assert_same_run(run_folder(tmp_path), run_folders(alone)[0])


@pytest.mark.slow
def test_a_stopped_sweep_stops_the_jobs_of_submitit(tmp_path: Path) -> None:
    """Its jobs are started by controllers, which no signal to the sweep reaches."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = [*FOUR, *SIGNALLED, "seed=0,1", "seq_len=3", "hydra/launcher=submitit_local"]
    sweep = started_until_two_train(words, tmp_path)
    os.kill(sweep.pid, signal.SIGTERM)
    stdout, stderr = sweep.communicate(timeout=300)
    assert stderr == "lab: stopped; the same command continues\n"
    assert recap(stdout) == "2 interrupted"
    wait_until(lambda: not processes_of_session(sweep.pid))


def test_slurm_is_asked_to_queue_a_pre_empted_run_again(tmp_path: Path) -> None:
    """What sbatch is given; a stand-in for it keeps the script and refuses."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for name in ("sbatch", "srun"):
        (bin / name).write_text(f"#!/bin/sh\ncp $1 {tmp_path}/script\nexit 1\n")
        (bin / name).chmod(0o755)
    path = f"{bin}:{os.environ['PATH']}"
    refused = run_lab(
        *FOUR, "threads=2", "hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu",
        cwd=tmp_path, env={**environment(), "PATH": path},
    )  # fmt: skip
    assert refused.returncode == 1
    options = set((tmp_path / "script").read_text().splitlines())
    assert {
        "#SBATCH --requeue", "#SBATCH --signal=USR2@60", "#SBATCH --array=0-3%4",
        "#SBATCH --cpus-per-task=2", "#SBATCH --time=240", "#SBATCH --partition=gpu",
    } <= options  # fmt: skip
