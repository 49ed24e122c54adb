"""The real command line, run as a user runs it: in a process and a folder of its own.

`run_lab` starts a fresh interpreter. `start_lab` and `quick_lab` fork one in which the libraries
(but nothing of lab) are imported already: the same command without ten seconds of imports.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import lab
from lab.config.errors import UserError

ROOT = Path(__file__).parents[1]
# Runs of about a second that checkpoint at every step and always train to their last. The means
# that are logged are of several steps, so that most checkpoints fall between two rows.
SMALL = [
    *("device=cpu", "size=small", "data_size=100", "batch_size=32", "max_steps=40"),
    *("eval_every=5", "log_every=3", "target_accuracy=null", "checkpoint_seconds=0"),
]
TINY = [*SMALL, "seq_len=3"]
ENDLESS = [*TINY, "epochs=1000000", "max_steps=1000000"]

Tool = Callable[..., tuple[int, str, str]]
"""Starts a tool in this process: gives the exit code and what it printed."""
Walked = Callable[..., tuple[lab.Run, str, str]]
Swept = Callable[..., tuple[lab.Sweep, str, str]]

_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(
    [
        "torch",
        *("torch.utils.tensorboard", "tensorboard.plugins.hparams.summary_v2", "safetensors.torch"),
        *("matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin"),
        *("hydra.main", "hydra._internal.hydra", "pydantic.dataclasses", "pydantic.type_adapter"),
    ]
)


def command(*args: str, module: str = "lab") -> list[str]:
    """`python -m lab …` as a list of words."""
    return [sys.executable, "-m", module, *later_first(args)]


def later_first(words: Sequence[str]) -> list[str]:
    """Words of which a later value of a key replaces an earlier one; lab refuses two values."""
    by_key = {}
    for number, word in enumerate(words):
        is_override = "=" in word and not word.startswith("-")
        by_key[word.lstrip("+").partition("=")[0] if is_override else str(number)] = word
    return list(by_key.values())


def environment() -> dict[str, str]:
    """This process's, with the tree under test on the Python path."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run_lab(
    *args: str, cwd: Path, module: str = "lab", timeout: float = 300, **kw: Any
) -> subprocess.CompletedProcess[str]:
    """Run `python -m lab *args` in `cwd` to its end; `kw` goes to `subprocess.run`."""
    kw = {"capture_output": True, "text": True, "env": environment(), **kw}
    return subprocess.run(command(*args, module=module), cwd=cwd, timeout=timeout, **kw)


def run_code(code: str) -> None:
    """Run Python code in a fresh interpreter, as to see what it imports; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


class Started:
    """A command that is running, or has run, in a forked process of its own.

    Args:
        args: of the command line.
        cwd: where it runs.
    """

    def __init__(self, args: tuple[str, ...], cwd: Path) -> None:
        self.args = args = tuple(later_first(args))
        self._folder = tempfile.TemporaryDirectory()
        self._files = [Path(self._folder.name, name) for name in ("stdout", "stderr")]
        self._process = _WARM.Process(
            target=_in_child,
            args=(args, str(cwd), [str(file) for file in self._files], environment()),
            daemon=True,  # a failed test leaves none behind
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def errors(self) -> str:
        """What it has written to stderr so far."""
        return self._files[1].read_text() if self._files[1].exists() else ""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and see it dead."""
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Wait for its end; the return code of one killed by a signal is negative."""
        self._process.join(timeout)
        if self._process.is_alive():
            self._process.kill()
            raise AssertionError(f"still running after {timeout} s: {' '.join(self.args)}")
        texts = [file.read_text() if file.exists() else "" for file in self._files]
        self._folder.cleanup()
        assert self._process.exitcode is not None
        return subprocess.CompletedProcess(self.args, self._process.exitcode, *texts)


def refusal(*words: str, config_dir: str | None = None) -> str:
    """The one line with which lab answers wrong words here; after -m, those of a sweep."""
    is_sweep, words = words[:1] == ("-m",), words[words[:1] == ("-m",) :]
    with pytest.raises(UserError) as error:
        (lab.sweep if is_sweep else lab.run)(*words, config_dir=config_dir)
    assert "\n" not in str(error.value)
    return str(error.value)


def start_lab(*args: str, cwd: Path) -> Started:
    """Start `lab *args` in `cwd` and do not wait for it."""
    return Started(args, cwd)


def quick_lab(*args: str, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """As `run_lab`, forked from an interpreter that has imported the libraries."""
    return start_lab(*args, cwd=cwd).wait(timeout)


def _in_child(args: tuple[str, ...], cwd: str, files: list[str], environ: dict[str, str]) -> None:
    for descriptor, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(cwd)
    # The server that forked us has the environment of the first test.
    os.environ.clear()
    os.environ.update(environ)
    sys.path.insert(0, str(ROOT))
    sys.argv = ["lab", *args]
    runpy.run_module("lab", run_name="__main__", alter_sys=True)


def wait_until(condition: Callable[[], object], timeout: float = 300) -> None:
    """Look every ten milliseconds until `condition` holds: what is waited for needs the core."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s"
        time.sleep(0.01)


def run_folders(cwd: Path) -> list[Path]:
    """The folders of the runs that were begun in `cwd`, by name."""
    return sorted(cwd.glob("outputs/runs/*"))


def run_folder(cwd: Path) -> Path:
    """The folder of the one run that was begun in `cwd`."""
    (folder,) = run_folders(cwd)
    return folder


def rows(cwd: Path) -> int:
    """How many rows the metrics.csv of the one run in `cwd` has by now."""
    files = list(cwd.glob("outputs/runs/*/metrics.csv"))
    return max(files[0].read_text().count("\n") - 1, 0) if files else 0
