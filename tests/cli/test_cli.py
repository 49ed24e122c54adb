"""The real command line: what a run and a sweep leave, and how a mistake is answered."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

from tests.command_line import command, environment, quick_lab, refusal, run_lab
from tests.run_files import only


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """A finished default run, as the README starts it, but for its length."""
    cwd = tmp_path_factory.mktemp("run")
    done = run_lab("task=lstm", "seq_len=9", cwd=cwd)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 2
    assert "results go to outputs/runs/lstm-T9-s0-" in lines[0]
    assert lines[1].startswith("validation accuracy 100 % (2,000), test accuracy ")
    assert "→ outputs/runs/lstm-T9-s0-" in lines[1]
    return only(cwd / "outputs/runs", "*")


def test_a_run_leaves_every_file_of_the_contract(run):
    assert {path.name for path in run.iterdir() if "tfevents" not in path.name} == {
        ".lock", ".made", "config.yaml", "provenance.json", "status", "metrics.csv", "figures",
        "checkpoint.pt", "model.safetensors", "result.json", "lab.log",
    }  # fmt: skip
    assert {path.name for path in (run / "figures").iterdir()} == {
        "learning_curves.png",
        "accuracy_vs_length.png",
        "gradient_flow.png",
        "gates.png",
    }
    assert (run / "status").read_text().strip() == "finished"


def test_the_result_says_on_what_and_on_how_many(run):
    result = json.loads((run / "result.json").read_text())
    assert (result["task"], result["cell"], result["seq_len"], result["seed"]) == (
        "lstm", "lstm", 9, 0,
    )  # fmt: skip
    assert (result["val_accuracy"], result["val_count"]) == (1.0, 2000)
    assert result["test_accuracy"] > 0.999
    assert result["test_count"] == 10_000
    assert result["parameters"] == 4 * 128 * (10 + 128 + 1) + 10 * 128 + 10
    assert list(map(int, result["accuracy_by_length"])) == list(range(3, 26))
    assert result["accuracy_by_length"]["9"] == result["test_accuracy"]
    assert result["seconds"] > 0


def test_metrics_have_a_row_for_each_logged_step_and_no_times(run):
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    steps = json.loads((run / "result.json").read_text())["steps"]
    assert [int(row["step"]) for row in rows] == list(range(5, steps + 1, 5))
    assert list(rows[0]) == [
        "step", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
    ]  # fmt: skip
    assert [bool(row["val_loss"]) for row in rows[:4]] == [False, False, False, True]


def test_provenance_names_command_versions_and_nobody_and_the_config_is_whole(run):
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["command"] == "python -m lab task=lstm seq_len=9"
    assert provenance["versions"]["torch"]
    assert provenance["start"] <= provenance["end"]
    config = (run / "config.yaml").read_text()
    assert "${" not in config
    assert yaml.safe_load(config)["hidden_size"] == 128
    assert os.uname().nodename not in (run / "provenance.json").read_text().replace("lab", "")


def test_weights_are_named_by_the_equations(run):
    weights = load_file(run / "model.safetensors")
    assert {name: tuple(w.shape) for name, w in weights.items()} == {
        **{f"W_{gate}x": (128, 10) for gate in "gifo"},
        **{f"W_{gate}h": (128, 128) for gate in "gifo"},
        **{f"b_{gate}": (128,) for gate in "gifo"},
        "W_ph": (10, 128),
        "b_p": (10,),
    }


def test_tensorboard_shows_scalars_figures_and_settings_in_one_folder(run):
    assert len(list(run.glob("events.out.tfevents.*"))) == 1
    assert [path for path in run.iterdir() if path.is_dir()] == [run / "figures"]
    events = EventAccumulator(str(run)).Reload()
    tags = events.Tags()
    assert set(tags["scalars"]) == {
        "train/lr", "train/loss", "train/accuracy", "train/steps",
        "val/loss", "val/accuracy", "test/accuracy",
    }  # fmt: skip
    assert set(tags["images"]) == {
        "learning_curves", "accuracy_vs_length", "gradient_flow", "gates",
    }  # fmt: skip
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    shown = parse_session_start_info_plugin_data(content).hparams
    numbers = {name for name, value in shown.items() if value.HasField("number_value")}
    assert {"seq_len", "seed", "hidden_size", "optimizer.lr", "clip_norm"} <= numbers
    assert shown["seq_len"].number_value == 9
    assert shown["stream"].bool_value is False
    assert shown["cell"].string_value == "LSTM"
    assert not [name for name in shown if "_target_" in name]
    assert not {"checkpoint_seconds", "out_dir", "fresh", "dry_run"} & set(shown)
    # Without a list of columns from one run, TensorBoard puts first what differs among all.
    assert "_hparams_/experiment" not in events.summary_metadata


def test_the_trained_network_answers(run, tool):
    code, out, err = tool("predict", str(run), "123454321")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == str(run)
    assert lines[2].split()[:2] == ["1", "1"]
    assert lines[9].split()[:3] == ["8", "2", "1"]
    assert all(line.endswith(" %)") for line in lines[2:10])
    assert lines[10] == "answer 1: correct"


@pytest.mark.parametrize(
    ("digits", "message"),
    [("12a", "expected at least 3 digits"), ("12", "at least 3"), ("123", "not a palindrome")],
)
def test_what_is_no_palindrome_is_refused(run, tool, digits, message):
    code, out, err = tool("predict", str(run), digits)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


BAD = {
    "seq_len=2": "seq_len=2 is not allowed: expected at least 3",
    "sequence_len=5": "no key sequence_len; did you mean seq_len?",
    "+seqlen=5": "task=lstm has no key seqlen; did you mean seq_len?",
    "++optimizer.foo=1": "no key optimizer.foo; there are optimizer.lr",
    "optimizer.betas=[1,1]": "optimizer.betas is for optimizer=adam or ",
    "task=foo": "task=foo is not an option: expected one of",
    "optimizer.lr=nan": "optimizer.lr=nan is not allowed",
    "optimizer.alpha=-1": "optimizer.alpha=-1 is not allowed: expected at least 0",
    "cell.init=chronos": "expected forget_bias, chrono, default; did you mean chrono?",
    "cell.forget_bias=true": "cell.forget_bias=true is not allowed: expected a number",
    "cell.forget_bias=1e300": "expected a number between -1e+30 and 1e+30",
    "cell.forgetbias=1": "did you mean cell.forget_bias?",
    "optimizer.lr=1e300": "expected a number above 0, at most 1e+30",
    "clip_norm=None": "for no value write clip_norm=null",
    "lr=0.01": "task=lstm has no key lr; did you mean optimizer.lr?",
    "T=5": "task=lstm has no key T; did you mean seq_len?",
    "experiment=best": "write +experiment=best",
    "seed=${oc.env:TEXT}": "got the text '3'; write seed=3 without quotes, and of an environment "
    "variable 'seed=\"${oc.decode:${oc.env:NAME}}\"'",
    "device=${oc.env:NO_SUCH_VARIABLE}": "Environment variable 'NO_SUCH_VARIABLE' not found",
    "resume=RUN": "the same command continues a run without it",
    "fresch=true": "task=lstm has no key fresch",
    "seq_len=[": "cannot read seq_len=[",
    "bench=parity": "bench is a group of +experiment=bench",
    "+experiment=a5": "experiment=a5 is not an option: expected one of",
}


@pytest.mark.parametrize("word", BAD)
def test_a_mistake_is_one_clear_line_and_leaves_nothing(word, tmp_path, monkeypatch):
    monkeypatch.setenv("TEXT", "3")
    monkeypatch.chdir(tmp_path)
    line = refusal(word)
    assert BAD[word] in line
    assert "fresh" not in line.replace("fresch", "")  # it would delete a run
    assert list(tmp_path.iterdir()) == []


AT_THE_COMMAND_LINE = {
    "seq_len=2": "seq_len=2 is not allowed: expected at least 3",
    "--seq_len=5": "--seq_len is not a flag: write seq_len=5",
    "--multirn": "did you mean --multirun?",
    "seq_len=3,4": "needs -m",
}


@pytest.mark.parametrize("word", AT_THE_COMMAND_LINE)
def test_a_mistake_at_the_command_line_is_one_line_and_leaves_nothing(word, tmp_path):
    done = quick_lab(word, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("lab: ")
    assert AT_THE_COMMAND_LINE[word] in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_key_with_two_values_is_refused(tmp_path):
    for words in (["-m", "seq_len=3,4", "seq_len=5"], ["seq_len=3", "++seq_len=5"]):
        done = subprocess.run(  # quick_lab leaves the last value alone
            [*command(), *words], cwd=tmp_path, env=environment(), capture_output=True, text=True
        )
        line = f"lab: seq_len has two values: {words[-2]} and {words[-1]}; give it one\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", line)
        assert not list(tmp_path.iterdir())


def test_a_missing_device_is_one_clear_line_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    line = refusal("device=cuda", f"out_dir={tmp_path}")
    assert line.startswith("device=cuda is not on this machine")
    assert not list(tmp_path.rglob("lstm-*"))
