"""Five tiny runs whose numbers are recorded: what is no change of numerics changes none of them.

Weights, metrics and result are the same bit for bit on every kind of processor on which they were
recorded. On another kind sums are formed in another order, and there they are compared with a
tolerance that a changed setting exceeds. The end of pytest's output says which of the two it was.

    python -m tests.same_numbers.record          after a change of numerics that is meant
    python -m tests.same_numbers.record --add    record the bits of this kind of processor too
"""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import lab
from tests.numbers import MARKS

RECORDED = Path(__file__).parent / "recorded"
MACHINES = RECORDED / "machines.json"
# Runs so short that rounding does not grow much, with as many parts of training as possible.
RUNS = {
    "lstm": ("task=lstm", "size=small", "data_size=100", "batch_size=32", "max_steps=40",
             "eval_every=3", "log_every=3", "target_accuracy=null", "seq_len=5"),
    "rnn": ("task=lstm", "cell=rnn", "size=small", "seq_len=9", "max_steps=15", "eval_every=3",
            "log_every=1", "stream=true", "lr_schedule=cosine", "optimizer=adamw", "clip_norm=0.5"),
    "gan": ("task=gan", *MARKS, "size=small", "batch_size=16", "max_steps=9", "sample_every=4",
            "eval_every=3", "log_every=1", "eval_samples=60", "final_samples=150",
            "optimizer.lr=1e-4", "discriminator_lr=2e-4"),
    "conditional_gan": (
        "task=gan", *MARKS, "size=small", "batch_size=16", "max_steps=9", "sample_every=4",
        "eval_every=3", "log_every=1", "eval_samples=60", "final_samples=150", "generator=mlp",
        "discriminator=mlp", "loss=relativistic", "conditional=true", "keep_best=true", "ema=0.9",
        "optimizer.lr=1e-4", "discriminator_lr=2e-4"),
    "one_layer_gan": ("task=one_layer_gan", *MARKS, "digits=[0,1]", "epochs=20", "log_every=1",
                      "images_per_epoch=30", "frame_every=3", "eval_samples=40"),
}  # fmt: skip


def train(name: str, out: Path) -> lab.Run:
    return lab.run(*RUNS[name], "device=cpu", f"out_dir={out}")


def machine() -> str:
    """What the last bits depend on: the processor with all its abilities, and the libraries."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
        words = ("model", "cpu family", "stepping", "flags", "cache size", "vendor_id")
        processor = "\n".join(line for line in first if line.startswith(words))
    except OSError:
        processor = platform.platform()
    identity = hashlib.sha256(processor.encode()).hexdigest()[:16]
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{identity} {capability} torch {version('torch')} numpy {version('numpy')}"


def numbers(run: lab.Run) -> dict[str, Any]:
    """The result but for the time, the columns of metrics.csv, and two sums of each weight."""
    weights = {}
    for name, weight in sorted(run.weights.items()):
        values = weight.double().flatten()
        waves = torch.arange(len(values), dtype=torch.float64).cos()  # any change changes the sum
        weights[name] = [float(values.norm()), float((values * waves).sum())]
    result = {key: value for key, value in run.result.items() if key != "seconds"}
    return {"result": result, "metrics": run.metrics, "weights": weights}


def checksums(run: lab.Run) -> dict[str, str]:
    """Of the exact weights and metrics."""
    names = ("model.safetensors", "metrics.csv")
    return {name: hashlib.sha256((run.path / name).read_bytes()).hexdigest() for name in names}
