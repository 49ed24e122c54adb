"""How many modes of a data set whose modes are known a generator finds, and how evenly."""

from dataclasses import dataclass

import torch
from torch import Tensor

# As many samples as published numbers of stacked MNIST rest on.
SAMPLES = 25_600


@dataclass(frozen=True)
class Modes:
    """What a classifier reads in samples.

    Args:
        found: modes with at least one sample.
        kl: the Kullback-Leibler divergence of their distribution from the even one, in nats.
    """

    found: int
    kl: float


def count_modes(labels: Tensor, modes: int) -> Modes:
    """Count what is read.

    Args:
        labels: of the samples, int64 [N].
        modes: how many there are.
    """
    counts = torch.bincount(labels.cpu(), minlength=modes).double()
    shares = counts[counts > 0] / len(labels)
    return Modes(len(shares), float((shares * (shares * modes).log()).sum()))
