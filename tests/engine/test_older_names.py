"""A run whose folder has another name, as earlier versions gave it, is the same run."""

import shutil
from pathlib import Path

import pytest

from lab.cli import compose_config
from lab.engine.jobs import perform, preview
from lab.engine.run_folder import RunFolder, folder_of
from lab.runs.finding import find_run
from lab.sweeps.records import Sweep
from tests.fake_runs import fake_run

WORDS = ("seq_len=5", "size=small", "optimizer.lr=0.003")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A finished run under its old name, below the current folder."""
    monkeypatch.chdir(tmp_path)
    run = fake_run(Path("outputs"), *WORDS)
    config = compose_config(*WORDS)
    assert run.path.name == f"lstm-T5-lr0.003-h32-s0-{config.identity}"
    return RunFolder(run.path.rename(run.path.with_name(f"lstm-T5-s0-{config.identity}")))


def test_it_is_shown_and_not_trained_again_and_a_sweep_notes_where_it_lies(old: RunFolder):
    config = compose_config(*WORDS)
    assert folder_of(config).path == old.path
    assert preview(config) == f"finished before  {old.path}"
    outcome = perform(config, [])
    assert outcome.kind == "finished before"
    assert not config.run_dir.exists()
    sweep = Sweep(Path("outputs/sweeps/any-12345678"))
    sweep.write(sweep.record(0, WORDS, outcome, {}))
    (record,) = sweep.records()
    assert sweep.run_of(record).path == old.path.absolute()
    assert sweep.status_of(record) == "finished"
    for word in ("seed=1", "seq_len=15", "optimizer.lr=0.002"):
        other = compose_config(*WORDS, word)
        assert folder_of(other).path == other.run_dir, "another run is not taken for it"
    shutil.copytree(old.path, config.run_dir)
    assert folder_of(config).path == config.run_dir, "a run of today's name comes first"


def test_an_interrupted_run_continues_where_it_lies(old: RunFolder):
    (old.path / "result.json").unlink()
    old.checkpoint_file.write_bytes(b"")
    assert preview(compose_config(*WORDS)) == f"resume           {old.path}"


def test_a_tool_finds_a_run_by_a_name_of_an_earlier_version(tmp_path: Path):
    run = fake_run(tmp_path, *WORDS)
    identity = compose_config(*WORDS).identity
    for word in (f"lstm-T5-s0-{identity}", identity[:5]):
        assert find_run(word, tmp_path).path == run.path
