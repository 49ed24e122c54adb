"""`lab runs`, and how a run is found among many."""

import json
from pathlib import Path

import pytest

from lab.memory.config import MemoryConfig
from lab.runs.finding import find_run, find_runs
from tests.command_line import Tool
from tests.fake_runs import fake_run


def names(out: str) -> list[str]:
    return [line.split()[0].rpartition("-")[0] for line in out.splitlines()[1:]]


def test_runs_lists_every_run_at_any_depth_as_they_began(cwd: Path, tool: Tool):
    code, out, err = tool("runs")
    assert (code, err) == (0, "")
    assert out.split("\n")[0].split() == [
        "name", "task", "status", "steps", "val_accuracy", "fid", "recall", "classes", "age",
    ]  # fmt: skip
    assert names(out) == ["lstm-T20-s0", "lstm-T20-s1", "gan-mnist-s2"]
    assert tool("runs", "outputs/deep")[1].count("\n") == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["task=lstm"], ["lstm-T20-s0", "lstm-T20-s1"]),
        (["task=lstm", "val_accuracy<1"], ["lstm-T20-s0"]),
        (["cell=lstm", "seed>=1"], ["lstm-T20-s1"]),
        (["cell!=lstm"], ["gan-mnist-s2"]),
        (["generator=conv"], ["gan-mnist-s2"]),
        (["optimizer.lr=1e-2"], ["lstm-T20-s0", "lstm-T20-s1"]),
        (["--sort", "val_accuracy", "--reverse"], ["lstm-T20-s1", "lstm-T20-s0", "gan-mnist-s2"]),
        (["status=finished", "fid<=8.5"], ["gan-mnist-s2"]),
        (["quality.precision>0.7"], ["gan-mnist-s2"]),
        (["lr=1e-2", "seed=1"], ["lstm-T20-s1"]),
        (["--sort", "fid"], ["gan-mnist-s2", "lstm-T20-s0", "lstm-T20-s1"]),
    ],
)
def test_runs_filters_and_sorts(cwd: Path, tool: Tool, words: list[str], expected: list[str]):
    assert names(tool("runs", *words)[1]) == expected


def test_runs_as_json_holds_settings_and_results(cwd: Path, tool: Tool):
    (row,) = json.loads(tool("runs", "task=gan", "--json")[1])
    assert row["quality.fid"] == 8.5
    assert (row["epochs"], row["result.epochs"]) == (200, 200.0)
    assert (row["precision"], row["quality.precision"]) == ("fp32", 0.8)
    assert row["run"].startswith("outputs/deep/er/runs/gan-mnist-s2-")


def test_a_run_is_found_by_folder_name_hash_and_as_the_last(cwd: Path):
    first, second, last = (run.path for run in find_runs())
    for word in (
        "last",
        str(last),
        last.name,
        last.name.rpartition("-")[0],
        last.name[-8:],
        last.name[-8:-3].upper(),
    ):
        assert find_run(word).path == last, word
    assert find_run("last", kind=MemoryConfig).path == second, "a tool for another kind of run"
    assert find_run(first.name).path == first
    assert find_run(str(second.absolute())).path == second.absolute()


def test_a_damaged_byte_is_passed_over_with_the_files_name_and_stays(
    tmp_path: Path, tool: Tool
) -> None:
    fake_run(tmp_path, "seed=1")
    run = fake_run(tmp_path, "seed=0")
    (run.path / "result.json").unlink()
    (run.path / "status").write_bytes(b"runn\xffing\n")
    (run.path / "notes.txt").write_bytes(b"gr\xfc\xdfe")
    run.add_note("more")
    assert (run.path / "notes.txt").read_bytes() == b"gr\xfc\xdfe\nmore\n"
    code, out, err = tool("runs", "--out-dir", str(tmp_path))
    assert (code, out.count("finished"), out.count("interrupted")) == (0, 1, 1)
    assert err == f"lab: {run.path}: status, notes.txt cannot be read as text\n"
    assert "status, notes.txt cannot be read as text" in tool("show", str(run.path))[1]
