"""`lab NAME …`: which words name a tool, and what a tool says of itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.door import BARE_WORD
from lab.cli.tools import TOOLS, run_tool
from tests.command_line import command, environment, quick_lab


@pytest.mark.parametrize("word", ["runs", "frobnicate", "lstm", "a.b", "12x4"])
def test_a_bare_word_names_a_tool(word: str):
    assert BARE_WORD.fullmatch(word)


@pytest.mark.parametrize(
    "word", ["a=b", "-m", "--help", "+experiment=best", "~cell", "x.y=1", "+a", "@x"]
)
def test_anything_else_is_hydras(word: str):
    assert not BARE_WORD.fullmatch(word)


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


def test_neither_a_tools_help_nor_the_list_of_runs_imports_torch(made: Path):
    code = (
        "import sys; sys.argv = ['lab', *sys.argv[1:]]\n"
        "from lab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'matplotlib', 'pandas'} & set(sys.modules)"
    )
    for words in (["runs"], ["show", "last"], ["predict", "--help"], ["predict", "x", "121"]):
        line = [command()[0], "-c", code, *words]
        done = subprocess.run(line, cwd=made, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


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


def test_help_lists_every_tool(tmp_path: Path):
    done = quick_lab("--help", cwd=tmp_path)
    for name, tool in TOOLS.items():
        assert [name, *tool.summary.split()] in [line.split() for line in done.stdout.splitlines()]
