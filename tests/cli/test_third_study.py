"""A third study is one module and one YAML file, those of examples/, and gets all the rest."""

import csv
import json
import subprocess

from tests.command_line import ROOT, command, environment
from tests.run_files import only

EXAMPLES = ROOT / "examples"


def test_a_third_study_is_one_module_and_one_yaml_file(tmp_path):
    environ = {**environment()}
    environ["PYTHONPATH"] += f":{EXAMPLES}"

    def lab(*words):
        line = command("--config-dir", str(EXAMPLES / "conf"), *words)
        return subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, text=True)

    done = lab("-m", "task=dice", "sides=6,20", "seed=0,1")
    assert done.returncode == 0, done.stderr
    assert "sweep: 4 finished" in done.stdout
    assert len(list((tmp_path / "outputs/runs").glob("dice-s1-*"))) == 2
    run = next(path.parent for path in tmp_path.glob("outputs/runs/dice-s1-*/result.json"))
    result = json.loads((run / "result.json").read_text())
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result["steps"] == 20
    assert float(rows[-1]["mean"]) == result["mean"]
    assert len(only(tmp_path / "outputs/sweeps", "*/summary.csv").read_text().splitlines()) == 5

    assert f"mean {result['mean']:.2f} in " in done.stdout

    again = lab("-m", "task=dice", "sides=6,20", "seed=0,1")
    assert "sweep: 4 finished before" in again.stdout
    wrong = lab("task=dice", "sides=six")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "lab: sides=six is not allowed: expected an integer\n",
    )
    of_another = lab("task=dice", "seq_len=3")
    assert of_another.returncode == 1
    assert "seq_len means nothing for task=dice: it is a key of task=lstm" in of_another.stderr
