"""The presets of conf/experiment as they are given at the command line."""

from pathlib import Path

import pytest

from lab.config.hydra_versions import IS_13
from tests.command_line import ROOT, quick_lab


@pytest.mark.parametrize(
    "preset", sorted(path.stem for path in (ROOT / "conf/experiment").glob("*.yaml"))
)
def test_every_preset_composes(preset: str, tmp_path: Path) -> None:
    text = (ROOT / f"conf/experiment/{preset}.yaml").read_text()
    # One job for each of the other choices: Hydra takes a quarter of a second to compose one.
    narrow = ["seed=0", *(["seq_len=5"] if "seq_len:" in text else [])]
    if "override /hydra/sweeper" in text:
        narrow.append("hydra.mode=RUN")  # a search does not know its trials before it runs
    elif "mode: MULTIRUN" in text:
        narrow.append("-m")  # which Hydra 1.4 needs
    done = quick_lab(f"+experiment={preset}", "dry_run=true", *narrow, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("run ")
    assert list(tmp_path.iterdir()) == []


def test_a_preset_that_sweeps_runs_without_m_or_says_that_it_needs_it(tmp_path: Path) -> None:
    done = quick_lab("+experiment=a6_short_and_long", "seed=0", "dry_run=true", cwd=tmp_path)
    if IS_13:
        assert done.stdout.count("run ") == 2
    else:
        assert done.stderr == (
            "lab: this preset is a sweep, which needs -m: "
            "python -m lab -m +experiment=a6_short_and_long seed=0 dry_run=true\n"
        )
