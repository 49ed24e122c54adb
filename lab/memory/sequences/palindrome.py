"""Palindrome: the last digit equals the first.

The first ceil(T/2) digits are free, and the others mirror them. So there are 10^ceil(T/2)
palindromes, only 100 at T=3 and T=4. The network reads the first T-1 digits; the target is the
last.
"""

import torch
from torch import Tensor

from lab.memory.sequences.base import Batches, Sequence, Sets
from lab.memory.sequences.examples import Examples

DIGITS = 10
# The code of a palindrome is the number that its first digits form; 18 digits fit an int64. Two
# palindromes count as equal if their codes are equal. For long ones this is wrong for 1 pair in
# 10^18.
CODE_DIGITS = 18
SHUFFLE_WHOLE = 1_000_000


class Palindrome(Sequence):
    """Read the first T-1 digits of a palindrome of length T and give the last, which is the first.

    From the assignment of the deep learning course of the University of Amsterdam, 2019; S2 in
    docs/reproduction.md.
    """

    noun = "palindromes"
    loss_name = "cross-entropy at the last step (nats)"
    # If a network is correct but not sure, training may never recover at twice the length.
    solved_loss = 0.002
    answer_is_first_symbol = True
    symbols = outputs = DIGITS

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw distinct palindromes: `count`, or fewer if fewer exist."""
        return as_examples(draw_distinct(seq_len, count, generator))

    # `draw` gives distinct first digits, and so distinct palindromes.
    distinct = draw

    def count_to_train_on(self, seq_len: int, size: int, train_part: float) -> int:
        """As `Sequence.count_to_train_on`; at small T fewer than `size` palindromes exist."""
        size = min(size, count_palindromes(seq_len))
        return super().count_to_train_on(seq_len, size, train_part)

    def stream(
        self, lengths: range, excluded: Sets, batch_size: int, generator: torch.Generator
    ) -> Batches:
        """As `Sequence.stream`, but faster for one length, as palindromes have codes."""
        if len(lengths) > 1:
            return super().stream(lengths, excluded, batch_size, generator)
        digits = torch.cat([as_digits(part) for part in (excluded.validation, excluded.test)])
        return PalindromeStream(lengths[0], digits, batch_size, generator)

    def tested_lengths(self, seq_len: int) -> list[int]:
        """The lengths of the assignment, 3 to 25."""
        return list(range(3, 26))


def count_palindromes(seq_len: int) -> int:
    """How many palindromes of this length there are."""
    return 10 ** ((seq_len + 1) // 2)


def distinct_codes(seq_len: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw distinct codes in random order, int64 [N]; N is `count`, or smaller if fewer exist."""
    population = _code_count(seq_len)
    if population <= max(SHUFFLE_WHOLE, 2 * count):
        # int32 gives the same numbers as int64 in half the time.
        shuffled = torch.randperm(population, generator=generator, dtype=torch.int32)
        return shuffled[:count].long()
    codes = torch.empty(0, dtype=torch.int64)
    while len(codes) < count:
        more = torch.randint(population, (count,), generator=generator)
        codes = torch.cat([codes, more]).unique()
    return codes[torch.randperm(len(codes), generator=generator)[:count]]


def draw_distinct(seq_len: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw distinct palindromes, uint8 [N, T]: `count`, or fewer if fewer exist."""
    return from_codes(distinct_codes(seq_len, count, generator), seq_len, generator)


def _code_count(seq_len: int) -> int:
    return int(min(count_palindromes(min(seq_len, 2 * CODE_DIGITS)), 10**CODE_DIGITS))


def from_codes(codes: Tensor, seq_len: int, generator: torch.Generator) -> Tensor:
    """Return palindromes with these codes, uint8 [N, T]; digits beyond the codes are random."""
    half = free_digits(codes, seq_len, generator)
    return torch.cat([half, half[:, : seq_len // 2].flip(1)], dim=1)


def free_digits(codes: Tensor, seq_len: int, generator: torch.Generator) -> Tensor:
    """Return the free digits of palindromes with these codes, uint8 [N, ceil(T/2)]."""
    free = (seq_len + 1) // 2
    coded = min(free, CODE_DIGITS)
    powers = 10 ** torch.arange(coded - 1, -1, -1)
    first = (codes[:, None] // powers % 10).to(torch.uint8)  # [N, coded]
    rest = torch.randint(10, (len(codes), free - coded), generator=generator, dtype=torch.uint8)
    return torch.cat([first, rest], dim=1)


def to_codes(palindromes: Tensor) -> Tensor:
    """Return the codes int64 [N] of palindromes uint8 [N, T]."""
    coded = min((palindromes.shape[1] + 1) // 2, CODE_DIGITS)
    powers = 10 ** torch.arange(coded - 1, -1, -1)
    return (palindromes[:, :coded].long() * powers).sum(1)


def as_examples(digits: Tensor) -> Examples:
    """Turn palindromes uint8 [N, T] into examples: T-1 digits are read, the last is the answer."""
    return Examples(digits[:, :-1], digits[:, -1:].long(), torch.tensor([digits.shape[1] - 2]))


def as_digits(examples: Examples) -> Tensor:
    """Turn examples back into palindromes, uint8 [N, T]."""
    return torch.cat([examples.inputs, examples.targets.to(torch.uint8)], dim=1)


class PalindromeStream:
    """Endless batches of new palindromes, none of them in `excluded`.

    Args:
        seq_len: T.
        excluded: the palindromes of the validation and the test set, uint8 [N, T].
        batch_size: the number of palindromes in a batch.
        generator: the random stream, on the CPU.
    """

    def __init__(
        self, seq_len: int, excluded: Tensor, batch_size: int, generator: torch.Generator
    ) -> None:
        self._seq_len, self._batch_size, self._generator = seq_len, batch_size, generator
        self._excluded = to_codes(excluded)
        self._population = _code_count(seq_len)
        # If few palindromes exist, almost all may be excluded: a table is looked up 100 times as
        # fast as a set is searched.
        self._is_new: Tensor | None = None
        if self._population <= SHUFFLE_WHOLE:
            self._is_new = torch.ones(self._population, dtype=torch.bool)
            self._is_new[self._excluded] = False

    def next(self) -> Examples:
        """The next batch."""
        found: list[Tensor] = []
        while sum(map(len, found)) < self._batch_size:
            more = torch.randint(self._population, (self._batch_size,), generator=self._generator)
            if self._is_new is None:
                new = more[~torch.isin(more, self._excluded)]
            else:
                new = more[self._is_new[more]]
            if len(new):
                found.append(new)
        codes = torch.cat(found)[: self._batch_size]
        return as_examples(from_codes(codes, self._seq_len, self._generator))

    def state_dict(self) -> dict[str, Tensor]:
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._generator.set_state(state["generator"])
