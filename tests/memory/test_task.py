"""The memory task: what a step does, that it resumes, that it learns."""

import numpy as np
import pytest
import torch

from lab.cli import compose_config
from lab.engine.jobs import perform
from lab.engine.process import seed_everything
from lab.engine.run_folder import RunFolder
from lab.engine.task import Patience
from lab.memory import figures
from lab.memory.cells import LSTM, TorchLSTM
from lab.memory.config import MemoryConfig
from lab.memory.network import evaluate, with_torch_kernel
from lab.memory.sequences.examples import joined
from lab.memory.study import objective
from lab.memory.task import MemoryTask
from tests import command_line

TINY = ("seq_len=6", "size=small", "data_size=200", "batch_size=16")


def make(*overrides: str) -> MemoryTask:
    config = compose_config(*TINY, *overrides)
    assert isinstance(config, MemoryConfig)
    seed_everything(config.seed)
    return MemoryTask(config, "cpu")


def test_gradients_are_clipped_before_the_step():
    task = make("clip_norm=0.001", "optimizer=sgd", "optimizer.momentum=0", "optimizer.lr=1")
    before = [p.detach().clone() for p in task.network.parameters()]
    task.step()
    moved = torch.cat(
        [(p - q).flatten() for p, q in zip(task.network.parameters(), before, strict=True)]
    )
    assert float(moved.norm().detach()) == pytest.approx(0.001, rel=1e-3)


def test_the_budget_is_the_smaller_of_epochs_and_max_steps():
    assert make("epochs=3").total_steps == 30
    assert make("epochs=3", "max_steps=7").total_steps == 7


def test_evaluation_in_batches_is_evaluation_at_once():
    task = make("data_size=4000", "seq_len=9")
    everything = joined([task.validation, task.test])
    assert len(everything) > 1000
    loss, accuracy = evaluate(task.network, task.sequence, everything)
    logits, targets = task.network(everything.inputs), everything.targets[:, 0]
    expected = torch.nn.functional.cross_entropy(logits, targets)
    assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
    assert accuracy == float((logits.argmax(1) == targets).double().mean())


def test_answers_are_counted_with_torchs_kernel_for_the_same_lstm_alone():
    task = make("data_size=4000", "seq_len=9")
    random = torch.get_rng_state()
    counting = with_torch_kernel(task.network)
    assert torch.equal(torch.get_rng_state(), random)
    assert type(counting.cell) is TorchLSTM
    assert type(task.network.cell) is LSTM
    inputs = task.validation.inputs
    with torch.no_grad():
        assert (counting(inputs) - task.network(inputs)).abs().max() < 1e-5
    for cell in ("gru", "torch_lstm"):
        network = make(f"cell={cell}").network
        assert with_torch_kernel(network) is network


def test_weights_travel_by_their_names_in_the_equations():
    for cell in ("rnn", "lstm", "gru", "torch_lstm"):
        first, second = (make(f"cell={cell}", "input=number").network for _ in range(2))
        weights = first.equation_weights()
        assert {"W_ph", "b_p"} < weights.keys()
        second.load_equation_weights({name: weight + 1 for name, weight in weights.items()})
        for name, weight in second.equation_weights().items():
            assert torch.equal(weight, weights[name] + 1)
    assert weights["W_gx"].shape == (32, 1)
    assert weights["W_gh"].shape == (32, 32)


def test_it_learns_and_halves_its_learning_rate():
    task = make("data_size=1000", "max_steps=200", "lr_schedule=halving", "halve_every=2")
    rates = [float(task.step()["lr"]) for _ in range(200)]  # 800 / 16 = 50 steps an epoch
    assert (rates[99], rates[100], rates[199]) == (0.01, 0.005, 0.005)
    assert task.validate()["val_accuracy"] > 0.95


def test_the_sweep_figure_shows_the_lengths_run_and_no_others():
    rows = [
        {"series": s, "seq_len": n, "seed": seed, "val_accuracy": v, "test_accuracy": t}
        for s, n, seed, v, t in [
            ("lstm", 3, 0, 1.0, None), ("lstm", 3, 1, 0.8, None), ("lstm", 5, 0, 0.1, 0.9),
            ("rnn", 3, 0, 0.5, None),
        ]
    ]  # fmt: skip
    (axis,) = figures.sweep_accuracy(rows).axes
    points = {point for line in axis.lines for point in map(tuple, line.get_xydata().tolist())}
    assert {(3, 0.9), (5, 0.9), (3, 0.5)} <= points
    assert all(len(line.get_xdata()) == 1 for line in axis.lines if line.get_marker() != "None")
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["3", "5"]
    alone = figures.sweep_accuracy(rows[:3])
    assert not alone.legends
    assert alone.get_suptitle() == "Accuracy against length, palindrome, lstm (3 runs)"


@pytest.mark.parametrize(
    ("curriculum", "words"),
    [("none", "Trained on T=100 only"), ("doubling", "growing T up to 100")],
)
def test_a_runs_figure_says_how_it_was_trained_and_on_what_it_was_tested(curriculum, words):
    config = compose_config("seq_len=100", f"curriculum={curriculum}")
    assert isinstance(config, MemoryConfig)
    accuracies = {**dict.fromkeys(range(3, 26), 1.0), 100: 0.99996}
    figure = figures.accuracy_by_length(accuracies, config, "the test set")
    assert words in figure.get_suptitle()
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[1] == "T=100, the test set: 99.99 %"
    # Nothing was measured between 25 and 100, so no line is there.
    assert all(np.diff(line.get_xdata()).max(initial=0) <= 1 for line in figure.axes[0].lines[:2])


def test_the_lengths_that_were_tested_can_be_read_beside_the_axis():
    config = compose_config("sequence=parity", "seq_len=40", "stream=true")
    assert isinstance(config, MemoryConfig)
    figure = figures.accuracy_by_length({40: 1.0, 100: 0.9, 490: 0.5, 500: 0.5}, config, "x")
    assert figure.get_suptitle().startswith("Trained on parity, T=40 only")
    (axis,) = figure.axes
    labels = [tick.get_text() for tick in axis.get_xticklabels()]
    assert sorted(labels, key=int) == ["40", "100", "500"]  # 490 would lie on 500
    assert axis.lines[0].get_linestyle() == "None"  # no line between lengths, also in the legend


def test_a_smaller_loss_or_a_larger_accuracy_is_progress():
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


def test_a_hopeless_run_ends_early_and_says_so(tmp_path):
    """Its steps change no weight, so that the first validation, at step 5, is the best for ever."""
    words = (*command_line.TINY, "optimizer.lr=1e-30", "patience=4")
    config = compose_config(*words, f"out_dir={tmp_path}")
    outcome = perform(config, [])
    assert "25 steps (stopped early, without progress on the validation set)" in outcome.line
    result = RunFolder(config.run_dir).result
    assert result is not None
    assert (result["steps"], result["stopped"], result["budget"]) == (25, "patience", 40)


def test_a_search_does_not_prefer_what_was_given_up():
    given_up = {"steps": 25, "budget": 40, "val_accuracy": 0.1, "stopped": "patience"}
    trained = {"steps": 40, "budget": 40, "val_accuracy": 0.5, "stopped": "budget"}
    assert objective(trained) < objective(given_up)
