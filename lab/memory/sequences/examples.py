"""Examples of a sequence: what is read, what is to be answered, and when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 1000  # examples whose keys are computed at a time, which bounds the memory


@dataclass(frozen=True)
class Examples:
    """N examples of one length.

    Args:
        inputs: what the network reads at S steps: symbols, integers [N, S], of a type that
            `symbol_type` gives, or numbers, float [N, S, D].
        targets: the A answers, int64 [N, A] or float [N, A].
        due: the steps after which the answers are due, counted from 0, int64 [A].
    """

    inputs: Tensor
    targets: Tensor
    due: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: Tensor | slice) -> "Examples":
        return Examples(self.inputs[rows], self.targets[rows], self.due)

    def to(self, device: str) -> "Examples":
        """Return the same examples on another device."""
        return Examples(*(part.to(device) for part in (self.inputs, self.targets, self.due)))

    def split(self, size: int) -> "Iterator[Examples]":
        """Return parts of at most `size` examples, in order."""
        return (self[slice(i, i + size)] for i in range(0, len(self), size))


def symbol_type(symbols: int) -> torch.dtype:
    """The smallest integer type that holds symbols which are numbered from 0."""
    return torch.uint8 if symbols <= 256 else torch.int32


def joined(parts: Iterable[Examples]) -> Examples:
    """Join sets of examples of one length."""
    parts = list(parts)
    inputs = torch.cat([part.inputs for part in parts])
    return Examples(inputs, torch.cat([part.targets for part in parts]), parts[0].due)


def keys(examples: Examples) -> Tensor:
    """Return a hash of each example's inputs, int64 [N]; equal inputs have equal hashes."""
    flat = examples.inputs.cpu().flatten(1)
    if flat.is_floating_point():
        flat = flat.contiguous().view(torch.int32)
    fixed = torch.Generator().manual_seed(flat.shape[1])
    factors = torch.randint(-(2**63), 2**63 - 1, (flat.shape[1],), generator=fixed)
    return torch.cat([(rows.long() * factors).sum(1) for rows in flat.split(ROWS)])


def first_of_each(examples: Examples) -> Examples:
    """Remove examples whose inputs occurred before; the others keep their order."""
    numbers, order = keys(examples).sort(stable=True)
    first = torch.ones(len(order), dtype=torch.bool)
    first[1:] = numbers[1:] != numbers[:-1]
    return examples[order[first].sort().values]
