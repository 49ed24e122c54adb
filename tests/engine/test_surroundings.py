"""What the host or the shell has set changes no run, and what is missing there is told."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest

import lab
from lab.config.errors import UserError
from lab.engine import provenance
from lab.engine.terminal import bar_file
from lab.figures import plots
from lab.figures.style import own_style, png_bytes
from tests.command_line import command, environment
from tests.fake_runs import fake_run


def test_figures_do_not_depend_on_the_hosts_style() -> None:
    def drawn() -> bytes:
        with own_style():
            figure, (axis,) = plots.new_figure("A title")
            plots.draw_curves(axis, [plots.Curve("one", [1, 2], np.ones((2, 3)))])
            return png_bytes(figure)

    before = drawn()
    theirs: Any = {"text.usetex": True, "savefig.dpi": 1000, "axes.facecolor": "black"}
    with matplotlib.rc_context(theirs):
        assert drawn() == before
        assert matplotlib.rcParams.items() >= theirs.items()


def test_a_matplotlibrc_and_a_backend_of_the_user_stop_no_figure(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 1000\n")
    run = fake_run(tmp_path, "seed=0").path.relative_to(tmp_path)
    other = fake_run(tmp_path, "seed=1").path.relative_to(tmp_path)
    done = subprocess.run(
        command("compare", str(run), str(other), "--out", "both.png"), cwd=tmp_path,
        env={**environment(), "MPLBACKEND": "bogus"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "both.png").exists()


def test_a_current_folder_that_is_gone_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "the current folder was removed: change to another one"
    leave = "mkdir gone && cd gone && rmdir ../gone && exec"
    for words in ("runs", "seq_len=5"):
        done = subprocess.run(
            f"{leave} {sys.executable} -m lab {words}", shell=True, cwd=tmp_path,
            env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (1, f"lab: {line}\n"), words
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match=line):
        lab.run("seq_len=5")
    os.chdir(tmp_path)


def test_a_run_is_read_after_the_host_changed_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake_run(Path("outputs"), "seed=0")
    run = lab.load("last")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert run.result["seed"] == 0


@pytest.mark.parametrize("trouble", ["refused", "absent"])
def test_a_commit_that_git_does_not_tell_is_unknown_and_has_a_reason(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "lab/engine"
    own.mkdir(parents=True)
    monkeypatch.setattr(provenance, "__file__", str(own / "provenance.py"))
    if trouble == "refused":
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    else:
        (tmp_path / ".git").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path))
    state = provenance.git_state.__wrapped__()
    assert state is not None
    assert state["commit"] is None
    assert str(tmp_path) not in state["reason"]
    assert {"refused": "dubious ownership", "absent": "No such file"}[trouble] in state["reason"]
    assert provenance.changes_since({"git": state}) == []


def test_the_commit_is_that_of_lab_within_a_hook_of_another_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = provenance.git_state.__wrapped__()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert provenance.git_state.__wrapped__() == shown


def test_a_shell_derived_from_jupyters_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    jupyters = type("ZMQInteractiveShell", (), {})
    ipython = ModuleType("IPython")
    vars(ipython)["get_ipython"] = type("Shell", (jupyters,), {})
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    display = ModuleType("IPython.display")
    shown: list[dict[str, str]] = []
    line = SimpleNamespace(update=lambda data, raw: shown.append(data))
    vars(display)["display"] = lambda *_, **__: line
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    file = bar_file()
    assert file is not None
    file.write("\r 5 of 9 ")
    file.write("\r")
    assert shown == [{"text/plain": "5 of 9"}, {"text/plain": ""}]
