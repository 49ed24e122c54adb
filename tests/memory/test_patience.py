"""Training that makes no progress is given up, where `patience` asks for it."""

from pathlib import Path

from lab.cli import compose_config
from lab.engine.jobs import perform
from lab.engine.run_folder import RunFolder
from lab.engine.task import Patience
from lab.memory.study import objective
from tests.command_line import TINY


def test_a_smaller_loss_or_a_larger_accuracy_is_progress() -> None:
    patience, without, outs = Patience(2), Patience(None), []
    for loss, accuracy in [(2.0, 0.1), (2.1, 0.1), (2.2, 0.2), (1.9, 0.1), (1.9, 0.2), (2.0, 0.2)]:
        patience.see(loss, accuracy)
        without.see(9.0, 0.0)
        outs.append(patience.is_out)
    assert outs == [False, False, False, False, False, True]
    assert not without.is_out
    patience.begin_anew()
    patience.see(9.0, 0.0)
    assert not patience.is_out


def test_a_hopeless_run_ends_early_and_says_so(tmp_path: Path) -> None:
    """Its steps change no weight, so that the first validation, at step 5, is the best for ever."""
    config = compose_config(*TINY, "optimizer.lr=1e-30", "patience=4", f"out_dir={tmp_path}")
    outcome = perform(config, [])
    assert "25 steps (stopped early, without progress on the validation set)" in outcome.line
    result = RunFolder(config.run_dir).result
    assert result is not None
    assert (result["steps"], result["stopped"], result["budget"]) == (25, "patience", 40)


def test_a_search_does_not_prefer_what_was_given_up() -> None:
    given_up = {"steps": 25, "budget": 40, "val_accuracy": 0.1, "stopped": "patience"}
    trained = {"steps": 40, "budget": 40, "val_accuracy": 0.5, "stopped": "budget"}
    assert objective(trained) < objective(given_up)
