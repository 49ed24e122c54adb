"""The cells against torch.nn, or against plain loops over their equations, in float64."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from lab.cli import compose_config
from lab.memory.cells import GRU, IRNN, LSTM, RNN, SLSTM, TorchLSTM
from lab.memory.layers import state_size
from lab.memory.linear_cells import LRU, Delta, MinGRU, parallel_scan, scan
from lab.memory.network import build_network
from lab.memory.transformer import Transformer
from tests.memory.torch_weights import LAYERS, NAMES, ORDER, from_torch, to_torch

T, B, D, H = 7, 3, 10, 8
TOLERANCE = 1e-12
RELU = partial(nn.RNN, nonlinearity="relu")


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def outputs_and_gradients(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    outputs, end = layer(x)
    (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
    assert x.grad is not None
    end = end if isinstance(end, tuple) else (end,)
    return [outputs, x.grad, *(part.view(B, H) for part in end)]


@pytest.mark.parametrize(("ours", "theirs"), [*LAYERS.items(), (IRNN, RELU)])
def test_a_cell_equals_torchs_both_ways(ours, theirs):
    x, layer = torch.randn(T, B, D), theirs(D, H)
    cell = from_torch(ours, layer)
    expected = outputs_and_gradients(layer, x)
    for other in (cell, to_torch(cell)):
        for value, reference in zip(outputs_and_gradients(other, x), expected, strict=True):
            assert (value - reference).abs().max() < TOLERANCE
    with torch.no_grad():
        assert (cell(x)[0] - expected[0]).abs().max() < TOLERANCE
    for rows, name in NAMES.items():
        got = torch.cat([cell.get_parameter(name.format(gate)).grad for gate in ORDER[ours]])
        assert (got - layer.get_parameter(rows).grad).abs().max() < TOLERANCE


def test_the_reference_lstm_starts_and_computes_as_ours():
    x, found = torch.randn(T, B, D), []
    for kind in (LSTM, TorchLSTM):
        torch.manual_seed(1)
        found.append(outputs_and_gradients(kind(D, H, init="forget_bias"), x))
    for value, reference in zip(*found, strict=True):
        assert (value - reference).abs().max() < TOLERANCE


def test_starts():
    irnn = IRNN(D, 400)
    assert torch.equal(irnn.W_hh, torch.eye(400))
    assert not irnn.b_h.any()
    assert irnn.W_hx.std().item() == pytest.approx(0.001, rel=0.1)
    assert torch.equal(LSTM(D, H, init="forget_bias", forget_bias=3.0).b_f, torch.full((H,), 3.0))
    chrono = LSTM(D, 1000, init="chrono", longest_memory=50)
    assert 0 <= chrono.b_f.min().item() < chrono.b_f.max().item() <= math.log(49)
    assert torch.equal(chrono.b_i, -chrono.b_f)
    assert LSTM(D, H).b_f.abs().max().item() <= 1 / math.sqrt(D)
    assert torch.equal(RNN(D, H, init="identity").W_hh, torch.eye(H))
    W = RNN(D, H, init="orthogonal").W_hh
    assert (W @ W.T - torch.eye(H)).abs().max() < TOLERANCE
    lru = LRU(D, 1000, smallest=0.5)
    sizes = torch.exp(-torch.exp(lru.nu))
    assert 0.5 <= sizes.min() < 0.52
    assert 0.98 < sizes.max() < 1
    assert (torch.exp(lru.gamma) ** 2 + sizes**2 - 1).abs().max() < TOLERANCE


def min_gru(cell, x):
    for linear in cell.zn:
        z, n, *s = linear(x).split(H, dim=-1)
        h, hidden = torch.zeros(B, H), []
        for t in range(len(x)):
            gate = 1 / (1 + torch.exp(-z[t]))
            sign = torch.tanh(s[0][t]) if s else 1
            a = {"positive": 1 - gate, "coupled": (1 - gate) * sign, "signed": sign}
            h = a[cell.transition] * h + gate * n[t]
            hidden.append(h)
        x = torch.stack(hidden)
    return x


def delta(cell, x):
    """Each update multiplies S by the whole matrix I - b k k'."""
    heads, count, width = cell.heads, cell.reflections, H // cell.heads
    S, hidden = torch.zeros(B, heads, width, width), []
    for affine in cell.qkvb(x):
        q, k, v, b = affine.split([H, count * H, count * H, count * heads], dim=-1)
        for j in range(count):
            key = k.view(B, count, heads, width)[:, j]
            key = key / key.square().sum(-1, keepdim=True).sqrt()
            value = v.view(B, count, heads, width)[:, j]
            beta = cell.beta_max / (1 + torch.exp(-b.view(B, count, heads)[:, j]))
            outer = torch.einsum("bhi,bhj->bhij", key, key)
            S = (torch.eye(width) - beta[..., None, None] * outer) @ S
            S = S + beta[..., None, None] * torch.einsum("bhi,bhj->bhij", key, value)
        query = q.view(B, heads, width)
        query = query / query.square().sum(-1, keepdim=True).sqrt()
        hidden.append(cell.out(torch.einsum("bhij,bhi->bhj", S, query).reshape(B, H)))
    return torch.stack(hidden)


def lru(cell, x):
    """With real numbers: each complex state is rotated by an angle and shrunk."""
    size, angle = torch.exp(-torch.exp(cell.nu)), torch.exp(cell.theta)
    a, b = size * torch.cos(angle), size * torch.sin(angle)
    real, imaginary, hidden = torch.zeros(B, H), torch.zeros(B, H), []
    for x_t in x:
        u, v = (torch.exp(cell.gamma) * part for part in cell.W_s(x_t).split(H, dim=-1))
        real, imaginary = a * real - b * imaginary + u, a * imaginary + b * real + v
        C_real, C_imaginary = cell.C.weight.split(H, dim=1)
        hidden.append(real @ C_real.T - imaginary @ C_imaginary.T + cell.W_h(x_t))
    return torch.stack(hidden)


