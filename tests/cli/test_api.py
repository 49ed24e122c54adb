"""`import lab`: runs and sweeps from Python are those of the command line, and the host is kept."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

import lab
from lab.engine import process
from tests.command_line import ROOT, TINY, command, environment, quick_lab, wait_until
from tests.fake_runs import fake_run
from tests.run_files import assert_same_run, logged_steps, only
from tests.walk import CONF, WALK, WALK_COMMAND, hold


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_importing_lab_is_cheap(tmp_path: Path):
    code = "import sys, lab; assert not {'torch', 'hydra', 'pydantic'} & set(sys.modules)"
    done = subprocess.run([command()[0], "-c", code], cwd=tmp_path, env=environment())
    assert done.returncode == 0


@contextmanager
def hostile() -> Iterator[None]:
    """A host that has set everything in torch and NumPy which a run's numbers depend on."""
    before = process._settings()
    values = [read() for read, _, _ in before]
    torch.set_default_dtype(torch.float64)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.enabled = False
    logging.disable(logging.CRITICAL)
    try:
        with (
            np.errstate(all="raise"),
            torch.device("meta"),
            torch.autocast("cpu", torch.bfloat16),
            torch.inference_mode(),
            torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)
        for (_, write, _), value in zip(before, values, strict=True):
            write(value)


def test_a_run_from_python_is_the_one_of_the_command_line(cwd: Path):
    words = (*TINY, "max_steps=20")
    assert quick_lab(*words, "out_dir=there", cwd=cwd).returncode == 0
    reference = only(cwd, "there/runs/*")
    with hostile():
        before = state_of_this_process()
        run = lab.run(*words)
        assert run.network.W_ph.dtype == torch.float32
        after = state_of_this_process()
    changed = {key for key in before if before[key] != after[key]}
    assert changed <= {"filters"}  # what is imported for the first time may set some of its own
    assert "finished" in (run.path / "lab.log").read_text()
    assert run.name == reference.name
    assert_same_run(run.path, reference)
    assert run.status == "finished"
    assert run.config.seed == 0
    assert run.metrics["step"][-1] == run.result["steps"] == 20
    assert run.figures["learning_curves"].is_file()
    assert run.network(torch.tensor([[1, 2]], dtype=torch.uint8)).shape == (1, 10)
    assert run.name in repr(run)


def test_runs_in_several_threads_have_the_bits_of_one(cwd: Path):
    with ThreadPoolExecutor(3) as threads:
        runs = list(
            threads.map(lambda name: lab.run(*WALK, f"out_dir={name}", config_dir=CONF), "abc")
        )
    assert len({(run.path / "model.safetensors").read_bytes() for run in runs}) == 1


def test_a_finished_run_is_found_and_loaded(cwd: Path):
    path = fake_run(Path("outputs"), "seq_len=3").path.absolute()
    assert lab.run("seq_len=3").path == path
    assert lab.load("last").result == lab.load(path.name[-8:]).result == lab.load(path).result
    table = lab.runs("outputs", "task=lstm", "seq_len=3")
    assert list(table["name"]) == [path.name]
    assert lab.runs("outputs", "seq_len=4").empty
    with pytest.raises(lab.UserError, match="no such run"):
        lab.load("zzz")
    with pytest.raises(lab.UserError, match="no such folder"):
        lab.runs("nowhere")


