"""Recurrent cells, written from their equations with a `for` loop over time and autograd.

A parameter has its name in the equations: `W_gx` [H, D] maps the input x to g, `W_gh` [H, H] maps
the hidden state of the step before, and `b_g` [H] is the bias. The gates' matrices are stacked once
for a sequence, so that a step needs one matrix product. In training, one more product computes
W_x x(t) for all steps.

torch.nn stacks its gates as i, f, g, o (LSTM) and r, z, n (GRU). It has two biases, of which only
the sum matters, except in the GRU's n. It initialises every parameter within ±1/sqrt(H). Here each
gate is initialised as two torch.nn.Linear layers, one for x and one for h, which learns sooner.
"""

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from pydantic import validate_call
from torch import Tensor, nn

from lab.config import Count

State = tuple[Tensor, ...]
"""What a cell carries from step to step, each [B, H]; h comes first."""


class Cell(nn.Module):
    """A recurrent layer whose gates are affine in the input and the hidden state.

    Args:
        input_size: D.
        hidden_size: H.
    """

    gates: ClassVar[str]
    """The letters of the gates, in the order in which they are stacked."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        for gate in self.gates:
            self._add(f"W_{gate}x", hidden_size, input_size, fan_in=input_size)
            self._add(f"W_{gate}h", hidden_size, hidden_size, fan_in=hidden_size)
            self._add(f"b_{gate}", hidden_size, fan_in=input_size)

    def _add(self, name: str, *shape: int, fan_in: int) -> None:
        """Add a parameter, initialised as in torch.nn.Linear: uniform within ±1/sqrt(fan_in)."""
        bound = 1 / math.sqrt(fan_in)
        self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))

    def stacked(self, name: str) -> Tensor:
        """Return all gates' parameters of one name, `W_{}x`, `W_{}h` or `b_{}`, stacked as rows."""
        return torch.cat([self.get_parameter(name.format(gate)) for gate in self.gates])

    def initial_state(self, x: Tensor) -> State:
        """Return h(0) = 0, [B, H], for the inputs x [T, B, D]."""
        return (x.new_zeros(x.shape[1], self.hidden_size),)

    def projected(self, x: Tensor) -> Iterable[Tensor]:
        """Return W_x x(t) + b of all G gates, [B, G*H], for each step of x [T, B, D].

        With gradients, one product computes all steps, so that the backward pass has one as well.
        Without gradients, each step is computed when it is needed, so that it stays in the cache of
        the processor.
        """
        W_x, b = self.stacked("W_{}x"), self.stacked("b_{}")
        if not torch.is_grad_enabled():
            return (nn.functional.linear(x_t, W_x, b) for x_t in x.unbind(0))
        # unbind, not [t]: indexing would make backward add T whole [T, B, G*H] tensors.
        return nn.functional.linear(x, W_x, b).unbind(0)

    def step(self, a: Tensor, W_h: Tensor, state: State) -> State:
        """Compute one step of the equations.

        Args:
            a: W_x x(t) + b of all gates, [B, G*H].
            W_h: the stacked matrices, transposed, [H, G*H].
            state: the state after step t-1.

        Returns:
            the state after step t.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            x: [T, B, D].
            state: the state to continue from; None: the initial state.

        Returns:
            h(1), …, h(T) as [T, B, H], and the state after the last step.
        """
        W_h = self.stacked("W_{}h").T
        state = self.initial_state(x) if state is None else state
        hidden = []
        for a in self.projected(x):
            state = self.step(a, W_h, state)
            hidden.append(state[0])
        return torch.stack(hidden), state


class RNN(Cell):
    """Elman 1990: h(t) = tanh(W_hx x(t) + W_hh h(t-1) + b_h).

    Args:
        init: the initialisation of W_hh. `default`: as torch.nn.Linear; `orthogonal`: Saxe et al.
            2014; `identity`: with b_h = 0, as the IRNN, but with tanh.
    """

    gates = "h"

    @validate_call
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        init: Literal["default", "orthogonal", "identity"] = "default",
    ) -> None:
        super().__init__(input_size, hidden_size)
        if init == "orthogonal":
            nn.init.orthogonal_(self.get_parameter("W_hh"))
        elif init == "identity":
            nn.init.eye_(self.get_parameter("W_hh"))
            nn.init.zeros_(self.get_parameter("b_h"))

    def step(self, a: Tensor, W_h: Tensor, state: State) -> State:
        (h,) = state
        return (torch.tanh(torch.addmm(a, h, W_h)),)


