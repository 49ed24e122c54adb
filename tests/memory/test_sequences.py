"""Every sequence: against brute force where it is shortest, its sets, chance, resuming, the end."""

import itertools
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import lab
from lab.cli import compose_config
from lab.config.components import build
from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, trusting
from lab.engine.process import random_stream
from lab.memory.config import MemoryConfig
from lab.memory.network import build_sequence
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples, first_of_each, keys
from lab.memory.sequences.state_tracking import Group
from lab.memory.task import MemoryTask
from tests.command_line import ROOT

NAMES = sorted(path.stem for path in (ROOT / "conf/sequence").glob("*.yaml"))
TINY = ("size=small", "data_size=200", "batch_size=16")


def config_of(name: str, *overrides: str) -> MemoryConfig:
    config = compose_config(f"sequence={name}", *overrides)
    assert isinstance(config, MemoryConfig)
    return config


def make(name: str, *overrides: str) -> Sequence:
    return build_sequence(config_of(name, "seq_len=100", *overrides))


def everything(sequence: Sequence, seq_len: int, count: int = 20_000) -> Examples:
    """Each example that exists, once."""
    return first_of_each(sequence.draw(seq_len, count, random_stream(0, "all")))


def pairs(examples: Examples) -> list[tuple[list[int], list[int]]]:
    return list(zip(examples.inputs.tolist(), examples.targets.tolist(), strict=True))


def even(permutation: tuple[int, ...]) -> bool:
    return np.linalg.det(np.eye(len(permutation))[list(permutation)]) > 0


GROUPS: dict[str, list[tuple[int, ...]]] = {
    "z2": [(0, 1), (1, 0)],
    "z5": [tuple((np.arange(5) + turn) % 5) for turn in range(5)],
    "s3": list(itertools.permutations(range(3))),
    "a5": [p for p in itertools.permutations(range(5)) if even(p)],
}


def product(elements: list[tuple[int, ...]], x: list[int]) -> int:
    """Permute a row of things by each element in turn; which element gives the same row?"""
    row = np.arange(len(elements[0]))
    for symbol in reversed(x):
        row = row[list(elements[symbol])]
    return [tuple(map(int, element)) for element in elements].index(tuple(row.tolist()))


STATES: dict[tuple[str, ...], Any] = {
    ("parity",): lambda x: sum(x) % 2,
    ("modular_sum",): lambda x: sum(x) % 5,
    ("cycle",): lambda x: (x.count(2) - x.count(0)) % 5,
    **{("group", f"sequence.group={name}"): partial(product, GROUPS[name]) for name in GROUPS},
}


@pytest.mark.parametrize("words", STATES)
def test_the_state_after_the_last_or_every_step_is_that_of_the_symbols_so_far(words):
    last, every = (make(*words, f"sequence.answers={which}") for which in ("last", "every"))
    if last.symbols < 10:
        examples = everything(last, 3)
        assert {tuple(x) for x, _ in pairs(examples)} == set(
            itertools.product(range(last.symbols), repeat=3)
        )
    examples = last.draw(6, 100, random_stream(0, "states"))
    assert examples.due.tolist() == [5]
    assert all(y == [STATES[words](x)] for x, y in pairs(examples))
    examples = every.draw(6, 100, random_stream(0, "states"))
    assert examples.due.tolist() == [0, 1, 2, 3, 4, 5]
    for x, y in pairs(examples):
        assert y == [STATES[words](x[: t + 1]) for t in range(6)]


@pytest.mark.parametrize("name", GROUPS)
def test_a_table_is_that_of_a_group_and_only_the_cyclic_ones_commute(name):
    sequence = make("group", f"sequence.group={name}")
    assert isinstance(sequence, Group)
    table = sequence.table()
    size = len(table)
    assert size == len(GROUPS[name])
    assert torch.equal(table[0], torch.arange(size))
    for line in (*table, *table.T):
        assert torch.equal(line.sort().values, torch.arange(size))
    a, b, c = torch.meshgrid(*[torch.arange(size)] * 3, indexing="ij")
    assert torch.equal(table[table[a, b], c], table[a, table[b, c]])
    assert torch.equal(table, table.T) == name.startswith("z")