def slstm(cell, x):
    """Without the stabiliser: exp(I) and sigmoid(F) as they are."""
    p = dict(cell.named_parameters())
    h, c, n, hidden = torch.zeros(B, H), torch.zeros(B, H), torch.zeros(B, H), []
    for x_t in x:
        I, F, z, o = (x_t @ p[f"W_{g}x"].T + h @ p[f"W_{g}h"].T + p[f"b_{g}"] for g in "ifzo")  # noqa: E741
        i, f = torch.exp(I), 1 / (1 + torch.exp(-F))
        c, n = f * c + i * torch.tanh(z), f * n + i
        h = c / n / (1 + torch.exp(-o))
        hidden.append(h)
    return torch.stack(hidden)


CELLS = {
    "minGRU, positive": (partial(MinGRU, layers=3), min_gru),
    "minGRU, coupled": (partial(MinGRU, layers=1, transition="coupled"), min_gru),
    "minGRU, signed": (partial(MinGRU, layers=2, transition="signed"), min_gru),
    "DeltaNet, beta to 1": (partial(Delta, heads=2, beta_max=1), delta),
    "DeltaNet, beta to 2": (partial(Delta, heads=4), delta),
    "two reflections": (partial(Delta, heads=1, reflections=2), delta),
    "LRU": (LRU, lru),
    "sLSTM": (SLSTM, slstm),
}


@pytest.mark.parametrize("steps", [1, 7, 40])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_its_equations_both_ways(name, steps):
    make, equations = CELLS[name]
    cell, x = make(D, H), torch.randn(steps, B, D, requires_grad=True)
    weights = torch.randn(steps, B, H)
    results = []
    for hidden in (cell(x)[0], equations(cell, x)):
        # At the first step no weight of the state has a gradient.
        wanted = [x, *cell.parameters()]
        found = torch.autograd.grad((hidden * weights).sum(), wanted, materialize_grads=True)
        results.append([hidden, *found])
    for got, expected in zip(*results, strict=True):
        assert (got - expected).abs().max() < TOLERANCE * max(1, expected.abs().max())


@pytest.mark.parametrize("name", [*CELLS, "RNN", "LSTM", "GRU", "TorchLSTM", "block"])
def test_reading_step_by_step_is_reading_at_once(name):
    x = torch.randn(40, B, D)
    others = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU, "TorchLSTM": TorchLSTM}
    make = CELLS[name][0] if name in CELLS else others.get(name)
    cell = make(D, H) if make else blocks("cell=lstm").double()
    whole, end = cell(x, None)
    assert torch.equal(whole[-1], end[0])
    state, hidden = None, []
    for x_t in x.split([1] * 30 + [10]):
        part, state = cell(x_t, state)
        hidden.append(part)
    assert (torch.cat(hidden) - whole).abs().max() < TOLERANCE
    for a, b in zip(end, state, strict=True):
        assert (a - b).abs().max() < TOLERANCE


def test_the_two_scans_are_one():
    a, b, h = torch.randn(37, B, H), torch.randn(37, B, H), torch.randn(B, H)
    assert (scan(a, b, h) - parallel_scan(a, b, h)).abs().max() < 1e-9


def test_slstm_stays_finite_where_its_gates_would_overflow():
    cell = SLSTM(D, H).float()
    hidden, _ = cell(1e4 * torch.randn(20, B, D, dtype=torch.float32))
    assert hidden.isfinite().all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MinGRU(D, H, transition="odd"), "'positive', 'coupled' or 'signed'"),  # type: ignore[arg-type]
        (lambda: Delta(D, H, heads=3), "hidden_size=8 is no multiple"),
        (lambda: Delta(D, H, beta_max=3), "less than or equal to 2"),
        (lambda: LSTM(D, H, init="x"), "init"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def blocks(*overrides):
    config = compose_config("hidden_size=8", "block.layers=2", "block.norm=rms", *overrides)
    torch.manual_seed(0)
    return build_network(config).cell


def test_a_block_is_norm_cell_residual_norm_mlp_residual():
    cell = blocks("cell=min_gru", "block.mlp=3").double()
    assert cell.mlps[0][1].out_features == 24
    x = torch.randn(9, B, D)
    h = cell.embed(x)
    for inner, norm, mlp in zip(cell.cells, cell.cell_norms, cell.mlps, strict=True):
        h = h + inner(norm(h))[0]
        h = h + mlp(h)
    expected = h / (h.square().mean(-1, keepdim=True) + torch.finfo(h.dtype).eps).sqrt()
    assert (cell(x)[0] - expected).abs().max() < TOLERANCE
    assert len(blocks("cell=gru", "block.mlp=0").mlps) == 0


def test_the_state_that_is_carried_is_counted():
    x = torch.randn(20, 1, D)
    sizes = {
        LSTM(D, H): 2 * H,
        SLSTM(D, H): 4 * H,
        MinGRU(D, H, layers=3): 3 * H,
        Delta(D, H, heads=2): 2 * 4 * 4,  # and not h, which nothing reads
        LRU(D, H): 2 * H,
        Transformer(D, H, layers=3, heads=1): 20 * 2 * 3 * H,
        blocks("cell=lstm").double(): 2 * 2 * H,
        blocks("cell=torch_gru").double(): 2 * H,
        blocks("cell=transformer", "cell.heads=1").double(): 20 * 2 * 2 * 2 * H,
    }
    for cell, size in sizes.items():
        assert state_size(cell, x) == size, cell
