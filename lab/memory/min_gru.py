"""minGRU (Feng et al. 2024, "Were RNNs all we needed?").

Its gate does not depend on the state, so that all steps are computed at once.
"""

import math

import torch
from pydantic import validate_call
from torch import Tensor, nn

from lab.config import Count
from lab.memory.cells import State


class MinGRU(nn.Module):
    """z(t) = sigmoid(W_zx x(t) + b_z); n(t) = W_nx x(t) + b_n; h(t) = (1-z(t)) h(t-1) + z(t) n(t).

    One layer cannot tell the first digit from a later one. If there are several, a layer reads h(t)
    of the layer below as its x(t).

    Args:
        input_size: D.
        hidden_size: H.
        layers: the number of layers.
        remember_bias: the initial value of -b_z. A large one makes z small, so that h is kept.
    """

    @validate_call
    def __init__(
        self, input_size: int, hidden_size: int, layers: Count = 2, remember_bias: float = 3.0
    ) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.zn = nn.ModuleList(nn.Linear(size, 2 * hidden_size) for size in sizes)
        for linear in self.zn:
            nn.init.constant_(linear.get_parameter("bias")[:hidden_size], -remember_bias)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward` does; the state is h of each layer, top first."""
        last = []
        for layer, linear in enumerate(self.zn):
            z, n = linear(x).chunk(2, dim=-1)  # [T, B, H]
            z = torch.sigmoid(z)
            before = torch.zeros_like(n[0]) if state is None else state[-1 - layer]
            x = scan(1 - z, z * n, before)
            last.append(x[-1])
        return x, tuple(reversed(last))


def scan(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """Compute h(t) = a(t) h(t-1) + b(t) for all t, in ceil(log2 T) rounds (Hillis & Steele 1986).

    Args:
        a, b: [T, B, H].
        h: h(0), [B, H].

    Returns:
        h(1), …, h(T) as [T, B, H].
    """
    b = torch.cat([b[:1] + a[:1] * h, b[1:]])
    for power in range(math.ceil(math.log2(len(a)))):
        shift = 2**power
        b = torch.cat([b[:shift], b[shift:] + a[shift:] * b[:-shift]])
        a = torch.cat([a[:shift], a[shift:] * a[:-shift]])
    return b
