"""Modular sum: the sum of the digits modulo m."""

import torch
from pydantic import validate_call

from lab.config import Several
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples


class ModularSum(Sequence):
    """Read T digits below m; after the last, give their sum modulo m.

    It is the automaton of a cyclic group in Liu et al. 2023, "Transformers learn shortcuts to
    automata", and the "modular arithmetic" of Deletang et al. 2023, "Neural networks and the
    Chomsky hierarchy", with sums alone.

    Args:
        modulus: m; the digits are 0 to m-1.
    """

    @validate_call
    def __init__(self, modulus: Several = 5) -> None:
        self.symbols = self.outputs = modulus

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples of uniform digits."""
        digits = torch.randint(
            self.symbols, (count, seq_len), generator=generator, dtype=torch.uint8
        )
        total = digits.sum(1, keepdim=True) % self.symbols  # torch sums uint8 as int64
        return Examples(digits, total, torch.tensor([seq_len - 1]))
