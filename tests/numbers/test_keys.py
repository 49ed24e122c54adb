"""Every key that makes another run changes its numbers, and no evaluation changes its weights."""

import dataclasses
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import lab
from lab.cli import compose_config
from lab.config import RunConfig
from lab.config.base import flatten
from lab.config.trust import EVERYTHING, trusting
from lab.engine.seeding import seed_everything
from lab.engine.study import build_task
from lab.engine.task import evaluate, evaluate_at_start
from tests.numbers import MARKS
from tests.run_files import snapshot

# Settings with which all keys matter.
MEMORY = (
    *("task=lstm", "device=cpu", "size=small", "seq_len=4", "data_size=60", "batch_size=16"),
    *("epochs=3", "eval_every=2", "log_every=3", "lr_schedule=halving", "halve_every=1"),
    *("clip_norm=0.1", "target_accuracy=null", "optimizer.weight_decay=0.01"),
)
GAME = (
    *("task=gan", *MARKS, "device=cpu", "generator.latent=6", "batch_size=100", "epochs=2"),
    *("max_steps=6", "sample_every=3", "eval_every=2", "eval_samples=30", "final_samples=40"),
    *("ema=0.9", "gradient_penalty=1", "optimizer.weight_decay=0.01"),
)
GAN = (*GAME, "generator=mlp", "generator.widths=[16]", "discriminator=mlp",
       "discriminator.widths=[16]")  # fmt: skip
