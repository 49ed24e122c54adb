"""Adding: the sum of the two marked numbers."""

import torch
from torch import Tensor, nn

from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples


class Adding(Sequence):
    """Read T pairs of a number and a mark; after the last, give the sum of the two marked numbers.

    Hochreiter & Schmidhuber 1997, "Long short-term memory", section 5.4, in the form of Le, Jaitly
    & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear units": the
    numbers are uniform in [0, 1], and there is one mark in each half. As in the first paper, an
    answer is correct if its error is below 0.04.
    """

    loss_name = "mean squared error of an answer"
    solved_loss = 0.0004
    numbers = 2
    outputs = 1
    TOLERANCE = 0.04

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples; the place of each mark is uniform in its half."""
        numbers = torch.rand(count, seq_len, generator=generator)
        half = seq_len // 2
        first = torch.randint(half, (count, 1), generator=generator)
        second = torch.randint(half, seq_len, (count, 1), generator=generator)
        marked = torch.cat([first, second], dim=1)  # [N, 2]
        marks = torch.zeros(count, seq_len).scatter_(1, marked, 1.0)
        total = numbers.gather(1, marked).sum(1, keepdim=True)
        return Examples(torch.stack([numbers, marks], -1), total, torch.tensor([seq_len - 1]))

    @property
    def chance(self) -> float:
        """The accuracy of the best constant guess, 1. The density of the sum is 1 - |sum - 1|."""
        return 2 * self.TOLERANCE - self.TOLERANCE**2

    @property
    def chance_loss(self) -> float:
        """The squared error of the guess 1, which is the variance of the sum."""
        return 1 / 6

    def loss(self, outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """The squared error."""
        return nn.functional.mse_loss(outputs[..., 0], targets, reduction=reduction)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Which answers have an error below 0.04, bool [N, A]."""
        return (outputs[..., 0] - targets).abs() < self.TOLERANCE
