"""How far a trained network remembers: the largest T at which it is correct on 99.9 %.

Lengths are doubled from the one trained on until one is missed (or halved until one is reached),
then bisected to within 1 %. Time is read in
chunks and only the free half of each palindrome is kept, so T=100,000 with n=1000 fits in 1 GB.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from lab.engine.seeding import generator
from lab.memory import palindromes
from lab.memory.network import EVALUATION_BATCH, Network

NEEDED = 0.999
SHORTEST = 3
# For 1000 palindromes and 128 units the gates of a chunk take 130 MB.
CHUNK = 64


def find_horizon(passes: Callable[[int], bool], start: int, longest: int) -> int | None:
    """The largest length that passes, to within 1 %, at most `longest`; None if none does.

    Of a network that fails at one length and passes at a longer one, this finds the shorter side.
    """
    good, bad = None, None
    length = min(start, longest)
    while good is None or bad is None:
        if passes(length):
            good = length
            if good == longest:
                return good
            length = min(2 * length, longest)
        else:
            bad = length
            if bad == SHORTEST:
                return None
            length = max(length // 2, SHORTEST)
    while bad - good > max(1, good // 100):
        middle = (good + bad) // 2
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


@torch.no_grad()
def accuracy_at(network: Network, seq_len: int, n: int, seed: int) -> float:
    """The share of `n` palindromes, or of all there are, whose last digit is found."""
    draws = generator(seed, f"horizon {seq_len}")
    codes = palindromes.distinct_codes(seq_len, n, draws)
    right = 0
    for some in codes.split(EVALUATION_BATCH):
        half = palindromes.free_digits(some, seq_len, draws)
        right += int((last_logits(network, half, seq_len).argmax(1) == half[:, 0].long()).sum())
    return right / len(codes)


def last_logits(network: Network, half: Tensor, seq_len: int, chunk: int = CHUNK) -> Tensor:
    """Logits [B, 10] after the T-1 digits of palindromes, read `chunk` steps at a time.

    Args:
        half: their first ceil(T/2) digits, uint8 [B, ceil(T/2)].
    """
    state = None
    for steps in torch.arange(seq_len - 1).split(chunk):
        digits = half[:, torch.minimum(steps, seq_len - 1 - steps)]  # [B, chunk]
        _, state = network.cell(network.encode(digits), state)
    assert state is not None
    return network.read_out(state[0])
