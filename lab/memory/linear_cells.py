"""Cells whose next state is linear in the state: minGRU, DeltaNet and LRU.

Their transitions depend on the input alone, so that many steps are computed at once: by a scan
where the transition is diagonal, and by blocks of matrix products where it is a matrix.
"""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, validate_call
from torch import Tensor, nn

from lab.config import Count, Share
from lab.memory.cells import State

# Rank-one updates of DeltaNet that are computed at once; 32 to 64 are fastest on a CPU.
DELTA_CHUNK = 32


class MinGRU(nn.Module):
    """minGRU (Feng et al. 2024, "Were RNNs all we needed?"): h(t) = a(t) h(t-1) + z(t) n(t).

    z(t) = sigmoid(W_zx x(t) + b_z); n(t) = W_nx x(t) + b_n; s(t) = W_sx x(t) + b_s. The transition
    a(t) is

    - positive: 1 - z(t), the paper's, between 0 and 1;
    - coupled: (1 - z(t)) tanh(s(t)), which can be negative;
    - signed: tanh(s(t)), which can also keep or flip h while something is added.

    A positive transition cannot count modulo 2, a negative one can: Grazzi et al. 2024, "Unlocking
    state-tracking in linear RNNs through negative eigenvalues", theorem 1.

    One layer cannot tell the first digit from a later one. If there are several, a layer reads h(t)
    of the layer below as its x(t).

    Args:
        input_size: D.
        hidden_size: H.
        layers: the number of layers.
        remember_bias: the initial value of -b_z. A large one makes z small, so that h is kept,
            unless the transition is signed. All else is initialised as in torch.nn.Linear.
        transition: what a(t) is.
    """

    @validate_call
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        layers: Count = 2,
        remember_bias: float = 3.0,
        transition: Literal["positive", "coupled", "signed"] = "positive",
    ) -> None:
        super().__init__()
        self.transition = transition
        sizes = [input_size] + [hidden_size] * (layers - 1)
        rows = (2 if transition == "positive" else 3) * hidden_size
        self.zn = nn.ModuleList(nn.Linear(size, rows) for size in sizes)
        for linear in self.zn:
            nn.init.constant_(linear.get_parameter("bias")[:hidden_size], -remember_bias)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward` does; the state is h of each layer, top first."""
        last = []
        for layer, linear in enumerate(self.zn):
            a, b = self.coefficients(linear(x))
            before = torch.zeros_like(b[0]) if state is None else state[-1 - layer]
            x = scan(a, b, before)
            last.append(x[-1])
        return x, tuple(reversed(last))

    def coefficients(self, affine: Tensor) -> tuple[Tensor, Tensor]:
        """Return a(t) and z(t) n(t), [T, B, H], from what a layer's weights give for x."""
        z, n, *s = affine.chunk(2 if self.transition == "positive" else 3, dim=-1)
        z = torch.sigmoid(z)
        if self.transition == "positive":
            return 1 - z, z * n
        sign = torch.tanh(s[0])
        return (sign if self.transition == "signed" else (1 - z) * sign), z * n


class Delta(nn.Module):
    """DeltaNet: a matrix S that stores values under keys, and overwrites what a key had.

    For each head, with q(t), k(t) of length 1 and b(t) = beta_max sigmoid(W_b x(t)):

    S(t) = (I - b(t) k(t) k(t)') S(t-1) + b(t) k(t) v(t)';  h(t) = W_o [S(t)' q(t) of all heads]

    Yang et al. 2024, "Parallelizing linear transformers with the delta rule", without their short
    convolution, activations and output norm. With beta_max=2 the transition can have negative
    eigenvalues and reflect: Grazzi et al. 2024. With several reflections each step makes as many
    updates one after the other; two can also rotate: Siems et al. 2025, "DeltaProduct". All weights
    are initialised as in torch.nn.Linear.

    Args:
        input_size: D.
        hidden_size: H, a multiple of `heads`.
        heads: the number of matrices S, each [H/heads, H/heads].
        beta_max: the largest b(t).
        reflections: the number of updates in a step.
    """

    @validate_call
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        heads: Count = 4,
        beta_max: Annotated[int, Field(ge=1, le=2)] = 2,
        reflections: Annotated[int, Field(ge=1, le=4)] = 1,
    ) -> None:
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"heads={heads}: hidden_size={hidden_size} is no multiple of it")
        self.heads, self.beta_max, self.reflections = heads, beta_max, reflections
        self.sizes = [hidden_size] + [reflections * n for n in (hidden_size, hidden_size, heads)]
        self.qkvb = nn.Linear(input_size, sum(self.sizes))
        self.out = nn.Linear(hidden_size, hidden_size)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward` does; the state is h and all S, [B, H*H/heads].

        A chunk of steps is one linear system (the paper's UT transform). Each update adds k u' to
        S, with u = b (v - S' k) for the S that the updates before it left. So the u of a chunk
        solve (I + A) U = b (V - K S), where A holds b_i k_i'k_j for each j before i.
        """
        steps, batch, n = len(x), x.shape[1], self.reflections

        def by_head(part: Tensor, per_step: int) -> Tensor:
            split = part.view(steps, batch, per_step, self.heads, -1).permute(1, 3, 0, 2, 4)
            return split.reshape(batch, self.heads, steps * per_step, -1)

        q, k, v, b = self.qkvb(x).split(self.sizes, dim=-1)
        q, k = (nn.functional.normalize(by_head(*part), dim=-1) for part in ((q, 1), (k, n)))
        v, b = by_head(v, n), self.beta_max * torch.sigmoid(by_head(b, n))
        width = q.shape[-1]
        shape = (batch, self.heads, width, width)
        S = x.new_zeros(shape) if state is None else state[1].view(shape)
        length = DELTA_CHUNK // n
        # A step reads its own updates and those before it.
        seen = torch.ones(length, length, dtype=x.dtype, device=x.device).tril()
        seen = seen.repeat_interleave(n, dim=1)
        read = []
        for start in range(0, steps, length):
            Q = q[:, :, start : start + length]
            K, V, beta = (part[:, :, n * start : n * (start + length)] for part in (k, v, b))
            # The solver reads what is below the diagonal of A alone, and takes 1 on it.
            U = torch.linalg.solve_triangular(
                beta * (K @ K.mT), beta * (V - K @ S), upper=False, unitriangular=True
            )
            read.append(Q @ S + (Q @ K.mT * seen[: Q.shape[2], : K.shape[2]]) @ U)
            S = S + K.mT @ U
        hidden = self.out(torch.cat(read, dim=2).permute(2, 0, 1, 3).flatten(2))  # [T, B, H]
        return hidden, (hidden[-1], S.flatten(1))


class LRU(nn.Module):
    """The linear recurrent unit (Orvieto et al. 2023): a diagonal of complex numbers, the same at
    each step.

    s(t) = exp(-exp(nu) + i exp(theta)) s(t-1) + gamma W_s x(t);  h(t) = Re(C s(t)) + W_h x(t)

    The initial |eigenvalue| is uniform on the ring from `smallest` to 1, with any angle, and gamma
    = sqrt(1 - |eigenvalue|^2) (section 3.4); all else is initialised as in torch.nn.Linear.

    Args:
        input_size: D.
        hidden_size: H, the number of complex s and of h.
        smallest: the least initial |eigenvalue|.
    """

    @validate_call
    def __init__(self, input_size: int, hidden_size: int, smallest: Share = 0.9) -> None:
        super().__init__()
        squared = torch.rand(hidden_size) * (1 - smallest**2) + smallest**2
        size = squared.clamp(max=1 - 1e-6).sqrt()
        self.nu = nn.Parameter((-size.log()).log())
        self.theta = nn.Parameter((torch.rand(hidden_size) * 2 * math.pi).log())
        self.gamma = nn.Parameter((1 - size**2).sqrt().log())
        self.W_s = nn.Linear(input_size, 2 * hidden_size, bias=False)
        self.C = nn.Linear(2 * hidden_size, hidden_size, bias=False)
        self.W_h = nn.Linear(input_size, hidden_size)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward` does; the state is h, Re s and Im s."""
        driven = torch.complex(*(self.gamma.exp() * part for part in self.W_s(x).chunk(2, -1)))
        eigenvalue = torch.polar((-self.nu.exp()).exp(), self.theta.exp())
        before = torch.zeros_like(driven[0]) if state is None else torch.complex(*state[1:])
        s = scan(eigenvalue.expand_as(driven), driven, before)
        hidden = self.C(torch.cat([s.real, -s.imag], dim=-1)) + self.W_h(x)
        return hidden, (hidden[-1], s[-1].real, s[-1].imag)


def scan(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """Compute h(t) = a(t) h(t-1) + b(t) for all t.

    On a CPU a loop over t is 10 to 25 times as fast as a parallel scan, which a GPU prefers.

    Args:
        a, b: [T, B, H].
        h: h(0), [B, H].

    Returns:
        h(1), …, h(T) as [T, B, H].
    """
    if not a.is_cpu:
        return parallel_scan(a, b, h)
    hidden = []
    for a_t, b_t in zip(a.unbind(0), b.unbind(0), strict=True):
        h = torch.addcmul(b_t, a_t, h)
        hidden.append(h)
    return torch.stack(hidden)


def parallel_scan(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """Compute `scan` in ceil(log2 T) rounds (Hillis & Steele 1986)."""
    b = torch.cat([b[:1] + a[:1] * h, b[1:]])
    for power in range(math.ceil(math.log2(len(a)))):
        shift = 2**power
        b = torch.cat([b[:shift], b[shift:] + a[shift:] * b[:-shift]])
        a = torch.cat([a[:shift], a[shift:] * a[:-shift]])
    return b
