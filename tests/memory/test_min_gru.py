"""minGRU at once against minGRU step by step."""

import pytest
import torch

from lab.memory.min_gru import MinGRU


def step_by_step(cell: MinGRU, x: torch.Tensor) -> torch.Tensor:
    """The equations with a loop over layers and time."""
    for linear in cell.zn:
        z, n = linear(x).chunk(2, dim=-1)
        h, hidden = torch.zeros_like(n[0]), []
        for z_t, n_t in zip(z.sigmoid(), n, strict=True):
            h = (1 - z_t) * h + z_t * n_t
            hidden.append(h)
        x = torch.stack(hidden)
    return x


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_at_once_is_step_by_step_both_ways(layers, steps):
    torch.manual_seed(0)
    cell = MinGRU(10, 5, layers).double()
    x = torch.randn(steps, 3, 10, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(steps, 3, 5, dtype=torch.float64)
    results = []
    for outputs in (cell(x)[0], step_by_step(cell, x)):
        wanted = [x, *cell.parameters()]
        results.append([outputs, *torch.autograd.grad((outputs * weights).sum(), wanted)])
    for got, expected in zip(*results, strict=True):
        assert (got - expected).abs().max() < 1e-9


def test_reading_in_two_parts_is_reading_at_once():
    torch.manual_seed(0)
    cell, x = MinGRU(10, 5, 2).double(), torch.randn(9, 3, 10, dtype=torch.float64)
    whole, end = cell(x)
    first, state = cell(x[:4])
    second, end_of_parts = cell(x[4:], state)
    assert (torch.cat([first, second]) - whole).abs().max() < 1e-12
    assert all((a - b).abs().max() < 1e-12 for a, b in zip(end, end_of_parts, strict=True))


def test_no_layer_is_refused():
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        MinGRU(10, 5, 0)
