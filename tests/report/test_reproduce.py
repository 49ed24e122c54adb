"""The plan's commands give the very runs that lab makes; reproduce runs, resumes and stops."""

import os
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import lab
from lab.cli import CONF as OURS
from lab.config.errors import UserError
from lab.report import reproduce
from lab.report.claims import Runs, load_claims
from lab.report.evidence import Evidence
from lab.report.plan import Planned, plan, planned
from tests.command_line import SMALL, environment, later_first, run_folders, wait_until
from tests.run_files import saved_steps
from tests.walk import CONF, hold

TINY = " ".join(later_first((*SMALL, "seq_len=3", "max_steps=1")))


def test_every_claim_that_needs_runs_has_some_in_the_quick_plan():
    claims = load_claims([OURS])
    steps = plan(claims, quick=True)
    for claim in claims:
        wanted = {Planned(runs, quick=True).command for runs in claim.runs.values()}
        assert wanted <= steps.keys(), claim.id
        assert wanted or claim.id == "b12"


def test_the_runs_of_a_command_are_those_that_lab_makes(tmp_path: Path):
    words = "cell=rnn epochs=1,2 seed=1 size=small data_size=100 max_steps=1"
    runs = Runs(preset="a5_dip_at_three", overrides=words)
    flag, *overrides = shlex.split(runs.command())
    assert flag == "-m"
    lab.sweep(*overrides, f"out_dir={tmp_path / 'outputs'}")
    step = Planned(runs)
    assert sorted(config.run_dir.name for config in step.configs) == [
        path.name for path in run_folders(tmp_path)
    ]
    evidence = Evidence(tmp_path / "outputs")
    assert step.missing(evidence) == 0
    assert len(step.found(evidence)) == 2


def test_a_claim_may_rest_on_a_preset_of_the_users_own(tmp_path: Path):
    for name, text in {
        "experiment/mine.yaml": """
            # @package _global_
            defaults: [{override /cell: wide}]
            seq_len: 7
            hydra: {mode: MULTIRUN, sweeper: {params: {seed: "0,1", optimizer.lr: "0.01,0.02"}}}
        """,
        "cell/wide.yaml": "_target_: torch.nn.LSTM\nnum_layers: 2",
        "claim/own.yaml": """
            source: my lecture
            study: memory
            says: Two layers learn T=7.
            runs: {deep: {preset: mine, overrides: "seed=4"}}
            parts: [{says: accuracy, metric: accuracy, of: {runs: deep}, bound: "> 0.5"}]
        """,
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(textwrap.dedent(text).lstrip())
    (claim,) = load_claims([str(tmp_path)])
    step = planned(claim)["deep"]
    assert step.command == f"python -m lab --config-dir {tmp_path} -m +experiment=mine seed=4"
    found = [(c.seq_len, c.seed, c.optimizer["lr"], c.cell["num_layers"]) for c in step.configs]  # type: ignore[attr-defined]
    assert found == [(7, 4, 0.01, 2), (7, 4, 0.02, 2)]


@pytest.mark.parametrize("argument", ["fast", "jobs=2", "out_dir=", "out=there"])
def test_a_wrong_argument_gets_one_line(argument: str):
    with pytest.raises(UserError, match="expected"):
        reproduce._parse([argument])


def test_reproduce_continues_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Also: a command that fails is named, the others are run, and pages of runs are written."""
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    broken = "task=gan data=folder data.root=/nowhere"
    steps = [Planned(Runs(overrides=o)) for o in (TINY, broken, f"{TINY} seed=0,1")]
    out = str(tmp_path / "outputs")
    assert reproduce.reproduce(steps, out) == [steps[1].command]
    assert "FAILED with exit code 1" in capsys.readouterr().out
    assert len(Evidence(Path(out)).rows) == 2
    assert reproduce.reproduce(steps[::2], out) == []
    assert "2 of 2 commands are finished; 0 runs are left" in capsys.readouterr().out
    monkeypatch.setattr(reproduce, "PAGES", ((TINY,), (f"{TINY} seed=7",)))
    (page,) = reproduce.write_pages(out)
    assert page == run_folders(tmp_path)[0] / "play.html"


def test_ctrl_c_leaves_no_process(tmp_path: Path):
    code = (
        "from lab.report import reproduce\n"
        "from lab.report.claims import Runs\n"
        "from lab.report.plan import Planned\n"
        f"step = Planned(Runs(overrides='task=walk seed=0'), config_dir={str(CONF)!r})\n"
        "reproduce.plan = lambda claims, quick: {step.command: step}\n"
        "reproduce.main()\n"
    )
    hold(tmp_path, 3)
    process = subprocess.Popen(
        [sys.executable, "-c", code, "quick"], cwd=tmp_path, env=environment(), text=True,
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until(lambda: saved_steps(tmp_path) == [3])
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert children
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "scripts/reproduce quick continues" in errors
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(int(child), 0)
