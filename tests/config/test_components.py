"""Components: signatures check their arguments; a failure names the line of the user's code."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from torch.optim import Optimizer

from lab.cli import compose_config
from lab.config.components import build
from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, trusting
from lab.engine.study import build_task
from lab.generation.losses import Loss
from tests.command_line import ROOT

MODULE = """
from pathlib import Path
from torch import nn

class Cell(nn.GRU):
    def __init__(self, input_size, hidden_size, size: int = 1, where: Path | None = None):
        super().__init__(input_size, hidden_size)
        assert size < 3

class Later(nn.Module):
    def __init__(self, input_size, hidden_size):
        raise NotImplementedError("two lines,\\nof which the last counts")

class Holder(nn.Module):
    def __init__(self, input_size, hidden_size, inner, factor: float = None, **more):
        super().__init__()
        self.inner, self.factor = inner, factor
"""


@pytest.fixture(autouse=True)
def own_cells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("own_cells", "broken_cells", "lonely_cells"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    Path("own_cells.py").write_text(MODULE)
    Path("broken_cells.py").write_text("def f(:\n")
    Path("lonely_cells.py").write_text("import no_such_library\n")
    with trusting(EVERYTHING):
        yield


def complaint(group, target, *args, base=None, **given):
    with pytest.raises(UserError) as error:
        build(group, {"_target_": target, **given}, *args, base=base)
    assert "\n" not in str(error.value)
    return str(error.value)


OWN = {
    ("own_cells.Cell", "size", 3): "AssertionError (own_cells.py:8: assert size < 3)",
    (
        "own_cells.Later",
        "",
        None,
    ): "NotImplementedError: of which the last counts (own_cells.py:12)",
    ("own_cells.Cel", "", None): "there is no Cel in own_cells; did you mean Cell?",
    ("own_cell.Cell", "", None): "there is no module own_cell to import; did you mean own_cells?",
    ("Cell", "", None): "expected a module and a class",
    ("broken_cells.Cell", "", None): "SyntaxError: invalid syntax (broken_cells.py, line 1)",
    ("lonely_cells.Cell", "", None): "No module named 'no_such_library' (lonely_cells.py:1)",
    ("own_cells.Cell", "sizes", 1): "cell.sizes means nothing to Cell: it takes size, where; did "
    "you mean size?",
    ("own_cells.Cell", "_partial_", True): "cell._partial_ means nothing to Cell",
    ("own_cells.Cell", "size", 1.5): "cell.size=1.5 is not allowed: expected an integer",
    ("own_cells.Holder", "", None): "cell.inner is missing: Holder needs it",
}


@pytest.mark.parametrize("case", OWN)
def test_a_component_of_the_users_own_that_fails_is_one_line_with_its_place(case):
    target, key, value = case
    assert OWN[case] in complaint("cell", target, 10, 32, **({key: value} if key else {}))


@pytest.mark.skipif(find_spec("torchrecurrent") is not None, reason="torchrecurrent is installed")
def test_a_package_of_an_extra_is_named_with_its_extra():
    assert complaint("cell", "torchrecurrent.JANET", 10, 32) == (
        "cell names torchrecurrent.JANET: there is no module torchrecurrent to import: "
        "pip install 'lab[cells]'"
    )


def test_a_component_may_be_an_argument_of_another():
    inner = {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 3}
    holder = {"_target_": "own_cells.Holder", "inner": [inner, 5], "factor": None, "more": 1}
    built = build("cell", holder, 10, 32)
    assert isinstance(built.inner[0], nn.Linear)
    assert built.inner[1] == 5
    wrong = {**inner, "bias": "no"}
    assert "cell.inner.bias=no is not allowed: expected true or false" in complaint(
        "cell", "own_cells.Holder", 10, 32, inner=wrong
    )


BUILT_IN = [
    ("cell", "lab.memory.cells.LSTM", {"forget_bias": "abc"}, "expected a number"),
    ("cell", "lab.memory.cells.LSTM", {"forget_bias": float("nan")}, "cell.forget_bias=nan"),
    ("cell", "torch.nn.LSTM", {"init": "x"}, "torch.nn.LSTM(init=x): TypeError: RNNBase.__init__() "
     "got an unexpected keyword argument 'init'"),
    ("cell", "lab.memory.linear_cells.MinGRU", {"layers": 0}, "cell.layers=0 is not allowed: expe"),
    ("loss", "lab.generation.losses.NonSaturating", {"real_target": 0.5}, "expected more than 0.5"),
]  # fmt: skip


@pytest.mark.parametrize(("group", "target", "given", "message"), BUILT_IN)
def test_an_argument_of_a_wrong_type_or_size_is_named(group, target, given, message):
    args = [10, 32] if group == "cell" else []
    assert message in complaint(group, target, *args, base=Loss, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"betas": [2, 3]},
            "optimizer.betas[0]=2 is not allowed: expected less than 1.0",
        ),
        ({"betas": [0.9]}, "optimizer.betas[1] is missing"),
        ({"betas": "abc"}, "optimizer.betas=abc is not allowed: expected a list"),
        ({"weight_decay": -1}, "optimizer.weight_decay=-1 is not allowed: expected at least 0"),
        ({"eps": "small"}, "optimizer.eps=small is not allowed: expected a number"),
        ({"weight_decay": 1e300}, "optimizer.weight_decay=1e+300 is not allowed"),
        ({"amsgrd": True}, "did you mean amsgrad?"),
    ],
)
def test_an_optimizers_arguments_are_checked_by_its_own_signature(given, message):
    weights = [nn.Parameter(torch.zeros(1))]
    assert message in complaint("optimizer", "torch.optim.Adam", weights, base=Optimizer, **given)


def test_every_component_of_ours_is_built_as_its_yaml_file_has_it():
    arguments = {"cell": [10, 32], "loss": [], "optimizer": [[nn.Parameter(torch.zeros(1))]]}
    built = set()
    for group, given in arguments.items():
        for file in (ROOT / "conf" / group).glob("*.yaml"):
            component = yaml.safe_load(file.read_text())
            component = component.get(group, component)  # wasserstein.yaml sets another key too
            # The other files take values of the config around them, as those below do.
            is_whole = "_target_" in component and "${" not in file.read_text()
            if is_whole and not component["_target_"].startswith("torchrecurrent"):
                build(group, component, *given)
                built.add(f"{group}={file.stem}")
    assert {"cell=gru", "cell=slstm", "loss=wasserstein", "optimizer=sgd"} <= built
    for words in ([], ["generator=mlp", "discriminator=mlp", "optimizer=adam_dcgan"]):
        config = vars(compose_config("task=gan", "size=small", *words))
        for group in ("generator", "discriminator"):
            build(group, config[group], image_shape=(1, 28, 28))
        build("optimizer", config["optimizer"], *arguments["optimizer"])
    for cell in ("lstm", "rnn_orthogonal", "torch_lstm"):
        build("cell", vars(compose_config(f"cell={cell}"))["cell"], 10, 32)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("discriminator.dropout=1", "discriminator.dropout"),
        ("optimizer.betas=[2,3]", r"^optimizer.betas\[0\]=2 is not allowed: expected less than 1"),
        ("generator.latent=0", "generator.latent"),
    ],
)
def test_a_wrong_argument_is_told_before_the_data_are_fetched(word, told, monkeypatch):
    monkeypatch.setenv("LAB_DATA", "/no/such/folder")
    with pytest.raises(UserError, match=told):
        build_task(compose_config("task=gan", word), "cpu")
