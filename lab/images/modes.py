"""How many of the known modes of a data set a generator finds, and how evenly."""

from dataclasses import dataclass

import torch
from torch import Tensor

# The number of samples behind published results on stacked MNIST.
SAMPLES = 25_600


@dataclass(frozen=True)
class Modes:
    """The modes that a classifier reads in samples.

    Args:
        found: the number of modes with at least one sample.
        kl: the Kullback-Leibler divergence of the modes' distribution from the uniform one, in
            nats.
    """

    found: int
    kl: float


def count_modes(labels: Tensor, modes: int) -> Modes:
    """Count the modes.

    Args:
        labels: the classes that are read in the samples, int64 [N].
        modes: the number of modes that exist.
    """
    counts = torch.bincount(labels.cpu(), minlength=modes).double()
    shares = counts[counts > 0] / len(labels)
    return Modes(len(shares), float((shares * (shares * modes).log()).sum()))
