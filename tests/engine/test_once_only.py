"""One command, one folder, one process at it; what is finished stays finished."""

import json
import shutil
from pathlib import Path

import yaml

from lab.cli import compose_config
from lab.engine.jobs import perform, plan
from lab.engine.run_folder import RunFolder
from lab.sweeps.job import Job
from lab.sweeps.records import Sweep
from tests.command_line import Walked, quick_lab, run_folder, run_folders, start_lab, wait_until
from tests.run_files import assert_same_run, copy_into, logged_steps, saved_steps, snapshot
from tests.walk import CONF, WALK, WALK_COMMAND, hold


def test_the_second_of_two_equal_commands_says_who_is_at_it(walk: Walked, tmp_path: Path) -> None:
    hold(tmp_path, 3)
    first = start_lab(*WALK_COMMAND, cwd=tmp_path)
    wait_until(lambda: logged_steps(tmp_path))
    second = quick_lab(*WALK_COMMAND, cwd=tmp_path)
    assert second.returncode == 3
    assert f"is being run by process {first.pid} since" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert first.is_alive
    first.kill()
    hold(tmp_path, None)
    assert walk()[0].status == "finished", "the lock died with its process"


def test_different_commands_at_once_get_a_folder_each(tmp_path: Path) -> None:
    hold(tmp_path, 3)
    scales = [1.0, 2.0, 3.0, 4.0]
    runs = [start_lab(*WALK_COMMAND, f"scale={scale}", cwd=tmp_path) for scale in scales]
    wait_until(lambda: logged_steps(tmp_path) == [3] * 4)
    for run in runs:
        run.kill()
    configs = [yaml.safe_load((f / "config.yaml").read_text()) for f in run_folders(tmp_path)]
    assert sorted(config["scale"] for config in configs) == scales


def test_a_finished_run_is_shown_and_not_touched_and_names_what_has_changed_since(
    reference: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, reference)
    config = compose_config(*WALK, f"out_dir={tmp_path}/outputs", config_dir=CONF)
    before = snapshot(tmp_path)
    shown = perform(config, []).line
    result = json.loads((folder / "result.json").read_text())
    assert shown == f"finished before: seen {result['seen']:.3f} on cpu → {folder}"

    file = folder / "provenance.json"
    provenance = json.loads(file.read_text())
    provenance["versions"]["torch"] = "1.0.0"
    provenance["git"] = {"commit": "0123456789abcdef", "dirty": False}
    assert snapshot(tmp_path) == before
    file.write_text(json.dumps(provenance))
    shown = perform(config, []).line
    for part in ("torch 1.0.0 → ", "commit 01234567 → ", "fresh=true runs it again"):
        assert part in shown


def test_fresh_starts_over_and_keeps_nothing_old_but_what_somebody_put_there(
    reference: Path, walk: Walked, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, reference)
    mine = ("notes.txt", "mine/more.txt", "figures/mine.png")
    made = ("figures/old.png", "play.html", "last.safetensors")
    for name in (*mine, *made):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    with open(folder / ".made", "a") as listed:
        listed.write("figures/old.png\nplay.html\n")
    events = {path.name for path in folder.glob("events.*")}
    assert "results go to" in walk("fresh=true")[1]
    assert_same_run(run_folder(tmp_path), reference)
    assert not [name for name in made if (folder / name).exists()]
    assert all((folder / name).read_text() == "mine" for name in mine)
    assert not events & {path.name for path in folder.glob("events.*")}
    assert (folder / "lab.log").read_text().count("finished") == 1


def test_half_done_and_fresh_starts_at_the_first_step(
    half_done: Path, reference: Path, walk: Walked, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    file = folder / "provenance.json"
    before = "2026-01-01T00:00:00+00:00"  # a run may begin in the second in which this one did
    file.write_text(json.dumps({**json.loads(file.read_text()), "start": before}))
    assert "results go to" in walk("fresh=true")[1]
    assert_same_run(folder, reference)
    assert json.loads(file.read_text())["start"] > before


def test_fresh_acts_once(half_done: Path, tmp_path: Path) -> None:
    folder = RunFolder(copy_into(tmp_path, half_done))
    config = compose_config(*WALK, "fresh=true", f"out_dir={tmp_path}", config_dir=CONF)
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
    config = compose_config(*WALK, "fresh=true", f"out_dir={tmp_path}/outputs", config_dir=CONF)
    sweep = Sweep(tmp_path / "outputs/sweeps/one-12345678")
    sweep.folder.mkdir(parents=True)
    job = Job(config, WALK, WALK, 0, sweep.folder)

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
    hold(tmp_path, 3)
    run = start_lab(*WALK_COMMAND, cwd=tmp_path)
    wait_until(lambda: saved_steps(tmp_path) == [3])
    folder = run_folder(tmp_path)
    shutil.rmtree(tmp_path / "outputs")
    hold(tmp_path, None)
    done = run.wait()
    assert done.returncode == 1
    line = f"lab: {folder.relative_to(tmp_path)} was removed while the run was training"
    assert done.stderr.splitlines()[-1] == line
