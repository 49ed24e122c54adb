"""One command, one folder, one process at it; what is finished stays finished."""

import json
import time
from pathlib import Path

import yaml

from lab.config.wording import percent
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
    second = quick_lab(*ENDLESS, cwd=tmp_path, timeout=60)
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
    (folder / "play.html").touch()
    events = {path.name for path in folder.glob("events.*")}
    done = quick_lab(*TINY, "fresh=true", cwd=tmp_path)
    assert done.returncode == 0
    assert "results go to" in done.stdout
    assert_same_run(run_folder(tmp_path), reference)
    assert not {"figures/old.png", "play.html"} & {
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
