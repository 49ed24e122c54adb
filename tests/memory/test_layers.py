"""Layers of torch.nn, of other packages and the transformer as cells."""

import copy
import dataclasses
import random

import numpy as np
import pytest
import torch

import lab
from lab.cli import compose_config
from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, trusting
from lab.engine.jobs import perform
from lab.engine.process import random_stream, rng_state
from lab.memory import horizon
from lab.memory.cells import GRU, LSTM
from lab.memory.config import MemoryConfig
from lab.memory.flow import gradient_flow, some_palindromes
from lab.memory.layers import adapt_state_format
from lab.memory.network import Network, build_network, build_sequence, evaluate
from lab.memory.task import MemoryTask
from lab.memory.transformer import rotated
from tests.command_line import TINY, refusal
from tests.memory.torch_weights import to_torch
from tests.run_files import only

LAYERS = ("torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN")


def config_of(*overrides: str) -> MemoryConfig:
    config = compose_config("hidden_size=8", "seq_len=12", *overrides)
    assert isinstance(config, MemoryConfig)
    return config


@pytest.mark.parametrize("target", LAYERS)
def test_a_layer_of_torch_reads_step_by_step_as_at_once(target):
    config = config_of("cell=torch_gru", f"cell._target_={target}", "cell.num_layers=3")
    network = copy.deepcopy(build_network(config)).double()
    digits = some_palindromes(config, 12, 5)[:, :-1]
    expected, state = network.cell(network.encode(digits), None)
    assert all(part.shape == (5, 8) for part in state)
    assert len(state) == 3 * (2 if target == "torch.nn.LSTM" else 1)
    assert torch.equal(state[0], expected[-1])
    for t, part in enumerate(network.states(digits)):
        assert (part[0] - expected[t]).abs().max() < 1e-12
    for whole, stepped in zip(state, part, strict=True):
        assert (whole - stepped).abs().max() < 1e-12
    flow = gradient_flow(network, some_palindromes(config, 12))
    assert flow.norms["h"].shape == (11,)


def test_a_torch_lstm_is_ours():
    ours = build_network(config_of()).double()
    theirs = build_network(config_of("cell=torch_gru", "cell._target_=torch.nn.LSTM")).double()
    theirs.cell.load_state_dict(to_torch(ours.cell).state_dict())
    theirs.W_ph, theirs.b_p = ours.W_ph, ours.b_p
    digits = some_palindromes(config_of(), 12, 5)
    assert (ours(digits[:, :-1]) - theirs(digits[:, :-1])).abs().max() < 1e-12
    flows = [gradient_flow(network, digits) for network in (ours, theirs)]
    for name in "hc":
        a, b = (flow.norms[name] for flow in flows)
        assert abs(a - b)[~torch.tensor(a).isnan().numpy()].max() < 1e-9


def test_the_run_of_a_torch_lstm_has_every_figure_and_tool(tmp_path, tool):
    words = ("cell=torch_gru", "cell._target_=torch.nn.LSTM", *TINY)
    run = str(lab.run(*words, f"out_dir={tmp_path}").path)
    assert only(tmp_path, "runs/*/figures/gradient_flow.png").exists()
    for words in (("flow", run), ("probe", run), ("horizon", run, "--n", "50", "--longest", "9")):
        assert tool(*words)[0] == 0


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("+cell.batch_first=true", "a state of shape [1, 16, 8]"),
        ("+cell.bidirectional=true", "h(1..T) of shape [16, 2, 16]"),
    ],
)
def test_a_layer_of_another_shape_is_refused(word, line):
    config = config_of("cell=torch_gru")
    key, _, value = word.removeprefix("+cell.").partition("=")
    changed = {**config.cell, key: value == "true"}
    with pytest.raises(UserError, match=r"cell torch.nn.GRU returns .* expected") as error:
        build_network(MemoryConfig(**{**vars(config), "cell": changed}))
    assert line in str(error.value)


