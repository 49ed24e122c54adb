"""Recall: give the value that came with a key."""

import torch
from pydantic import validate_call

from lab.config import Count, Several
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.copying import spread
from lab.memory.sequences.examples import Examples, symbol_type


class Recall(Sequence):
    """Read P pairs of a key and a value with blanks between, then Q of the keys; give their values.

    This is associative recall: Graves, Wayne & Danihelka 2014, "Neural Turing machines", section
    4.3; with single symbols, as here, in Ba et al. 2016, "Using fast weights to attend to the
    recent past". Arora et al. 2024, "Zoology", show why it separates attention from recurrence. The
    keys of an example are distinct; its values need not be. With several queries it is their MQAR;
    here the queries are the last Q steps, all different.

    Args:
        pairs: P.
        keys: the number of keys to choose from, at least P.
        values: the number of values. Symbol 0 is the blank; the keys and then the values follow.
        queries: Q, at most P.
    """

    @validate_call
    def __init__(
        self, pairs: Count = 4, keys: Several = 8, values: Several = 8, queries: Count = 1
    ) -> None:
        if pairs > keys:
            raise ValueError(f"there are more pairs than keys={keys}")
        if queries > pairs:
            raise ValueError(f"there are more queries than pairs={pairs}")
        self.pairs, self.keys, self.queries = pairs, keys, queries
        self.symbols, self.outputs = 1 + keys + values, values
        self.shortest = max(2 * pairs + queries, 3)

    def draw(self, seq_len: int, count: int, generator: torch.Generator) -> Examples:
        """Draw examples: pairs at random places, and at the last steps the keys asked for."""
        order = torch.rand(count, self.keys, generator=generator).argsort(1)
        keys = order[:, : self.pairs]
        values = torch.randint(self.outputs, (count, self.pairs), generator=generator)
        # A pair takes two of the T-Q steps. Draw places as if it took one, then move them apart.
        places = spread(seq_len - self.queries - self.pairs, self.pairs, count, generator)
        places = places + torch.arange(self.pairs)
        if self.queries == 1:
            queries = torch.randint(self.pairs, (count, 1), generator=generator)
        else:
            queries = torch.rand(count, self.pairs, generator=generator).argsort(1)
            queries = queries[:, : self.queries]
        inputs = torch.zeros(count, seq_len, dtype=symbol_type(self.symbols))
        inputs.scatter_(1, places, (1 + keys).to(inputs.dtype))
        inputs.scatter_(1, places + 1, (1 + self.keys + values).to(inputs.dtype))
        inputs[:, -self.queries :] = (1 + keys.gather(1, queries)).to(inputs.dtype)
        due = torch.arange(seq_len - self.queries, seq_len)
        return Examples(inputs, values.gather(1, queries), due)
