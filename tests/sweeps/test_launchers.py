"""Sweeps through the engines that spread them: the same runs, the same summary, no noise."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from tests.command_line import command, environment, run_folder, run_folders, run_lab, wait_until
from tests.run_files import assert_same_run, logged_steps, recap, saved_steps, summary
from tests.walk import CONF, WALK, WALK_COMMAND, hold

TWO = ["hydra/launcher=workers", "hydra.launcher.n_jobs=2"]
JOBS = [*WALK, "scale=1,2", "seed=0,1"]
FOUR = ["-m", *WALK_COMMAND, *JOBS[1:]]
# None is due by time: one that is there after a signal was written for it.
SIGNALLED = "checkpoint_seconds=1000"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep FOUR has been run in one process, by Hydra's own launcher."""
    cwd = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        assert len(lab.sweep(*JOBS, "hydra/launcher=basic", config_dir=CONF).runs) == 4
    return cwd


def assert_as_alone(cwd: Path, alone: Path) -> None:
    # The sweep's folder is the very one that the command has without a launcher.
    assert [path.name for path in cwd.glob("outputs/sweeps/*")] == [
        path.name for path in alone.glob("outputs/sweeps/*")
    ]
    columns = ("overrides", "status", "seen", "run")
    assert [[row[column] for column in columns] for row in summary(cwd)] == [
        [row[column] for column in columns] for row in summary(alone)
    ]
    for folder, other in zip(run_folders(cwd), run_folders(alone), strict=True):
        assert_same_run(folder, other)
    assert set(os.listdir(cwd)) == {"outputs"}


