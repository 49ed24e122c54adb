"""Selective copy: give back what came somewhere, and skip the rest."""

import torch
from torch import Tensor

from lab.memory.sequences.copying import Copy


class SelectiveCopy(Copy):
    """As `Copy`, but the K symbols are anywhere before the signal, with blanks between them.

    Jing et al. 2019, "Gated orthogonal recurrent units" ("denoise task"); "selective copying" in Gu
    & Dao 2023, "Mamba: linear-time sequence modeling with selective state spaces".
    """

    def places(self, seq_len: int, count: int, generator: torch.Generator) -> Tensor:
        """Distinct steps before the signal, in order, int64 [N, K]."""
        return spread(seq_len - self.copied - 1, self.copied, count, generator)


def spread(steps: int, chosen: int, count: int, generator: torch.Generator) -> Tensor:
    """Distinct numbers below `steps` in rising order, int64 [N, chosen]. Each choice may come."""
    free = torch.randint(steps - chosen + 1, (count, chosen), generator=generator)
    return free.sort(1).values + torch.arange(chosen)
