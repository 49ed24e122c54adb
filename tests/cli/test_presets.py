"""The presets of conf/experiment as they are given at the command line."""

import re
from pathlib import Path

import pytest

from lab.cli import compose_config, compose_jobs
from tests.command_line import ROOT, quick_lab


@pytest.mark.parametrize(
    "preset", sorted(path.stem for path in (ROOT / "conf/experiment").glob("*.yaml"))
)
def test_every_preset_composes_and_says_command_time_and_expected_result(preset: str) -> None:
    text = (ROOT / f"conf/experiment/{preset}.yaml").read_text()
    head = re.match(r"(#.*\n)+", text)[0]  # type: ignore[index]
    for part in (
        rf"^#   python -m lab .*experiment={preset}\b",
        r"second|minute|hour",
        r"^# Expected",
    ):
        assert re.search(part, head, re.MULTILINE | re.IGNORECASE), f"the head has no {part}"
    if "override /hydra/sweeper" in text:  # a search does not know its trials before it runs
        assert compose_config(f"+experiment={preset}")
    else:
        assert next(compose_jobs(f"+experiment={preset}"))


def test_a_preset_that_sweeps_runs_without_m_or_says_that_it_needs_it(tmp_path: Path) -> None:
    done = quick_lab("+experiment=a6_short_and_long", "seed=0", "dry_run=true", cwd=tmp_path)
    assert done.stdout.count("run ") == 2
