"""A sequence: what a network reads, what it must answer, and when its answers are due.

A sequence of the user's own is a class derived from `Sequence` and a YAML file in conf/sequence.
It must write `draw`; all else has defaults.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.memory.sequences.batches import Batches, Stream
from lab.memory.sequences.examples import Examples, first_of_each, joined

# A set is complete when so many draws of its size in a row bring no new example.
FRUITLESS = 3


@dataclass(frozen=True)
class Sets:
    """Three sets of one length, each of distinct examples, that have no example in common."""

    train: Examples
    held_out: Examples
    test: Examples


class Sequence:
    """Symbols in, classes out, unless a class says otherwise.

    `seq_len` is the length of the whole sequence everywhere: all that is read, with the steps at
    which answers are due. Of a palindrome the last digit is the answer and is not read.
    """

    noun: ClassVar[str] = "sequences"
    """Of its examples, in figures."""

    loss_name: ClassVar[str] = "mean cross-entropy of an answer (nats)"
    """With its unit, on an axis."""

    solved_loss: ClassVar[float] = 0.02
    """The validation loss below which curriculum=doubling goes on to longer ones."""

    holds_first: ClassVar[bool] = False
    """Whether the answer is the first symbol and nothing else; probe and gates look for that."""

    shortest: int = 3
    """The least `seq_len`."""

    symbols: int = 2
    """Symbols are numbered 0 to symbols-1."""

    numbers: int = 0
    """D, where the network reads D numbers a step and no symbols."""

    outputs: int = 2
    """How many numbers the network gives for an answer: one for each class."""

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples independently of each other, all at once.

        Args:
            seq_len: at least `shortest`.
            count: N.
            generator: on the CPU; nothing else is random.
        """
        raise NotImplementedError

    @property
    def chance(self) -> float:
        """The accuracy of the best guess that looks at nothing."""
        return 1 / self.outputs

    @property
    def chance_loss(self) -> float:
        """The loss of the same guess."""
        return math.log(self.outputs)

    def loss(self, outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """The mean loss of all answers, or its sum, a scalar.

        Args:
            outputs: float [N, A, outputs].
            targets: [N, A].
            reduction: mean or sum.
        """
        return nn.functional.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), reduction=reduction
        )

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Which answers are correct, bool [N, A]; the arguments are those of `loss`."""
        return outputs.argmax(-1) == targets

    def tested_lengths(self, seq_len: int) -> list[int]:
        """The lengths at which a network trained to `seq_len` is tested, if none are asked for."""
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
            seq_len: of all their examples.
            size: how many to train on and hold out together; all there are, when fewer exist.
            train_part: the share of them that is trained on; at least one is, and one is held out.
            test_size: how many more, that are in neither set; as many as are left, perhaps none.
            generator: decides which.

        Raises:
            UserError: fewer than two exist.
        """
        found = self.distinct(seq_len, size + test_size, generator)
        size = min(size, len(found))
        if size < 2:
            raise UserError(f"seq_len={seq_len}: {type(self).__name__} has no two examples")
        train_size = self.count_to_train_on(seq_len, size, train_part)
        train, held_out = found[slice(train_size)], found[slice(train_size, size)]
        return Sets(train, held_out, found[slice(size, None)])

    def distinct(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw distinct examples; fewer where fewer exist. The arguments are those of `draw`."""
        found = first_of_each(self.draw(seq_len, count, generator))
        fruitless = 0
        while len(found) < count and fruitless < FRUITLESS:
            more = first_of_each(joined([found, self.draw(seq_len, count, generator)]))
            fruitless = fruitless + 1 if len(more) == len(found) else 0
            found = more
        return found[slice(count)]

    def count_to_train_on(self, seq_len: int, size: int, train_part: float) -> int:
        """How many examples are trained on, if there are `size`; the arguments are those of `sets`.

        Epochs are counted by it.
        """
        return min(max(round(size * train_part), 1), size - 1)

    def stream(
        self, lengths: range, excluded: Sets, batch_size: int, generator: torch.Generator
    ) -> Batches:
        """Batches drawn anew, each of one of these lengths, of neither validation nor test set."""
        return Stream(self.draw, lengths, (excluded.held_out, excluded.test), batch_size, generator)
