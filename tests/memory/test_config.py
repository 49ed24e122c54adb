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


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("out_dir=/elsewhere", True),
        ("fresh=true", True),
        ("checkpoint_seconds=99", True),
        ("seed=1", False),
        ("seq_len=21", False),
        ("optimizer.lr=0.02", False),
        ("cell.forget_bias=1", False),
        ("threads=2", True),
        ("device=cpu", True),
        ("size=small", False),
    ],
)
def test_the_identity_is_what_was_asked_for(override, same):
    assert (compose_config().identity == compose_config(override).identity) is same


def test_a_saved_config_composes_the_same_run(tmp_path):
    config = compose_config("cell=gru", "size=small", f"out_dir={tmp_path}")
    folder = RunFolder(tmp_path)
    folder.save_config(config.to_dict())
    assert from_file(folder.config_file) == config


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("seq_len", 2, "seq_len=2 is not allowed: expected at least 3"),
        ("seq_len", True, "seq_len=true is not allowed: expected an integer"),
        ("train_part", 1.0, "train_part=1.0 is not allowed: expected less than 1.0"),
        ("clip_norm", float("inf"), "clip_norm=inf is not allowed: expected a finite number"),
        ("input", "onehot", "did you mean one_hot?"),
        ("optimizer", {"lr": 1.0}, "optimizer._target_ is missing"),
        ("optimizer", {"_target_": "x", "lr": float("nan")}, "optimizer.lr=nan is not allowed"),
        ("seqlen", 3, "no key seqlen; did you mean seq_len?"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(key, value, message):
    values = {**compose_config().to_dict(), key: value}
    with pytest.raises(UserError) as error:
        from_dict(values)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_name_the_start():
    assert compose_config().label == "lstm, forget bias 5"
    assert compose_config("cell=rnn_identity").label == "rnn, identity init"
    assert dataclasses.replace(compose_config(), seed=7).readable_name == "lstm-T20-s7"
