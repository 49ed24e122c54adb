"""Four tiny runs whose numbers are recorded: what is no change of numerics changes none of them.

On the kind of machine where they were recorded weights and metrics are the same bit for bit. On
another one sums are formed in another order, so there the metrics are compared with a tolerance.
After a change of numerics that is meant: `python -m tests.same_numbers.record`.
"""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch

RECORDED = Path(__file__).parent / "recorded"
IMAGES = ("data=folder", "data.root={images}")


class Recorded(NamedTuple):
    """A run, and the last step up to which every kind of machine gives nearly the same metrics."""

    words: tuple[str, ...]
    steady_until: int


RUNS = {
    "lstm": Recorded(
        ("task=lstm", "size=small", "data_size=100", "batch_size=32", "max_steps=40",
         "eval_every=5", "log_every=3", "target_accuracy=null", "seq_len=3"), 40,
    ),
    # Later the differences grow tenfold within a few steps, here and in the GAN.
    "rnn": Recorded(("task=lstm", "cell=rnn", "size=small", "seq_len=9", "max_steps=30"), 10),
    "gan": Recorded(
        ("task=gan", *IMAGES, "size=small", "batch_size=8", "max_steps=12", "sample_every=4",
         "eval_every=6", "log_every=2", "eval_samples=20", "final_samples=30",
         "generator=mlp", "discriminator=mlp", "optimizer.lr=5e-4", "discriminator_lr=1e-3"), 4,
    ),
    "one_layer_gan": Recorded(
        ("task=one_layer_gan", *IMAGES, "digits=[0,1]", "epochs=20", "images_per_epoch=8",
         "frame_every=10", "log_every=5", "eval_samples=8"), 20,
    ),
}  # fmt: skip


def machine() -> dict[str, str]:
    """What the last bits depend on: the processor with all its abilities, and the libraries."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
        words = ("model", "cpu family", "stepping", "flags", "cache size", "vendor_id")
        processor = "\n".join(line for line in first if line.startswith(words))
    except OSError:
        processor = platform.platform()
    libraries = {name: version(name) for name in ("torch", "numpy")}
    capability = torch.backends.cpu.get_cpu_capability()
    identity = hashlib.sha256(processor.encode()).hexdigest()[:16]
    return {"processor": identity, "capability": capability, **libraries}


def checksums(folder: Path) -> dict[str, str]:
    """Of a run's weights and metrics."""
    names = ("model.safetensors", "metrics.csv")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
