"""Runs for the tools to look at, and the tools themselves."""

import shutil
from pathlib import Path

import pytest

from tests.fake_runs import fake_run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with runs that were never trained. Copy it, do not change it."""
    cwd = tmp_path_factory.mktemp("made")
    out = cwd / "outputs"
    for seed in (0, 1):
        run = fake_run(out, f"seed={seed}", "seq_len=20", accuracy=0.5 + seed / 2)
        run.save_provenance({"start": f"2026-01-01T00:00:0{seed}+00:00", "device": "cpu"})
    run = fake_run(out / "deep" / "er", "task=gan", "seed=2", fid=8.5)
    run.save_provenance({"start": "2026-01-02T00:00:00+00:00", "command": "python -m lab task=gan"})
    sweep = out / "sweeps" / "a-sweep-12345678"
    (sweep / "jobs").mkdir(parents=True)
    return cwd


@pytest.fixture
def cwd(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    folder = Path(shutil.copytree(made, tmp_path / "cwd"))
    monkeypatch.chdir(folder)
    return folder