@pytest.mark.parametrize("name", ["peephole_lstm", "janet", "mgu"])
def test_a_cell_of_torchrecurrent_trains(name):
    pytest.importorskip("torchrecurrent", reason="needs the extra cells: pip install 'lab[cells]'")
    with trusting(EVERYTHING):  # as a training command
        task = MemoryTask(config_of(f"cell={name}", "data_size=200", "batch_size=16"), "cpu")
        task.check()
    before = [parameter.detach().clone() for parameter in task.network.cell.parameters()]
    task.step()
    after = list(task.network.cell.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("target", ["torch.nn.Linear", "torch.nn.LSTMCell"])
def test_a_class_that_is_no_cell_is_refused_and_leaves_nothing(target, tmp_path):
    (tmp_path / "conf/cell").mkdir(parents=True)
    (tmp_path / "conf/cell/own.yaml").write_text(f"_target_: {target}\n")
    words = ("cell=own", *TINY, f"out_dir={tmp_path / 'out'}")
    line = refusal(*words, config_dir=str(tmp_path / "conf"))
    assert line.startswith(f"cell {target}: ")
    assert line.endswith("; a cell is called as cell(x [T, B, D], state) and returns "
                         "(h [T, B, H], state)")  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", ["x", "(x, None)", "(x, ())", "(None, x)", "(x, x, x)"])
def test_what_a_cell_must_return_is_said(given):
    cell = torch.nn.Module()
    cell.forward = lambda x, state: eval(given, {"x": x})
    with pytest.raises(UserError, match="a cell is called as"):
        adapt_state_format(cell, 10, 10, "own")


class Cells:
    """Cells of a user's own, each with a state of another kind."""

    class CellStateFirst(LSTM):
        def forward(self, x, state=None):
            hidden, (h, c) = super().forward(x, state and state[::-1])
            return hidden, (c, h)

    class OutputIsNoState(GRU):
        def forward(self, x, state=None):
            hidden, state = super().forward(x, state)
            return torch.sin(hidden), state

    class OneTensor(OutputIsNoState):
        def forward(self, x, state=None):
            hidden, (state,) = super().forward(x, None if state is None else (state,))
            return hidden, state

    class Noisy(GRU):
        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size)
            self.norm = torch.nn.BatchNorm1d(hidden_size)

        def forward(self, x, state=None):
            hidden, state = super().forward(x, state)
            noise = torch.rand(()) + random.random() + np.random.rand() if self.training else 0
            return self.norm(hidden.transpose(1, 2)).transpose(1, 2) + noise, state

    class Delayed(GRU):
        def forward(self, x, state=None):
            return super().forward(torch.cat([torch.zeros_like(x[:1]), x[:-1]]), state)

    class Forgetful(GRU):
        def forward(self, x, state=None):
            return super().forward(x)

    class Whole(Forgetful):
        recurrent = False


@pytest.mark.parametrize(
    ("name", "parts"),
    [("CellStateFirst", 2), ("OutputIsNoState", 2), ("OneTensor", 2), ("Noisy", 2)],
)
def test_answers_are_read_from_h_wherever_a_state_has_it(name, parts):
    cell = getattr(Cells, name)(10, 8)
    before, streams = copy.deepcopy(cell.state_dict()), str(rng_state())
    cell = adapt_state_format(cell, 10, 8, name)
    assert all(torch.equal(value, before[key]) for key, value in cell.state_dict().items())
    assert (str(rng_state()), cell.training) == (streams, True)
    network = Network(cell.double().eval(), 8, "one_hot").double()
    digits = some_palindromes(config_of(), 12, 5)
    hidden, state = network.cell(network.encode(digits[:, :-1]), None)
    assert len(state) == parts
    assert (network(digits[:, :-1]) - network.read_out(hidden[-1])).abs().max() < 1e-12
    for t, by_step in enumerate(network.states(digits[:, :-1])):
        assert (by_step[0] - hidden[t]).abs().max() < 1e-12
    assert (
        horizon.last_logits(network, digits[:, :6], 12, 5) - network(digits[:, :-1])
    ).abs().max() < 1e-12
    assert np.isfinite(gradient_flow(network, digits).norms["h"][-1])


