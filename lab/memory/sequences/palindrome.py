"""Palindrome: the last digit equals the first."""

import torch

from lab.memory import palindromes
from lab.memory.sequences.base import Sequence, Sets
from lab.memory.sequences.batches import Batches
from lab.memory.sequences.examples import Examples

DIGITS = 10


class Palindrome(Sequence):
    """Read the first T-1 digits of a palindrome of length T and give the last, which is the first.

    From the assignment of the deep learning course of the University of Amsterdam, 2019; S2 in
    docs/reproduction.md.
    """

    noun = "palindromes"
    loss_name = "cross-entropy at the last step (nats)"
    # If a network is correct but not sure, training may never recover at twice the length.
    solved_loss = 0.002
    holds_first = True
    symbols = outputs = DIGITS

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw distinct palindromes: `count`, or fewer if fewer exist."""
        codes = palindromes.distinct_codes(seq_len, count, generator)
        return palindromes.as_examples(palindromes.from_codes(codes, seq_len, generator))

    # `draw` gives distinct first digits, and so distinct palindromes.
    distinct = draw

    def count_to_train_on(self, seq_len: int, size: int, train_part: float) -> int:
        """As `Sequence.count_to_train_on`; at small T fewer than `size` palindromes exist."""
        size = min(size, palindromes.count_palindromes(seq_len))
        return super().count_to_train_on(seq_len, size, train_part)

    def stream(
        self, lengths: range, excluded: Sets, batch_size: int, generator: torch.Generator
    ) -> Batches:
        """As `Sequence.stream`, but faster for one length, as palindromes have codes."""
        if len(lengths) > 1:
            return super().stream(lengths, excluded, batch_size, generator)
        known = torch.cat(
            [palindromes.as_digits(part) for part in (excluded.validation, excluded.test)]
        )
        return palindromes.Stream(lengths[0], known, batch_size, generator)

    def tested_lengths(self, seq_len: int) -> list[int]:
        """The lengths of the assignment, 3 to 25."""
        return list(range(3, 26))
