"""One command, one folder, one process at it; what is finished stays finished."""

import dataclasses
import json
import shutil
import time
from pathlib import Path

import yaml

from lab.config.reading import from_file
from lab.config.wording import percent
from lab.engine.jobs import plan
from lab.engine.run_folder import RunFolder
from lab.sweeps.job import Job
from lab.sweeps.records import Sweep
from tests.command_line import (
    ENDLESS,
    TINY,
    quick_lab,
    rows,
    run_folder,
    run_folders,
    start_lab,
    wait_until,
)
from tests.run_files import assert_same_run, copy_into, snapshot


def test_the_second_of_two_equal_commands_says_who_is_at_it(tmp_path: Path) -> None:
    first = start_lab(*ENDLESS, cwd=tmp_path)
    wait_until(lambda: rows(tmp_path))
    second = quick_lab(*ENDLESS, cwd=tmp_path)
    assert second.returncode == 3
    assert f"is being run by process {first.pid} since" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert first.is_alive
    first.kill()

    # The lock died with its process.
    third = start_lab(*ENDLESS, cwd=tmp_path)
    had = rows(tmp_path)
    wait_until(lambda: rows(tmp_path) > had)
    third.kill()


def test_eight_different_commands_at_once_get_eight_folders(tmp_path: Path) -> None:
    rates = [rate / 1000 for rate in range(1, 9)]
    runs = [start_lab(*ENDLESS, f"optimizer.lr={rate}", cwd=tmp_path) for rate in rates]
    wait_until(lambda: len(list(tmp_path.glob("outputs/runs/*/metrics.csv"))) == 8)
    for run in runs:
        run.kill()
    configs = [yaml.safe_load((f / "config.yaml").read_text()) for f in run_folders(tmp_path)]
    assert sorted(config["optimizer"]["lr"] for config in configs) == rates


def test_a_finished_run_is_shown_and_not_touched(reference: Path, tmp_path: Path) -> None:
    folder = copy_into(tmp_path, reference)
    before = snapshot(tmp_path)
    begin = time.monotonic()
    shown = quick_lab(*TINY, cwd=tmp_path)
    assert shown.returncode == 0
    result = json.loads((folder / "result.json").read_text())
    words = f"finished before: validation accuracy {percent(result['val_accuracy'])} (20)"
    assert shown.stdout.startswith(words)
    assert str(folder.relative_to(tmp_path)) in shown.stdout
    assert "changed since" not in shown.stdout
    assert shown.stderr == ""
    assert snapshot(tmp_path) == before
    assert time.monotonic() - begin < 60


def test_a_finished_run_names_what_has_changed_since(reference: Path, tmp_path: Path) -> None:
    file = copy_into(tmp_path, reference) / "provenance.json"
    provenance = json.loads(file.read_text())
    provenance["versions"]["torch"] = "1.0.0"
    provenance["git"] = {"commit": "0123456789abcdef", "dirty": False}
    file.write_text(json.dumps(provenance))
    shown = quick_lab(*TINY, cwd=tmp_path)
    assert shown.returncode == 0
    assert "torch 1.0.0 → " in shown.stdout
    assert "commit 01234567 → " in shown.stdout
    assert "fresh=true runs it again" in shown.stdout


def test_fresh_starts_over_and_keeps_nothing_old(reference: Path, tmp_path: Path) -> None:
    folder = copy_into(tmp_path, reference)
    for name in ("old.png", "mine.png"):
        (folder / "figures" / name).touch()
    with open(folder / ".made", "a") as made:
        made.write("figures/old.png\nplay.html\n")
    for name in ("play.html", "last.safetensors"):
        (folder / name).touch()
    events = {path.name for path in folder.glob("events.*")}
    done = quick_lab(*TINY, "fresh=true", cwd=tmp_path)
    assert done.returncode == 0
    assert "results go to" in done.stdout
    assert_same_run(run_folder(tmp_path), reference)
    assert not {"figures/old.png", "play.html", "last.safetensors"} & {
        str(path.relative_to(folder)) for path in folder.rglob("*")
    }
    assert (folder / "figures" / "mine.png").exists()
    assert not events & {path.name for path in folder.glob("events.*")}
    assert (folder / "lab.log").read_text().count("finished") == 1


def test_half_done_and_fresh_starts_at_the_first_step(
    half_done: Path, reference: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    file = folder / "provenance.json"
    before = "2026-01-01T00:00:00+00:00"  # a run may begin in the second in which this one did
    file.write_text(json.dumps({**json.loads(file.read_text()), "start": before}))
    done = quick_lab(*TINY, "fresh=true", cwd=tmp_path)
    assert "results go to" in done.stdout
    assert_same_run(folder, reference)
    assert json.loads(file.read_text())["start"] > before


def test_fresh_acts_once(half_done: Path, tmp_path: Path) -> None:
    folder = RunFolder(copy_into(tmp_path, half_done))
    config = dataclasses.replace(from_file(folder.config_file), fresh=True, out_dir=str(tmp_path))
    assert plan(config, folder) == "run"
    folder.save_provenance({**folder.provenance, "fresh": "a sweep"})
    assert plan(config, folder) == "resume"
    folder.save_result({"steps": 40})
    assert plan(config, folder) == "run"
    assert plan(config, folder, "another sweep") == "run"
    assert plan(config, folder, "a sweep") == "finished before"


def test_a_sweep_that_starts_over_and_is_killed_starts_no_run_over_twice(
    reference: Path, tmp_path: Path
) -> None:
    copied = copy_into(tmp_path, reference)
    out = str(tmp_path / "outputs")
    config = dataclasses.replace(from_file(copied / "config.yaml"), fresh=True, out_dir=out)
    sweep = Sweep(tmp_path / "outputs/sweeps/one-12345678")
    sweep.folder.mkdir(parents=True)
    job = Job(config, TINY, TINY, 0, sweep.folder)

    def outcome() -> str:
        done = job.do()
        assert done is not None
        return done.kind

    assert sweep.begin_fresh()
    assert outcome() == "finished"
    assert not sweep.begin_fresh()
    assert outcome() == "finished before"
    sweep.end_fresh()
    assert plan(config, RunFolder(copied), sweep.fresh_for) == "run"


def test_a_run_whose_folder_is_removed_says_so(tmp_path: Path) -> None:
    run = start_lab(*ENDLESS, cwd=tmp_path)
    wait_until(lambda: rows(tmp_path) > 2)
    folder = run_folder(tmp_path)
    while folder.exists():
        shutil.rmtree(tmp_path / "outputs", ignore_errors=True)
    done = run.wait()
    assert done.returncode == 1
    line = f"lab: {folder.relative_to(tmp_path)} was removed while the run was training"
    assert done.stderr.splitlines()[-1] == line
