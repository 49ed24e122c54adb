"""Runs that several tests look at, made once."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

import lab
from lab.cli.tools import run_tool
from tests import LONGEST
from tests.command_line import ROOT, Swept, Tool, Walked, run_folder, start_lab, wait_until
from tests.images.small_data import write_bars
from tests.run_files import saved_steps
from tests.walk import CONF, WALK, WALK_COMMAND, hold

# A shell starts its background jobs with Ctrl-C ignored, which every command under test, and what
# fixtures start, would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; scripts/test keeps this order."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how tests.same_numbers compared."""
    reports = [r for key in ("passed", "failed") for r in terminalreporter.getreports(key)]
    modes = {value for r in reports for name, value in r.user_properties if name == "same_numbers"}
    for mode in sorted(modes):
        terminalreporter.write_line(f"same numbers: compared {mode}")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data cache of all tests: classifiers of their own, and what the user's has been given."""
    own = tmp_path_factory.getbasetemp()
    cache = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"
    cache.mkdir(exist_ok=True)
    users = Path(os.environ.get("LAB_DATA", Path.home() / ".cache/lab"))
    for path in users.iterdir() if users.is_dir() else ():
        if path.is_dir() and path.name != "judges":
            with suppress(FileExistsError):  # another worker was first
                (cache / path.name).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA", str(cache))
        yield cache


@pytest.fixture(autouse=True)
def _alone() -> None:
    """A test's random numbers and signals depend on no other test."""
    torch.manual_seed(0)
    # A tool leaves Ctrl-C to the system, which would end the process of the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with 12x12 images of three classes: 36 to train on and 30 to test on."""
    cwd = tmp_path_factory.mktemp("studio")
    write_bars(cwd / "images", 36, 30, side=12)
    return cwd


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tool:
    """Start a tool in this process: gives the exit code and what it printed."""
    monkeypatch.setattr(sys, "path", sys.path.copy())  # a tool hides the current folder

    def start(name: str, *words: str) -> tuple[int, str, str]:
        code = run_tool(name, words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return start


@pytest.fixture
def walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Walked:
    """Do the run of tests.walk in this process, below `tmp_path`: gives it and what it printed."""
    monkeypatch.chdir(tmp_path)

    def start(*words: str) -> tuple[lab.Run, str, str]:
        capsys.readouterr()
        run = lab.run(*WALK, *words, config_dir=CONF)
        captured = capsys.readouterr()
        return run, captured.out, captured.err

    return start


@pytest.fixture
def swept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Swept:
    """Do a sweep in this process, in the current folder: gives it and what it printed."""

    def start(*words: str, config_dir: Path | None = None) -> tuple[lab.Sweep, str, str]:
        capsys.readouterr()
        sweep = lab.sweep(*words, config_dir=config_dir)
        captured = capsys.readouterr()
        return sweep, captured.out, captured.err

    return start


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a WALK that was never interrupted. Copy it, do not change it."""
    cwd = tmp_path_factory.mktemp("reference")
    return lab.run(*WALK, f"out_dir={cwd}/outputs", config_dir=CONF).path


@pytest.fixture(scope="session")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a WALK that was killed at step 19, between two rows. Copy it."""
    cwd = tmp_path_factory.mktemp("half_done")
    hold(cwd, 19)
    run = start_lab(*WALK_COMMAND, cwd=cwd)
    wait_until(lambda: saved_steps(cwd) == [19])
    run.kill()
    return run_folder(cwd)
