"""A run got from somebody else: what its config names is not run unless the user trusts it."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml

from lab.cli import compose_config
from lab.config.components import build
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.config.trust import EVERYTHING, hide_current_folder, trusting
from lab.engine.run_folder import RunFolder
from lab.generation.players import open_run as open_gan
from lab.memory.config import MemoryConfig
from lab.memory.network import build_network, open_run
from lab.runs.compare import compare

CALLED = "called"
MODULE = """
from pathlib import Path
from torch import nn
Path("imported").touch()

class Cell(nn.GRU):
    pass

def cell(*sizes):
    Path("called").touch()
    return Cell(*sizes)
"""


@pytest.fixture
def foreign(tmp_path, monkeypatch) -> Path:
    """A current folder with a module of somebody else's and a finished run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "foreign_cells", raising=False)
    (tmp_path / "foreign_cells.py").write_text(MODULE)
    config = compose_config("size=small", "seq_len=3")
    assert isinstance(config, MemoryConfig)
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.save_config(config.to_dict())
    folder.save_weights(build_network(config).equation_weights())
    folder.save_result({"task": "lstm"})
    return folder.path


def change(run: Path, **values: object) -> None:
    file = run / "config.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **values}))


NAMED = {
    "pathlib.Path.touch": "not part of lab or torch",
    "os.system": "not part of lab or torch",
    "foreign_cells.Cell": "not part of lab or torch",
    "torch.hub.load": "no class derived from torch.nn.modules.module.Module",
    "torch.optim.SGD": "no class derived from",
    "lab.config.trust.os.system": "no class derived from",
    "lab.memory.cells.nn.Sequential.forward": "no class derived from",
    "lab.memory.cells.Borrowed": "not part of lab or torch",
}


class Borrowed(torch.nn.GRU):
    """A layer of somebody else's that a module of lab's has imported."""


@pytest.mark.parametrize("target", NAMED)
def test_a_run_whose_cell_names_any_code_is_refused_in_one_line(target, foreign, monkeypatch):
    monkeypatch.setattr("lab.memory.cells.Borrowed", Borrowed, raising=False)
    change(foreign, cell={"_target_": target, "self": CALLED, "input_size": CALLED})
    with pytest.raises(UserError) as error:
        open_run(RunFolder(foreign))
    assert NAMED[target] in str(error.value)
    assert "--trust" in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path(CALLED).exists()
    assert not Path("imported").exists()


def test_a_target_within_an_argument_is_no_way_around(foreign):
    nested = {"_target_": "pathlib.Path.touch", "self": CALLED}
    for value in (nested, [nested], {"deep": nested}):
        change(foreign, cell={"_target_": "lab.memory.cells.LSTM", "init": value})
        with pytest.raises(UserError, match=r"cell\.init.* names pathlib\.Path\.touch"):
            open_run(RunFolder(foreign))


@pytest.mark.parametrize("target", ["pathlib.Path.touch", "foreign_cells.Cell", "torch.nn.GRU"])
def test_a_config_class_is_of_lab_for_every_tool(target, foreign):
    change(foreign, _target_=target)
    shutil.copytree(foreign, "other")
    for opened in (
        lambda: from_file(foreign / "config.yaml"),
        lambda: open_run(RunFolder(foreign)),
        lambda: open_gan(RunFolder(foreign)),
        lambda: compare([RunFolder(foreign), RunFolder(Path("other"))]),
    ):
        with pytest.raises(UserError, match=f"_target_ names {target}"):
            opened()
    assert not Path("imported").exists()


def test_what_is_only_compared_is_not_built(foreign):
    """A run with a cell of the user's own can be shown without running that cell's code."""
    change(foreign, cell={"_target_": "foreign_cells.Cell"})
    shutil.copytree(foreign, "other")
    change(Path("other"), seed=1)
    assert any("seed" in line for line in compare([RunFolder(foreign), RunFolder(Path("other"))]))
    assert not Path("imported").exists()


def test_a_package_that_the_user_names_is_imported_from_the_current_folder(foreign):
    cell = {"_target_": "foreign_cells.Cell"}
    hide_current_folder()
    with trusting("foreign_cells"):
        assert isinstance(build("cell", cell, 10, 32), torch.nn.GRU)
        with pytest.raises(UserError, match="no class derived from"):
            build("cell", {"_target_": "foreign_cells.cell"}, 10, 32)
        with pytest.raises(UserError, match="not part of lab, torch or foreign_cells"):
            build("cell", {"_target_": "os.system", "command": "touch called"})
    assert not Path(CALLED).exists()
    with pytest.raises(UserError, match="not part of"):
        build("cell", cell, 10, 32)


def test_with_everything_trusted_a_function_may_build_a_cell(foreign):
    with trusting(EVERYTHING):
        build("cell", {"_target_": "foreign_cells.cell"}, 10, 32)
    assert Path(CALLED).exists()


def test_nothing_is_imported_from_a_hidden_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    Path("shadow_of_a_library.py").write_text("")
    hide_current_folder()
    with pytest.raises(ImportError):
        __import__("shadow_of_a_library")
