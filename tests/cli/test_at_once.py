"""Help, a mistake and a finished run are answered without an import of what is slow."""

import resource
import subprocess
from pathlib import Path

import pytest

from tests.command_line import TINY, command, environment, run_lab
from tests.run_files import copy_into

CPU_SECONDS_OF_NOTHING = 1.5


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"], ["seq_len=2"], ["cell=lstmm"]])
def test_what_trains_nothing_is_answered_at_once(words, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run_lab(*words, cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert done.returncode in (0, 1)
    # Against a bare interpreter with Hydra alone, since machines differ and this one may be busy;
    # for --help Hydra imports every launcher that is installed.
    bare = run_bare(tmp_path)
    assert seconds < max(CPU_SECONDS_OF_NOTHING, 10 * bare)


def run_bare(cwd: Path) -> float:
    """CPU seconds of importing Hydra."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([command()[0], "-c", "import hydra.main"], cwd=cwd, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# Of each the import takes longer than all that these commands do.
HEAVY = ("torch", "matplotlib", "numpy", "pandas", "optuna", "joblib", "submitit", "tensorboard")


def without_heavy_imports(*words: str, cwd: Path) -> str:
    """What a command says that must import none of HEAVY."""
    code = (
        "import sys; sys.argv = ['lab', *sys.argv[1:]]\n"
        "from lab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"found = set(sys.modules) & set({HEAVY})\n"
        "assert not found, found"
    )
    line = [command()[0], "-c", code, *words]
    done = subprocess.run(line, cwd=cwd, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--help", "claim        not chosen: what lab report tests"),
        ("seq_len=abc", "seq_len=abc is not allowed"),
        ("++optimizer.foo=1", "foo"),
        ("optimizer.lr=nan", "optimizer.lr=nan"),
    ],
)
def test_neither_help_nor_a_mistake_imports_what_is_slow(tmp_path, word, said):
    assert said in without_heavy_imports(word, cwd=tmp_path)


def test_showing_a_finished_run_again_imports_nothing_that_is_slow(reference, tmp_path):
    copy_into(tmp_path, reference)
    assert without_heavy_imports(*TINY, cwd=tmp_path).startswith("finished before: ")
