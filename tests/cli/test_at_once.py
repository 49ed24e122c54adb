"""Help, a mistake and a finished run are answered without an import of what is slow."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.command_line import command, environment
from tests.fake_runs import fake_run

# Of each the import takes longer than all that these commands do.
HEAVY = ("torch", "matplotlib", "numpy", "pandas", "optuna", "joblib", "submitit", "tensorboard")
# Its own processor seconds after the import of Hydra are compared with those of the import, which
# makes no difference between machines and none between a busy one and an idle one.
CODE = f"""
import sys, time
import hydra.main
imported = time.process_time()
from lab.cli import main
for line in sys.argv.pop().splitlines():
    sys.argv = ["lab", *line.split("\\t")]
    begin = time.process_time()
    try: main()
    except SystemExit: pass
    assert time.process_time() - begin < 10 * imported, line
    found = set(sys.modules) & set({HEAVY})
    assert not found, (line, found)
"""


def answers(*lines: list[str], cwd: Path) -> str:
    """What commands say in one process, which must be quick and import none of HEAVY."""
    text = "\n".join("\t".join(words) for words in lines)
    done = subprocess.run(
        [command()[0], "-c", CODE, text], cwd=cwd, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "claim        not chosen: what lab report tests"),
        (["--cfg", "job"], "forget_bias: 5.0"),
        (["seq_len=abc"], "seq_len=abc is not allowed"),
        (["cell=lstmm"], "did you mean lstm?"),
        (["++optimizer.foo=1"], "foo"),
    ],
)
def test_neither_help_nor_a_mistake_imports_what_is_slow(tmp_path, words, said):
    assert said in answers(words, cwd=tmp_path)


def test_finished_runs_and_the_helps_of_tools_are_shown_without_what_is_slow(tmp_path, made):
    run = fake_run(tmp_path / "outputs", "seq_len=3").path
    result = json.loads((run / "result.json").read_text())
    assert result["steps"] == 1000
    assert answers(["seq_len=3"], cwd=tmp_path).startswith("finished before: ")
    tools = (["runs"], ["show", "last"], ["predict", "--help"], ["predict", "x", "121"])
    assert "lstm-T20-s0" in answers(*tools, cwd=made)
