"""`lab NAME …`: which words name a tool, and what a tool says of itself."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import lab
from lab.cli.door import BARE_WORD
from lab.cli.tools import TOOLS, run_tool
from tests.command_line import ROOT, environment, quick_lab


def test_a_bare_word_names_a_tool_and_anything_else_is_hydras():
    assert all(map(BARE_WORD.fullmatch, ("runs", "frobnicate", "lstm", "a.b", "12x4")))
    hydras = ("a=b", "-m", "--help", "+experiment=best", "~cell", "x.y=1", "+a", "@x")
    assert not any(map(BARE_WORD.fullmatch, hydras))


def test_a_reader_that_has_seen_enough_is_no_error(made: Path):
    line = f"{sys.executable} -m lab runs | head -1; exit ${{PIPESTATUS[0]}}"
    words = ["bash", "-c", line]
    done = subprocess.run(words, cwd=made, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_explains_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as stop:
        run_tool(name, ["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert TOOLS[name].summary in text
    assert f"example: lab {name}" in text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lab sh", ["show"]),
        ("lab pr", ["predict", "probe"]),
        ("lab show la", ["last"]),
        ("lab show out", []),
        ("lab show gan", ["{run}"]),
        ("lab show --out-dir nowhere gan", []),
        ("lab runs --o", ["--out-dir"]),
        ("lab foo=[ ba", []),
        ("lab cell=ls", ["cell=lstm"]),
    ],
)
def test_the_shell_completes_tools_runs_and_keys(
    line: str, words: list[str], made: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COMP_LINE", line)
    (run,) = (path.name for path in made.rglob("gan-*"))
    done = quick_lab("-sc", "query=bash", cwd=made)
    assert (done.stdout.split(), done.stderr) == ([word.format(run=run) for word in words], "")


def test_help_lists_every_tool_group_option_and_key_and_the_version_is_labs(tmp_path: Path):
    text = quick_lab("--help", cwd=tmp_path).stdout
    lines = [line.split() for line in text.splitlines()]
    for name, tool in TOOLS.items():
        assert [name, *tool.summary.split()] in lines
    for group in ("task", "cell", "size", "optimizer", "experiment"):
        for option in (ROOT / "conf" / group).glob("*.yaml"):
            assert option.stem in text
    for key in yaml.safe_load((ROOT / "conf/task/lstm.yaml").read_text()):
        assert key in ("defaults", "task") or key in text
    assert quick_lab("--version", cwd=tmp_path).stdout == f"lab {lab.__version__}\n"