BY_HAND = (
    *("task=one_layer_gan", *MARKS, "device=cpu", "digits=[0,2]", "noise_size=5", "epochs=6"),
    *("images_per_epoch=20", "frame_every=2", "log_every=3", "eval_samples=20"),
)
CONV = (*GAME, "generator.width=4", "generator.hidden=[8]", "discriminator.width=4")
CELL = "lab.memory.cells"
SEQUENCE = "lab.memory.sequences"
LOSS = "lab.generation.losses"
# The other values of each key, by the command with which it matters.
CHANGED: dict[tuple[str, ...], dict[str, list[Any]]] = {
    MEMORY: {
        "seed": [1], "max_steps": [4], "seq_len": [5], "hidden_size": [16], "batch_size": [8],
        "data_size": [80], "train_part": [0.5], "stream": [True], "epochs": [2],
        "clip_norm": [None, 0.05], "lr_schedule": ["constant", "cosine"], "halve_every": [2],
        "target_accuracy": [0.05], "input": ["number"],
        "cell._target_": [f"{CELL}.TorchLSTM"], "cell.init": ["default", "chrono"],
        "cell.forget_bias": [1.0], "optimizer._target_": ["torch.optim.Adagrad"],
        "optimizer.lr": [0.02], "optimizer.alpha": [0.9], "optimizer.eps": [1e-3],
        "optimizer.momentum": [0.5], "optimizer.weight_decay": [0.1],
        "sequence._target_": [f"{SEQUENCE}.parity.Parity"],
    },
    (*MEMORY, "seq_len=12"): {"curriculum": ["doubling"]},
    (*MEMORY, "optimizer.lr=1e-30"): {"patience": [1]},
    (*MEMORY, "cell.init=chrono"): {"cell.longest_memory": [100]},
    (*MEMORY, "cell=rnn"): {"cell._target_": [f"{CELL}.GRU"],
                            "cell.init": ["orthogonal", "identity"]},
    (*MEMORY, "cell=irnn"): {"cell._target_": [f"{CELL}.RNN"]},
    (*MEMORY, "cell=min_gru"): {"cell.layers": [1], "cell.remember_bias": [1.0]},
    (*MEMORY, "cell=transformer"): {"cell.layers": [1], "cell.heads": [2]},
    (*MEMORY, "optimizer=sgd"): {"optimizer.momentum": [0.5], "optimizer.nesterov": [True]},
    (*MEMORY, "optimizer=adam"): {"optimizer.betas": [[0.5, 0.999], [0.9, 0.9]],
                                  "optimizer._target_": ["torch.optim.AdamW"]},
    (*MEMORY, "sequence=copy", "seq_len=12"): {
        "sequence.copied": [3], "sequence.alphabet": [5],
        "sequence._target_": [f"{SEQUENCE}.selective_copying.SelectiveCopy"]},
    (*MEMORY, "sequence=recall", "seq_len=10"): {
        "sequence.pairs": [3], "sequence.keys": [6], "sequence.values": [6]},
    (*MEMORY, "sequence=modular_sum"): {"sequence.modulus": [3]},
    GAN: {
        "seed": [1], "max_steps": [4], "batch_size": [50], "epochs": [1], "data._target_": [],
        "data.name": [], "discriminator_lr": [None, 1e-3], "gradient_penalty": [0.0, 10.0],
        "ema": [None, 0.1], "lr_schedule": ["constant", "cosine"], "precision": ["bf16"],
        "eval_samples": [40], "conditional": [True], "keep_best": [True],
        "generator._target_": [], "generator.latent": [7], "generator.widths": [[16, 16], [8]],
        "generator.batch_norm": [False], "generator.slope": [0.1], "discriminator._target_": [],
        "discriminator.widths": [[16, 16], [8]], "discriminator.slope": [0.1],
        "discriminator.dropout": [0.5], "discriminator.spectral_norm": [False],
        "optimizer._target_": ["torch.optim.AdamW"], "optimizer.lr": [1e-3],
        "optimizer.betas": [[0.5, 0.9], [0.0, 0.5]], "optimizer.eps": [1e-3],
        "optimizer.weight_decay": [0.1], "optimizer.fused": [],  # it gives the same numbers
        "loss._target_": [f"{LOSS}.{name}" for name in
                          ("Minimax", "NonSaturating", "Wasserstein", "Relativistic")],
    },
    CONV: {
        "generator.width": [6], "generator.hidden": [[12]], "generator.slope": [0.1],
        "generator.latent": [7], "discriminator.width": [6], "discriminator.slope": [0.1],
        "discriminator.dropout": [0.5], "discriminator.spectral_norm": [False],
    },
    (*GAN, "loss=non_saturating"): {"loss.real_target": [0.9]},
    (*GAN, "loss=relativistic"): {"loss.r1": [2.0], "loss.r2": [2.0], "loss.penalty_every": [2]},
    BY_HAND: {
        "seed": [1], "max_steps": [4], "data._target_": [], "data.name": [], "digits": [[0, 1]],
        "noise_size": [6], "noise": ["uniform"], "init_scale": [0.02], "generator_hidden": [4],
        "discriminator_hidden": [4], "rule": ["adam"], "reduction": ["mean"], "lr": [2e-3],
        "discriminator_lr": [2e-3], "discriminator_decay": [0.1], "epochs": [4],
        "images_per_epoch": [30], "eval_samples": [30],
    },
}  # fmt: skip
# Those that a run alone shows; all but the last three change no weights.
SEEN_IN_A_RUN: dict[tuple[str, ...], dict[str, Any]] = {
    MEMORY: {"log_every": 1, "eval_every": 1, "tested_lengths": [3, 5]},
    GAN: {"log_every": 1, "eval_every": 3, "sample_every": 1, "final_samples": 50},
    BY_HAND: {"log_every": 1, "frame_every": 3},
}
CASES = [(words, key, value) for words, keys in CHANGED.items() for key, values in keys.items()
         for value in values]  # fmt: skip


@pytest.fixture(autouse=True)
def _data(data_cache: Path) -> None:
    """The classifier of `marks`."""


@cache
def composed(words: tuple[str, ...]) -> RunConfig:
    return compose_config(*words)


def changed(config: RunConfig, key: str, value: Any) -> RunConfig:
    first, *rest = key.split(".")
    if rest:
        value = {**getattr(config, first), rest[0]: value}
        if rest[0] == "_target_":  # another class takes the arguments that it knows
            known = ("lr", "name") if first in ("optimizer", "data") else ()
            value = {k: v for k, v in value.items() if k in ("_target_", *known)}
    return dataclasses.replace(config, **{first: value})


