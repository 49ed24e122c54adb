"""The cells against torch.nn and against their equations, in float64."""

import math

import pytest
import torch
from torch import nn

from lab.memory.cells import GRU, IRNN, LSTM, RNN, TorchLSTM
from tests.memory.torch_weights import LAYERS, NAMES, ORDER, from_torch, to_torch

T, B, D, H = 7, 3, 10, 5
TOLERANCE = 1e-12
PAIRS = list(LAYERS.items())


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def outputs_and_gradients(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    outputs, _ = layer(x)
    (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
    assert x.grad is not None
    return [outputs, x.grad]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_cell_equals_torchs_both_ways(ours, theirs):
    x = torch.randn(T, B, D)
    layer = theirs(D, H)
    cell = from_torch(ours, layer)
    back = to_torch(cell)
    expected = outputs_and_gradients(layer, x)
    for other in (cell, back):
        for value, reference in zip(outputs_and_gradients(other, x), expected, strict=True):
            assert (value - reference).abs().max() < TOLERANCE
    with torch.no_grad():
        assert (cell(x)[0] - expected[0]).abs().max() < TOLERANCE


def test_the_irnn_is_torchs_rnn_with_relu_and_starts_as_the_paper_says():
    cell = IRNN(D, 400)
    assert torch.equal(cell.W_hh, torch.eye(400))
    assert not cell.b_h.any()
    assert cell.W_hx.std().item() == pytest.approx(0.001, rel=0.1)
    cell = from_torch(IRNN, nn.RNN(D, H, nonlinearity="relu"))
    x = torch.randn(T, B, D)
    expected = outputs_and_gradients(to_torch(cell), x)
    for value, reference in zip(outputs_and_gradients(cell, x), expected, strict=True):
        assert (value - reference).abs().max() < TOLERANCE


@pytest.mark.parametrize(("cell_class", "layer_class"), PAIRS)
def test_weight_gradients_equal_torchs(cell_class, layer_class):
    x = torch.randn(T, B, D)
    layer = layer_class(D, H)
    cell = from_torch(cell_class, layer)
    outputs_and_gradients(layer, x)
    outputs_and_gradients(cell, x)
    for rows, name in NAMES.items():
        gates = [cell.get_parameter(name.format(gate)) for gate in ORDER[cell_class]]
        got = torch.cat([gate.grad for gate in gates])
        assert (got - layer.get_parameter(rows).grad).abs().max() < TOLERANCE


def test_the_lstm_is_its_equations_digit_by_digit():
    cell, x = LSTM(D, H), torch.randn(T, B, D)
    h = c = torch.zeros(B, H)
    p = dict(cell.named_parameters())
    for x_t in x:

        def affine(gate, x_t=x_t, h=h):
            return x_t @ p[f"W_{gate}x"].T + h @ p[f"W_{gate}h"].T + p[f"b_{gate}"]

        g = torch.tanh(affine("g"))
        i, f, o = (torch.sigmoid(affine(gate)) for gate in "ifo")
        c = g * i + c * f
        h = torch.tanh(c) * o
    outputs, (h_end, c_end) = cell(x)
    assert (outputs[-1] - h).abs().max() < TOLERANCE
    assert (h_end - h).abs().max() < TOLERANCE
    assert (c_end - c).abs().max() < TOLERANCE


@pytest.mark.parametrize("cell_class", [RNN, LSTM, GRU, TorchLSTM])
def test_reading_in_two_parts_is_reading_at_once(cell_class):
    cell, x = cell_class(D, H), torch.randn(T, B, D)
    whole, end = cell(x)
    first, state = cell(x[:3])
    second, end_of_parts = cell(x[3:], state)
    assert (torch.cat([first, second]) - whole).abs().max() < TOLERANCE
    assert all((a - b).abs().max() < TOLERANCE for a, b in zip(end, end_of_parts, strict=True))


def test_the_yardstick_starts_and_computes_as_the_lstm():
    torch.manual_seed(1)
    ours = LSTM(D, H, init="forget_bias")
    torch.manual_seed(1)
    yardstick = TorchLSTM(D, H, init="forget_bias")
    x = torch.randn(T, B, D)
    expected = outputs_and_gradients(ours, x)
    for value, reference in zip(outputs_and_gradients(yardstick, x), expected, strict=True):
        assert (value - reference).abs().max() < TOLERANCE


def test_starts():
    assert torch.equal(LSTM(D, H, init="forget_bias", forget_bias=3.0).b_f, torch.full((H,), 3.0))
    chrono = LSTM(D, 1000, init="chrono", longest_memory=50)
    assert 0 <= chrono.b_f.min().item() < chrono.b_f.max().item() <= math.log(49)
    assert torch.equal(chrono.b_i, -chrono.b_f)
    assert LSTM(D, H).b_f.abs().max().item() <= 1 / math.sqrt(D)
    assert torch.equal(RNN(D, H, init="identity").W_hh, torch.eye(H))
    W = RNN(D, H, init="orthogonal").W_hh
    assert (W @ W.T - torch.eye(H)).abs().max() < TOLERANCE
    for bad in (lambda: RNN(D, H, init="x"), lambda: LSTM(D, H, init="x")):
        with pytest.raises(ValueError, match="init"):
            bad()
