"""A signal at any moment: noted, acted on where nothing is half done, told in one line."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import command, environment, quick_lab, start_lab, wait_until
from tests.engine.watching import CONF
from tests.walk import ENDLESS

NUMBERS = [signal.SIGINT, signal.SIGTERM]


def python(code: str, before: Callable[[], object] | None = None) -> "subprocess.Popen[str]":
    """Start an interpreter that has the handlers and runs the code; it writes to one pipe."""
    code = f"import os, signal, time\nfrom lab.engine.interrupts import *\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), preexec_fn=before,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_from_the_first_line_on_a_signal_is_told_in_one_line(
    number: signal.Signals, tmp_path: Path
) -> None:
    run = subprocess.Popen(
        command(*ENDLESS), cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    caught = 1 << (signal.SIGTERM - 1)  # Python itself catches SIGINT
    status = Path(f"/proc/{run.pid}/status")
    wait_until(lambda: int(status.read_text().split("SigCgt:")[1].split()[0], 16) & caught)
    run.send_signal(number)
    stdout, stderr = run.communicate(timeout=300)
    assert (run.returncode, stdout) == (128 + number, "")
    assert stderr == "lab: stopped; the same command continues\n"
    assert not list(tmp_path.iterdir())


def test_a_signal_before_the_first_step_is_told_in_one_line(tmp_path: Path) -> None:
    run = start_lab(*ENDLESS, cwd=tmp_path)
    wait_until(lambda: list(tmp_path.glob("outputs/runs/*/.lock")))
    run.send(signal.SIGTERM)
    stopped = run.wait()
    assert stopped.returncode == 128 + signal.SIGTERM
    assert len(stopped.stderr.splitlines()) == 1
    assert "stopped" in stopped.stderr
    assert "the same command continues" in stopped.stderr


def test_a_signal_among_the_figures_ends_the_run_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (f"--config-dir={CONF}", "task=watching")
    monkeypatch.setenv("STOPS_AMONG_ITS_FIGURES", "yes")
    stopped = quick_lab(*words, cwd=tmp_path)
    assert stopped.returncode == 128 + signal.SIGINT
    (line,) = stopped.stderr.splitlines()
    assert line.startswith("lab: stopped while drawing the figures; the same command continues it")
    monkeypatch.delenv("STOPS_AMONG_ITS_FIGURES")
    assert "continuing after step 9" in quick_lab(*words, cwd=tmp_path).stdout


def test_no_code_can_swallow_a_signal_and_a_second_one_ends_the_process_at_once() -> None:
    code = """
note_signals()
try:
    os.kill(os.getpid(), signal.SIGTERM)
except BaseException:
    print("raised in the midst of something")
for _ in range(2):
    try:
        act("stopped at a safe point")
    except KeyboardInterrupt as stop:
        print(stop, stop.exit_code)
os.kill(os.getpid(), signal.SIGINT)
print("another kind is noted too", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
print("never")
"""
    run = python(code)
    assert run.communicate(timeout=300)[0].splitlines() == [
        "stopped at a safe point 143",
        "stopped at a safe point 143",
        "another kind is noted too",
    ]
    assert run.returncode == -signal.SIGTERM


def test_what_is_ignored_at_the_start_stays_ignored() -> None:
    def as_in_the_background() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    code = """
note_signals()
os.kill(os.getpid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGHUP)
act()
print(came())
"""
    run = python(code, as_in_the_background)
    assert run.communicate(timeout=300)[0] == "None\n"


def test_a_queue_that_lets_the_run_go_on_is_asked_each_time() -> None:
    code = """
signal.signal(signal.SIGTERM, lambda *_: print("bypassed"))
signal.signal(signal.SIGUSR2, lambda *_: exit("queued again"))
note_signals()
for _ in range(2):
    os.kill(os.getpid(), signal.SIGTERM)
    act()
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGUSR2)
act()
"""
    run = python(code)
    assert run.communicate(timeout=300)[0].split("\n") == [*["bypassed"] * 3, "queued again", ""]


def test_it_starts_where_there_is_nothing_of_unix(tmp_path: Path) -> None:
    code = """
import os, signal, sys
sys.modules["fcntl"] = None
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)
for name in ("killpg", "pread", "pwrite", "geteuid", "sched_getaffinity"):
    delattr(os, name)
from lab.sweeps.workers import cores
assert cores() >= 1
from lab.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "seq_len=3", "dry_run=true"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run ")
