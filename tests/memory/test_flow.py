"""Gradients against finite differences, gates against their equations, probes on known data."""

import math

import numpy as np
import pytest
import torch

from lab.cli import compose_config
from lab.engine.process import seed_everything
from lab.memory import figures, flow
from lab.memory.cells import LSTM
from lab.memory.config import MemoryConfig
from lab.memory.flow import probe_accuracy, probe_states
from lab.memory.network import Network, build_network, initial_network
from lab.memory.task import MemoryTask

CELLS = ["rnn", "lstm", "gru", "torch_lstm", "min_gru"]


def make(*overrides: str) -> tuple[Network, MemoryConfig]:
    config = compose_config("hidden_size=4", "seq_len=8", *overrides)
    assert isinstance(config, MemoryConfig)
    torch.manual_seed(0)
    return build_network(config).double(), config


@torch.no_grad()
def finite_difference_norm(
    network: Network, digits: torch.Tensor, t: int, part: int, epsilon: float = 1e-6
) -> float:
    """|dLoss/d part(t)| of one palindrome [1, T] by moving each unit of the state after step t."""
    before = list(network.states(digits[:, :t]))[-1]

    def loss(moved: torch.Tensor) -> float:
        state = tuple(moved if k == part else value for k, value in enumerate(before))
        if t == digits.shape[1] - 1:
            logits = network.read_out(state[0])
        else:
            logits = network(digits[:, t:-1], state)
        return float(torch.nn.functional.cross_entropy(logits, digits[:, -1].long()))

    slopes = []
    for unit in torch.eye(before[part].shape[1], dtype=torch.float64):
        up, down = before[part] + epsilon * unit, before[part] - epsilon * unit
        slopes.append((loss(up) - loss(down)) / (2 * epsilon))
    return math.hypot(*slopes)


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_norms_are_those_of_finite_differences(cell):
    network, config = make(f"cell={cell}")
    digits = flow.some_palindromes(config, 8, count=2)
    norms = flow.gradient_flow(network, digits).norms
    assert list(norms) == (["h"] if cell in ("rnn", "gru") else ["h", "c"])
    for part, values in enumerate(norms.values()):
        for t in range(1, 8):
            each = [finite_difference_norm(network, one[None], t, part) for one in digits]
            if max(each) < 1e-9:
                assert not np.isfinite(values[t - 1])
            else:
                assert values[t - 1] == pytest.approx(np.log10(each).mean(), abs=1e-4)


def test_a_linear_decay_is_found_beyond_what_a_float_holds():
    network, config = make("cell=rnn")
    with torch.no_grad():
        for name in ("W_hx", "b_h"):
            network.cell.get_parameter(name).zero_()
        network.cell.get_parameter("W_hh").copy_(0.1 * torch.eye(4).double())
    digits = flow.some_palindromes(config, 350)
    found = flow.gradient_flow(network, digits)
    assert found.norms["h"][0] < -340
    assert found.factor("h") == pytest.approx(0.1, rel=1e-9)
    assert flow.spectral_radius(network, digits) == pytest.approx(0.1, rel=1e-9)


def test_the_initial_weights_are_those_the_run_began_with():
    _, config = make("seed=3")
    seed_everything(config.seed)
    began = MemoryTask(config, "cpu").network.state_dict()
    torch.manual_seed(1)
    expected_next = torch.rand(1)
    torch.manual_seed(1)
    again = initial_network(config).state_dict()
    assert all(torch.equal(began[name], again[name]) for name in began)
    assert torch.equal(torch.rand(1), expected_next)


def test_gates_are_those_with_which_the_lstm_steps():
    network, config = make()
    digits = flow.some_palindromes(config, 8)[:, :-1]
    values = flow.gate_values(network, digits)
    for t, (h, c) in enumerate(network.states(digits)):
        assert torch.allclose(values.c[t], c)
        assert torch.allclose(values.c[t].tanh() * values.o[t], h)


