"""A search goes on where it was killed, takes more trials, and names the best of them."""

import csv
import re
import shlex
from pathlib import Path

import pytest

from lab.sweeps.search import best_lines
from lab.sweeps.workers import cores, workers
from tests.command_line import SMALL, quick_lab, refusal, run_folders, start_lab, wait_until
from tests.run_files import only, recap, snapshot

pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")

SEARCH = [
    *("-m", *SMALL, "seq_len=3", "max_steps=6", "hydra/sweeper=optuna"),
    "optimizer.lr=tag(log,interval(0.001,0.1))",
]


def trials(cwd: Path) -> list[dict[str, str]]:
    with open(only(cwd / "outputs/sweeps", "*/summary.csv"), newline="") as file:
        return list(csv.DictReader(file))


def test_a_killed_search_goes_on_with_the_same_trials_and_takes_more(tmp_path: Path) -> None:
    three = [*SEARCH, "hydra.sweeper.n_trials=3"]
    killed = start_lab(*three, cwd=tmp_path)
    wait_until(lambda: len(run_folders(tmp_path)) == 2)
    killed.kill()
    finished = [path for path in run_folders(tmp_path) if (path / "result.json").exists()]
    before = [snapshot(path) for path in finished]
    assert finished

    done = quick_lab(*three, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("search of up to 3 trials: table and plots go to ")
    assert f"{len(finished)} finished before" in recap(done.stdout)
    assert [snapshot(path) for path in finished] == before
    assert len(run_folders(tmp_path)) == 3
    first = [row["optimizer.lr"] for row in trials(tmp_path)]

    more = quick_lab(*SEARCH, "hydra.sweeper.n_trials=5", cwd=tmp_path)
    assert recap(more.stdout) == "3 finished before, 2 finished"
    assert [row["optimizer.lr"] for row in trials(tmp_path)][:3] == first
    assert all(float(row["objective"]) >= 6 for row in trials(tmp_path))
    folder = only(tmp_path / "outputs/sweeps", "*")
    assert (folder / "search.png").stat().st_size > 10_000

    best = min(trials(tmp_path), key=lambda row: float(row["objective"]))
    assert f"best: trial {trials(tmp_path).index(best)} of 5, objective " in more.stdout
    (command,) = re.findall(r"^ +python -m lab (.*)$", more.stdout, re.MULTILINE)
    alone = quick_lab(*shlex.split(command), cwd=tmp_path)
    assert alone.stdout.startswith("finished before: ")
    assert alone.stdout.strip().endswith(best["run"])


def test_a_failed_run_is_a_failed_trial_and_the_search_goes_on(tmp_path: Path) -> None:
    words = [word for word in SEARCH if not word.startswith("optimizer.lr")]
    done = quick_lab(
        *words, "optimizer.lr=choice(-1,0.01,0.02)", "hydra/sweeper/sampler=grid",
        "objective=val_accuracy", "hydra.sweeper.direction=maximize", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "2 finished" in recap(done.stdout)
    assert "1 failed" in recap(done.stdout)
    assert done.stdout.count("optimizer.lr=-1 is not allowed") == 1
    assert done.stderr == ""
    known = [row for row in trials(tmp_path) if row["objective"]]
    assert [row["objective"] for row in known] == [row["val_accuracy"] for row in known]
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
    assert refusal(*SEARCH, *words).startswith(line)
    assert list(tmp_path.iterdir()) == []


def test_a_search_whose_trials_all_fail_tells_of_them_alone(tmp_path: Path) -> None:
    words = [word for word in SEARCH if not word.startswith("optimizer.lr")]
    done = quick_lab(*words, "optimizer.lr=choice(-1,-2)", "hydra.sweeper.n_trials=2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "best: none, because no trial has an objective" in done.stdout


def test_the_preset_searches(tmp_path: Path) -> None:
    done = quick_lab(
        "-m", "+experiment=search_rate", *SMALL, "max_steps=3", "hydra.sweeper.n_trials=2",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert recap(done.stdout) == "2 finished"
    assert {"optimizer.lr", "cell.forget_bias", "objective"} <= trials(tmp_path)[0].keys()


def test_no_trial_with_an_objective_is_told() -> None:
    failed = {"number": 0, "overrides": ["seed=0"], "objective": None}
    assert best_lines([failed], "minimize", str) == [
        "best: none, because no trial has an objective"
    ]


def test_workers_are_bounded_by_cores_and_threads() -> None:
    assert 1 <= workers() <= cores()
    assert workers(threads=10**6) == 1
