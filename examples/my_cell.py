"""A cell of your own: a leaky integrator, h = (1 - a) h + a tanh(W x + U h + b).

cd examples && python -m lab --config-dir conf task=lstm cell=leaky seq_len=10
"""

import torch
from torch import Tensor, nn


class Leaky(nn.Module):
    """A recurrent layer, called like those of torch.nn.

    Args:
        input_size: D; lab gives it.
        hidden_size: H; lab gives it.
        rate: a, how fast the state changes, in (0, 1].
    """

    def __init__(self, input_size: int, hidden_size: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.x = nn.Linear(input_size, hidden_size)
        self.h = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Inputs [T, B, D] to the states h [T, B, H] and the last state, a tuple of [B, H]."""
        h = x.new_zeros(x.shape[1], self.h.in_features) if state is None else state[0]
        states = []
        for step in self.x(x):
            h = (1 - self.rate) * h + self.rate * torch.tanh(step + self.h(h))
            states.append(h)
        return torch.stack(states), (h,)
