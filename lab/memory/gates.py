"""What the gates of a trained LSTM do over time, and which of its units carry the first digit."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lab.memory.cells import LSTM
from lab.memory.network import DIGITS, Network

# A unit carries the first digit if the digit explains at least this share of the variance of its
# cell state at every step. With N palindromes, chance alone explains 9 / (N - 1).
CARRIES = 0.5


@dataclass(frozen=True)
class Gates:
    """The gates and the cell state over time, each [T-1, B, H]."""

    f: Tensor
    i: Tensor
    o: Tensor
    c: Tensor


@torch.no_grad()
def gate_values(network: Network, digits: Tensor) -> Gates:
    """Read the digits uint8 [B, T-1] with an LSTM and return its gates and cell states."""
    cell = network.cell
    assert isinstance(cell, LSTM)
    x = network.encode(digits)
    W_h = cell.stacked("W_{}h").T
    h, c = cell.initial_state(x)
    kept = []
    for a in cell.projected(x):
        g, i, f, o = cell.gate(a, W_h, h)
        c = g * i + c * f
        h = torch.tanh(c) * o
        kept.append((f, i, o, c))
    return Gates(*(torch.stack(part) for part in zip(*kept, strict=True)))


def carried_share(c: Tensor, first_digits: Tensor) -> Tensor:
    """The share of each unit's variance over palindromes that the first digit explains, [H].

    It is the smallest share over all steps, from 0 to 1. So a unit that takes the digit over from
    another one during the sequence has a small share.

    Args:
        c: the cell state, float [T-1, B, H].
        first_digits: integers [B].
    """
    c = c.double()
    classes = nn.functional.one_hot(first_digits.long(), DIGITS).double()  # [B, 10]
    counts = classes.sum(0)
    means = (classes / counts.clamp(min=1)).T @ c  # [T-1, 10, H]
    overall = c.mean(1, keepdim=True)
    between = (counts[:, None] * (means - overall) ** 2).sum(1)
    total = ((c - overall) ** 2).sum(1)
    return (between / total.clamp(min=torch.finfo(c.dtype).tiny)).amin(0)


def geometric_mean(f: Tensor) -> float:
    """The geometric mean of forget gates f, of any shape: what they leave of a cell state a step.

    The mean itself says less. Gates of 1 and of 0 have a mean of 0.5, but leave nothing.
    """
    return float(f.double().log().mean().exp())


def half_life(mean: float) -> float:
    """The number of steps after which forget gates of this geometric mean halve a cell state."""
    if mean <= 0:
        return 0.0
    return -math.log(2) / math.log(mean) if mean < 1 else math.inf


def sentence(gates: Gates, share: Tensor) -> str:
    """A caption: how many units carry the first digit, and what their forget gates do."""
    carrying = share >= CARRIES
    count, units = int(carrying.sum()), len(share)
    if count == 0:
        return f"None of the {units} units holds the first digit at every step."
    # The first step has nothing to forget.
    mean = geometric_mean(gates.f[1:, :, carrying])
    verb = "holds" if count == 1 else "hold"
    return (
        f"{count} of {units} units {verb} the first digit at every step. Geometric mean of the "
        f"forget gate {mean:.4f}, which alone halves a cell state in {half_life(mean):,.0f} digits."
    )
