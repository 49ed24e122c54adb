"""Palindromes of length T over the digits 0-9, whole sets at once.

The first ceil(T/2) digits are free and the rest mirror them, so there are 10^ceil(T/2) of them:
only 100 at T=3 and T=4. The network reads the first T-1 digits; the target is the last one.
"""

import torch
from torch import Tensor

from lab.memory.sequences.examples import Examples

# A palindrome is known by its first digits as one number, the code; 18 digits fit an int64.
# Longer ones are told apart by these alone, which excludes 1 pair in 10^18 that differ later.
CODE_DIGITS = 18
SHUFFLE_WHOLE = 1_000_000


def count_palindromes(seq_len: int) -> int:
    """How many palindromes of this length there are."""
    return 10 ** ((seq_len + 1) // 2)


def distinct_codes(seq_len: int, count: int, generator: torch.Generator) -> Tensor:
    """Distinct codes in random order, int64 [N], N = min(count, all there are)."""
    population = _code_count(seq_len)
    if population <= max(SHUFFLE_WHOLE, 2 * count):
        # int32 takes half the time of int64, for the same numbers.
        shuffled = torch.randperm(population, generator=generator, dtype=torch.int32)
        return shuffled[:count].long()
    codes = torch.empty(0, dtype=torch.int64)
    while len(codes) < count:
        more = torch.randint(population, (count,), generator=generator)
        codes = torch.cat([codes, more]).unique()
    return codes[torch.randperm(len(codes), generator=generator)[:count]]


def _code_count(seq_len: int) -> int:
    return int(min(count_palindromes(min(seq_len, 2 * CODE_DIGITS)), 10**CODE_DIGITS))


def from_codes(codes: Tensor, seq_len: int, generator: torch.Generator) -> Tensor:
    """The palindromes of these codes, uint8 [N, T]; digits that the codes do not say are random."""
    half = free_digits(codes, seq_len, generator)
    return torch.cat([half, half[:, : seq_len // 2].flip(1)], dim=1)


def free_digits(codes: Tensor, seq_len: int, generator: torch.Generator) -> Tensor:
    """The first ceil(T/2) digits of the same, which say the others, uint8 [N, ceil(T/2)]."""
    free = (seq_len + 1) // 2
    known = min(free, CODE_DIGITS)
    powers = 10 ** torch.arange(known - 1, -1, -1)
    first = (codes[:, None] // powers % 10).to(torch.uint8)  # [N, known]
    rest = torch.randint(10, (len(codes), free - known), generator=generator, dtype=torch.uint8)
    return torch.cat([first, rest], dim=1)


def to_codes(palindromes: Tensor) -> Tensor:
    """The codes of palindromes uint8 [N, T], int64 [N]."""
    known = min((palindromes.shape[1] + 1) // 2, CODE_DIGITS)
    powers = 10 ** torch.arange(known - 1, -1, -1)
    return (palindromes[:, :known].long() * powers).sum(1)


def as_examples(digits: Tensor) -> Examples:
    """Palindromes uint8 [N, T]: T-1 digits are read, the last is the answer."""
    return Examples(digits[:, :-1], digits[:, -1:].long(), torch.tensor([digits.shape[1] - 2]))


def as_digits(examples: Examples) -> Tensor:
    """The palindromes of examples, uint8 [N, T]."""
    return torch.cat([examples.inputs, examples.targets.to(torch.uint8)], dim=1)


class Stream:
    """Endless batches of new palindromes, none of them in `excluded`.

    Args:
        seq_len: T.
        excluded: uint8 [N, T], the held-out and the test palindromes.
        batch_size: of each batch.
        generator: of the palindromes.
    """

    def __init__(
        self, seq_len: int, excluded: Tensor, batch_size: int, generator: torch.Generator
    ) -> None:
        self._seq_len, self._batch_size, self._generator = seq_len, batch_size, generator
        self._excluded = to_codes(excluded)

    def next(self) -> Examples:
        """The next batch."""
        codes = torch.empty(0, dtype=torch.int64)
        while len(codes) < self._batch_size:
            more = torch.randint(
                _code_count(self._seq_len), (self._batch_size,), generator=self._generator
            )
            codes = torch.cat([codes, more[~torch.isin(more, self._excluded)]])
        codes = codes[: self._batch_size]
        return as_examples(from_codes(codes, self._seq_len, self._generator))

    def state_dict(self) -> dict[str, Tensor]:
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._generator.set_state(state["generator"])
