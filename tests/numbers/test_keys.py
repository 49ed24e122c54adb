"""Every key that makes another run changes its numbers, and no evaluation changes its weights."""

import dataclasses
import hashlib
import io
import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

import lab
from lab.cli import compose_config
from lab.config import RunConfig
from lab.config.base import flatten
from lab.config.trust import EVERYTHING, trusting
from lab.engine.process import seed_everything
from lab.engine.study import build_task
from lab.engine.task import Task, evaluate, evaluate_at_start
from lab.figures.sheets import FRAMES
from tests.numbers import MARKS

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
# The other values of each key, by the command with which it matters; of a group other options.
CHANGED: dict[tuple[str, ...], dict[str, list[Any]]] = {
    MEMORY: {
        "seed": [1], "max_steps": [4], "seq_len": [5], "hidden_size": [16], "batch_size": [8],
        "data_size": [80], "train_part": [0.5], "stream": [True], "epochs": [2],
        "clip_norm": [None, 0.05], "lr_schedule": ["constant", "cosine"], "halve_every": [2],
        "target_accuracy": [0.05], "input": ["number"],
        "cell": ["slstm"], "cell.init": ["default", "chrono"],
        "cell.forget_bias": [1.0], "block.layers": [1], "optimizer": ["sgd"],
        "optimizer.lr": [0.02], "optimizer.alpha": [0.9], "optimizer.eps": [1e-3],
        "optimizer.momentum": [0.5], "optimizer.weight_decay": [0.1],
        "sequence": ["adding"],
    },
    (*MEMORY, "seq_len=12"): {"curriculum": ["doubling"]},
    (*MEMORY, "optimizer.lr=1e-30"): {"patience": [1]},
    (*MEMORY, "cell.init=chrono"): {"cell.longest_memory": [100]},
    (*MEMORY, "block.layers=2"): {"block.norm": ["rms"], "block.mlp": [0, 3]},
    (*MEMORY, "cell=rnn"): {"cell": ["irnn"], "cell.init": ["orthogonal", "identity"]},
    (*MEMORY, "cell=min_gru"): {"cell.layers": [1], "cell.remember_bias": [1.0],
                                "cell.transition": ["coupled", "signed"]},
    (*MEMORY, "cell=delta"): {"cell.heads": [2], "cell.beta_max": [1], "cell.reflections": [2]},
    (*MEMORY, "cell=lru"): {"cell.smallest": [0.5]},
    (*MEMORY, "cell=transformer"): {"cell.layers": [1], "cell.heads": [2]},
    (*MEMORY, "optimizer=sgd"): {"optimizer.momentum": [0.5], "optimizer.nesterov": [True]},
    (*MEMORY, "optimizer=adam"): {"optimizer": ["adamw"],
                                  "optimizer.betas": [[0.5, 0.999], [0.9, 0.9]]},
    (*MEMORY, "sequence=copy", "seq_len=12"): {
        "sequence": ["selective_copy"], "sequence.copied": [3], "sequence.alphabet": [5],
        "sequence.answers": ["last"]},
    (*MEMORY, "sequence=recall", "seq_len=10"): {
        "sequence.pairs": [3], "sequence.keys": [6], "sequence.values": [6],
        "sequence.queries": [2]},
    (*MEMORY, "sequence=modular_sum"): {"sequence.modulus": [3], "sequence.answers": ["every"]},
    (*MEMORY, "sequence=cycle"): {"sequence.places": [4], "sequence.answers": ["every"]},
    (*MEMORY, "sequence=group"): {"sequence.group": ["z5"], "sequence.answers": ["every"]},
    GAN: {
        "seed": [1], "max_steps": [4], "batch_size": [50], "epochs": [1], "data": [],
        "data.name": [], "discriminator_lr": [None, 1e-3], "gradient_penalty": [0.0, 10.0],
        "ema": [None, 0.1], "lr_schedule": ["constant", "cosine"], "precision": ["bf16"],
        "eval_samples": [40], "conditional": [True], "keep_best": [True],
        "generator": [], "generator.latent": [7], "generator.widths": [[8]],
        "generator.batch_norm": [False], "generator.slope": [0.1], "discriminator": [],
        "discriminator.widths": [[8]], "discriminator.slope": [0.1],
        "discriminator.dropout": [0.5], "discriminator.spectral_norm": [False],
        "optimizer": ["adamw"], "optimizer.lr": [1e-3],
        "optimizer.betas": [[0.5, 0.9], [0.0, 0.5]], "optimizer.eps": [1e-3],
        "optimizer.weight_decay": [0.1], "optimizer.fused": [],  # it gives the same numbers
        "loss": ["minimax", "wasserstein"],
    },
    CONV: {
        "generator.width": [6], "generator.hidden": [[12]], "generator.slope": [0.1],
        "generator.latent": [7], "discriminator.width": [6], "discriminator.slope": [0.1],
        "discriminator.dropout": [0.5], "discriminator.spectral_norm": [False],
    },
    (*GAN, "loss=non_saturating"): {"loss.real_target": [0.9]},
    (*GAN, "loss=relativistic"): {"loss.r1": [2.0], "loss.r2": [2.0], "loss.penalty_every": [2]},
    BY_HAND: {
        "seed": [1], "max_steps": [4], "data": [], "data.name": [], "digits": [[0, 1]],
        "noise_size": [6], "noise": ["uniform"], "init_scale": [0.02], "generator_hidden": [4],
        "discriminator_hidden": [4], "rule": ["adam"], "reduction": ["mean"], "lr": [2e-3],
        "discriminator_lr": [2e-3], "discriminator_decay": [0.1], "epochs": [4],
        "images_per_epoch": [30], "eval_samples": [30],
    },
}  # fmt: skip
GROUPS = ("cell", "data", "discriminator", "generator", "loss", "optimizer", "sequence")