@pytest.mark.parametrize(
    "launcher", ["submitit_local", pytest.param("ray", marks=pytest.mark.slow)]
)
def test_a_launcher_gives_the_same_runs_and_the_same_summary(
    launcher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    (tmp_path / "here").mkdir()
    (tmp_path / "alone").mkdir()
    words = ["-m", *WALK_COMMAND, "seed=0,1", f"hydra/launcher={launcher}"]
    done = run_lab(*words, cwd=tmp_path / "here")
    assert (done.returncode, done.stderr) == (0, "")
    assert recap(done.stdout) == "2 finished"
    assert len(done.stdout.splitlines()) == 2
    monkeypatch.chdir(tmp_path / "alone")
    lab.sweep(*WALK, "seed=0,1", "hydra/launcher=basic", config_dir=CONF)
    assert_as_alone(tmp_path / "here", tmp_path / "alone")


def test_a_sweep_of_workers_goes_on_whatever_ended_it(alone: Path, tmp_path: Path) -> None:
    for step, seconds, whom, number, said in (
        # Workers stop at a checkpoint when the process that they work for is gone.
        (5, 1000, "parent", signal.SIGKILL, ""),
        (11, 0, "group", signal.SIGKILL, ""),
        # A terminal sends Ctrl-C to every process of the group; `kill` and `timeout` send to one.
        (18, 1000, "group", signal.SIGINT, "2 interrupted, 2 not begun"),
        (25, 1000, "parent", signal.SIGTERM, "2 interrupted, 2 not begun"),
    ):
        sweep = started_until_two_are_held(
            [*FOUR, f"checkpoint_seconds={seconds}", *TWO], tmp_path, step
        )
        (os.kill if whom == "parent" else os.killpg)(sweep.pid, number)
        stdout, stderr = sweep.communicate(timeout=300)
        wait_for_the_end_of(sweep.pid)
        assert len(run_folders(tmp_path)) == 2
        saved = step if seconds == 0 else step + 1  # a signal ends a run after the step it is at
        assert saved_steps(tmp_path) == [saved, saved]
        if said:
            assert (sweep.returncode, recap(stdout)) == (128 + number, said)
            assert stderr == "lab: stopped; the same command continues\n"

    # A worker that is killed loses its own job alone.
    sweep = started_until_two_are_held([*FOUR, SIGNALLED, *TWO], tmp_path, 33)
    # The first of the processes that Python forks from is the server, which trains nothing.
    workers = sorted(
        pid
        for pid, line in processes_of_session(sweep.pid).items()
        if "forkserver" in line and pid != sweep.pid
    )[1:]
    os.kill(workers[-1], signal.SIGKILL)
    hold(tmp_path, None)
    stdout, stderr = sweep.communicate(timeout=300)
    assert sweep.returncode == 1
    assert "was killed by signal 9" in stderr
    assert "Traceback" not in stderr
    assert set(recap(stdout).split(", ")) == {"1 resumed", "2 finished", "1 interrupted"}

    # A script without a guard sweeps once.
    (tmp_path / "script.py").write_text(
        "import lab\nprint('begun')\n"
        f"sweep = lab.sweep(*{[*JOBS, *TWO]}, config_dir={str(CONF)!r})\n"
        "print(len(sweep.runs), 'runs')\n"
    )
    done = python("script.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("begun") == 1
    assert done.stdout.endswith("4 runs\n")
    (tmp_path / "script.py").unlink()
    assert_as_alone(tmp_path, alone)


def test_a_sweep_that_is_finished_starts_no_process(alone: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(alone, tmp_path / "copy"))
    code = (
        "import lab, multiprocessing\n"
        f"lab.sweep(*{[*JOBS, *TWO]}, config_dir={str(CONF)!r})\n"
        "assert not multiprocessing.active_children()\n"
        "from multiprocessing import forkserver\n"
        "assert forkserver._forkserver._forkserver_pid is None\n"
    )
    done = python("-c", code, cwd=copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert recap(done.stdout) == "4 finished before"


def python(*args: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def started_until_two_are_held(words: list[str], cwd: Path, step: int) -> "subprocess.Popen[str]":
    """A sweep in a session of its own, once two of its runs wait after so many steps."""
    hold(cwd, step)
    sweep = subprocess.Popen(
        command(*words), cwd=cwd, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    if "checkpoint_seconds=0" in words:
        wait_until(lambda: saved_steps(cwd) == [step, step])
    else:
        last = max(s for s in range(1, step + 1) if s % 3 == 0 or s % 5 == 0)
        wait_until(lambda: logged_steps(cwd) == [last, last])
    return sweep


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


def wait_for_the_end_of(session: int) -> None:
    wait_until(lambda: not processes_of_session(session))


@pytest.mark.slow
def test_a_job_that_a_queue_takes_away_is_queued_again_and_goes_on(
    alone: Path, tmp_path: Path
) -> None:
    """submitit's signal for time limits and pre-emption, as a Slurm job gets it."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    hold(tmp_path, 6)
    sweep = subprocess.Popen(
        command("-m", *WALK_COMMAND, "seed=0", SIGNALLED, "hydra/launcher=submitit_local"),
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: logged_steps(tmp_path) == [6])
    (worker,) = (
        pid
        for pid, line in processes_of_session(sweep.pid).items()
        if "submitit.core._submit" in line
    )
    # On SIGTERM Slurm decides what becomes of the job: the run writes a checkpoint and goes on.
    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: saved_steps(tmp_path) == [7])
    hold(tmp_path, 18)
    wait_until(lambda: logged_steps(tmp_path) == [18])
    os.kill(worker, signal.SIGUSR2)
    wait_until(lambda: saved_steps(tmp_path) == [19])
    hold(tmp_path, None)
    stdout, _ = sweep.communicate(timeout=300)
    assert sweep.returncode == 0
    assert recap(stdout) == "1 resumed"
    (log,) = tmp_path.glob("outputs/sweeps/*/.submitit/*_log.out")
    assert "Requeued job" in log.read_text()
    (again,) = re.findall(r"continuing after step (\d+)", log.read_text())
    assert int(again) == 19, "a checkpoint was written before the job was given up"
    assert_same_run(run_folder(tmp_path), run_folders(alone)[0])


@pytest.mark.slow
def test_a_stopped_sweep_stops_the_jobs_of_submitit(tmp_path: Path) -> None:
    """Its jobs are started by controllers, which no signal to the sweep reaches."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ["-m", *WALK_COMMAND, "seed=0,1", SIGNALLED, "hydra/launcher=submitit_local"]
    sweep = started_until_two_are_held(words, tmp_path, 6)
    os.kill(sweep.pid, signal.SIGTERM)
    stdout, stderr = sweep.communicate(timeout=300)
    assert stderr == "lab: stopped; the same command continues\n"
    assert recap(stdout) == "2 interrupted"
    wait_for_the_end_of(sweep.pid)


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
