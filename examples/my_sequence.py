"""A sequence of your own: which of the symbols read was the largest?

    cd examples && python -m lab --config-dir conf sequence=largest seq_len=20 stream=true

Its sets, curricula, horizons, figures and sweeps come with it.
"""

import torch

from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples, symbol_type


class Largest(Sequence):
    """Read T symbols and give the largest after the last.

    Args:
        symbols: 0 to symbols-1.
    """

    def __init__(self, symbols: int = 10) -> None:
        self.symbols = self.outputs = symbols

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        # A cap for each example, so that every answer comes as often as any other.
        cap = torch.randint(self.symbols, (count, 1), generator=generator)
        drawn = torch.randint(self.symbols, (count, seq_len), generator=generator)
        symbols = torch.minimum(drawn, cap).to(symbol_type(self.symbols))
        largest = symbols.amax(1, keepdim=True).long()
        return Examples(symbols, largest, due=torch.tensor([seq_len - 1]))
