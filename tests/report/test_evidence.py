"""Rows from run folders and from the committed tables say the same."""

import json
import shutil
from pathlib import Path

import pytest

import lab
from lab.report.claims import Runs
from lab.report.evidence import SAVED, Evidence, _config_of, _read_csv
from lab.report.plan import Planned
from tests.fake_runs import fake_run

PRESET = ["+experiment=a5_rnn_vs_lstm", "cell=lstm,rnn", "seq_len=3", "max_steps=5"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short runs of the memory study."""
    cwd = tmp_path_factory.mktemp("evidence")
    lab.sweep(*PRESET, f"out_dir={cwd / 'outputs'}")
    return cwd / "outputs"


def test_a_row_has_config_result_and_history(out: Path):
    evidence = Evidence(out)
    assert len(evidence.rows) == 2
    row = next(row for row in evidence.rows.values() if row["cell"] == "lstm")
    result = evidence.folders[row["run"]].result or {}
    assert (row["config.seq_len"], row["config.optimizer.lr"]) == (3, 0.001)
    assert row["val_accuracy"] == row["accuracy"] == result["val_accuracy"]
    assert row["accuracy_by_length.3"] == result["accuracy_by_length"]["3"]
    metrics = evidence.folders[row["run"]].read_metrics()
    assert json.loads(row["history"])["step"] == metrics["step"]
    assert row["last_train_loss"] == pytest.approx(metrics["train_loss"][-1])
    assert row["from"] == "here"


def test_a_row_tells_the_begin_the_middle_and_the_end_of_each_column(tmp_path: Path):
    nan = float("nan")
    losses = [float(n) for n in range(40)]  # of the steps 10, 20, ... 400
    accuracies = [n / 100 if n % 4 == 3 else nan for n in range(40)]
    fake_run(tmp_path, steps=400, curves={"train_loss": losses, "val_accuracy": accuracies})
    (row,) = Evidence(tmp_path).rows.values()
    found = {f"{part}_{name}": row[f"{part}_{name}"] for part in ("first", "half", "last")
             for name in ("train_loss", "val_accuracy")}  # fmt: skip
    assert found == pytest.approx({
        "first_train_loss": 1.5, "half_train_loss": 19.0, "last_train_loss": 37.5,
        "first_val_accuracy": 0.03, "half_val_accuracy": 0.19, "last_val_accuracy": 0.39,
    })  # fmt: skip
    kept = json.loads(row["history"])
    assert kept["step"][-1] == 400
    assert dict(zip(kept["step"], kept["train_loss"], strict=True))[390.0] == 38.0


def test_the_accuracy_is_of_the_test_set_where_there_is_one(tmp_path: Path):
    for accuracies in ({"test_accuracy": 0.7}, {"test_accuracy": None, "seed": 1}):
        seed = f"seed={accuracies.pop('seed', 0)}"
        fake_run(tmp_path, "seq_len=6", seed, accuracy=0.9, **accuracies)
    rows = Evidence(tmp_path).rows.values()
    assert {row["seed"]: row["accuracy"] for row in rows} == {0: 0.7, 1: 0.9}


def test_saved_rows_are_read_without_the_run_folders(out: Path, tmp_path: Path):
    here = Evidence(out)
    (saved,) = here.save(sorted(here.rows), tmp_path / "saved")
    assert saved.name == "lstm.csv"
    alone = Evidence(tmp_path / "nothing", tmp_path / "saved")
    assert alone.rows.keys() == here.rows.keys()
    for name, row in alone.rows.items():
        assert alone.configs[name].identity == here.configs[name].identity
        assert row.pop("from") == "lstm.csv"
        for key, value in row.items():
            expected = here.rows[name][key]
            assert value == (pytest.approx(expected, rel=1e-6)
                             if isinstance(expected, float) else expected), key  # fmt: skip


def test_saving_again_merges_by_run(out: Path, tmp_path: Path):
    here = Evidence(out)
    first, second = sorted(here.rows)
    here.save([first], tmp_path)
    (path,) = here.save([second], tmp_path)
    here.save([second], tmp_path)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["run", first, second]


def test_a_moved_run_is_found_at_any_depth_and_a_foreign_folder_is_named(out: Path, tmp_path: Path):
    run = next(iter(Evidence(out).folders.values())).path
    shutil.copytree(run, tmp_path / "a/b" / run.name)
    shutil.copytree(run, tmp_path / "broken")
    (tmp_path / "broken/config.yaml").write_text("task: [unclosed")
    evidence = Evidence(tmp_path)
    assert list(evidence.rows) == [run.name]
    assert len(evidence.unreadable) == 1
    assert evidence.unreadable[0].startswith("broken: ")


def test_a_result_without_metrics_still_makes_a_row(out: Path, tmp_path: Path):
    run = next(iter(Evidence(out).folders.values())).path
    shutil.copytree(run, tmp_path / run.name)
    (tmp_path / run.name / "metrics.csv").unlink()
    row = Evidence(tmp_path).rows[run.name]
    assert row["accuracy"] == Evidence(out).rows[run.name]["accuracy"]
    assert "history" not in row


def test_a_run_stands_once_whatever_its_name_and_hash_were(out: Path, tmp_path: Path):
    """An earlier version named and hashed a run in another form; the config says which it is."""
    here = Evidence(out)
    name = sorted(here.rows)[0]
    older = "lstm-T3-s0-0123abcd"
    here.rows[older] = {**here.rows[name], "run": older, "commit": "0123456789"}
    here.configs[older] = here.configs[name]
    here.save([older], tmp_path)
    assert list(Evidence(tmp_path / "nothing", tmp_path).rows) == [older]
    both = Evidence(out, tmp_path)
    assert both.rows.keys() == Evidence(out).rows.keys()
    assert both.rows[name]["from"] == "here"
    preset, *overrides = PRESET
    runs = Runs(preset=preset.removeprefix("+experiment="), overrides=" ".join(overrides))
    assert Planned(runs).missing(Evidence(tmp_path / "nothing", tmp_path)) == 1
    (path,) = both.save([name], tmp_path)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["run", name]


def test_no_run_stands_twice_in_the_committed_evidence():
    rows = [row for file in SAVED.glob("*.csv") for row in _read_csv(file)]
    assert rows
    identities = [_config_of(row).identity for row in rows]
    assert len(set(identities)) == len(identities)
