"""Words may be lost, work never: pipes that close, terminals that go, signs an encoding lacks."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.command_line import command, environment, run_folders, wait_until
from tests.walk import WALK_COMMAND

SWEEP = ["-m", *WALK_COMMAND, "seed=0,1"]


def assert_both_are_done(cwd: Path) -> None:
    assert len(run_folders(cwd)) == 2
    assert all((folder / "result.json").exists() for folder in run_folders(cwd))
    assert len(list(cwd.glob("outputs/sweeps/*/summary.csv"))) == 1


def shell(line: str, environ: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash in which `$PY` prints 20,000 lines and then says on 3 that it is done."""
    code = (
        "import os, sys\n"
        "from lab.engine.terminal import make_stdio_safe\n"
        "make_stdio_safe()\n"
        "file = open(os.devnull)\n"
        "assert file.fileno() > 2\n"
        "for _ in range(20_000): print('words →', flush=True)\n"
        "print('words for nobody', file=sys.stderr)\n"
        "os.write(3, b'done') if len(sys.argv) > 1 else print('done')\n"
    )
    environ = {**environment(), "PY": sys.executable, "CODE": code, **(environ or {})}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], env=environ, capture_output=True, text=True
    )


def test_a_reader_that_leaves_early_stops_nothing() -> None:
    done = shell('{ "$PY" -c "$CODE" 3 2>/dev/null | head -1; } 3>&2')
    assert (done.returncode, done.stdout, done.stderr) == (0, "words →\n", "done")


def test_a_full_device_stops_nothing() -> None:
    done = shell('"$PY" -c "$CODE" 3 3>&1 >/dev/full 2>&1')
    assert (done.returncode, done.stdout, done.stderr) == (0, "done", "")


def test_closed_streams_are_not_given_to_the_next_file() -> None:
    done = shell('"$PY" -c "$CODE" 3 3>&1 >&- 2>&-')
    assert (done.returncode, done.stdout, done.stderr) == (0, "done", "")


def test_what_the_encoding_lacks_is_written_otherwise() -> None:
    done = shell('"$PY" -c "$CODE" | tail -2', {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout) == (0, "words \\u2192\ndone\n")


def test_a_sweep_whose_terminal_goes_trains_all_its_jobs(tmp_path: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, command(*SWEEP), environment())
    wait_until(lambda: run_folders(tmp_path))
    os.close(terminal)  # SIGHUP for the child; EIO when it writes
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert_both_are_done(tmp_path)


def test_a_sweep_that_nobody_reads_trains_all_its_jobs(tmp_path: Path) -> None:
    line = " ".join(f"'{word}'" for word in command(*SWEEP))
    environ = {**environment(), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line} | true"],
        cwd=tmp_path, env=environ, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert_both_are_done(tmp_path)