def logged(run: lab.Run) -> bool:
    """Whether every step has a row."""
    return run.metrics["step"] == list(range(1, run.result["steps"] + 1))


def measured(name: str) -> Callable[[lab.Run], list[float]]:
    """The steps at which a metric was measured."""
    return lambda run: [
        step for step, value in zip(run.metrics["step"], run.metrics[name], strict=True)
        if not math.isnan(value)
    ]  # fmt: skip


def frames(run: lab.Run) -> list[int]:
    with np.load(run.path / "figures" / FRAMES) as arrays:
        return list(arrays["steps"])


# The keys that change no weights, with another value of each and what it changes in a run.
SEEN_IN_A_RUN: dict[tuple[str, ...], dict[str, tuple[Any, Callable[[lab.Run], Any]]]] = {
    MEMORY: {
        "log_every": (1, logged), "eval_every": (4, measured("val_loss")),
        "tested_lengths": ([3, 5], lambda run: list(run.result["accuracy_by_length"])),
    },
    GAN: {
        "log_every": (1, logged), "eval_every": (4, measured("fid")), "sample_every": (4, frames),
        "final_samples": (50, lambda run: run.result["quality"]["n"]),
    },
    BY_HAND: {"log_every": (1, logged), "frame_every": (4, measured("fid"))},
}  # fmt: skip
CASES = [(words, key, value) for words, keys in CHANGED.items() for key, values in keys.items()
         for value in values]  # fmt: skip


@cache
def composed(words: tuple[str, ...]) -> RunConfig:
    return compose_config(*words)


def changed(words: tuple[str, ...], key: str, value: Any) -> RunConfig:
    if key in GROUPS:
        return composed((*words, f"{key}={value}"))
    config, (first, *rest) = composed(words), key.split(".")
    if rest:
        part = getattr(config, first)
        new = {rest[0]: value}
        value = {**part, **new} if isinstance(part, dict) else dataclasses.replace(part, **new)
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


class Trained(NamedTuple):
    """The numbers that a whole training logs, and checksums at its end."""

    logged: list[dict[str, float]]
    weights: str
    state: str


def trained(config: RunConfig, pause: int = 0, watched: bool = True) -> Trained:
    """Train as the loop does, without its files; after `pause` steps another task takes over."""
    task, logged = begun(config), []
    task.evaluators = task.evaluators if watched else ()
    evaluate_at_start(task)
    for step in range(1, task.total_steps + 1):
        row = {name: float(value) for name, value in task.step().items()}
        evaluated = evaluate(task, step)
        logged.append(row | evaluated)
        if evaluated and (task.is_solved(evaluated) or task.is_hopeless()):
            break
        if step == pause:
            file, random = io.BytesIO(), torch.get_rng_state()
            torch.save(task.state_dict(), file)
            file.seek(0)
            task = begun(config)
            task.load_state_dict(torch.load(file, weights_only=True))
            torch.set_rng_state(random)
    state = task.state_dict()
    weights = [state[name] for name in ("network", "generator", "gans") if name in state]
    return Trained(
        logged, *(hashlib.sha256(b"".join(leaves(s))).hexdigest() for s in (weights, state))
    )


