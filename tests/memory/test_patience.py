"""Training that makes no progress is given up, where `patience` asks for it."""

import json
from pathlib import Path

import pytest

from lab.cli import compose_config
from lab.engine.task import Patience
from lab.memory.study import objective
from tests.command_line import TINY, quick_lab, rows, run_folder, start_lab, wait_until

# Steps too small to change a weight, validated at 5, 10, 15, …: the first is the best for ever.
HOPELESS = (*TINY, "optimizer.lr=1e-30", "patience=4")


def test_a_smaller_loss_or_a_larger_accuracy_is_progress() -> None:
    patience = Patience(2)
    outs = []
    for loss, accuracy in [(2.0, 0.1), (2.1, 0.1), (2.2, 0.2), (1.9, 0.1), (1.9, 0.2), (2.0, 0.2)]:
        patience.see(loss, accuracy)
        outs.append(patience.is_out)
    assert outs == [False, False, False, False, False, True]
    patience.begin_anew()
    patience.see(9.0, 0.0)
    assert not patience.is_out


def test_without_patience_nothing_is_given_up() -> None:
    patience = Patience(None)
    for _ in range(1000):
        patience.see(1.0, 0.5)
    assert not patience.is_out


def test_a_hopeless_run_ends_early_and_says_so(tmp_path: Path) -> None:
    done = quick_lab(*HOPELESS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert "25 steps (stopped early, without progress on the validation set)" in last
    result = json.loads((run_folder(tmp_path) / "result.json").read_text())
    assert (result["steps"], result["stopped"], result["budget"]) == (25, "patience", 40)


def test_a_run_that_is_gone_on_with_is_given_up_at_the_same_step(tmp_path: Path) -> None:
    run = start_lab(*HOPELESS, cwd=tmp_path)
    wait_until(lambda: rows(tmp_path) >= 6)  # two validations are behind it
    run.kill()
    done = quick_lab(*HOPELESS, cwd=tmp_path)
    assert "continuing after step" in done.stdout
    result = json.loads((run_folder(tmp_path) / "result.json").read_text())
    assert (result["steps"], result["stopped"]) == (25, "patience")


def test_a_search_does_not_prefer_what_was_given_up() -> None:
    given_up = {"steps": 25, "budget": 40, "val_accuracy": 0.1, "stopped": "patience"}
    trained = {"steps": 40, "budget": 40, "val_accuracy": 0.5, "stopped": "budget"}
    assert objective(trained) < objective(given_up)


@pytest.mark.parametrize("word", ["patience=0", "patience=soon"])
def test_a_wrong_patience_is_one_line(tmp_path: Path, word: str) -> None:
    done = quick_lab(*TINY, word, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"lab: {word} is not allowed: expected ")
    assert done.stderr.count("\n") == 1


def test_only_a_patience_that_is_set_makes_it_another_run() -> None:
    plain = compose_config("task=lstm")
    assert compose_config("task=lstm", "patience=null").identity == plain.identity
    assert compose_config("task=lstm", "patience=9").identity != plain.identity
