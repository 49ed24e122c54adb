"""Train the networks of a public GAN script for so many CPU seconds, and measure them as ours.

    .venv/bin/python scripts/bench_public.py dcgan.py --seconds 280
    .venv/bin/python scripts/bench_public.py main.py -- --dataset mnist --dataroot ../../data/mnist

The script runs unchanged, on one thread, in a temporary folder in which `../../data/mnist` holds
MNIST as torchvision keeps it. What is after `--` are its own arguments. Its training ends when it
asks for a batch after the last second. Then its generator, the variable `generator` or `netG`,
makes 10,000 images, in evaluation and in training mode; the lower FID counts. Larger images are
scaled back to 28x28 by the least-squares inverse of the scaling, which gives real images back as
they were; plain scaling would blur them to an FID of 8.9. The file is executed: trust it first.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader

from lab.images.cache import default_cache
from lab.images.datasets import Data, load
from lab.images.evaluation import QualityEvaluator

SIDE = 28
GENERATORS = ("generator", "netG")
MNIST = {"_target_": "lab.images.published.MNIST", "name": "mnist"}


class TimeUp(Exception):
    """The CPU seconds are used up."""


def train(file: Path, arguments: list[str], seconds: float) -> tuple[nn.Module, torch.Size, int]:
    """Run the script; return its generator, the shape of its last input, and the batches taken."""
    shapes: dict[nn.Module, torch.Size] = {}
    batches = 0
    begin = 0.0
    plain = DataLoader.__iter__

    def timed(loader: Any) -> Iterator[Any]:
        nonlocal batches, begin
        begin = begin or time.process_time()  # the clock begins with the first batch
        for batch in plain(loader):
            if time.process_time() - begin > seconds:
                raise TimeUp
            batches += 1
            yield batch

    def note(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if type(module).__module__ == "public":
            shapes[module] = inputs[0].shape

    hook = nn.modules.module.register_module_forward_pre_hook(note)
    DataLoader.__iter__ = timed  # type: ignore[method-assign,assignment]
    sys.argv = [str(file), *arguments]
    names: dict[str, Any] = {"__name__": "public", "__file__": str(file)}
    with contextlib.suppress(TimeUp), contextlib.redirect_stdout(None):
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    DataLoader.__iter__ = plain  # type: ignore[method-assign]
    hook.remove()
    generator = next((names[name] for name in GENERATORS if name in names), None)
    if generator not in shapes:
        raise SystemExit(f"{file} has no {' or '.join(GENERATORS)} that made images")
    return generator, shapes[generator], batches


@torch.no_grad()
def samples(generator: nn.Module, shape: torch.Size, count: int) -> Tensor:
    """Images float [count, 1, 28, 28] in [-1, 1] of standard normal inputs."""
    random = torch.Generator().manual_seed(0)
    parts = [generator(torch.randn(100, *shape[1:], generator=random)) for _ in range(count // 100)]
    return scaled_back(torch.cat(parts)[:, :1])


def scaled_back(images: Tensor) -> Tensor:
    """Images [N, 1, S, S] at 28x28: the inverse of bilinear scaling from 28 to S."""
    side = images.shape[-1]
    each = torch.eye(SIDE)[:, None, None]  # [28, 1, 1, 28]
    larger = interpolate(each, (1, side), mode="bilinear", antialias=True)[:, 0, 0]  # [28, S]
    inverse = torch.linalg.pinv(larger)  # [S, 28]
    return (inverse.T @ images @ inverse).clamp(-1, 1)


def measure(data: Data, images: Tensor) -> str:
    """FID, precision, recall and coverage in a line."""
    found = QualityEvaluator(data, "cpu").measure(images)
    return "  ".join(
        f"{name} {found[name]:.2f}" for name in ("fid", "precision", "recall", "coverage")
    )


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=280)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, default=10_000)
    words = [*sys.argv[1:], "--"]
    cut = words.index("--")
    args, theirs = parser.parse_args(words[:cut]), words[cut + 1 : -1]
    torch.set_num_threads(1)
    data = load(MNIST)  # fetches MNIST if it is not in the cache
    file = args.file.resolve()
    torch.manual_seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        here, mnist = Path(folder, "a/b"), Path(folder, "data/mnist")
        here.mkdir(parents=True)
        mnist.mkdir(parents=True)
        (mnist / "MNIST").symlink_to(default_cache() / "MNIST")
        os.chdir(here)
        generator, shape, batches = train(file, theirs, args.seconds)
        os.chdir(file.parent)
    print(f"{file.name}: {batches:,} batches in {args.seconds:g} CPU seconds")
    for mode in ("evaluation", "training"):
        images = samples(generator.train(mode == "training"), shape, args.n)
        print(f"  in {mode} mode: {measure(data, images)}")


if __name__ == "__main__":
    main()
