"""What the tools say to a mistake, and to runs that are damaged or somebody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.runs.finding import find_run, find_runs
from tests.command_line import Tool
from tests.run_files import snapshot

BAD = {
    ("frobnicate",): "frobnicate is not a tool; there are runs, show",
    ("shwo",): "did you mean show?",
    ("seq_len", "5"): "interpolate; a setting is written key=value, as in seq_len=20",
    ("runs", "nowhere"): "nowhere: no such folder, and no filter such as task=lstm",
    ("runs", "--out-dir", "nowhere"): "nowhere: no such folder",
    ("runs", "seqlen=20"): "no run has a key seqlen; did you mean seq_len?",
    ("runs", "--sort", "acuracy"): "no run has a key acuracy",
    ("runs", "--typo"): "unrecognized arguments: --typo (lab runs --help lists the arguments)",
    ("show",): "the following arguments are required: RUN",
    ("show", "lstm-T20-s3"): "no such run below outputs; did you mean lstm-T20-s",
    ("show", "zzz"): "zzz: no such run below outputs; there are 3, which lab runs lists",
    ("show", "nowhere/run"): "nowhere/run: no such folder",
    ("show", "outputs"): "3 runs lie below it: lab runs outputs lists them",
    ("show", "outputs/sweeps/a-sweep-12345678"): "it is a sweep's: lab summary outputs/sweeps/",
    ("predict", "last", "12x4"): "12x4: expected at least 3 digits, and nothing else",
    ("predict", "gan-mnist-s2", "121"): "a run of task=gan, not of the memory study",
    ("predict", "lstm-T20-s0", "121"): "model.safetensors: no such file",
    ("flow", "last", "--seq-len", "2"): "argument --seq-len: expected a whole number of at least 3",
    ("flow", "last", "last"): "the same run is given twice",
    ("sample", "lstm-T20-s0"): "not of the generation study; lab runs shows the task of each run",
    ("rm", "outputs", "--yes"): "not a run's folder",
    ("note", "last", " "): "the note is empty",
    ("summary", "outputs"): "none of its runs has begun; sweeps are in outputs/sweeps",
    ("show", "last", "--config-dir", "nowhere"): "--config-dir nowhere: no such folder",
    ("compare", "last"): "two or more runs are compared",
    ("report", "nowhere"): "nowhere: no such folder",
    ("report", "--out-dir", "nowhere"): "nowhere: no such folder",
    ("report", "--config-dir", "nowhere"): "--config-dir nowhere: no such folder",
    ("report", "--config-dir", "outputs"): "outputs: it has no claims; they are its claim/*.yaml",
    ("report", "--docs", "nowhere"): "--docs nowhere: no such folder",
}


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_a_mistake_is_one_clear_line_and_writes_nothing(
    cwd: Path, tool: Tool, words: tuple[str, ...]
):
    before = snapshot(cwd)
    code, out, err = tool(*words)
    assert (code, out) == (1, "")
    assert err.startswith("lab: ")
    assert err.count("\n") == 1, err
    assert BAD[words] in err
    assert snapshot(cwd) == before


def test_a_hash_that_several_runs_share_is_answered_with_their_names(cwd: Path, tool: Tool):
    first, second = (run.path for run in find_runs()[:2])
    first.rename(first.with_name("lstm-T20-s0-abc11111"))
    second.rename(second.with_name("lstm-T20-s1-abc22222"))
    code, out, err = tool("show", "abc")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "abc may be any of 2 runs: " in err
    assert "lstm-T20-s0-abc11111" in err
    assert "lstm-T20-s1-abc22222" in err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "config.yaml").unlink(), "config.yaml"),
        (lambda run: (run / "config.yaml").write_text("task: ["), "is damaged"),
        (lambda run: (run / "config.yaml").write_bytes(b"\xff\xfe"), "config.yaml"),
        (lambda run: (run / "config.yaml").write_text("seed: 3\n"), "_target_"),
        (lambda run: add_key(run / "config.yaml"), "no key of_another_version"),
        (lambda run: (run / "result.json").write_text("{"), None),
        (lambda run: (run / "metrics.csv").write_text("step,val"), None),
    ],
    ids=["no config", "half a config", "not text", "no target", "other version", "half", "metrics"],
)
def test_a_damaged_or_foreign_run_is_still_listed_and_named(
    cwd: Path, tool: Tool, damage: Callable[[Path], object], message: str | None
):
    run = find_run("last").path
    damage(run)
    code, out, err = tool("runs")
    assert code == 0
    assert run.name in out
    assert len(out.splitlines()) == 4
    assert tool("show", run.name)[0] == 0
    if message is None:
        assert err == ""
        return
    assert err.startswith(f"lab: {run.relative_to(cwd) if run.is_absolute() else run}")
    assert err.count("\n") == 1
    assert message in err
    code, out, err = tool("sample", run.name)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_runs_that_ended_before_they_began_are_told_once_and_removed(cwd: Path, tool: Tool):
    for name in ("lstm-T5-s0-11111111", "lstm-T5-s1-22222222"):
        folder = cwd / "outputs/runs" / name
        folder.mkdir()
        (folder / "status").write_text("failed\n")
        (folder / "lab.log").write_text("TypeError: no\n")
    code, out, err = tool("runs")
    assert (code, len(out.splitlines()), err.count("\n")) == (0, 6, 1)
    assert err == "lab: a run without a task ended before it began: lab show NAME tells why, " \
                  "lab rm NAME removes it\n"  # fmt: skip
    assert "TypeError: no" in tool("show", name)[1]
    assert "it ended before it began" in tool("compare", name, "lstm-T20-s0")[2]
    assert tool("predict", name, "121")[2].endswith(
        f"failed, not finished: lab show {name} says why; the command that began it tries again\n"
    )
    assert tool("rm", "11111111", name, "--yes")[0] == 0
    assert tool("runs")[2] == ""
    assert not folder.exists()


def add_key(path: Path) -> None:
    path.write_text(path.read_text() + "of_another_version: 1\n")


def test_weights_that_are_a_pointer_are_named_with_the_remedy(cwd: Path, tool: Tool):
    run = find_run("lstm-T20-s0").path
    (run / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    code, _, err = tool("predict", "lstm-T20-s0", "121")
    assert (code, err.count("\n")) == (1, 1)
    assert "model.safetensors holds no weights: git lfs pull" in err
    (run / "model.safetensors").write_bytes(b"\x00" * 20)
    assert "holds no weights: copy it again" in tool("predict", "lstm-T20-s0", "121")[2]


def test_a_run_of_somebody_elses_calls_nothing_unless_trusted(cwd: Path, tool: Tool):
    folder = find_run("lstm-T20-s0")
    text = folder.config_file.read_text()
    (cwd / "their_cells.py").write_text("open('called', 'w')\n")
    folder.config_file.write_text(text.replace("lab.memory.cells.LSTM", "their_cells.Cell"))
    from safetensors.torch import save_file

    save_file({}, folder.model_file)
    code, _, err = tool("predict", "lstm-T20-s0", "121")
    assert (code, err.count("\n")) == (1, 1)
    assert "--trust" in err
    assert not (cwd / "called").exists()
    (cwd / "conf/cell").mkdir(parents=True)
    (cwd / "conf/cell/theirs.yaml").write_text("_target_: their_cells.Cell\n")
    tool("predict", "lstm-T20-s0", "121", "--config-dir", "conf")
    assert (cwd / "called").exists()
