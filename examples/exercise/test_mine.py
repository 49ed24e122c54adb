"""Tests of your parts: python -m pytest -q test_mine.py"""

import gan_step
import lstm
import rnn
import torch
from torch import Tensor, nn


def test_the_rnn_takes_one_step() -> None:
    cell = rnn.RNN(2, 3).double()
    x = torch.randn(1, 4, 2, dtype=torch.float64)
    hidden, (last,) = cell(x)
    torch.testing.assert_close(hidden[0], torch.tanh(x[0] @ cell.W_hx.T + cell.b_h))
    torch.testing.assert_close(last, hidden[-1])


def test_the_rnn_is_that_of_torch() -> None:
    ours, theirs = rnn.RNN(3, 5), nn.RNN(3, 5)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.W_hx)
        theirs.weight_hh_l0.copy_(ours.W_hh)
        theirs.bias_ih_l0.copy_(ours.b_h)
        theirs.bias_hh_l0.zero_()
    x = torch.randn(7, 2, 3)
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])


def test_the_lstm_is_that_of_torch() -> None:
    ours, theirs = lstm.LSTM(3, 5), nn.LSTM(3, 5)
    with torch.no_grad():
        for gate, rows in zip("ifgo", range(0, 20, 5), strict=True):
            theirs.weight_ih_l0[rows : rows + 5] = getattr(ours, f"W_{gate}x")
            theirs.weight_hh_l0[rows : rows + 5] = getattr(ours, f"W_{gate}h")
            theirs.bias_ih_l0[rows : rows + 5] = getattr(ours, f"b_{gate}")
        theirs.bias_hh_l0.zero_()
    x = torch.randn(7, 2, 3)
    hidden, (h, c) = ours(x)
    expected, (last_h, last_c) = theirs(x)
    torch.testing.assert_close(hidden, expected)
    torch.testing.assert_close(h, last_h[0])
    torch.testing.assert_close(c, last_c[0])


class Logits(nn.Linear):
    """A discriminator of two numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


def test_a_discriminator_that_cannot_decide_loses_log_4() -> None:
    d, g = Logits(2, 1), nn.Linear(3, 2)
    nn.init.zeros_(d.weight)
    nn.init.zeros_(d.bias)
    optimizer = torch.optim.SGD(d.parameters(), lr=0.1)
    loss = gan_step.discriminator_step(d, g, optimizer, torch.ones(8, 2), torch.randn(8, 3))
    assert abs(loss - 2 * torch.log(torch.tensor(2.0))) < 1e-5
    assert d.weight.abs().sum() > 0, "the discriminator took no step"
    assert all(value.grad is None for value in g.parameters()), "a gradient reached the generator"


def test_the_generator_takes_a_step_that_fools_the_discriminator() -> None:
    torch.manual_seed(0)
    d, g = Logits(2, 1), nn.Linear(3, 2)
    before = [value.clone() for value in d.parameters()]
    z = torch.randn(64, 3)
    optimizer = torch.optim.SGD(g.parameters(), lr=0.5)
    losses = [gan_step.generator_step(d, g, optimizer, z) for _ in range(5)]
    assert losses[-1] < losses[0]
    assert all(torch.equal(a, b) for a, b in zip(before, d.parameters(), strict=True))
