"""Milliseconds of a training step of B3 at batch 64: ours in fp32 and bf16 against a plain script.

    .venv/bin/python scripts/bench_gan.py            200 steps of each, in turn, five times
    .venv/bin/python scripts/bench_gan.py --steps 50

The plain script: a DataLoader over torchvision's MNIST with Resize, ToTensor and Normalize, the
same networks, real and generated images in separate passes, plain Adam. All on one thread, in one
process, in turn. Read the ratios: absolute times change with the machine.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from lab.cli import compose_config
from lab.generation.config import GanConfig
from lab.generation.networks import MLPDiscriminator, MLPGenerator
from lab.generation.task import GanTask
from lab.images.cache import default_cache

ROUNDS = 5
MNIST_SHAPE = (1, 28, 28)
Step = Callable[[], object]


def plain_step() -> Step:
    """One step of a plain script at each call."""
    to_tensor = transforms.Compose(
        [transforms.Resize(28), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
    )
    # The files lie in the cache since the first run of task=gan.
    data = MNIST(str(default_cache()), train=True, transform=to_tensor)
    generator = MLPGenerator(100, [128, 256, 512, 1024], image_shape=MNIST_SHAPE)
    discriminator = nn.Sequential(
        MLPDiscriminator([512, 256], image_shape=MNIST_SHAPE), nn.Sigmoid()
    )
    g_adam = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_adam = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    cross_entropy = nn.BCELoss()

    def batches() -> Iterator[Tensor]:
        while True:
            for images, _ in DataLoader(data, batch_size=64, shuffle=True, drop_last=True):
                yield images

    real_images = batches()
    valid, invalid = torch.ones(64), torch.zeros(64)

    def step() -> None:
        real = next(real_images)
        g_adam.zero_grad()
        fake = generator(torch.randn(64, 100))
        cross_entropy(discriminator(fake), valid).backward()
        g_adam.step()
        d_adam.zero_grad()
        real_loss = cross_entropy(discriminator(real), valid)
        fake_loss = cross_entropy(discriminator(fake.detach()), invalid)
        ((real_loss + fake_loss) / 2).backward()
        d_adam.step()

    return step


def our_step(precision: str) -> Step:
    """The step of `+experiment=b3_strong_d`."""
    words = ("+experiment=b3_strong_d", f"precision={precision}", "max_steps=1000000")
    config = compose_config(*words)
    assert isinstance(config, GanConfig)
    return GanTask(config, "cpu").step


def milliseconds(step: Step, count: int) -> float:
    """Mean over `count` calls."""
    begin = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - begin) / count * 1e3


def main() -> None:
    """Print the three times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    count = parser.parse_args().steps
    torch.set_num_threads(1)
    steps = {"plain": plain_step(), "fp32": our_step("fp32"), "bf16": our_step("bf16")}
    for step in steps.values():
        milliseconds(step, 5)  # the first calls pay for torch's own start
    rounds = [{name: milliseconds(s, count) for name, s in steps.items()} for _ in range(ROUNDS)]
    for name in steps:
        times = [r[name] for r in rounds]
        ratio = median(r["plain"] / r[name] for r in rounds)
        print(f"{name:>6}  {median(times):6.1f} ms a step  plain/{name} {ratio:.2f}")


if __name__ == "__main__":
    main()