def checksum(values: Any) -> str:
    return hashlib.sha256(b"".join(leaves(values))).hexdigest()


def begun(config: RunConfig) -> Task:
    seed_everything(config.seed)
    with trusting(EVERYTHING):
        return build_task(config, "cpu")


@cache
def base(words: tuple[str, ...]) -> Trained:
    return trained(composed(words))


@pytest.mark.parametrize(
    ("words", "key", "value"), CASES, ids=[f"{words[0][5:]}-{k}-{v}" for words, k, v in CASES]
)
def test_another_value_gives_other_numbers(words: tuple[str, ...], key: str, value: Any) -> None:
    config = changed(words, key, value)
    assert config.identity != composed(words).identity
    other = trained(config)
    assert other.logged != base(words).logged
    if key in ("eval_samples", "keep_best"):
        assert other.weights == base(words).weights


RESUMED = [
    *CHANGED,
    (*GAN, "loss=wasserstein", "discriminator.dropout=0.4"),
    (*GAN, "loss=relativistic", "loss.penalty_every=2", "conditional=true"),
    (*GAN, "keep_best=true", "precision=bf16"),
    (*MEMORY, "optimizer.lr=1e-30", "patience=2"),
    (*MEMORY, "stream=true"),
    *((*MEMORY, "stream=true", "curriculum=upper_half", "seq_len=12", f"sequence={name}")
      for name in ("palindrome", "copy", "selective_copy", "recall", "adding", "parity", "group")),
]  # fmt: skip


@pytest.mark.parametrize("words", RESUMED, ids=" ".join)
def test_a_saved_state_goes_on_bit_for_bit(words: tuple[str, ...]) -> None:
    assert trained(composed(words), pause=3) == base(words)


@pytest.mark.parametrize("words", [MEMORY, GAN, BY_HAND], ids=["memory", "gan", "by_hand"])
def test_no_key_is_left_out(words: tuple[str, ...]) -> None:
    config = composed(words)
    keys = {key.removesuffix("._target_") for key in flatten(config.to_dict())}
    listed = {key for of, changes in CHANGED.items() if of[0] == words[0] for key in changes}
    listed |= SEEN_IN_A_RUN[words].keys()
    assert keys - listed == {"_target_", "task", *config.NOT_IN_HASH}


def test_a_gradient_penalty_has_its_weight() -> None:
    none, one, ten = (
        trained(changed(GAN, "gradient_penalty", weight)).logged[0]["d_loss"]
        for weight in (0.0, 1.0, 10.0)
    )
    assert ten - none == pytest.approx(10 * (one - none), rel=1e-4)
    assert one != none


@pytest.mark.parametrize("words", SEEN_IN_A_RUN, ids=["memory", "gan", "by_hand"])
def test_what_only_watches_changes_no_weights(words: tuple[str, ...], tmp_path: Path) -> None:
    keys, out = SEEN_IN_A_RUN[words], f"out_dir={tmp_path}"
    plain = lab.run(*words, out)
    others = (f"{key}={value}".replace(" ", "") for key, (value, _) in keys.items())
    run = lab.run(*words, *others, out)
    assert run.path != plain.path
    for name, weight in plain.weights.items():
        assert weight.equal(run.weights[name]), name
    for key, (_, shown) in keys.items():
        assert shown(run) != shown(plain), key
    assert logged(run)


@pytest.mark.parametrize(
    "words",
    [
        (*GAN, "ema=null"),  # the generator itself is sampled, whose BatchNorm must go on training
        (*GAN, "ema=null", "discriminator.dropout=0.5"),
        (*GAN, "conditional=true"),
        (*MEMORY, "cell=torch_gru", "cell.num_layers=2", "+cell.dropout=0.5"),
        BY_HAND,
    ],
)
def test_evaluations_leave_the_training_as_it_was(words: tuple[str, ...]) -> None:
    every = ["frame_every=1"] if words == BY_HAND else ["eval_every=1"]
    often = compose_config(*words, *every, *(["sample_every=1"] if words[0] == GAN[0] else []))
    assert trained(often).weights == trained(often, watched=False).weights
