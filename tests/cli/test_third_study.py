"""A study of one's own is one module and its YAML files, and gets all the rest."""

from functools import partial

import pytest
import torch
from torch import nn

import lab
from lab.cli import compose_config
from lab.cli.tools import run_tool
from lab.config.trust import trusting
from tests.command_line import ROOT, quick_lab
from tests.run_files import only

EXAMPLES = ROOT / "examples"


def test_a_third_study_is_one_module_and_one_yaml_file(tmp_path):
    words = ("--config-dir", "conf", "task=dice", f"out_dir={tmp_path / 'outputs'}")
    start = partial(quick_lab, cwd=EXAMPLES)
    done = start("-m", *words, "sides=6,20", "seed=0,1")
    assert done.returncode == 0, done.stderr
    assert "sweep: 4 finished" in done.stdout
    assert len(list((tmp_path / "outputs/runs").glob("dice-s1-*"))) == 2
    run = lab.load(next(tmp_path.glob("outputs/runs/dice-s1-*")))
    assert len(run.metrics["step"]) == run.result["steps"] == 20
    assert run.metrics["mean"][-1] == run.result["mean"]
    assert len(only(tmp_path / "outputs/sweeps", "*/summary.csv").read_text().splitlines()) == 5
    assert f"mean {run.result['mean']:.2f}; training " in done.stdout

    assert "sweep: 4 finished before" in start("-m", *words, "sides=6,20", "seed=0,1").stdout
    wrong = start(*words, "sides=six")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "lab: sides=six is not allowed: expected an integer\n",
    )
    of_another = start(*words, "seq_len=3")
    assert of_another.returncode == 1
    assert "seq_len means nothing for task=dice: it is a key of task=lstm" in of_another.stderr


@pytest.fixture
def flow(tmp_path, studio, monkeypatch):
    """The words of a tiny run of examples/flow_matching.py."""
    monkeypatch.syspath_prepend(EXAMPLES)
    words = [
        *("task=flow", "data=folder", f"data.root={studio / 'images'}", "conditional=true"),
        *("batch_size=6", "max_steps=4", "eval_every=2", "log_every=1", "velocity.width=8"),
        *("solver_steps=2", "eval_samples=20", "final_samples=20", f"out_dir={tmp_path / 'out'}"),
    ]
    with trusting("flow_matching"):
        yield words


def test_flow_matching_has_metrics_pictures_tools_and_a_page(flow, tmp_path, capsys):
    sweep = lab.sweep(*flow, "solver=euler,heun", config_dir=EXAMPLES / "conf")
    assert [run.result["evaluations"] for run in sweep.runs] == [2, 4]
    assert only(tmp_path, "out/sweeps/*/quality.png").stat().st_size > 1000
    run = sweep.runs[0]
    assert {"fid", "recall", "class_accuracy"} <= run.result["quality"].keys()
    assert {"samples_end", "training", "frames"} <= {path.stem for path in run.path.glob("*/*")}
    for words in (["sample", "--n", "6"], ["interpolate", "--film", "2", "0"], ["play"]):
        words = [*words, "--trust-package", "flow_matching"]
        assert run_tool(words[0], [str(run.path), *words[1:]]) == 0
    written = capsys.readouterr().out
    assert "samples_seed0.npz" in written
    assert "film_2_0_seed0.gif" in written
    assert "no equations for task=flow" in (run.path / "play.html").read_text()


@pytest.mark.parametrize(
    ("solver", "growth"), [("euler", (1 + 0.5) ** 2), ("heun", (1 + 0.5 + 0.5**2 / 2) ** 2)]
)
def test_the_solvers_take_their_steps(flow, solver, growth):
    """Where the velocity is the point itself, a step of h multiplies by a power series in h."""
    import flow_matching

    class Itself(nn.Module):
        def forward(self, x, t, labels):
            return x

    config = compose_config(*flow, f"solver={solver}", config_dir=EXAMPLES / "conf")
    network = flow_matching.Flow(config, (1, 28, 28), classes=3)
    network.velocity = Itself()
    z = torch.full((2, 784), 0.1)
    assert torch.allclose(network(z), growth * z.view(2, 1, 28, 28))
