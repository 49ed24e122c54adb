"""The plan's commands give the very runs that lab makes; reproduce runs, resumes and stops."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.config.errors import UserError
from lab.report import reproduce
from lab.report.claims import CLAIMS
from lab.report.front import JUDGES
from lab.report.plan import FULL, QUICK, Step, configs, runs_of, serving
from tests.command_line import SMALL, environment, quick_lab, run_folders


def test_every_experiment_is_served():
    assert list(CLAIMS) == list(JUDGES)
    for plan in (QUICK, FULL):
        assert {name for name in CLAIMS if not serving(name, plan)} == {"B12"}


def test_the_runs_of_a_command_are_those_that_lab_makes(tmp_path: Path):
    words = ["+experiment=a5_dip_at_three", "cell=rnn", "epochs=1,2", "seed=1"]
    done = quick_lab(*words, "target_accuracy=0.1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    planned = runs_of(" ".join([*words, "target_accuracy=0.1"]), str(tmp_path / "outputs"))
    assert sorted(run.path for run in planned) == run_folders(tmp_path)
    assert all(run.result for run in planned)


def test_a_preset_that_is_swept():
    found = list(configs("-m +experiment=b3_strong_d,b4_balanced_d seed=1,2"))
    assert [config.seed for config in found] == [1, 2, 1, 2]
    assert len({config.identity for config in found}) == 4


@pytest.mark.parametrize("word", ["fast", "jobs=0", "jobs=x", "out=there"])
def test_a_wrong_word(word: str):
    with pytest.raises(UserError, match="expected"):
        reproduce._parse([word])


STEPS = (
    Step("A1", " ".join([*SMALL, "seq_len=3"]), 1),
    Step("A1", "seq_len=2", 1),
    Step("A1", " ".join(["-m", *SMALL, "seq_len=3", "seed=0,1"]), 1),
)


def test_reproduce_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Also: a command that fails is named, and the others are run."""
    monkeypatch.setattr(reproduce, "_make_report", lambda out_dir: None)
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    # Of the invalid one no runs can be known.
    monkeypatch.setattr(reproduce, "runs_of", lambda w, o: runs_of(w.replace("=2", "=4"), o))
    out = str(tmp_path / "outputs")
    assert reproduce.reproduce(STEPS, out, jobs=1) == [STEPS[1]]
    assert "FAILED with exit code 1" in capsys.readouterr().out
    assert len(run_folders(tmp_path)) == 2
    assert reproduce.reproduce(STEPS[::2], out, jobs=1) == []
    assert "2 of 2 commands are finished already" in capsys.readouterr().out


def test_ctrl_c_leaves_no_process(tmp_path: Path):
    words = [sys.executable, "-m", "lab.report.reproduce", "quick", "jobs=1"]
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment(), text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not run_folders(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert children
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "go on with scripts/reproduce quick jobs=1" in errors
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(int(child), 0)
