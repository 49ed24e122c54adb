"""How far a trained network remembers: the largest T at which 99.9 % of its answers are correct.

The search begins at the length that was trained on. It doubles the length until one fails, or
halves it until one passes, and then bisects to within 1 %. Steps are read in chunks, and only the
free half of each palindrome is kept, so that T=100,000 with n=1,000 fits in 1 GB. A transformer
reads all steps at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from lab.engine.process import random_stream
from lab.memory.layers import is_recurrent
from lab.memory.network import EVALUATION_BATCH, Network
from lab.memory.sequences import palindrome
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples

NEEDED = 0.999
SHORTEST = 3
# The gates of a chunk take 130 MB for 1,000 palindromes and 128 units.
CHUNK = 64


def find_horizon(
    passes: Callable[[int], bool], start: int, longest: int, shortest: int = SHORTEST
) -> int | None:
    """Return the largest length that passes, to within 1 %; None if no length passes.

    If a network fails at one length and passes at a longer one, the result may be below both.

    Args:
        passes: whether a length passes.
        start: the length to try first.
        longest: the largest length to try.
        shortest: the smallest length to try.
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
            if bad == shortest:
                return None
            length = max(length // 2, shortest)
    while bad - good > max(1, good // 100):
        middle = (good + bad) // 2
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


@torch.no_grad()
def accuracy_at(network: Network, sequence: Sequence, seq_len: int, n: int, seed: int) -> float:
    """The share of the answers to `n` new examples that are correct."""
    draws = random_stream(seed, f"horizon {seq_len}")
    if sequence.answer_is_first_symbol and is_recurrent(network.cell):
        return _palindromes_accuracy(network, seq_len, n, draws)
    correct, answers = 0, 0
    for start in range(0, n, EVALUATION_BATCH):
        some = sequence.draw(seq_len, min(EVALUATION_BATCH, n - start), draws)
        correct += int(sequence.correct(answers_to(network, some), some.targets).sum())
        answers += some.targets.numel()
    return correct / answers


def answers_to(network: Network, examples: Examples, chunk: int = CHUNK) -> Tensor:
    """Return `network.answers`, computed `chunk` steps at a time if the cell carries a state."""
    if not is_recurrent(network.cell):
        return network.answers(examples)
    state, parts = None, []
    for steps in torch.arange(examples.inputs.shape[1]).split(chunk):
        x = network.encode(examples.inputs[:, steps[0] : steps[-1] + 1])
        hidden, state = network.cell(x, state)
        now = (examples.due >= steps[0]) & (examples.due <= steps[-1])
        parts.append(hidden[examples.due[now] - steps[0]])
    return network.read_out(torch.cat(parts)).transpose(0, 1)


def _palindromes_accuracy(network: Network, seq_len: int, n: int, draws: torch.Generator) -> float:
    """The accuracy on `n` palindromes, or on all there are if fewer exist."""
    codes = palindrome.distinct_codes(seq_len, n, draws)
    correct = 0
    for some in codes.split(EVALUATION_BATCH):
        half = palindrome.free_digits(some, seq_len, draws)
        correct += int((last_logits(network, half, seq_len).argmax(1) == half[:, 0].long()).sum())
    return correct / len(codes)


def last_logits(network: Network, half: Tensor, seq_len: int, chunk: int = CHUNK) -> Tensor:
    """Return the logits [B, 10] after the T-1 digits of palindromes.

    Args:
        network: the network, which carries a state.
        half: the first digits of the palindromes, uint8 [B, ceil(T/2)].
        seq_len: T.
        chunk: the number of steps that are read at a time.
    """
    state = None
    for steps in torch.arange(seq_len - 1).split(chunk):
        digits = half[:, torch.minimum(steps, seq_len - 1 - steps)]  # [B, chunk]
        _, state = network.cell(network.encode(digits), state)
    assert state is not None
    return network.read_out(state[0])
