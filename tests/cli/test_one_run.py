"""`lab show`, `lab note` and `lab rm`."""

from pathlib import Path

from lab.runs.finding import find_run, find_runs
from tests.command_line import Tool


def test_show_says_what_is_known(cwd: Path, tool: Tool):
    tool("note", "last", "strange  losses")
    code, out, _ = tool("show", "last")
    assert code == 0
    assert "FID against test images quality.fid 8.5" in " ".join(out.split())
    lines = [line.split() for line in out.splitlines()]
    assert ["ema", "0.999"] in lines
    assert ["command", "python", "-m", "lab", "task=gan"] in lines
    assert lines[-2:] == [["notes"], ["strange", "losses"]]


def test_show_names_each_entry_and_leaves_out_what_there_is_not(cwd: Path, tool: Tool):
    lines = [" ".join(line.split()) for line in tool("show", "lstm-T20-s0")[1].splitlines()]
    assert "validation accuracy val_accuracy 50 %" in lines
    assert "cell and its initialisation label lstm, forget bias 5" in lines
    assert any(line.startswith("not set max_steps, ") for line in lines)
    assert not any("null" in line or "test_accuracy" in line for line in lines)


def test_a_note_outlives_the_same_run_started_anew(cwd: Path, tool: Tool):
    tool("note", "last", "one")
    assert tool("note", "last", "two")[1].split() == [str(find_run("last").path), "one", "two"]
    folder = find_run("last")
    folder.clear()
    assert folder.notes() == ["one", "two"]


def test_rm_asks_and_takes_everything_away(cwd: Path, tool: Tool):
    run = find_run("last").path
    (run / "figures").mkdir()
    code, out, err = tool("rm", "last")
    assert (code, out) == (1, "")
    assert "--yes removes without asking" in err
    assert run.is_dir()
    assert tool("rm", "last", "--yes")[:2] == (0, f"removed {run}\n")
    assert not run.exists()
    assert len(find_runs()) == 2


def test_rm_refuses_a_run_that_is_held_and_other_tools_show_it(cwd: Path, tool: Tool):
    folder = find_run("lstm-T20-s0")
    (folder.path / "result.json").unlink()
    folder.set_status("running")
    with folder.locked():
        code, out, err = tool("rm", folder.path.name, "--yes")
        assert (code, out) == (1, "")
        assert "is being run by another process: nothing is removed" in err
        assert folder.path.is_dir()
        # While it is being written it is listed, with what it has logged.
        code, out, err = tool("runs")
        assert (code, err) == (0, "")
        assert "running" in out
        assert tool("show", folder.path.name)[0] == 0
        code, _, err = tool("predict", folder.path.name, "121")
        assert code == 1
        assert "running, not finished" in err
