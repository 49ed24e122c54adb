"""A sweep that is asked for wrongly, in a folder of somebody's own, or beside odd files."""

import json
import os
import resource
import shutil
import time
from pathlib import Path

import pytest

from lab.engine.jobs import Outcome
from lab.sweeps.records import Sweep
from lab.sweeps.summary import rebuild, rebuild_now_and_then
from tests.command_line import SMALL, TINY, environment, quick_lab, refusal, run_lab
from tests.run_files import copy_into, only, recap, snapshot, summary

TWO = ["-m", *SMALL, "max_steps=6", "seq_len=3,4"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep TWO has finished in a folder of the user's. Copy it."""
    cwd = tmp_path_factory.mktemp("own")
    (cwd / "mine").mkdir()
    (cwd / "mine/notes.txt").write_text("mine")
    done = quick_lab(*TWO, "hydra.sweep.dir=mine", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd


@pytest.fixture
def cwd(finished: Path, tmp_path: Path) -> Path:
    """A copy of `finished`, to change."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_a_dry_run_in_a_folder_of_ones_own_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "multirun.yaml").write_text("mine too")
    before = snapshot(tmp_path)
    dry = quick_lab("-m", "seq_len=5,2", "hydra.sweep.dir=.", "dry_run=true", cwd=tmp_path)
    assert dry.returncode == 1
    assert [line.split()[0] for line in dry.stdout.splitlines()] == ["run"]
    assert dry.stderr == "lab: seq_len=2 is not allowed: expected at least 3\n"
    assert snapshot(tmp_path) == before


def test_a_dry_run_of_a_finished_sweep_in_a_folder_of_ones_own_changes_nothing(cwd: Path) -> None:
    before = snapshot(cwd)
    dry = quick_lab(*TWO, "hydra.sweep.dir=mine", "dry_run=true", cwd=cwd)
    assert dry.returncode == 0
    assert all(line.startswith("finished before ") for line in dry.stdout.splitlines())
    assert snapshot(cwd) == before


@pytest.mark.parametrize("words", [[], ["-m", "seed=0,1"]])
def test_a_dry_run_with_a_log_of_hydras_writes_nothing(words: list[str], tmp_path: Path) -> None:
    dry = quick_lab(*words, *TINY, "dry_run=true", "hydra/job_logging=default", cwd=tmp_path)
    assert dry.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_two_hundred_jobs_takes_seconds(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    dry = run_lab("-m", "seq_len=range(3,23)", "seed=range(10)", "dry_run=true", cwd=tmp_path)
    assert dry.returncode == 0
    assert len(set(dry.stdout.splitlines())) == 200
    # 4 s of the processor; others at work on the machine may make it twice as many.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 12


def test_a_dry_run_names_the_folders_that_the_sweep_then_makes(cwd: Path) -> None:
    dry = quick_lab(*TWO, "dry_run=true", cwd=cwd)
    named = [line.split()[2] for line in dry.stdout.splitlines()]
    assert named == sorted(str(path.relative_to(cwd)) for path in cwd.glob("outputs/runs/*"))


def test_what_is_refused_leaves_the_folders_that_were_there_and_none_that_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs/runs").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    refusal(*TINY, "cell.init=x")
    refusal(*TINY, "cell.init=x", "out_dir=a/b/c")
    refusal("-m", "seq_lenn=3,4", "hydra.sweep.dir=mine")
    assert {str(path) for path in Path().rglob("*")} == {"outputs", "outputs/runs", "mine"}


def test_fresh_keeps_the_files_that_somebody_put_into_a_runs_folder(
    reference: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, reference)
    for mine in ("notes.txt", "mine/more.txt", "figures/mine.txt"):
        (folder / mine).parent.mkdir(exist_ok=True)
        (folder / mine).write_text("mine")
    done = quick_lab(*TINY, "fresh=true", cwd=tmp_path)
    assert done.returncode == 0
    for mine in ("notes.txt", "mine/more.txt", "figures/mine.txt"):
        assert (folder / mine).read_text() == "mine"


def test_failures_are_told_whatever_the_clock_says(tmp_path: Path) -> None:
    """Each look at this clock shows an hour earlier."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import itertools, time\n"
        "real, calls = time.time, itertools.count()\n"
        "time.time = lambda: real() - 3600 * next(calls)\n"
    )
    env = environment()
    env["PYTHONPATH"] += f":{tmp_path / 'site'}"
    for _ in range(2):
        done = run_lab("-m", *TINY, "max_steps=6", "optimizer.lr=0.01,-1", cwd=tmp_path, env=env)
        assert done.returncode == 1
        assert "failed: optimizer.lr=-1 is not allowed: " in done.stdout
        assert "1 failed" in recap(done.stdout)
        assert len(summary(tmp_path)) == 2


def test_odd_files_among_the_records_are_passed_over_with_one_line(cwd: Path) -> None:
    jobs = cwd / "mine/jobs"
    record = sorted(jobs.glob("*.json"))[0]
    shutil.copy(record, jobs / f"{record.stem} (conflicted copy).json")
    (jobs / f"._{record.name}").write_bytes(b"\x00\x05\x16\x07")
    (jobs / "0123456789abcdef.json").touch()
    (jobs / "0123456789abcde0.json").write_text('{"number": 1, "overr')
    (jobs / "0123456789abcde1.json").write_text("[1, 2]")
    before = (cwd / "mine/summary.csv").read_text()
    done = quick_lab("summary", "mine", cwd=cwd)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "passed over" in line]
    assert line.count(".json") == 5
    assert (cwd / "mine/summary.csv").read_text() == before
    again = quick_lab(*TWO, "hydra.sweep.dir=mine", cwd=cwd)
    assert again.returncode == 0, again.stderr
    assert recap(again.stdout) == "2 finished before"
    assert again.stdout.count("passed over") == 1


