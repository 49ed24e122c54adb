"""The curriculum: T grows as it is solved, stops only at the end, goes on bit for bit."""

import copy

import pytest
import torch

from lab.cli import compose_config
from lab.engine.process import seed_everything
from lab.memory.config import MemoryConfig
from lab.memory.task import MemoryTask

SMALL = ("curriculum=doubling", "seq_len=40", "size=small", "data_size=200", "batch_size=16")


def make(*overrides: str) -> MemoryTask:
    config = compose_config(*SMALL, *overrides)
    assert isinstance(config, MemoryConfig)
    seed_everything(config.seed)
    return MemoryTask(config, "cpu")


def solve(task: MemoryTask) -> dict[str, float]:
    """As if an evaluation had found every palindrome right."""
    task.last_evaluation = {"val_loss": 0.0, "val_accuracy": 1.0}
    return task.last_evaluation


def test_the_length_doubles_up_to_the_one_asked_for_and_only_there_is_it_solved():
    task, lengths = make(), []
    for _ in range(5):
        lengths.append(task.seq_len)
        assert task.is_solved(solve(task)) is (task.seq_len == 40)
        metrics = task.step()
        assert metrics["seq_len"] == task.seq_len == task.validation.inputs.shape[1] + 1
    assert lengths == [9, 17, 33, 40, 40]


@pytest.mark.parametrize(
    ("loss", "accuracy", "seq_len"), [(0.001, 0.999, 9), (0.01, 1.0, 9), (0.001, 1.0, 17)]
)
def test_it_grows_only_where_it_is_right_and_sure(loss, accuracy, seq_len):
    task = make("patience=2")
    for _ in range(3):
        task.patience.see(9.0, 0.0)
    task.last_evaluation = {"val_loss": loss, "val_accuracy": accuracy}
    task.step()
    assert task.seq_len == seq_len
    assert task.is_hopeless() is (seq_len == 9)  # a new length has all its patience


def test_a_short_palindrome_is_where_it_begins_and_ends():
    assert make("seq_len=5").seq_len == 5


@pytest.mark.parametrize("stream", ["true", "false"])
def test_it_goes_on_bit_for_bit_from_a_saved_state(stream):
    whole, resumed = make(f"stream={stream}"), make(f"stream={stream}")
    for _ in range(2):
        solve(whole)
        whole.step()
    solve(whole)  # to grow again in the first step after the state is taken
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for _ in range(6):
        expected, got = whole.step(), resumed.step()
        assert {k: float(v) for k, v in expected.items()} == {k: float(v) for k, v in got.items()}
    assert resumed.seq_len == whole.seq_len
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name])
    assert whole.validate() == resumed.validate()


@pytest.mark.parametrize("curriculum", ["none", "doubling", "upper_half"])
def test_no_batch_has_a_palindrome_that_validates_or_tests(curriculum):
    task = make(f"curriculum={curriculum}", "stream=true", "seq_len=5", "data_size=600")
    for _ in range(3):
        solve(task)
        task.step()
    assert task.seq_len == 5
    held_out = {tuple(row) for part in (task.validation, task.test) for row in part.inputs.tolist()}
    drawn = [batch.inputs.tolist() for batch in (task.batches.next() for _ in range(60))]
    drawn = [tuple(row) for rows in drawn for row in rows if len(row) == 4]
    assert len(set(drawn)) > 100
    assert not held_out & set(drawn)


def test_the_column_is_there_only_with_a_curriculum():
    assert "seq_len" in make().columns
    plain = make("curriculum=none")
    assert "seq_len" not in plain.columns
    assert plain.step().keys() <= set(plain.columns)
