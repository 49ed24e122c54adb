"""State tracking: every symbol changes a state, and the state is asked for."""

import itertools
from typing import Literal

import torch
from pydantic import validate_call
from torch import Tensor

from lab.config import Several
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples, symbol_type

Answers = Literal["last", "every"]
"""Whether the state is asked for after the last step, or after each."""


class StateTracking(Sequence):
    """Read T uniform symbols and give the state that they lead to, from state 0.

    Args:
        symbols: the number of symbols.
        states: the number of states.
        answers: when the state is asked for.
    """

    def __init__(self, symbols: int, states: int, answers: Answers) -> None:
        self.symbols, self.outputs, self.answers = symbols, states, answers

    def table(self) -> Tensor:
        """The state after each symbol in each state, int64 [states, symbols]: their sum."""
        return (torch.arange(self.outputs)[:, None] + torch.arange(self.symbols)) % self.outputs

    def names(self) -> tuple[list[str], list[str]]:
        """What a reader calls the symbols and the states."""
        return [str(n) for n in range(self.symbols)], [str(n) for n in range(self.outputs)]

    def states(self, symbols: Tensor) -> Tensor:
        """The state after each symbol, integers [N, T]; the symbols too."""
        table = self.table()
        state, states = torch.zeros(len(symbols), dtype=torch.int64), []
        for symbol in symbols.long().T:
            state = table[state, symbol]
            states.append(state)
        return torch.stack(states, dim=1)

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples of uniform symbols."""
        kind = symbol_type(self.symbols)
        symbols = torch.randint(self.symbols, (count, seq_len), generator=generator, dtype=kind)
        first = 0 if self.answers == "every" else seq_len - 1
        targets = self.states(symbols)[:, first:].long()
        return Examples(symbols, targets, torch.arange(first, seq_len))


class ModularSum(StateTracking):
    """Read digits below m and give their sum modulo m.

    It is the automaton of a cyclic group in Liu et al. 2023, "Transformers learn shortcuts to
    automata", and the "modular arithmetic" of Deletang et al. 2023, "Neural networks and the
    Chomsky hierarchy", with sums alone.

    Args:
        modulus: m; the digits are 0 to m-1.
        answers: when the sum is asked for.
    """

    @validate_call
    def __init__(self, modulus: Several = 5, answers: Answers = "last") -> None:
        super().__init__(modulus, modulus, answers)

    def states(self, symbols: Tensor) -> Tensor:
        """As the table says, but faster."""
        return symbols.cumsum(1, dtype=torch.int32).remainder_(self.outputs)


class Parity(ModularSum):
    """Read bits and give their sum modulo 2.

    It is the simplest task in which every symbol may change the state: Minsky & Papert 1969,
    "Perceptrons"; "parity check" in Deletang et al. 2023, "Neural networks and the Chomsky
    hierarchy".
    """

    @validate_call
    def __init__(self, answers: Answers = "last") -> None:
        super().__init__(2, answers)


class Cycle(StateTracking):
    """Walk on a cycle of m places: symbol 0 goes back, 1 stays and 2 goes on; give the place.

    "Cycle navigation" in Deletang et al. 2023, with m=5. After a few steps, all places are equally
    probable.

    Args:
        places: m.
        answers: when the place is asked for.
    """

    @validate_call
    def __init__(self, places: Several = 5, answers: Answers = "last") -> None:
        super().__init__(3, places, answers)

    def table(self) -> Tensor:
        """The place after a step of -1, 0 or 1."""
        return (super().table() - 1) % self.outputs

    def names(self) -> tuple[list[str], list[str]]:
        """The steps, and the places by number."""
        return ["-", "0", "+"], super().names()[1]


class Group(StateTracking):
    """Read elements of a group and give their product, in the order in which they are read.

    The word problem of Merrill, Petty & Sabharwal 2024, "The illusion of state in state-space
    models"; Liu et al. 2023. z2 is parity. s3 does not commute. a5 is not solvable, so that no
    network of constant depth and log precision can compute it for all T, unless its layers recur.

    Args:
        group: z2 and z5, the cyclic groups; s3, all permutations of three things; a5, the even
            permutations of five.
        answers: when the product is asked for.
    """

    @validate_call
    def __init__(
        self, group: Literal["z2", "z5", "s3", "a5"] = "s3", answers: Answers = "last"
    ) -> None:
        self.elements = elements = group_elements(group)
        super().__init__(len(elements), len(elements), answers)
        number = {element: place for place, element in enumerate(elements)}
        rows = [[number[tuple(b[thing] for thing in a)] for b in elements] for a in elements]
        self.products = torch.tensor(rows)

    def table(self) -> Tensor:
        """The products: entry [a, b] is a, then b."""
        return self.products

    def names(self) -> tuple[list[str], list[str]]:
        """Each element as what it makes of the letters abc…"""
        names = ["".join("abcde"[thing] for thing in element) for element in self.elements]
        return names, names


def group_elements(group: str) -> list[tuple[int, ...]]:
    """The elements of a group as permutations; the first is the unit.

    Args:
        group: z, s or a (cyclic, symmetric, alternating) and the number of things permuted.
    """
    kind, count = group[0], int(group[1:])
    things = range(count)
    if kind == "z":
        return [tuple((thing + turn) % count for thing in things) for turn in things]
    elements = itertools.permutations(things)
    return [element for element in elements if kind == "s" or not _inversions(element) % 2]


def _inversions(permutation: tuple[int, ...]) -> int:
    return sum(a > b for a, b in itertools.combinations(permutation, 2))
