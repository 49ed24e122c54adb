"""Runs that several tests look at, made once."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import TINY, quick_lab, rows, run_folder, start_lab, wait_until

# A shell starts its background jobs with Ctrl-C ignored, which every command under test would
# inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how tests.same_numbers compared."""
    reports = [r for key in ("passed", "failed") for r in terminalreporter.getreports(key)]
    modes = {value for r in reports for name, value in r.user_properties if name == "same_numbers"}
    for mode in sorted(modes):
        terminalreporter.write_line(f"same numbers: compared {mode}")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data cache that all tests share: a classifier takes 15 seconds, for 36 images too."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"


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
