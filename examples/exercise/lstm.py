"""The LSTM, from its equations, with h(0) = c(0) = 0:

g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)
i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)
f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)
o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)
c(t) = g(t) * i(t) + c(t-1) * f(t)
h(t) = tanh(c(t)) * o(t)
"""

import torch
from torch import Tensor, nn


class LSTM(nn.Module):
    """A recurrent layer of H units that reads vectors of D numbers.

    Args:
        forget_bias: every b_f at the beginning; 1 or more helps to remember.
    """

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        bound = hidden_size**-0.5
        for gate in "gifo":
            for name, columns in ((f"W_{gate}x", input_size), (f"W_{gate}h", hidden_size)):
                matrix = torch.empty(hidden_size, columns).uniform_(-bound, bound)
                self.register_parameter(name, nn.Parameter(matrix))
            bias = torch.full((hidden_size,), forget_bias if gate == "f" else 0.0)
            self.register_parameter(f"b_{gate}", nn.Parameter(bias))

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a sequence.

        Args:
            x: the inputs, [T, B, D]: T steps of B examples.
            state: (h(0), c(0)), each [B, H]; None: zeros.

        Returns:
            h(1), ..., h(T), stacked to [T, B, H], and the last state, (h(T), c(T)).
        """
        if state is None:
            zeros = x.new_zeros(x.shape[1], self.hidden_size)
            state = (zeros, zeros)
        h, c = state
        states: list[Tensor] = []
        # TODO: for each step x_t [B, D] of x, compute g, i, f and o, then c and h, and append h to
        # `states`. The parameters are self.W_gx, self.W_gh, self.b_g, and so on.
        raise NotImplementedError("fill in lstm.py")
        return torch.stack(states), (h, c)
