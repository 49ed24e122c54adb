"""A small causal transformer, for comparison with the recurrent cells."""

import torch
from pydantic import validate_call
from torch import Tensor, nn

from lab.config import Count
from lab.config.errors import UserError
from lab.memory.cells import State


class Transformer(nn.Module):
    """Vaswani et al. 2017, causal, with normalisation before each part (Xiong et al. 2020).

    Positions are rotations of queries and keys (Su et al. 2021). The whole sequence is read at
    once. The state that it returns is h(T) alone, from which it cannot continue.

    Args:
        input_size: D.
        hidden_size: H, the width; a multiple of 2 * heads.
        layers: the number of layers.
        heads: the number of attention heads in each layer.
    """

    recurrent = False

    @validate_call
    def __init__(
        self, input_size: int, hidden_size: int, layers: Count = 2, heads: Count = 4
    ) -> None:
        super().__init__()
        if hidden_size % (2 * heads):
            raise ValueError(f"heads={heads}: hidden_size={hidden_size} is no multiple of 2*heads")
        self.state_per_step = 2 * layers * hidden_size  # each layer keeps a key and a value
        self.embed = nn.Linear(input_size, hidden_size)
        self.blocks = nn.ModuleList(Block(hidden_size, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward` does; the state must be None."""
        if state is not None:
            raise UserError("cell=transformer carries no state from step to step")
        h = self.embed(x.transpose(0, 1))  # [B, T, H]
        for block in self.blocks:
            h = block(h)
        h = self.norm(h).transpose(0, 1)
        return h, (h[-1],)


class Block(nn.Module):
    """One layer: attention to all steps so far, then two linear layers for each step."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, h: Tensor) -> Tensor:
        B, T, H = h.shape
        parts = self.qkv(self.norms[0](h)).view(B, T, 3, self.heads, H // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each [B, heads, T, H/heads]
        seen = nn.functional.scaled_dot_product_attention(rotated(q), rotated(k), v, is_causal=True)
        h = h + self.out(seen.transpose(1, 2).reshape(B, T, H))
        return h + self.mlp(self.norms[1](h))


def rotated(x: Tensor) -> Tensor:
    """Rotate each pair of numbers of x [..., T, 2N] by an angle proportional to the step."""
    half = x.shape[-1] // 2
    rates = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=x.dtype) / half)
    angles = torch.arange(x.shape[-2], device=x.device, dtype=x.dtype)[:, None] * rates  # [T, N]
    a, b = x.split(half, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
