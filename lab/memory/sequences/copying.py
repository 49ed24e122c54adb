"""Copy and selective copy: repeat the first symbols, or those at any steps, after a delay."""

from typing import Literal

import torch
from pydantic import validate_call
from torch import Tensor

from lab.config import Count, Several
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples, symbol_type


class Copy(Sequence):
    """Read K symbols, blanks, a signal and K blanks; at the K blanks give the symbols in order.

    Hochreiter & Schmidhuber 1997, "Long short-term memory"; with a delay and a signal as here in
    Arjovsky, Shah & Bengio 2016, "Unitary evolution recurrent neural networks". The delay is
    T - 2K steps; the signal is read at the last of them.

    Args:
        copied: K.
        alphabet: how many symbols there are to copy. The blank is 0 and the signal is 1.
        answers: every: all K symbols are asked for; last: only the last one.
    """

    @validate_call
    def __init__(
        self,
        copied: Count = 5,
        alphabet: Several = 8,
        answers: Literal["last", "every"] = "every",
    ) -> None:
        self.copied, self.answers = copied, answers
        self.symbols, self.outputs = alphabet + 2, alphabet
        self.shortest = 2 * copied + 1

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples; the symbols are uniform, and `places` decides where they are read."""
        symbols = torch.randint(self.outputs, (count, self.copied), generator=generator)
        inputs = torch.zeros(count, seq_len, dtype=symbol_type(self.symbols))
        inputs.scatter_(1, self.places(seq_len, count, generator), (symbols + 2).to(inputs.dtype))
        inputs[:, -self.copied - 1] = 1
        asked = self.copied if self.answers == "every" else 1
        return Examples(inputs, symbols[:, -asked:], torch.arange(seq_len - asked, seq_len))

    def places(self, seq_len: int, count: int, generator: torch.Generator) -> Tensor:
        """The steps at which the symbols are read, int64 [N, K]: the first K, in order."""
        return torch.arange(self.copied).expand(count, -1)


class SelectiveCopy(Copy):
    """As `Copy`, but the K symbols are at random steps before the signal, with blanks between them.

    Jing et al. 2019, "Gated orthogonal recurrent units" ("denoise task"); "selective copying" in Gu
    & Dao 2023, "Mamba: linear-time sequence modeling with selective state spaces".
    """

    def places(self, seq_len: int, count: int, generator: torch.Generator) -> Tensor:
        """Draw distinct steps before the signal, int64 [N, K], in rising order."""
        return spread(seq_len - self.copied - 1, self.copied, count, generator)


def spread(steps: int, chosen: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw distinct numbers below `steps`, int64 [N, chosen], in rising order.

    Each choice can come, but not all with the same probability.
    """
    free = torch.randint(steps - chosen + 1, (count, chosen), generator=generator)
    return free.sort(1).values + torch.arange(chosen)
