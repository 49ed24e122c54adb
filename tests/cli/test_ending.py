"""How the process of a command ends: with its exit code and all its output, and at once."""

import subprocess
import sys

import pytest

from tests.command_line import ROOT, environment

CODE = """
import atexit, sys
import lab.cli
from lab.__main__ import main

def run():
    atexit.register(print, "handlers are called")
    print("output is whole", end=", ")
    {ending}

class Torn:
    def __del__(self):
        print("taken apart")

torn = Torn()
lab.cli.main = run
main()
"""
WHOLE = "output is whole, handlers are called\n"


@pytest.mark.parametrize(
    ("ending", "code", "stdout", "stderr"),
    [
        ("sys.exit()", 0, WHOLE, ""),
        ("sys.exit(3)", 3, WHOLE, ""),
        ("sys.exit('a complaint')", 1, WHOLE, "a complaint\n"),
        ("raise ValueError('unforeseen')", 1, f"{WHOLE}taken apart\n", "ValueError: unforeseen\n"),
    ],
)
def test_a_command_ends_at_once_with_all_it_has_to_say(ending, code, stdout, stderr):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(ending=ending)], cwd=ROOT, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, stdout)
    assert done.stderr.endswith(stderr)
