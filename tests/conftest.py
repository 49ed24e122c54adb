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

from lab.cli.tools import run_tool
from tests import LONGEST
from tests.command_line import ROOT, TINY, Tool, quick_lab, rows, run_folder, start_lab, wait_until
from tests.images.small_data import write_bars

# A shell starts its background jobs with Ctrl-C ignored, which every command under test would
# inherit.
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
def _seed() -> None:
    """A test's random numbers depend on no other test."""
    torch.manual_seed(0)


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


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a TINY run that was never interrupted. Copy it, do not change it."""
    cwd = tmp_path_factory.mktemp("reference")
    done = quick_lab(*TINY, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return run_folder(cwd)


@pytest.fixture(scope="session")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a TINY run that was killed in the midst of training. Copy it."""
    cwd = tmp_path_factory.mktemp("half_done")
    run = start_lab(*TINY, cwd=cwd)
    wait_until(lambda: rows(cwd) >= 6)
    run.kill()
    return run_folder(cwd)
