"""Palindromes against brute force, and the properties that make a figure honest."""

import itertools
from typing import Any, NamedTuple

import pytest
import torch

from lab.engine.process import random_stream
from lab.memory.sequences import palindrome as P
from lab.memory.sequences.base import Epochs
from lab.memory.sequences.examples import joined
from lab.memory.sequences.palindrome import Palindrome


class Sets(NamedTuple):
    train: torch.Tensor
    validation: torch.Tensor
    test: torch.Tensor


def all_palindromes(seq_len: int) -> set[str]:
    """By trying every string of digits."""
    strings = ("".join(digits) for digits in itertools.product("0123456789", repeat=seq_len))
    return {s for s in strings if s == s[::-1]}


def draw(*arguments: Any) -> Sets:
    """The sets of the sequence, as palindromes uint8 [N, T]."""
    sets = Palindrome().sets(*arguments)
    return Sets(*map(P.as_digits, (sets.train, sets.validation, sets.test)))


def as_strings(palindromes: torch.Tensor) -> list[str]:
    return ["".join(map(str, row)) for row in palindromes.tolist()]


@pytest.mark.parametrize("seq_len", [3, 4])
def test_all_that_exist_are_drawn_and_no_others(seq_len):
    sets = draw(seq_len, 10_000, 0.8, 10_000, random_stream(0, "test"))
    drawn = as_strings(sets.train) + as_strings(sets.validation)
    assert set(drawn) == all_palindromes(seq_len)
    assert (len(sets.train), len(sets.validation), len(sets.test)) == (80, 20, 0)


@pytest.mark.parametrize("seq_len", [3, 4, 5, 12, 13, 25, 35, 36, 37, 1000])
def test_every_set_is_of_distinct_palindromes_and_none_is_shared(seq_len):
    sets = draw(seq_len, 1000, 0.8, 500, random_stream(1, "test"))
    strings = [s for part in (sets.train, sets.validation, sets.test) for s in as_strings(part)]
    assert all(s == s[::-1] and len(s) == seq_len for s in strings)
    assert len(set(strings)) == len(strings) == min(1500, P.count_palindromes(seq_len))


@pytest.mark.parametrize("seq_len", [3, 12, 25, 1000])
def test_labels_are_uniform(seq_len):
    sets = draw(seq_len, 10_000, 0.5, 0, random_stream(2, "test"))
    labels = torch.cat([sets.train, sets.validation])[:, -1]
    counts = torch.bincount(labels.long(), minlength=10).double()
    expected = len(labels) / 10
    # 99.99 % quantile of chi-squared with 9 degrees of freedom.
    assert float(((counts - expected) ** 2 / expected).sum()) < 33.7


def test_hundred_thousand_digits():
    sets = draw(100_000, 20, 0.5, 0, random_stream(3, "test"))
    assert sets.train.shape == (10, 100_000)
    assert torch.equal(sets.train, sets.train.flip(1))
    middle = sets.train[:, 1000:50_000].double().mean()
    assert 4.4 < float(middle) < 4.6


def test_a_seed_gives_the_same_sets_and_another_seed_others():
    first, again, other = (draw(20, 100, 0.8, 50, random_stream(s, "test")) for s in (0, 0, 1))
    assert torch.equal(first.train, again.train)
    assert torch.equal(first.test, again.test)
    assert not torch.equal(first.train, other.train)


def test_which_codes_are_drawn_is_uniform_where_draws_are_rejected():
    # 10^7 codes, so drawn by rejection: halves of the range are equally likely.
    codes = P.distinct_codes(14, 20_000, random_stream(4, "test"))
    low = int((codes < 5_000_000).sum())
    assert abs(low - 10_000) < 5 * 71  # five standard deviations
    # In random order, not sorted by the search for duplicates.
    assert not torch.equal(codes, codes.sort().values)


def test_codes_and_palindromes_are_the_same_thing():
    codes = P.distinct_codes(25, 100, random_stream(5, "test"))
    assert torch.equal(P.to_codes(P.from_codes(codes, 25, random_stream(6, "test"))), codes)


def test_an_epoch_is_every_palindrome_once():
    rows = torch.arange(10, dtype=torch.uint8)[:, None].expand(10, 3)
    batches = Epochs(P.as_examples(rows), 4, random_stream(0, "test"))
    for _ in range(3):
        epoch = [batches.next() for _ in range(3)]
        assert [len(batch) for batch in epoch] == [4, 4, 2]
        assert sorted(joined(epoch).inputs[:, 0].tolist()) == list(range(10))
