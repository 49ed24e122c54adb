"""Selective copy: repeat the symbols that came at any steps, and skip the blanks."""

import torch
from torch import Tensor

from lab.memory.sequences.copying import Copy


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
