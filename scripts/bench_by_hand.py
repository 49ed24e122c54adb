"""Is the hand-written step as fast as the same nets with torch's autograd? One thread, CPU.

    python scripts/bench_by_hand.py
    python scripts/bench_by_hand.py --hidden 128 --rule adam --steps 100

CPU time, not wall time, and blocks of steps of the two interleaved, so that a busy machine slows
both alike; the ratio is the median over pairs of blocks. Both see the same images, noise and
weights, and the script fails if their losses differ.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from lab.by_hand.config import OneLayerConfig
from lab.by_hand.gans import StackedGans
from lab.cli import compose_config
from lab.engine.process import random_stream

GANS, BATCH, EPOCHS = 10, 200, 2000
PIXELS = 28 * 28


class AutogradGans:
    """The game of `StackedGans` in the words of torch, on its start and its noise."""

    def __init__(self, start: StackedGans) -> None:
        self.noise, config = start.noise, start.config
        self.g = [param.clone().requires_grad_() for param in start.generator.params]
        self.d = [param.clone().requires_grad_() for param in start.discriminator.params]
        kind = torch.optim.Adam if config.rule == "adam" else torch.optim.SGD
        self.g_optimizer = kind(self.g, lr=config.lr)
        self.d_optimizer = kind(self.d, lr=config.lr)
        self.mean = config.reduction == "mean"

    @staticmethod
    def forward(params: list[Tensor], x: Tensor) -> Tensor:
        for i in range(0, len(params), 2):
            x = torch.baddbmm(params[i + 1], torch.relu(x) if i else x, params[i])
        return x

    def step(self, real: Tensor) -> tuple[Tensor, Tensor]:
        count = real.shape[1]
        scale = 1 / count if self.mean else 1.0
        fake = torch.relu(self.forward(self.g, self.noise(count)))
        on_real, on_fake = self.forward(self.d, real), self.forward(self.d, fake.detach())
        d_loss = binary_cross_entropy_with_logits(
            on_real, torch.ones_like(on_real), reduction="none"
        ) + binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake), reduction="none")
        self.d_optimizer.zero_grad()
        (d_loss.sum() * scale).backward()
        self.d_optimizer.step()
        g_loss = softplus(-self.forward(self.d, fake))
        self.g_optimizer.zero_grad()
        (g_loss.sum() * scale).backward(inputs=self.g)
        self.g_optimizer.step()
        return d_loss.detach().mean((1, 2)), g_loss.detach().mean((1, 2))


def milliseconds(step: Callable[[Tensor], object], real: Tensor, steps: int) -> float:
    """The CPU time of a step: of one thread, so it is the wall time where nobody else computes."""
    start = time.process_time()
    for _ in range(steps):
        step(real)
    return (time.process_time() - start) / steps * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hidden", type=int, default=0, help="hidden width of both nets; 0: none")
    parser.add_argument("--rule", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--steps", type=int, default=20, help="steps in a block")
    parser.add_argument("--pairs", type=int, default=9, help="pairs of blocks")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    hidden = [f"{player}_hidden={asked.hidden}" for player in ("generator", "discriminator")]
    config = compose_config("task=one_layer_gan", *hidden, f"rule={asked.rule}")
    assert isinstance(config, OneLayerConfig)

    def stack() -> StackedGans:
        rngs = [random_stream(0, f"digit {k}") for k in range(GANS)]
        return StackedGans(rngs, config, pixels=PIXELS)

    real = torch.rand(GANS, BATCH, PIXELS, generator=random_stream(0, "real"))
    by_hand, autograd = stack(), AutogradGans(stack())
    for _ in range(3):
        torch.testing.assert_close(by_hand.step(real), autograd.step(real), rtol=1e-3, atol=1e-4)
    pairs = [
        (
            milliseconds(by_hand.step, real, asked.steps),
            milliseconds(autograd.step, real, asked.steps),
        )
        for _ in range(asked.pairs)
    ]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"by hand   {mine:6.2f} ms a step, {mine * EPOCHS / 1000:.0f} s for {EPOCHS} epochs")
    print(f"autograd  {theirs:6.2f} ms a step")
    print(f"autograd / by hand: {ratio:.2f} (median of {asked.pairs} pairs; 1 or more is the aim)")


if __name__ == "__main__":
    main()