@pytest.mark.parametrize("name", ["Delayed", "Forgetful"])
def test_a_cell_that_does_not_continue_from_its_state_is_refused(name):
    with pytest.raises(UserError, match=f"cell {name} gives another h .*`recurrent = False`"):
        adapt_state_format(getattr(Cells, name)(10, 8), 10, 8, name)
    adapt_state_format(Cells.Whole(10, 8), 10, 8, "Whole")


def test_a_network_with_dropout_is_measured_without_it(tmp_path):
    words = ("size=small", "seq_len=4", "data_size=100", "max_steps=12", "target_accuracy=null")
    config = compose_config(*words, "eval_every=12", f"out_dir={tmp_path}")
    own = {"_target_": "torch.nn.GRU", "num_layers": 2, "dropout": 0.9}
    config = dataclasses.replace(config, cell=own)
    assert perform(config, []).kind == "finished"
    run, task = lab.load(config.run_dir), MemoryTask(config, "cpu")
    assert not run.network.training
    accuracy = evaluate(run.network, task.sequence, task.validation)[1]
    assert accuracy == run.result["val_accuracy"]


def test_the_transformer_sees_no_later_step_and_tells_positions():
    network = build_network(config_of("cell=transformer")).double()
    x = network.encode(some_palindromes(config_of(), 12, 3)[:, :-1])
    hidden, _ = network.cell(x, None)
    changed = x.clone()
    changed[6] = x[6].roll(1, -1)
    other, _ = network.cell(changed, None)
    assert (hidden[:6] - other[:6]).abs().max() < 1e-12
    assert (hidden[6:] - other[6:]).abs().amax((1, 2)).min() > 1e-6
    swapped, _ = network.cell(x[[1, 0, *range(2, 11)]], None)
    assert (hidden[-1] - swapped[-1]).abs().max() > 1e-6


def test_a_rotation_keeps_lengths_and_its_products_depend_on_distances_alone():
    one, other = torch.randn(2, 8).double()
    x, y = (rotated(point.expand(9, 8)) for point in (one, other))
    assert (x.norm(dim=1) - one.norm()).abs().max() < 1e-12
    products = x @ y.T
    assert (products[1:, 1:] - products[:-1, :-1]).abs().max() < 1e-12
    assert (products[0, 1:] - products[0, 0]).abs().min() > 1e-6


def test_tools_that_need_a_state_or_palindromes_say_so_in_a_line(tmp_path, tool):
    def finished(*words):
        more = ("device=cpu", "size=small", "max_steps=4", "stream=true", "data_size=100")
        return str(lab.run(*words, *more, f"out_dir={tmp_path}").path)

    run = finished("cell=transformer", "seq_len=5")
    for name in ("flow", "probe"):
        code, _, err = tool(name, run)
        assert (code, err.count("\n")) == (1, 1)
        assert "this tool shows the state from step to step" in err
    assert tool("predict", run, "12321")[0] == 0
    run = finished("sequence=copy", "seq_len=12")
    code, _, err = tool("horizon", run, "--longest", "5")
    assert (code, err) == (
        1, "lab: --longest 5 is too short for sequence=copy: expected at least 11\n"
    )  # fmt: skip
    for words in (("flow", run), ("probe", run), ("predict", run, "12321")):
        code, _, err = tool(*words)
        assert (code, err.count("\n")) == (1, 1)
        assert "but this tool needs a run of sequence=palindrome" in err


@pytest.mark.parametrize("name", ["copy", "parity", "adding", "recall"])
def test_reading_any_sequence_in_chunks_is_reading_whole(name):
    config = config_of(f"sequence={name}", "seq_len=40", "cell=torch_gru")
    network, sequence = build_network(config).double(), build_sequence(config)
    examples = sequence.draw(40, 6, random_stream(0, "chunks"))
    with torch.no_grad():
        expected = network.answers(examples)
        for chunk in (1, 7, 37, 1000):
            found = horizon.answers_to(network, examples, chunk)
            assert (found - expected).abs().max() < 1e-12