def test_a_unit_carries_only_if_it_does_at_every_step():
    labels = torch.arange(100) % 10
    noise = torch.randn(100, generator=torch.Generator().manual_seed(0))
    carrying, late = labels.float(), torch.stack([noise, labels.float()])
    c = torch.stack([torch.stack([carrying, carrying]), late], dim=2)  # [2 steps, 100, 2 units]
    share = flow.carried_share(c, labels)
    assert float(share[0]) == pytest.approx(1.0)
    assert float(share[1]) < 0.3
    f = torch.full((2, 100, 2), 0.25)
    f[:, ::2] = 1.0  # the mean is 0.625
    sentence = flow.sentence(flow.Gates(f, f, f, c), share)
    assert sentence.startswith("1 of 2 units holds")
    assert "0.5000, which alone halves a cell state in 1 digits" in sentence
    assert "None" in flow.sentence(flow.Gates(f, f, f, c), torch.zeros(2))


def test_a_probe_reads_what_is_there_and_nothing_else():
    draws = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (600,), generator=draws)
    noise = torch.randn(600, 12, generator=draws)
    there = noise[labels]
    assert probe_accuracy(there, labels, 300) == 1.0
    assert probe_accuracy(noise, labels, 300) < 0.25
    network, config = make("hidden_size=16")
    found = probe_states(network, flow.some_palindromes(config, 8, count=300), [1, 7], 100)
    assert {name: len(values) for name, values in found.items()} == {"h": 2, "c": 2}
    assert found["h"][0] == found["c"][0] == 1.0  # after the first digit it is there


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_every_run_gets_its_figures_and_factors(cell):
    network, config = make(f"cell={cell}")
    drawn, factors = flow.remembering(network.float(), config)
    is_lstm = isinstance(network.cell, LSTM)
    assert sorted(drawn) == (["gates", "gradient_flow"] if is_lstm else ["gradient_flow"])
    digits = flow.some_palindromes(config, config.seq_len)
    back = flow.gradient_flow(network, digits)
    assert factors.keys() == {
        f"{state}_{w}" for state in back.norms for w in ("initial", "trained")
    }
    assert factors["h_trained"] == pytest.approx(back.factor("h"))
    if is_lstm:  # the rows of one panel are those that rank the units
        (explained,) = (
            axis for axis in drawn["gates"].axes if "explains" in axis.get_title("left")
        )
        least = explained.images[0].get_array().min(axis=1)
        assert (np.diff(least) <= 0).all()
        assert np.ptp(least) > 0


def test_a_comparison_names_every_run():
    network, config = make()
    one = flow.gradient_flow(network, flow.some_palindromes(config, 8))
    figure = figures.compare_flows({"a run": (one, one), "another": (one, one)}, 8)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [label.split(":")[0] for label in labels] == ["dc(t), a run", "dc(t), another"]


def test_a_gradient_smaller_than_any_float_does_not_stretch_the_axis():
    lost = flow.Flow({"h": np.linspace(-700, 0, 1000)})
    (axis,) = figures.gradient_flow(lost, lost, "T=1001").axes
    assert axis.get_ylim()[0] > -50
    assert "smaller than any float32" in [text.get_text() for text in axis.texts]


def test_gates_near_one_are_told_apart_and_every_unit_has_two_dots():
    gate = np.array([[0.95, 0.999]] * 128)
    panels = {"forget gate": gate, "input gate": gate, "cell state": 100 * gate}
    figure = figures.gates(panels, "12", "t", "128 of 128 units hold the first digit. " * 3)
    image = figure.axes[0].images[0]
    low, high = image.norm(0.95), image.norm(0.999)
    assert high - low > 0.2
    assert figure.axes[0].get_window_extent().height >= 2 * 128
    # The gates share one colour bar, and what is no gate has its own.
    assert len([axis for axis in figure.axes if not axis.get_title(loc="left")]) == 2
    figure.draw_without_rendering()
    boxes = [thing.get_window_extent() for thing in figure.texts]
    boxes += [axis.get_tightbbox() for axis in figure.axes]
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.width


def test_one_step_has_no_decay():
    short = flow.Flow({"h": np.array([-1.0, -3.0]), "c": np.array([-2.0, np.nan])})
    assert short.factor("h") == pytest.approx(100.0)
    assert math.isnan(short.factor("c"))
    assert short.phrase("c") == ""
