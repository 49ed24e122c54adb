"""How the process of a command ends: with its exit code and all its output, and at once."""

import subprocess
import sys

import pytest

from tests.command_line import ROOT, environment

CODE = """
import atexit, os, sys
import lab.cli
from lab.__main__ import main

def run():
    atexit.register(print, "handlers are called", end=", ")
    print("output is whole", end=", ")
    {ending}

def leave(code, really_leave=os._exit):
    os.write(1, b"at once")
    really_leave(code)

os._exit = leave
lab.cli.main = run
main()
"""
WHOLE = "output is whole, handlers are called, "


@pytest.mark.parametrize(
    ("ending", "code", "stdout", "stderr"),
    [
        ("sys.exit()", 0, WHOLE + "at once", ""),
        ("sys.exit(3)", 3, WHOLE + "at once", ""),
        ("sys.exit('a complaint')", 1, WHOLE + "at once", "a complaint\n"),
        ("raise ValueError('unforeseen')", 1, WHOLE, "ValueError: unforeseen\n"),
    ],
)
def test_a_command_ends_at_once_with_all_it_has_to_say(ending, code, stdout, stderr):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(ending=ending)], cwd=ROOT, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, stdout)
    assert done.stderr.endswith(stderr)