class IRNN(RNN):
    """Le, Jaitly & Hinton 2015: h(t) = ReLU(W_hx x(t) + W_hh h(t-1) + b_h).

    W_hh is initialised as the identity, b_h as 0, and W_hx from a normal distribution with standard
    deviation 0.001 (section 4).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, init="identity")
        nn.init.normal_(self.get_parameter("W_hx"), std=0.001)

    def step(self, a: Tensor, W_h: Tensor, state: State) -> State:
        (h,) = state
        return (torch.relu(torch.addmm(a, h, W_h)),)


class LSTM(Cell):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; no peepholes.

    g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)
    i, f, o (t) = sigmoid(W_.x x(t) + W_.h h(t-1) + b_.)
    c(t) = g(t) * i(t) + c(t-1) * f(t)
    h(t) = tanh(c(t)) * o(t)

    Args:
        init: the initialisation of the gates' biases. `forget_bias`: every b_f is `forget_bias`
            (Gers et al. 2000; Jozefowicz et al. 2015 recommend 1). `chrono`: b_f = log u and
            b_i = -b_f, with u uniform in [1, T_max - 1] (Tallec & Ollivier 2018). `default`: all as
            torch.nn.Linear.
        forget_bias: used by init=forget_bias alone.
        longest_memory: T_max of init=chrono, in steps.
    """

    gates = "gifo"

    @validate_call
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        init: Literal["forget_bias", "chrono", "default"] = "default",
        forget_bias: float = 5.0,
        longest_memory: Count = 3,
    ) -> None:
        super().__init__(input_size, hidden_size)
        b_f, b_i = self.get_parameter("b_f"), self.get_parameter("b_i")
        if init == "forget_bias":
            nn.init.constant_(b_f, forget_bias)
        elif init == "chrono":
            nn.init.uniform_(b_f, 1, max(longest_memory - 1, 2)).data.log_()
            b_i.data.copy_(-b_f)

    def initial_state(self, x: Tensor) -> State:
        """Return h(0) = c(0) = 0, each [B, H]."""
        zeros = x.new_zeros(x.shape[1], self.hidden_size)
        return zeros, zeros

    def gate(self, a: Tensor, W_h: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return g, i, f, o at one step, each [B, H]; `step` explains the arguments."""
        # split, not slices: the backward pass of a slice fills a whole [B, 4H] with zeros.
        g, ifo = torch.addmm(a, h, W_h).split([self.hidden_size, 3 * self.hidden_size], dim=1)
        i, f, o = torch.sigmoid(ifo).chunk(3, dim=1)
        return torch.tanh(g), i, f, o

    def step(self, a: Tensor, W_h: Tensor, state: State) -> State:
        h, c = state
        g, i, f, o = self.gate(a, W_h, h)
        c = g * i + c * f
        return torch.tanh(c) * o, c


class GRU(Cell):
    """Cho et al. 2014, in the form of cuDNN and torch.nn: r acts after the matrix product.

    r, z (t) = sigmoid(W_.x x(t) + W_.h h(t-1) + b_.)
    n(t) = tanh(W_nx x(t) + b_n + r(t) * (W_nh h(t-1) + b_nh))
    h(t) = (1 - z(t)) * n(t) + z(t) * h(t-1)
    """

    gates = "rzn"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self._add("b_nh", hidden_size, fan_in=hidden_size)

    def step(self, a: Tensor, W_h: Tensor, state: State) -> State:
        (h,) = state
        H = self.hidden_size
        from_h = h @ W_h  # [B, 3H]
        rz_x, n_x = a.split([2 * H, H], dim=1)
        rz_h, n_h = from_h.split([2 * H, H], dim=1)
        r, z = torch.sigmoid(rz_x + rz_h).chunk(2, dim=1)
        n = torch.tanh(n_x + r * (n_h + self.get_parameter("b_nh")))
        return ((1 - z) * n + z * h,)


class SLSTM(Cell):
    """sLSTM (Beck et al. 2024, "xLSTM", section 2.2), one head: its gates mix all of h(t-1).

    z(t) = tanh(W_zx x(t) + W_zh h(t-1) + b_z); o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)
    I, F (t) = W_.x x(t) + W_.h h(t-1) + b_.
    m(t) = max(log sigmoid(F(t)) + m(t-1), I(t))
    i(t) = exp(I(t) - m(t)); f(t) = exp(log sigmoid(F(t)) + m(t-1) - m(t))
    c(t) = f(t) * c(t-1) + i(t) * z(t); n(t) = f(t) * n(t-1) + i(t)
    h(t) = o(t) * c(t) / n(t)

    The initial b_f goes from 3 to 6 over the units, as with `small_init` in the authors' code; all
    else is initialised as in torch.nn.Linear.
    """

    gates = "ifzo"

    @validate_call
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.get_parameter("b_f").data.copy_(torch.linspace(3.0, 6.0, hidden_size))

    def initial_state(self, x: Tensor) -> State:
        """Return h, c, n (0) = 0 and m(0) = -inf, so that m(1) = I(1), each [B, H]."""
        zeros = x.new_zeros(x.shape[1], self.hidden_size)
        return zeros, zeros, zeros, zeros - math.inf

    def step(self, a: Tensor, W_h: Tensor, state: State) -> State:
        h, c, n, m = state
        I, F, z, o = torch.addmm(a, h, W_h).chunk(4, dim=1)  # noqa: E741
        kept = nn.functional.logsigmoid(F) + m
        m = torch.maximum(kept, I).detach()  # h does not depend on m: it scales c and n alike
        i, f = torch.exp(I - m), torch.exp(kept - m)
        c = f * c + i * torch.tanh(z)
        n = f * n + i
        return torch.sigmoid(o) * c / n, c, n, m


class TorchLSTM(LSTM):
    """The LSTM, computed by the kernel of torch.nn.LSTM: a reference for speed and correctness."""

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        h, c = self.initial_state(x) if state is None else state
        b = self._in_torch_order("b_{}")
        weights = [self._in_torch_order("W_{}x"), self._in_torch_order("W_{}h"), b, 0 * b]
        hidden, h, c = torch.lstm(
            x, (h[None], c[None]), weights, True, 1, 0.0, self.training, False, False
        )
        return hidden, (h[0], c[0])

    def _in_torch_order(self, name: str) -> Tensor:
        return torch.cat([self.get_parameter(name.format(gate)) for gate in "ifgo"])
