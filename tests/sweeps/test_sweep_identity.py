"""A sweep's folder depends on all that changes its jobs, and each job's command makes its run."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import lab
from lab.config.command import with_environment
from lab.sweeps.records import sweep_dir
from tests.command_line import TINY, Swept, later_first, quick_lab, run_folder, run_folders
from tests.run_files import recap
from tests.walk import CONF, WALK

SHORT = later_first((*TINY, "max_steps=2"))


def command_in(run: Path) -> list[str]:
    """The words after `python -m lab` in its provenance."""
    words = shlex.split(json.loads((run / "provenance.json").read_text())["command"])
    assert words[:3] == ["python", "-m", "lab"]
    return words[3:]


def test_two_config_names_have_two_folders_and_every_command_makes_its_run(tmp_path: Path) -> None:
    conf = Path(shutil.copytree(CONF, tmp_path / "my conf"))
    (conf / "other.yaml").write_text("defaults: [config, _self_]\nseed: 4\n")
    flags = ["--config-dir", "my conf", "--config-name"]
    for name in ("config", "other"):
        done = quick_lab("-m", *flags, name, *WALK, "scale=1,2", "notes=[a,b]", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert recap(done.stdout) == "2 finished"
    sweeps = sorted(tmp_path.glob("outputs/sweeps/*"))
    assert len(sweeps) == 2
    assert sum(path.name.startswith("other-") for path in sweeps) == 1
    assert [row["status"] for sweep in sweeps for row in lab.Sweep(sweep).table] == ["finished"] * 4

    runs = run_folders(tmp_path)
    assert len(runs) == 4
    for run in (runs[0], runs[-1]):
        again = quick_lab(*command_in(run), cwd=tmp_path)
        assert again.stdout.startswith("finished before: ")
        assert again.stdout.rstrip().endswith(f"→ outputs/runs/{run.name}")


def test_the_command_of_a_presets_job_makes_one_run_and_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lab.sweep("+experiment=a1_five_digits", *SHORT, "seed=0", "fresh=true")
    words = command_in(run_folder(tmp_path))
    assert "fresh=true" not in words
    again = quick_lab(*words, cwd=tmp_path)
    assert again.stdout.startswith("finished before: ")
    assert "sweep" not in again.stdout


def folder(overrides: list[str], own: Path | None = None) -> str:
    """The folder of a sweep of these overrides, of whose config some keys are known."""
    sources = [{"provider": "command-line", "schema": "file", "path": str(own)}] if own else []
    config = OmegaConf.create(
        {
            **{"seq_len": 5, "hidden_size": 20, "job": {"config_name": "config"}},
            "runtime": {"config_sources": sources, "choices": {"experiment": "mine"}},
            "overrides": {"task": overrides, "hydra": []},
            "sweeper": {},
        }
    )
    return sweep_dir("outputs", config.job, config.runtime, config.overrides, config.sweeper)


def test_an_interpolation_is_no_value_and_an_environment_variable_is_one(monkeypatch) -> None:
    assert folder(["hidden_size=${seq_len}"]) != folder(["hidden_size=5"])
    assert folder(["optimizer.momentum=${.alpha}"]) != folder([])
    for word in ("seed=${oc.env:N}", 'seed="${oc.decode:${oc.env:N}}"', "name=${oc.env:N,x}"):
        folders = set()
        for value in ("1", "2", "a b"):
            monkeypatch.setenv("N", value)
            folders.add(folder([word]))
        assert len(folders) == 3


def test_a_file_of_ones_own_that_was_edited_makes_another_sweep(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "cell").mkdir()
    preset, cell = tmp_path / "experiment/mine.yaml", tmp_path / "cell/mine.yaml"
    folders = []
    for text, size in (("seed: 1", 1), ("seed: 1 # two", 1), ("seed: 2", 1), ("seed: 2", 2)):
        preset.write_text(f"defaults: [override /cell: mine]\n{text}\n")
        cell.write_text(f"size: {size}\n")
        folders.append(folder(["+experiment=mine,yours"], tmp_path))
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3


def test_a_recorded_command_needs_no_variable_of_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("N", "7")
    monkeypatch.setenv("NAME", "lstm")
    words = ['seed="${oc.decode:${oc.env:N}}"', "cell=${oc.env:NAME}", "input=${oc.env:N}"]
    assert list(map(with_environment, words)) == ['seed="${oc.decode:7}"', "cell=lstm", words[2]]
    assert with_environment(r"cell=$\{oc.env\:NAME\}") == "cell=lstm"  # as Hydra passes it on


def test_the_last_line_names_the_plot_with_a_short_path(
    tmp_path: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    words = [*SHORT, f"out_dir={tmp_path}/there", "optimizer.momentum=${.alpha}"]
    out = swept(*words)[1]
    assert ".." not in out
    last = out.splitlines()[-1]
    assert f" → {tmp_path}/there/sweeps/" in last
    assert last.endswith("/accuracy_vs_length.png")
    # The same run alone, and by the command that it recorded.
    (run,) = (tmp_path / "there/runs").iterdir()
    for again in (words, command_in(run)):
        assert quick_lab(*again, cwd=tmp_path / "here").stdout.startswith("finished before: ")
