"""The vanilla RNN: h(t) = tanh(W_hx x(t) + W_hh h(t-1) + b_h), h(0) = 0."""

import torch
from torch import Tensor, nn


class RNN(nn.Module):
    """A recurrent layer of H units that reads vectors of D numbers."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.W_hx = nn.Parameter(torch.empty(hidden_size, input_size))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.b_h = nn.Parameter(torch.zeros(hidden_size))
        bound = hidden_size**-0.5
        for matrix in (self.W_hx, self.W_hh):
            nn.init.uniform_(matrix, -bound, bound)

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a sequence.

        Args:
            x: the inputs, [T, B, D]: T steps of B examples.
            state: (h(0) [B, H],); None: zeros.

        Returns:
            h(1), ..., h(T), stacked to [T, B, H], and the last state, (h(T) [B, H],).
        """
        if state is None:
            state = (x.new_zeros(x.shape[1], self.hidden_size),)
        (h,) = state
        states: list[Tensor] = []
        # TODO: for each step x_t [B, D] of x, compute the next h and append it to `states`.
        raise NotImplementedError("fill in rnn.py")
        return torch.stack(states), (h,)