def state_of_this_process() -> dict[str, Any]:
    root = logging.getLogger()
    return {
        "handlers": list(root.handlers),
        "level": root.level,
        "raise": logging.raiseExceptions,
        "filters": list(warnings.filters),
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "streams": [sys.stdout, sys.stderr],
        "hook": threading.excepthook,
        "torch settings": [read() for read, _, _ in process._settings()],
        "modes": [torch.is_grad_enabled(), torch.is_inference_mode_enabled()],
        "device": torch.get_default_device(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "numpy": np.geterr(),
        "logging": logging.root.manager.disable,
        "random": (random.getstate(), str(np.random.get_state())),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "path": list(sys.path),
        "environment": dict(os.environ),
        "hydra": GlobalHydra.instance().hydra,
    }


class Lines(logging.Handler):
    """A host's own handler."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def test_the_host_is_as_it_was(cwd: Path, monkeypatch: pytest.MonkeyPatch):
    heard = Lines()
    monkeypatch.setattr(logging.getLogger(), "handlers", [heard])
    lab.run(*TINY, "max_steps=1")  # what is imported for the first time may set filters of its own
    torch.set_num_threads(2)
    before = state_of_this_process()
    lab.run(*TINY, "max_steps=2", "seed=3")
    lab.sweep(*WALK, "seed=1,2", config_dir=CONF)
    with pytest.raises(lab.UserError):
        lab.run("seq_len=2")
    after = state_of_this_process()
    torch.set_num_threads(1)
    assert {key for key in before if before[key] != after[key]} == set()
    assert not heard.lines, "lab's own lines go to lab.log alone"
    (log,) = {path.read_text() for path in cwd.glob("outputs/runs/*-s2-*/lab.log")}
    assert "finished" in log


def test_a_host_that_uses_hydra_itself_keeps_it(cwd: Path):
    fake_run(Path("outputs"), "seq_len=3")
    with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        lab.run("seq_len=3")
        assert GlobalHydra.instance().hydra is before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seq_len=2"], "seq_len=2 is not allowed: expected at least 3"),
        (["seq_len=3,4"], "which needs lab.sweep: lab.sweep('seq_len=3,4')"),
        (["+experiment=all_remember"], "needs lab.sweep: lab.sweep('+experiment=all_remember')"),
        ([["seq_len=5"]], "lab.run takes each override as an argument of its own"),
        (["-m", "seq_len=5"], "lab.run takes no flag -m: lab.sweep is -m"),
        (["dry_run=true"], "dry_run=true trains nothing"),
    ],
)
def test_a_mistake_raises_one_line_and_leaves_nothing(cwd: Path, words: list[Any], message: str):
    with pytest.raises(lab.UserError) as raised:
        lab.run(*words)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(cwd.iterdir()) == []


def test_a_sweep_from_python_is_the_one_of_the_command_line(tmp_path: Path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    words = ["seed=0,1", "scale=2,-1"]
    monkeypatch.chdir(here)
    swept = lab.sweep(*WALK, *words, config_dir=CONF)
    assert quick_lab("-m", *WALK_COMMAND, *words, cwd=there).returncode == 1
    other = only(there / "outputs/sweeps", "*")
    assert swept.path.name == other.name
    for pattern in ("*", "jobs/*"):
        assert [p.name for p in sorted(swept.path.glob(pattern))] == [
            p.name for p in sorted(other.glob(pattern))
        ]
    columns = ("overrides", "status", "seen", "run", "reason")
    theirs = [{key: row[key] for key in columns} for row in lab.Sweep(other).table]
    assert [{key: row[key] for key in columns} for row in swept.table] == theirs
    assert [run.result["seed"] for run in swept.runs if run.status] == [0, 1]
    assert len(swept.failed) == 2
    assert all("scale=-1 is not allowed" in line for line in swept.failed.values())


def test_config_files_of_ones_own_are_found_as_with_config_dir(cwd: Path):
    (cwd / "own/optimizer").mkdir(parents=True)
    (cwd / "own/optimizer/slow.yaml").write_text("_target_: torch.optim.SGD\nlr: 0.001\n")
    words = ["optimizer=slow", "seed=0", "max_steps=1", "data_size=100", "size=small"]
    swept = lab.sweep(*words, config_dir="own")
    done = quick_lab("-m", "--config-dir", "own", *words, cwd=cwd)
    assert "1 finished before" in done.stdout
    assert [path.name for path in cwd.glob("outputs/sweeps/*")] == [swept.path.name]
    with pytest.raises(lab.UserError, match="nowhere: no such folder"):
        lab.run(config_dir="nowhere")


def test_a_run_that_is_stopped_raises_and_goes_on_later(cwd: Path):
    def stop() -> None:
        wait_until(lambda: logged_steps(cwd) == [9])
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=stop)
    thread.start()
    hold(cwd, 9)
    with pytest.raises(KeyboardInterrupt, match="the same command continues"):
        lab.run(*WALK, config_dir=CONF)
    thread.join()
    run = lab.load("last")
    assert run.status == "interrupted"
    assert "interrupted" in repr(run)
    with pytest.raises(lab.UserError, match="no result yet"):
        run.result  # noqa: B018
    reached = run.metrics["step"][-1]
    assert reached == 10, "the step after the signal is logged"
    hold(cwd, None)
    assert lab.run(*WALK, config_dir=CONF).status == "finished"  # nothing of the stop is left


def test_a_table_without_pandas_is_refused_in_one_line(cwd: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(lab.UserError, match="pip install pandas"):
        lab.runs()
