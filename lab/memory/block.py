"""The block that papers put around a recurrent layer: normalisation, residual path and MLP."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from lab.memory.cells import State
from lab.memory.config import Block
from lab.memory.layers import is_recurrent

NORMS: dict[str, Callable[[int], nn.Module]] = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}


class Blocks(nn.Module):
    """Embed the inputs, pass them through several blocks, and normalise.

    h = W_e x + b_e; in each block h += cell(norm(h)) and then, unless block.mlp is 0, h +=
    mlp(norm(h)), with one hidden layer of block.mlp * H units and GELU. The result is norm(h).

    Args:
        cells: the recurrent layers, [T, B, H] to [T, B, H].
        input_size: D.
        hidden_size: H.
        block: the settings.
    """

    def __init__(
        self, cells: Sequence[nn.Module], input_size: int, hidden_size: int, block: Block
    ) -> None:
        super().__init__()
        norm = NORMS[block.norm]
        self.recurrent = all(is_recurrent(cell) for cell in cells)
        sizes: list[int] = [getattr(cell, "state_per_step", 0) for cell in cells]
        self.state_per_step = sum(sizes) if all(sizes) else None
        self.embed, self.norm = nn.Linear(input_size, hidden_size), norm(hidden_size)
        self.cells = nn.ModuleList(cells)
        self.cell_norms = nn.ModuleList(norm(hidden_size) for _ in cells)
        self.mlps = nn.ModuleList(
            nn.Sequential(
                norm(hidden_size),
                nn.Linear(hidden_size, block.mlp * hidden_size),
                nn.GELU(),
                nn.Linear(block.mlp * hidden_size, hidden_size),
            )
            for _ in (cells if block.mlp else ())
        )

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward`; the state is h and the cells' states, top first."""
        h, after = self.embed(x), []
        for place, (cell, norm) in enumerate(zip(self.cells, self.cell_norms, strict=True)):
            before = None
            if state is not None:
                size = (len(state) - 1) // len(self.cells)
                first = 1 + size * (len(self.cells) - 1 - place)
                before = state[first : first + size]
            added, end = cell(norm(h), before)
            h = h + added
            if len(self.mlps):
                h = h + self.mlps[place](h)
            after.append(end)
        h = self.norm(h)
        return h, (h[-1], *(part for end in reversed(after) for part in end))