def leaves(value: Any) -> Iterator[bytes]:
    """Every number of a task's state."""
    if isinstance(value, Tensor):
        yield value.detach().contiguous().cpu().float().numpy().tobytes()
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    else:
        yield repr(value).encode()


def trained(config: RunConfig) -> tuple[list[dict[str, float]], str]:
    """The numbers that a whole training logs, and a checksum of the weights at its end."""
    seed_everything(config.seed)
    with trusting(EVERYTHING):
        task = build_task(config, "cpu")
    evaluate_at_start(task)
    logged: list[dict[str, float]] = []
    for step in range(1, task.total_steps + 1):
        row = {name: float(value) for name, value in task.step().items()}
        evaluated = evaluate(task, step)
        logged.append(row | evaluated)
        if evaluated and (task.is_solved(evaluated) or task.is_hopeless()):
            break
    state = task.state_dict()
    weights = [state[name] for name in ("network", "generator", "gans") if name in state]
    return logged, hashlib.sha256(b"".join(leaves(weights))).hexdigest()


@cache
def base(words: tuple[str, ...]) -> tuple[list[dict[str, float]], str]:
    return trained(composed(words))


@pytest.mark.parametrize(
    ("words", "key", "value"), CASES, ids=[f"{words[0][5:]}-{k}-{v}" for words, k, v in CASES]
)
def test_another_value_gives_other_numbers(words: tuple[str, ...], key: str, value: Any) -> None:
    config = changed(composed(words), key, value)
    assert config.identity != composed(words).identity
    logged, weights = trained(config)
    before, weights_before = base(words)
    if key not in ("eval_samples", "keep_best"):
        assert logged != before
    else:
        assert (logged != before, weights) == (True, weights_before)


@pytest.mark.parametrize("words", [MEMORY, GAN, BY_HAND], ids=["memory", "gan", "by_hand"])
def test_no_key_is_left_out(words: tuple[str, ...]) -> None:
    config = composed(words)
    keys = set(flatten({k: v for k, v in config.to_dict().items() if k != "_target_"}))
    listed = {key for of, changes in CHANGED.items() if of[0] == words[0] for key in changes}
    listed |= SEEN_IN_A_RUN[words].keys()
    assert keys - listed == {"task", *config.NOT_ASKED_FOR}


def test_a_gradient_penalty_has_its_weight() -> None:
    none, one, ten = (
        trained(changed(composed(GAN), "gradient_penalty", weight))[0][0]["d_loss"]
        for weight in (0.0, 1.0, 10.0)
    )
    assert ten - none == pytest.approx(10 * (one - none), rel=1e-4)
    assert one != none


@pytest.mark.parametrize("words", SEEN_IN_A_RUN, ids=["memory", "gan", "by_hand"])
def test_what_only_watches_changes_no_weights(words: tuple[str, ...], tmp_path: Path) -> None:
    plain = lab.run(*words, f"out_dir={tmp_path}")
    for key, value in SEEN_IN_A_RUN[words].items():
        run = lab.run(*words, f"{key}={value}".replace(" ", ""), f"out_dir={tmp_path}")
        assert run.path != plain.path
        for name, weight in plain.weights.items():
            assert weight.equal(run.weights[name]), (key, name)
        other = {"tested_lengths": "accuracy_by_length", "final_samples": "quality"}.get(key)
        if other:
            assert run.result[other] != plain.result[other]
        elif key == "sample_every":
            assert snapshot(run.path / "figures") != snapshot(plain.path / "figures")
        else:
            assert str(run.metrics) != str(plain.metrics)


@pytest.mark.parametrize(
    "more", [("ema=null",), ("ema=null", "discriminator.dropout=0.5"), ("conditional=true",)]
)
def test_sampling_and_measuring_leave_a_game_as_it_was(more: tuple[str, ...]) -> None:
    """Without an average the generator itself is sampled, whose BatchNorm must go on training."""
    rare, often = (
        trained(compose_config(*GAN, *more, f"sample_every={n}", f"eval_every={n}"))[1]
        for n in (100, 1)
    )
    assert rare == often
