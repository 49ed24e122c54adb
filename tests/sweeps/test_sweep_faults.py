"""A sweep that is asked for wrongly, in a folder of somebody's own, or beside odd files."""

import itertools
import json
import os
import shutil
import time
from pathlib import Path

import pytest

import lab
from lab.cli import compose_jobs
from lab.engine.jobs import Outcome
from lab.engine.run_folder import RunFolder
from lab.sweeps.records import Sweep
from lab.sweeps.summary import rebuild, rebuild_now_and_then
from tests.command_line import Swept, Tool, quick_lab, refusal, run_folders
from tests.fake_runs import fake_run
from tests.run_files import copy_into, only, recap, snapshot
from tests.walk import CONF, WALK, WALK_COMMAND

TWO = ["seq_len=3,4"]
MINE = "hydra.sweep.dir=mine"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep TWO finds its runs finished in a folder of the user's. Copy it."""
    cwd = tmp_path_factory.mktemp("own")
    (cwd / "mine").mkdir()
    (cwd / "mine/notes.txt").write_text("mine")
    for seq_len in (3, 4):
        fake_run(cwd / "outputs", f"seq_len={seq_len}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        lab.sweep(*TWO, MINE)
    return cwd


@pytest.fixture
def cwd(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `finished`, to change, as the current folder."""
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    monkeypatch.chdir(copy)
    return copy


def test_a_dry_run_in_a_folder_of_ones_own_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "multirun.yaml").write_text("mine too")
    before = snapshot(tmp_path)
    dry = quick_lab("-m", "seq_len=5,2", "hydra.sweep.dir=.", "dry_run=true", cwd=tmp_path)
    assert dry.returncode == 1
    assert [line.split()[0] for line in dry.stdout.splitlines()] == ["run"]
    assert dry.stderr == "lab: seq_len=2 is not allowed: expected at least 3\n"
    assert snapshot(tmp_path) == before


def test_a_dry_run_of_a_finished_sweep_names_the_folders_and_changes_nothing(cwd: Path) -> None:
    before = snapshot(cwd)
    dry = quick_lab("-m", *TWO, MINE, "dry_run=true", cwd=cwd)
    assert dry.returncode == 0
    assert [line.split()[:3] for line in dry.stdout.splitlines()] == [
        ["finished", "before", str(path.relative_to(cwd))] for path in run_folders(cwd)
    ]
    assert snapshot(cwd) == before


@pytest.mark.parametrize("words", [[], ["seed=0,1"]])
def test_a_dry_run_with_a_log_of_hydras_writes_nothing(words: list[str], tmp_path: Path) -> None:
    flag = ["-m"] if words else []
    words = [*flag, *WALK_COMMAND, *words, "dry_run=true", "hydra/job_logging=default"]
    dry = quick_lab(*words, cwd=tmp_path)
    assert (dry.returncode, dry.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_the_jobs_of_a_large_sweep_are_composed_in_the_time_of_a_few() -> None:
    """Without Hydra's composing of each job, which takes as long as that of a run alone."""

    def seconds(count: int, words: str) -> float:
        begin = time.process_time()
        assert len(list(compose_jobs(words))) == count
        return time.process_time() - begin

    seconds(1, "seed=0")
    assert seconds(200, "-m seq_len=range(3,23) seed=range(10)") < 20 * seconds(1, "seed=1")


def test_what_is_refused_leaves_the_folders_that_were_there_and_none_that_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs/runs").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    refusal("cell.init=x")
    refusal("cell.init=x", "out_dir=a/b/c")
    refusal("-m", "seq_lenn=3,4", "hydra.sweep.dir=mine")
    assert {str(path) for path in Path().rglob("*")} == {"outputs", "outputs/runs", "mine"}


def test_failures_are_told_whatever_the_clock_says(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at this clock shows an hour earlier."""
    monkeypatch.chdir(tmp_path)
    real, calls = time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() - 3600 * next(calls))
    for _ in range(2):
        sweep, out, _ = swept(*WALK, "scale=1,-1", config_dir=CONF)
        assert "failed: scale=-1 is not allowed: " in out
        assert "1 failed" in recap(out)
        assert len(sweep.table) == 2


def test_odd_files_among_the_records_are_passed_over_with_one_line(
    cwd: Path, tool: Tool, swept: Swept
) -> None:
    jobs = cwd / "mine/jobs"
    record = sorted(jobs.glob("*.json"))[0]
    shutil.copy(record, jobs / f"{record.stem} (conflicted copy).json")
    (jobs / f"._{record.name}").write_bytes(b"\x00\x05\x16\x07")
    (jobs / "0123456789abcdef.json").touch()
    (jobs / "0123456789abcde0.json").write_text('{"number": 1, "overr')
    (jobs / "0123456789abcde1.json").write_text("[1, 2]")
    before = (cwd / "mine/summary.csv").read_text()
    code, out, _ = tool("summary", "mine")
    assert code == 0
    (line,) = [line for line in out.splitlines() if "passed over" in line]
    assert line.count(".json") == 5
    assert (cwd / "mine/summary.csv").read_text() == before
    out = swept(*TWO, MINE)[1]
    assert recap(out) == "2 finished before"
    assert out.count("passed over") == 1


def test_a_result_without_a_key_is_told_and_left_out_of_the_plot(cwd: Path, swept: Swept) -> None:
    damaged = only(cwd, "outputs/runs/*-T3-*/result.json")
    result = json.loads(damaged.read_text())
    del result["val_accuracy"]
    damaged.write_text(json.dumps(result))
    (cwd / "mine/accuracy_vs_length.png").unlink()
    _, out, err = swept(*TWO, MINE)
    assert "Traceback" not in err
    assert recap(out) == "1 failed, 1 finished before"
    assert "result.json has no 'val_accuracy': restore it" in out
    assert (cwd / "mine/accuracy_vs_length.png").exists()
    other = only(cwd, "outputs/runs/*-T4-*/result.json")
    other.write_text("{}")
    assert {path.name for path in rebuild(cwd / "mine")} == {"summary.csv"}


def test_a_swept_key_that_the_label_does_not_tell_is_in_the_name_of_the_series(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = swept(*WALK, "scale=1,2", "seed=0,1", config_dir=CONF)[0].table
    assert [row["series"] for row in table] == [f"walk, scale={n}" for n in (1, 1, 2, 2)]


def test_a_process_killed_before_it_made_its_folder_is_not_running_for_good(
    cwd: Path, tool: Tool
) -> None:
    (record,) = [
        path for path in (cwd / "mine/jobs").iterdir() if '"seq_len=4"' in path.read_text()
    ]
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "kind": "running"}))
    shutil.rmtree(only(cwd / "outputs/runs", "lstm-T4-*"))
    tool("summary", "mine")
    table = (cwd / "mine/summary.csv").read_text()
    assert "interrupted" in table
    assert "running" not in table


def test_a_run_that_another_sweep_is_at_is_busy_in_the_table(
    reference: Path, tmp_path: Path
) -> None:
    """The other's table follows it to its end; this one would say "running" for good."""
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
    done = quick_lab("--config-name", "nope", "-m", "seq_len=3,4", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "--config-name nope: no such config" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_presets_without_a_sweep_of_their_own_can_be_swept_over() -> None:
    assert len(list(compose_jobs("-m +experiment=b3_strong_d,b4_balanced_d"))) == 2
