"""A search goes on where it was killed, takes more trials, and names the best of them."""

import csv
import re
import shlex
from pathlib import Path

import pytest

from lab.sweeps.workers import cores, workers
from tests.command_line import (
    SMALL,
    Swept,
    later_first,
    quick_lab,
    refusal,
    run_folders,
    start_lab,
    wait_until,
)
from tests.run_files import only, recap, saved_steps, snapshot
from tests.walk import CONF, WALK, WALK_COMMAND, hold

pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")

SEARCH = [*WALK, "hydra/sweeper=optuna", "scale=tag(log,interval(0.1,10))"]
MEMORY = ["-m", "hydra/sweeper=optuna", "optimizer.lr=tag(log,interval(0.001,0.1))"]
OF_CHOICES = ["-m", *WALK_COMMAND, "hydra/sweeper=optuna"]


def trials(cwd: Path) -> list[dict[str, str]]:
    with open(only(cwd / "outputs/sweeps", "*/summary.csv"), newline="") as file:
        return list(csv.DictReader(file))


def test_a_killed_search_goes_on_with_the_same_trials_and_takes_more(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def searched(trials: int) -> str:
        _, out, err = swept(*SEARCH, f"hydra.sweeper.n_trials={trials}", config_dir=CONF)
        assert err == ""
        return out

    searched(1)
    first = snapshot(run_folders(tmp_path)[0])
    hold(tmp_path, 5)
    words = ["-m", *WALK_COMMAND, *SEARCH[1:], "hydra.sweeper.n_trials=3"]
    killed = start_lab(*words, cwd=tmp_path)
    wait_until(lambda: sorted(saved_steps(tmp_path)) == [5, 40])
    killed.kill()
    hold(tmp_path, None)

    out = searched(3)
    assert out.startswith("search of up to 3 trials: table and plots go to ")
    assert recap(out) == "1 finished before, 1 resumed, 1 finished"
    assert first in [snapshot(path) for path in run_folders(tmp_path)]
    scales = [row["scale"] for row in trials(tmp_path)]

    out = searched(5)
    assert recap(out) == "3 finished before, 2 finished"
    assert [row["scale"] for row in trials(tmp_path)][:3] == scales
    assert only(tmp_path / "outputs/sweeps", "*/search.png").stat().st_size > 10_000

    best = min(trials(tmp_path), key=lambda row: float(row["objective"]))
    assert f"best: trial {trials(tmp_path).index(best)} of 5, objective " in out
    (command,) = re.findall(r"^ +python -m lab (.*)$", out, re.MULTILINE)
    alone = quick_lab(*shlex.split(command), cwd=tmp_path)
    assert alone.stdout.startswith("finished before: ")
    assert alone.stdout.strip().endswith(best["run"])

    assert recap(searched(1)) == "1 finished before", "trials of earlier commands are not counted"


def test_a_failed_run_is_a_failed_trial_and_the_search_goes_on(tmp_path: Path) -> None:
    done = quick_lab(
        *OF_CHOICES, "scale=choice(-1,1,2)", "hydra/sweeper/sampler=grid", "objective=seen",
        "hydra.sweeper.direction=maximize", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "2 finished" in recap(done.stdout)
    assert "1 failed" in recap(done.stdout)
    assert done.stdout.count("scale=-1 is not allowed") == 1
    assert done.stderr == ""
    known = [row for row in trials(tmp_path) if row["objective"]]
    assert [row["objective"] for row in known] == [row["seen"] for row in known]
    assert f"objective {max(float(row['objective']) for row in known):.6g}: " in done.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials=0 is not allowed: expected an "),
        (["hydra.sweeper.n_jobs=0"], "hydra.sweeper.n_jobs=0 is not allowed: expected an "),
        (["hydra.sweeper.max_failure_rate=2"], "hydra.sweeper.max_failure_rate=2 is not allowed: "),
        (["hydra.sweeper.storage=sqlite"], "hydra.sweeper.storage=sqlite is not allowed: expected"),
        (
            ["hidden_size=interval(3,10)"],
            "hidden_size=interval(3,10) gives fractions, and hidden_size takes integers: write "
            "hidden_size=int(interval(3,10))",
        ),
        (["objective=nosuch"], "objective=nosuch is not allowed: expected val_accuracy, "),
        (["dry_run=true"], "dry_run=true: a search chooses its trials by the results of earlier"),
    ],
)
def test_a_search_that_can_have_no_trial_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(*MEMORY, *words).startswith(line)
    assert list(tmp_path.iterdir()) == []


def test_a_search_whose_trials_all_fail_tells_of_them_alone(tmp_path: Path) -> None:
    done = quick_lab(*OF_CHOICES, "scale=choice(-1,-2)", "hydra.sweeper.n_trials=2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "best: none, because no trial has an objective" in done.stdout


def test_the_preset_searches(tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = later_first((*SMALL, "max_steps=2"))
    words = ["+experiment=search_rate", *small, "hydra.sweeper.n_trials=2"]
    assert recap(swept(*words)[1]) == "2 finished"
    assert {"optimizer.lr", "cell.forget_bias", "objective"} <= trials(tmp_path)[0].keys()


def test_workers_are_bounded_by_cores_and_threads() -> None:
    assert 1 <= workers() <= cores()
    assert workers(threads=10**6) == 1
