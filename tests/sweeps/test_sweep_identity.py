"""A sweep's folder depends on all that changes its jobs, and each job's command makes its run."""

import csv
import json
import shlex
from pathlib import Path

import pytest

from tests.command_line import TINY, quick_lab, run_folders
from tests.run_files import only, recap

SHORT = [*TINY, "max_steps=2"]
ADAM = ["optimizer=adam", "optimizer.betas=[0.5,0.9]"]  # needs quotes in a shell


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """The flag for a folder of own YAML files, in whose primary config the seed is another."""
    folder = tmp_path / "my conf"
    folder.mkdir()
    (folder / "other.yaml").write_text("defaults: [config, _self_]\nseed: 4\n")
    return ["--config-dir", "my conf"]


def command_in(run: Path) -> list[str]:
    """The words after `python -m lab` in its provenance."""
    words = shlex.split(json.loads((run / "provenance.json").read_text())["command"])
    assert words[:3] == ["python", "-m", "lab"]
    return words[3:]


def test_two_config_names_have_two_folders_and_every_command_makes_its_run(
    tmp_path: Path, own: list[str]
) -> None:
    for flags in ([], [*own, "--config-name", "other"]):
        done = quick_lab("-m", *flags, *SHORT, *ADAM, "hidden_size=8,9", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert recap(done.stdout) == "2 finished"
    sweeps = sorted(tmp_path.glob("outputs/sweeps/*"))
    assert len(sweeps) == 2
    assert sum(path.name.startswith("other-") for path in sweeps) == 1
    for sweep in sweeps:
        with open(sweep / "summary.csv") as file:
            assert [row["status"] for row in csv.DictReader(file)] == ["finished", "finished"]

    runs = run_folders(tmp_path)
    assert len(runs) == 4
    for run in (runs[0], runs[-1]):
        again = quick_lab(*command_in(run), cwd=tmp_path)
        assert again.stdout.startswith("finished before: ")
        assert again.stdout.rstrip().endswith(f"→ outputs/runs/{run.name}")


def test_the_command_of_a_presets_job_makes_one_run_and_no_sweep(tmp_path: Path) -> None:
    preset = ["-m", "+experiment=a1_five_digits", *SHORT, "seed=0", "fresh=true"]
    done = quick_lab(*preset, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = run_folders(tmp_path)
    words = command_in(run)
    assert "fresh=true" not in words
    again = quick_lab(*words, cwd=tmp_path)
    assert again.stdout.startswith("finished before: ")
    assert "sweep" not in again.stdout


def test_runs_in_several_outputs_folders_each_have_their_record(tmp_path: Path) -> None:
    done = quick_lab("-m", *SHORT, "out_dir=a,b", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert recap(done.stdout) == "2 finished"
    with open(only(tmp_path, "outputs/sweeps/*/summary.csv")) as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["run"]).parts[0] for row in rows] == ["a", "b"]
    assert {row["status"] for row in rows} == {"finished"}


def test_the_last_line_names_a_short_path(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    done = quick_lab("-m", *SHORT, f"out_dir={tmp_path}/there", cwd=tmp_path / "here")
    assert done.returncode == 0, done.stderr
    assert ".." not in done.stdout
    assert f" → {tmp_path}/there/sweeps/" in done.stdout.splitlines()[-1]
