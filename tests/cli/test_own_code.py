"""The user's own cells: found beside the user, and when they fail, their line is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, TINY, environment, later_first, refusal

CELLS = """
from torch import nn
from lab.memory.cells import GRU

class Cell(GRU):
    def __init__(self, input_size, hidden_size, size: int = 1):
        super().__init__(input_size, hidden_size)
        assert size < 3

class Lazy(nn.Module):
    def forward(self, x, state=None):
        raise NotImplementedError

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.weight = nn.Parameter(nn.init.zeros_(nn.Linear(1, 1).weight))
"""
CONSOLE_SCRIPT = "import sys; from lab.cli import main; sys.exit(main())"


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_cells", raising=False)
    (tmp_path / "my_cells.py").write_text(CELLS)
    (tmp_path / "conf/cell").mkdir(parents=True)
    (tmp_path / "conf/cell/gone.yaml").write_text("_target_: no_such_package.Cell\n")
    for name in ("Cell", "Lazy", "Cel"):
        (tmp_path / f"conf/cell/{name}.yaml").write_text(f"_target_: my_cells.{name}\n")
    (tmp_path / "conf/cell/broken.yaml").write_text("_target_: my_cells.Cell\nsize: [1\n")
    (tmp_path / "conf/cell/nothing.yaml").write_text("size: 1\n")
    return tmp_path


FAILING = {
    ("cell=Cel",): "cell names my_cells.Cel: there is no Cel in my_cells; did you mean Cell?",
    ("cell=gone",): "cell names no_such_package.Cell: there is no module no_such_package to ",
    ("cell=nothing",): "cell._target_ is missing: it names the class to build, my_module.MyClass",
    ("cell=broken",): "{conf}/cell/broken.yaml is not YAML: expected ',' or ']', but got "
    "'<stream end>' in line 3",
    ("cell._target_=torch.nn.LSTM", "+cell.num_layers=2"): "cell.num_layers is no key here: "
    "another class is chosen by a YAML file of its own, which has its arguments: ",
    ("cell=Lazy",): "cell my_cells.Lazy: NotImplementedError "
    "(my_cells.py:12: raise NotImplementedError); a cell is called as cell(",
}


IMPORTED = ("cell=Cel", "cell=gone", "cell=nothing")


@pytest.mark.parametrize("words", FAILING)
def test_a_cell_that_fails_is_one_line_that_names_what_and_where(words, own):
    line = FAILING[words].format(conf=own / "conf")
    assert refusal(*words, *TINY, config_dir="conf").startswith(line)
    if words[0] in IMPORTED:  # a dry run says what the run would; it builds nothing
        assert refusal(*words, *TINY, "dry_run=true", config_dir="conf").startswith(line)


@pytest.mark.parametrize("door", ["script", "module"])
def test_the_modules_of_the_current_folder_are_found_and_shadow_none(door, own, tmp_path_factory):
    for name in ("secrets", "random", "tqdm"):
        (own / f"{name}.py").write_text("raise SystemExit('mine')\n")
    script = tmp_path_factory.mktemp("bin") / "lab"
    script.write_text(CONSOLE_SCRIPT)
    start = [str(script)] if door == "script" else ["-m", "lab"]
    run = later_first(("--config-dir=conf", "cell=Cell", *TINY, "max_steps=1"))
    words = [sys.executable, *start, *run]
    environ = environment()
    done = subprocess.run(words, cwd=own, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_the_libraries_one_line_says_how_to_install_them():
    # -S hides the installed packages.
    words = [sys.executable, "-S", "-m", "lab", "seq_len=5"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("lab: hydra is not installed")
    assert "scripts/run" in done.stderr


@pytest.mark.parametrize(
    ("group", "kind", "study"),
    [("sequence", "lab.memory.sequences.base.Sequence", TINY),
     ("optimizer", "torch.optim.optimizer.Optimizer", TINY),
     ("data", "lab.images.base.DataSet", ("task=gan",))],
)  # fmt: skip
def test_a_class_of_another_kind_is_refused_and_leaves_nothing(group, kind, study, tmp_path):
    (tmp_path / "conf" / group).mkdir(parents=True)
    text = "_target_: torch.nn.Identity\nlr: 0.1\nname: own\n"
    (tmp_path / "conf" / group / "own.yaml").write_text(text)
    line = f"{group} torch.nn.Identity is no {kind}: its class must be derived from that one"
    words = (f"{group}=own", *study, f"out_dir={tmp_path / 'outputs'}")
    assert refusal(*words, config_dir=str(tmp_path / "conf")).startswith(line)
    assert not (tmp_path / "outputs").exists()
