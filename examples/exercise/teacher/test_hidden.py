"""Other cases, which the teacher keeps: python -m pytest -q teacher/test_hidden.py

Run it in the folder with the student's files.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path.cwd()))

import gan_step
import lstm
import rnn


def test_cells_go_on_from_a_state() -> None:
    for cell in (rnn.RNN(4, 6).double(), lstm.LSTM(4, 6).double()):
        x = torch.randn(9, 3, 4, dtype=torch.float64)
        whole, last = cell(x)
        first, state = cell(x[:5])
        second, end = cell(x[5:], state)
        torch.testing.assert_close(torch.cat([first, second]), whole)
        for a, b in zip(last, end, strict=True):
            torch.testing.assert_close(a, b)


def test_the_lstm_forgets_and_remembers_as_its_gates_say() -> None:
    cell = lstm.LSTM(1, 1)
    with torch.no_grad():
        for value in cell.parameters():
            value.zero_()
        cell.b_f.fill_(100.0)  # keep everything
        cell.b_i.fill_(-100.0)  # let nothing in
        cell.b_o.fill_(100.0)
    c = torch.tensor([[0.7]])
    hidden, (_, kept) = cell(torch.ones(50, 1, 1), (torch.zeros(1, 1), c))
    torch.testing.assert_close(kept, c)
    torch.testing.assert_close(hidden[-1], torch.tanh(c))


def test_gradients_reach_the_first_input() -> None:
    for cell in (rnn.RNN(2, 4), lstm.LSTM(2, 4)):
        x = torch.randn(6, 1, 2, requires_grad=True)
        cell(x)[0][-1].sum().backward()
        assert x.grad is not None
        assert x.grad[0].abs().sum() > 0, type(cell).__name__


class Logits(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


def test_losses_are_finite_where_the_discriminator_is_sure() -> None:
    d, g = Logits(2, 1), nn.Linear(3, 2)
    with torch.no_grad():
        d.weight.fill_(1000.0)
    z = torch.randn(8, 3)
    d_loss = gan_step.discriminator_step(
        d, g, torch.optim.SGD(d.parameters(), lr=0.0), -torch.ones(8, 2), z
    )
    g_loss = gan_step.generator_step(d, g, torch.optim.SGD(g.parameters(), lr=0.0), z)
    assert torch.isfinite(torch.tensor([d_loss, g_loss])).all()


def test_the_game_learns_where_the_real_numbers_are() -> None:
    torch.manual_seed(0)
    d, g = Logits(1, 1), nn.Linear(1, 1)
    d_optimizer = torch.optim.SGD(d.parameters(), lr=0.05)
    g_optimizer = torch.optim.SGD(g.parameters(), lr=0.05)
    means = []
    for _ in range(800):
        real = 3 + 0.1 * torch.randn(64, 1)
        gan_step.discriminator_step(d, g, d_optimizer, real, torch.randn(64, 1))
        gan_step.generator_step(d, g, g_optimizer, torch.randn(64, 1))
        means.append(float(g(torch.zeros(1, 1)).detach()))
    assert abs(sum(means[-400:]) / 400 - 3) < 1.5