def test_a_long_sum_does_not_overflow():
    examples = make("modular_sum").draw(10_000, 3, random_stream(0, "long"))
    assert all(y == [sum(x) % 5] for x, y in pairs(examples))


@pytest.mark.parametrize(
    "words",
    [
        ("copy", "sequence.alphabet=1000"),
        ("selective_copy", "sequence.alphabet=255"),
        ("recall", "sequence.keys=300", "sequence.values=300"),
        ("modular_sum", "sequence.modulus=300"),
    ],
)
def test_more_symbols_than_a_byte_holds_are_told_apart(words):
    sequence = make(*words)
    examples = sequence.draw(40, 2000, random_stream(0, "many"))
    assert int(examples.inputs.max()) in range(256, sequence.symbols)
    for x, y in pairs(examples):
        if words[0] == "modular_sum":
            assert y == [sum(x) % 300]
        elif words[0] == "recall":
            assert y == [x[x.index(x[-1]) + 1] - 301]
        else:
            assert y == [symbol - 2 for symbol in x if symbol > 1]


class Wrapping(Sequence):
    """Has more symbols than its inputs can number."""

    symbols = outputs = 300

    def draw(self, seq_len, count, generator):
        drawn = torch.randint(300, (count, seq_len), generator=generator)
        return Examples(drawn.to(torch.uint8), drawn[:, :1], torch.tensor([seq_len - 1]))


def test_copy_gives_back_its_first_symbols_after_the_signal():
    sequence = make("copy", "sequence.copied=2", "sequence.alphabet=3")
    assert sequence.shortest == 5
    for seq_len in (5, 8):
        examples = everything(sequence, seq_len)
        delay = seq_len - 5
        expected = {
            ((a + 2, b + 2, *[0] * delay, 1, 0, 0), (a, b))
            for a, b in itertools.product(range(3), repeat=2)
        }
        assert {(tuple(x), tuple(y)) for x, y in pairs(examples)} == expected
        assert examples.due.tolist() == [seq_len - 2, seq_len - 1]
    last = make("copy", "sequence.copied=2", "sequence.answers=last")
    examples = last.draw(8, 9, random_stream(0, "last"))
    assert examples.due.tolist() == [7]
    assert all(y == [x[1] - 2] for x, y in pairs(examples))


def test_selective_copy_gives_back_its_symbols_wherever_they_are():
    examples = everything(make("selective_copy", "sequence.copied=2", "sequence.alphabet=3"), 7)
    expected = set()
    for places in itertools.combinations(range(4), 2):
        for symbols in itertools.product(range(3), repeat=2):
            read = [0] * 7
            read[4] = 1
            for place, symbol in zip(places, symbols, strict=True):
                read[place] = symbol + 2
            expected.add((tuple(read), symbols))
    assert {(tuple(x), tuple(y)) for x, y in pairs(examples)} == expected


def test_recall_gives_the_value_of_the_key_that_is_asked_for():
    words = ("sequence.pairs=2", "sequence.keys=3", "sequence.values=2")
    examples = everything(make("recall", *words), 6)
    expected = set()
    for keys_, values in itertools.product(
        itertools.permutations((1, 2, 3), 2), itertools.product((0, 1), repeat=2)
    ):
        for gap, asked in itertools.product(range(3), range(2)):
            units = [(keys_[k], 4 + values[k]) for k in range(2)]
            read = [*units[0], *units[1]]
            read.insert(2 * gap, 0)
            expected.add(((*read, keys_[asked]), (values[asked],)))
    assert {(tuple(x), tuple(y)) for x, y in pairs(examples)} == expected


