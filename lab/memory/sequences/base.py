"""A sequence: what a network reads, what it must answer, and when its answers are due.

To add a sequence, write a class derived from `Sequence` and a YAML file in conf/sequence. The class
must define `draw`; everything else has defaults.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.memory.sequences.examples import Examples, first_of_each, joined, keys

# All examples that exist have been found when so many draws in a row bring no new one.
FRUITLESS = 3
# Draws of a batch, after which it must be full.
MOST_DRAWS = 200
Draw = Callable[[int, int, torch.Generator], Examples]
"""`Sequence.draw`."""


@dataclass(frozen=True)
class Sets:
    """Three sets of one length, each of distinct examples, that have no example in common."""

    train: Examples
    validation: Examples
    test: Examples


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


class Sequence:
    """The base of all sequences: symbols are read and an answer is a class, if not changed.

    `seq_len` is the length of the whole sequence: all steps, including those at which answers are
    due. The last digit of a palindrome is the answer and is not read.
    """

    noun: ClassVar[str] = "sequences"
    """The plural noun for its examples, in figures."""

    loss_name: ClassVar[str] = "mean cross-entropy of an answer (nats)"
    """The label of an axis, with the unit."""

    solved_loss: ClassVar[float] = 0.02
    """The validation loss below which curriculum=doubling goes on to longer sequences."""

    answer_is_first_symbol: ClassVar[bool] = False
    """Whether the answer is the first symbol alone; the probe and the gates need this."""

    shortest: int = 3
    """The smallest `seq_len`."""

    symbols: int = 2
    """How many symbols there are, numbered from 0."""

    numbers: int = 0
    """D if the network reads D numbers at each step; 0 if it reads symbols."""

    outputs: int = 2
    """How many numbers the network returns for an answer: one for each class."""

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples independently of each other, all at once.

        Args:
            seq_len: T, at least `shortest`.
            count: N.
            generator: the random stream, on the CPU; all randomness must come from it.
        """
        raise NotImplementedError

    @property
    def chance(self) -> float:
        """The accuracy of the best constant guess."""
        return 1 / self.outputs

    @property
    def chance_loss(self) -> float:
        """The loss of the same guess."""
        return math.log(self.outputs)

    def loss(self, outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return the mean or the sum of the loss over all answers, a scalar.

        Args:
            outputs: the network's, float [N, A, outputs].
            targets: int64 [N, A].
            reduction: mean or sum.
        """
        return nn.functional.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), reduction=reduction
        )

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Which answers are correct, bool [N, A]; the arguments are those of `loss`."""
        return outputs.argmax(-1) == targets

    def tested_lengths(self, seq_len: int) -> list[int]:
        """The lengths at which a network trained at `seq_len` is tested by default."""
        lengths = {seq_len * times // 4 for times in (1, 2, 3, 4, 6, 8, 16)}
        return sorted(max(length, self.shortest) for length in lengths)

    def sets(
        self,
        seq_len: int,
        size: int,
        train_part: float,
        test_size: int,
        generator: torch.Generator,
    ) -> Sets:
        """Draw training, validation and test set.

        Args:
            seq_len: T of all examples.
            size: the size of training and validation set together; all examples if fewer exist.
            train_part: the training set's share of `size`; each of the two has at least one.
            test_size: the size of the test set; as many as are left if fewer exist, perhaps none.
            generator: the random stream, on the CPU.
        """
        examples = self.distinct(seq_len, size + test_size, generator)
        size = min(size, len(examples))
        if size < 2:
            raise UserError(f"seq_len={seq_len}: {type(self).__name__} has fewer than two examples")
        train_size = self.count_to_train_on(seq_len, size, train_part)
        train, validation = examples[slice(train_size)], examples[slice(train_size, size)]
        return Sets(train, validation, examples[slice(size, None)])

    def distinct(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw distinct examples, or fewer if fewer exist; `draw` explains the arguments."""
        examples = first_of_each(self.draw(seq_len, count, generator))
        fruitless = 0
        while len(examples) < count and fruitless < FRUITLESS:
            more = first_of_each(joined([examples, self.draw(seq_len, count, generator)]))
            fruitless = fruitless + 1 if len(more) == len(examples) else 0
            examples = more
        return examples[slice(count)]

    def count_to_train_on(self, seq_len: int, size: int, train_part: float) -> int:
        """The size of the training set, which is one epoch; `sets` explains the arguments."""
        return min(max(round(size * train_part), 1), size - 1)

    def stream(
        self, lengths: range, excluded: Sets, batch_size: int, generator: torch.Generator
    ) -> Batches:
        """Endless new batches, each of one of these lengths, without the excluded examples."""
        return Stream(
            self.draw, lengths, (excluded.validation, excluded.test), batch_size, generator
        )
