"""The typed boundary of the memory study, and which runs are the same run."""

import dataclasses

import pytest

from lab.cli import compose_config
from lab.config.errors import UserError
from lab.config.reading import from_dict, from_file
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig


def test_defaults_are_the_assignments_spirit():
    config = compose_config()
    assert isinstance(config, MemoryConfig)
    assert (config.task, config.cell_name, config.hidden_size) == ("lstm", "lstm", 128)
    assert (config.batch_size, config.input) == (128, "one_hot")
    assert config.optimizer["_target_"] == "torch.optim.RMSprop"


def test_the_identity_leaves_out_what_changes_no_number():
    elsewhere = ("out_dir=/elsewhere", "fresh=true", "checkpoint_seconds=99", "threads=2",
                 "device=cpu")  # fmt: skip
    assert compose_config(*elsewhere).identity == compose_config().identity


def test_a_saved_config_composes_the_same_run(tmp_path):
    config = compose_config("cell=gru", "size=small", f"out_dir={tmp_path}")
    folder = RunFolder(tmp_path)
    folder.save_config(config.to_dict())
    assert from_file(folder.config_file) == config


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("clip_norm", float("inf"), "clip_norm=inf is not allowed: expected a finite number"),
        ("optimizer", {"lr": 1.0}, "optimizer._target_ is missing"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(key, value, message):
    with pytest.raises(UserError, match=message):
        from_dict({**compose_config().to_dict(), key: value})


def test_labels_name_the_start():
    assert compose_config().label == "lstm, forget bias 5"
    assert compose_config("cell=rnn_identity").label == "rnn, identity init"
    assert dataclasses.replace(compose_config(), seed=7).readable_name == "lstm-T20-s7"
