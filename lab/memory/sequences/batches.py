"""Endless batches: of a fixed set, epoch by epoch, or of new examples."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch

from lab.config.errors import UserError
from lab.memory.sequences.examples import Examples, joined, keys

# Draws of a batch, after which it must be full.
MOST_DRAWS = 200
Draw = Callable[[int, int, torch.Generator], Examples]
"""`Sequence.draw`."""


class Batches(Protocol):
    """Endless batches that can continue from a saved state."""

    def next(self) -> Examples:
        """Return the next batch."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Epochs:
    """Batches of a fixed set, which is shuffled before each epoch.

    The last batch of an epoch may be smaller.

    Args:
        examples: the fixed set.
        batch_size: the number of examples in a batch.
        generator: the random stream of the order, on the CPU.
    """

    def __init__(self, examples: Examples, batch_size: int, generator: torch.Generator) -> None:
        self._examples, self._batch_size, self._generator = examples, batch_size, generator
        self._order = torch.empty(0, dtype=torch.int64)

    def next(self) -> Examples:
        if len(self._order) == 0:
            self._order = torch.randperm(len(self._examples), generator=self._generator)
        batch, self._order = self._order.tensor_split([self._batch_size])
        return self._examples[batch]

    def state_dict(self) -> dict[str, Any]:
        # torch saves a view with the whole tensor behind it.
        return {"generator": self._generator.get_state(), "order": self._order.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["generator"])
        self._order = state["order"]


class Stream:
    """Endless batches of new examples, each of one length.

    Args:
        draw: `Sequence.draw`.
        lengths: the lengths; that of each batch is drawn at random.
        excluded: sets whose examples are never drawn.
        batch_size: the number of examples in a batch.
        generator: the random stream of the lengths and the examples, on the CPU.
    """

    def __init__(
        self,
        draw: Draw,
        lengths: range,
        excluded: Iterable[Examples],
        batch_size: int,
        generator: torch.Generator,
    ) -> None:
        self._draw, self._lengths, self._generator = draw, lengths, generator
        self._batch_size = batch_size
        self._excluded = torch.cat([keys(examples) for examples in excluded])

    def next(self) -> Examples:
        choice = torch.randint(len(self._lengths), (), generator=self._generator)
        length = self._lengths[int(choice)]
        batch = self._new(length)
        for _ in range(MOST_DRAWS):
            if len(batch) >= self._batch_size:
                return batch[slice(self._batch_size)]
            batch = joined([batch, self._new(length)])
        raise UserError(
            f"stream=true: almost every example of T={length} is in the validation or the test "
            "set, so that new ones are hardly found; a larger data_size leaves more"
        )

    def _new(self, length: int) -> Examples:
        examples = self._draw(length, self._batch_size, self._generator)
        return examples[~torch.isin(keys(examples), self._excluded)]

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["generator"])