def test_recall_of_several_keys_gives_the_value_of_each():
    words = ("sequence.pairs=5", "sequence.keys=70", "sequence.values=60", "sequence.queries=3")
    sequence = make("recall", *words)
    assert sequence.shortest == 13
    for seq_len in (13, 30):
        examples = sequence.draw(seq_len, 200, random_stream(0, "queries"))
        assert examples.due.tolist() == [seq_len - 3, seq_len - 2, seq_len - 1]
        for x, y in pairs(examples):
            stored = {key: value - 71 for key, value in itertools.pairwise(x[:-3]) if 0 < key <= 70}
            assert len(stored) == 5
            assert len(set(x[-3:])) == 3
            assert y == [stored[key] for key in x[-3:]]


def test_adding_is_the_sum_of_one_marked_number_of_each_half():
    for seq_len in (3, 10):
        examples = make("adding").draw(seq_len, 500, random_stream(0, "adding"))
        numbers, marks = examples.inputs.unbind(-1)
        assert torch.equal(marks[:, : seq_len // 2].sum(1), torch.ones(500))
        assert torch.equal(marks[:, seq_len // 2 :].sum(1), torch.ones(500))
        assert torch.allclose((numbers * marks).sum(1), examples.targets[:, 0])
        assert (marks.sum(0) > 0).all()


def test_an_adding_answer_may_err_by_four_hundredths():
    sequence = make("adding")
    outputs = torch.tensor([[[1.0]], [[1.0]], [[1.0]]])
    targets = torch.tensor([[1.03], [0.97], [1.05]])
    assert sequence.correct(outputs, targets)[:, 0].tolist() == [True, True, False]
    assert float(sequence.loss(outputs, targets)) == pytest.approx(0.0043 / 3, rel=1e-4)


def test_the_chance_of_adding_is_that_of_answering_one():
    sequence = make("adding")
    examples = sequence.draw(10, 100_000, random_stream(0, "chance"))
    ones = torch.ones(100_000, 1, 1)
    share = float(sequence.correct(ones, examples.targets).double().mean())
    assert share == pytest.approx(sequence.chance, abs=0.004)
    assert float(sequence.loss(ones, examples.targets)) == pytest.approx(1 / 6, abs=0.003)


@pytest.mark.parametrize("name", NAMES)
def test_the_three_sets_and_the_stream_have_no_example_in_common(name):
    for seq_len in (make(name).shortest, 40):
        sequence = make(name)
        sets = sequence.sets(seq_len, 300, 0.5, 100, random_stream(0, "sets"))
        seen = [set(keys(part).tolist()) for part in (sets.train, sets.validation, sets.test)]
        assert sum(map(len, seen)) == len(set().union(*seen))
        assert [len(part) for part in (sets.train, sets.validation, sets.test)] == list(
            map(len, seen)
        )
        stream = sequence.stream(range(seq_len, seq_len + 1), sets, 64, random_stream(0, "stream"))
        for _ in range(5):
            batch = stream.next()
            assert len(batch) == 64
            assert not set(keys(batch).tolist()) & (seen[1] | seen[2])

    def next_without(without):
        return sequence.stream(range(40, 41), without, 64, random_stream(1, "stream")).next()

    first = next_without(sets)
    for part in ("validation", "test"):  # of a stream that would draw the same again
        again = next_without(replace(sets, **{part: first}))
        assert not set(keys(again).tolist()) & set(keys(first).tolist())


@pytest.mark.parametrize("name", NAMES)
def test_any_length_from_the_shortest_to_ten_thousand(name):
    sequence = make(name)
    for seq_len in (sequence.shortest, sequence.shortest + 1, 10_000):
        examples = sequence.draw(seq_len, 3, random_stream(0, "draw"))
        steps = examples.inputs.shape[1]
        assert steps == (seq_len - 1 if sequence.answer_is_first_symbol else seq_len)
        assert examples.targets.shape == (3, len(examples.due))
        assert examples.due.max() == steps - 1
        if not sequence.numbers:
            assert examples.inputs.dtype == torch.uint8
            assert examples.inputs.max() < sequence.symbols
        again = sequence.draw(seq_len, 3, random_stream(0, "draw"))
        assert torch.equal(examples.inputs, again.inputs)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "adding"])
def test_who_knows_the_last_symbol_alone_answers_by_chance(name):
    sequence = make(name)
    examples = sequence.draw(30, 60_000, random_stream(0, "chance"))
    seen, correct = examples.inputs[:, examples.due].long(), 0
    for k in range(len(examples.due)):
        counts = torch.zeros(sequence.symbols, sequence.outputs, dtype=torch.int64)
        counts.index_put_((seen[:, k], examples.targets[:, k]), torch.tensor(1), accumulate=True)
        correct += int(counts.amax(1).sum())  # to each symbol its most frequent answer
    assert correct / examples.targets.numel() == pytest.approx(sequence.chance, rel=0.1)


def test_lengths_come_from_the_upper_half_of_a_range_that_grows():
    config = config_of("parity", "seq_len=16", "stream=true", "curriculum=upper_half", *TINY)
    task = MemoryTask(config, "cpu")
    for longest in (4, 7, 13, 16):
        assert task.seq_len == longest
        drawn = [task.batches.next().inputs for _ in range(60)]
        lengths = {inputs.shape[1] for inputs in drawn}
        assert lengths == set(range(max(longest // 2, 3), longest + 1))
        if longest == 4:  # too few examples exist to leave any out
            assert len({tuple(x) for some in drawn for x in some.tolist() if len(x) == 4}) == 16
        task.last_evaluation = {"val_loss": 0.0, "val_accuracy": 1.0}
        task.step()


WRONG = {
    ("sequence=copy", "seq_len=10"): "seq_len=10 is too short for sequence=copy: .* least 11",
    ("sequence=copy", "tested_lengths=[8,50]"): "8 in tested_lengths=.*: expected at least 11",
    ("sequence=recall", "sequence.pairs=9"):
        "^sequence.pairs=9 is not allowed: there are more pairs than keys=8",
    ("sequence=recall", "sequence.queries=5"): "there are more queries than pairs=4",
    ("sequence=group", "sequence.group=s9"): "sequence.group=s9 .*did you mean s3?",
    ("sequence=adding", "+sequence.answers=every"): "sequence.answers means nothing to Adding",
    ("sequence=parity", "curriculum=upper_half"): "curriculum=upper_half .*: it needs stream=true",
    ("sequence=palindrome", "sequence._target_=tests.memory.test_sequences.Wrapping"):
        "sequence=wrapping has 300 symbols, more than the torch.uint8",
    ("sequence=parity", "seq_len=12", "stream=true", "data_size=2"):
        "stream=true: almost every example of T=12 is in the validation or the test set",
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_setting_is_refused_before_training(words):
    with pytest.raises(UserError, match=WRONG[words]), trusting(EVERYTHING):
        MemoryTask(compose_config(*TINY, *words), "cpu").check()


def test_a_sequence_of_the_users_own_is_a_class_and_a_yaml_file(tmp_path, monkeypatch, tool):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    with trusting(EVERYTHING):
        component = {"_target_": "my_sequence.Largest"}
        sequence = build("sequence", component, base=Sequence)
    examples = sequence.draw(5, 100, random_stream(0, "own"))
    assert all(y == [max(x)] for x, y in pairs(examples))
    words = ("sequence=largest", "seq_len=8", *TINY, "max_steps=9", "stream=true")
    run = lab.run(*words, f"out_dir={tmp_path}", config_dir=str(ROOT / "examples/conf"))
    assert run.path.name.startswith("largest-lstm-T8-")
    needs = "a run of sequence=largest, but this tool needs a run of sequence=palindrome\n"
    assert tool("predict", str(run.path), "12321")[2].endswith(needs)
    longest = ("horizon", str(run.path), "--n", "9", "--longest", "9")
    assert "--trust-package my_sequence or --trust allows it" in tool(*longest)[2]
    assert tool(*longest, "--trust-package", "my_sequence")[0] == 0
