"""Run folders of earlier versions stay found, shown, opened, compared, summarised and reported."""

import shutil
from pathlib import Path

import pytest
import torch

from lab.cli import compose_config
from lab.config.reading import from_file
from lab.engine.jobs import perform
from lab.engine.run_folder import RunFolder
from lab.generation.players import open_run as open_gan
from lab.memory.network import open_run
from lab.report.evidence import Evidence
from lab.runs.compare import compare
from lab.runs.show import show
from lab.runs.table import Filter, chosen, rows, value
from lab.sweeps.summary import rebuild
from tests.command_line import Swept
from tests.old_runs import FOUND, HERE, READABLE, RUNS, SWEEP
from tests.run_files import only, recap, snapshot, summary


@pytest.fixture
def cwd(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A working folder with the outputs of a version, to change."""
    return Path(shutil.copytree(HERE / request.param, tmp_path / "copy"))


of_found = pytest.mark.parametrize("cwd", FOUND, indirect=True)
of_readable = pytest.mark.parametrize("cwd", READABLE, indirect=True)


@of_found
@pytest.mark.parametrize("task", RUNS)
def test_its_command_finds_the_run_and_shows_it(cwd: Path, task: str) -> None:
    before = snapshot(cwd)
    outcome = perform(compose_config(*RUNS[task], f"out_dir={cwd}/outputs"), [])
    assert outcome.line.startswith("finished before: ")
    assert " on cpu → " in outcome.line
    assert outcome.exit_code == 0
    assert snapshot(cwd) == before


@of_found
def test_the_sweeps_command_finds_its_folder_and_both_runs(
    cwd: Path, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cwd)
    assert recap(swept(*SWEEP[1:])[1]) == "2 finished before"
    assert [row["status"] for row in summary(cwd)] == ["finished", "finished"]


@of_found
def test_a_sweep_is_summarised_anew(cwd: Path) -> None:
    table = summary(cwd)
    folder = only(cwd, "outputs/sweeps/*")
    assert {path.name for path in rebuild(folder)} == {"summary.csv", "accuracy_vs_length.png"}
    for new, old in zip(summary(cwd), table, strict=True):
        assert (new["status"], new["val_accuracy"]) == ("finished", old["val_accuracy"])


@of_readable
def test_networks_are_opened_and_give_what_they_gave(cwd: Path) -> None:
    network, config = open_run(RunFolder(only(cwd, "outputs/runs/lstm-*-s0-*")))
    assert (config.seq_len, config.hidden_size) == (5, 8)
    assert sum(p.numel() for p in network.parameters()) == 698
    generator, gan = open_gan(RunFolder(only(cwd, "outputs/runs/gan-*")))
    assert gan.data["name"] == "mnist"
    with torch.no_grad():
        assert generator(torch.zeros(2, 5)).shape == (2, 1, 28, 28)


@of_found
def test_the_metrics_of_a_gan_by_hand_have_the_names_of_today(cwd: Path) -> None:
    run = RunFolder(only(cwd, "outputs/runs/one-layer-*"))
    assert run.result is not None
    names = {"classifier_accuracy", "best_classifier_accuracy", "clipped_share"}
    assert names <= run.result.keys()
    assert all("classifier_accuracy" in digit for digit in run.result["digits"].values())
    assert "judge_share" not in {**run.result, **run.read_metrics()}


@of_readable
def test_a_run_is_compared_with_one_of_today(cwd: Path) -> None:
    old = RunFolder(only(cwd, "outputs/runs/lstm-*-s0-*"))
    config = compose_config(*RUNS["lstm"], "optimizer.lr=0.02", f"out_dir={cwd}/outputs")
    new = RunFolder(config.run_dir)
    shutil.copytree(old.path, new.path)
    new.save_config(config.to_dict())
    lines = compare([old, new], cwd / "both.png")
    begin, end = lines.index("config, where they differ"), lines.index("results")
    assert [line.split() for line in lines[begin + 2 : end - 1]] == [
        ["optimizer.lr", "0.01", "0.02"]
    ]
    assert (cwd / "both.png").exists()


@of_readable
def test_the_result_of_a_gan_is_shown_and_listed_with_the_entries_of_today(cwd: Path) -> None:
    run = RunFolder(only(cwd, "outputs/runs/gan-*"))
    shown = {" ".join(line.split()) for line in show(run)}
    assert "FID against test images quality.fid 100.808" in shown
    assert "total variation distance of the classes quality.class_tv 0.790117" in shown
    assert run.read_metrics()["class_tv"][-1] > 0
    (listed,) = chosen(rows(cwd), [Filter.read("fid>100"), Filter.read("classifier.checksum!=0")])
    assert value(listed, "class_tv") == pytest.approx(0.790117, abs=1e-6)


@of_readable
def test_the_report_takes_every_run_from_its_folder_and_from_a_table(cwd: Path) -> None:
    evidence = Evidence(cwd / "outputs")
    assert evidence.unreadable == []
    assert set(evidence.table["run"]) == {path.name for path in cwd.glob("outputs/runs/*")}
    assert evidence.table["steps"].notna().all()
    evidence.save(evidence.table["run"], cwd / "saved")
    saved = Evidence(cwd / "nowhere", cwd / "saved")
    assert saved.unreadable == []
    for run, config in evidence.configs.items():
        assert saved.configs[run].identity == config.identity


@of_readable
def test_an_old_config_reads_as_its_command_composes(cwd: Path) -> None:
    for path in cwd.glob("outputs/runs/*-s0-*/config.yaml"):
        old = from_file(path)
        assert old == compose_config(*RUNS[old.task])