def test_a_result_without_a_key_is_told_and_left_out_of_the_plot(cwd: Path) -> None:
    damaged = only(cwd, "outputs/runs/*-T3-*/result.json")
    result = json.loads(damaged.read_text())
    del result["val_accuracy"]
    damaged.write_text(json.dumps(result))
    (cwd / "mine/accuracy_vs_length.png").unlink()
    again = quick_lab(*TWO, "hydra.sweep.dir=mine", cwd=cwd)
    assert again.returncode == 1
    assert "Traceback" not in again.stderr
    assert recap(again.stdout) == "1 failed, 1 finished before"
    assert "result.json has no 'val_accuracy': restore it" in again.stdout
    assert (cwd / "mine/accuracy_vs_length.png").exists()
    other = only(cwd, "outputs/runs/*-T4-*/result.json")
    other.write_text("{}")
    assert {path.name for path in rebuild(cwd / "mine")} == {"summary.csv"}


def test_a_swept_key_that_is_no_result_is_a_column(tmp_path: Path) -> None:
    done = quick_lab("-m", *TINY, "max_steps=6", "optimizer.lr=0.01,0.002,-1", cwd=tmp_path)
    assert done.returncode == 1
    rows = summary(tmp_path)
    assert [row["optimizer.lr"] for row in rows] == ["0.01", "0.002", "-1"]
    assert rows[0]["series"] == "lstm, forget bias 5, optimizer.lr=0.01"


def test_a_process_killed_before_it_made_its_folder_is_not_running_for_good(cwd: Path) -> None:
    (record,) = [
        path for path in (cwd / "mine/jobs").iterdir() if '"seq_len=4"' in path.read_text()
    ]
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "kind": "running"}))
    shutil.rmtree(only(cwd / "outputs/runs", "lstm-T4-*"))
    quick_lab("summary", "mine", cwd=cwd)
    table = (cwd / "mine/summary.csv").read_text()
    assert "interrupted" in table
    assert "running" not in table


def test_a_run_that_another_sweep_is_at_is_busy_in_the_table(
    reference: Path, tmp_path: Path
) -> None:
    """The other's table follows it to its end; this one would say "running" for good."""
    from lab.engine.run_folder import RunFolder

    folder = copy_into(tmp_path, reference)
    (folder / "result.json").unlink()
    (folder / "status").write_text("running\n")
    sweep = Sweep(tmp_path / "sweep")
    sweep.write(sweep.record(0, ["seed=0"], Outcome("busy", "", 3, folder), {}))
    (record,) = sweep.records()
    record["run"] = os.path.relpath(folder, sweep.folder)
    with RunFolder(folder).locked():
        assert sweep.status_of(record) == "busy"
    assert sweep.status_of(record) == "interrupted"


def test_jobs_that_a_launcher_lost_are_named_and_fail_the_sweep(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "sweeps" / "lossy")
    sweep.write(sweep.record(0, ["seed=0"], Outcome("finished", ""), {}))
    lines, code, _ = sweep.recap([[f"seed={n}"] for n in range(14)], {}, 1.0)
    assert code == 1
    assert lines[:-1] == [*(f"not begun: seed={n}" for n in range(1, 11)), "not begun: 3 more"]
    assert recap(lines[-1]) == "1 finished, 13 not begun"
    assert sweep.recap([["seed=0"]], {}, 1.0)[1] == 0
    sweep.write(sweep.record(1, ["seed=1"], Outcome("busy", "", 3), {}))
    assert sweep.recap([[f"seed={n}"] for n in range(3)], {}, 1.0)[1] == 3


def test_a_table_is_written_again_after_five_seconds_whatever_the_clock_says(cwd: Path) -> None:
    table, now = cwd / "mine/summary.csv", time.time()
    for age, is_written in ((2, False), (9, True), (-3600, True)):
        table.write_text("")
        os.utime(table, (now - age, now - age))
        rebuild_now_and_then(table.parent)
        assert bool(table.read_text()) is is_written


REFUSED = {
    "cell=glob(*) badkey=1": "has no key badkey",
    "hydra.job.chdir=true optimizer.lr=0.01,-1": "hydra.job.chdir=true",
    "+experiment=all_remember,a5_rnn_vs_lstm": "all_remember is a sweep already",
    "seq_len=range(3,3)": "seq_len=range(3,3) has no values",
    f"seed=0,1 out_dir={'x' * 300}": "File name too long",
    "seq_len=3:5": "write -m 'seq_len=range(3,6)'",
    "seq_len=range(3:5)": "3, 4 and 5 are written range(3,6)",
    "seq_len=1,2": "seq_len=1 is not allowed: expected at least 3",
    "seed=interval(0,1)": "an interval is for a search",
    "seq_lenn=3,4": "no key seq_lenn; did you mean seq_len?",
}


@pytest.mark.parametrize("words", REFUSED, ids=range(len(REFUSED)))
def test_a_sweep_asked_for_wrongly_is_one_line_and_leaves_nothing(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert REFUSED[words] in refusal("-m", *words.split())
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_asked_for_wrongly_at_the_command_line(tmp_path: Path) -> None:
    for words, line in (
        (["--config-name", "nope"], "--config-name nope: no such config"),
        (["-m", "seq_lenn=3,4"], "no key seq_lenn; did you mean seq_len?"),
    ):
        done = quick_lab(*words, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert line in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_presets_without_a_sweep_of_their_own_can_be_swept_over(tmp_path: Path) -> None:
    words = ["-m", "+experiment=b3_strong_d,b4_balanced_d", "dry_run=true"]
    dry = quick_lab(*words, cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    assert len(dry.stdout.splitlines()) == 2
