"""README's promise: a third study is one folder and one YAML file, and gets all the rest."""

import csv
import json
import subprocess

from tests.command_line import command, environment
from tests.run_files import only

STUDY = '''
import torch
from pydantic.dataclasses import dataclass
from lab.config import STRICT, RunConfig


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MyConfig(RunConfig):
    sides: int

    @property
    def readable_name(self):
        return f"dice-{self.sides}-s{self.seed}"

    def headline(self, result):
        return f"mean {result['mean']:.2f}"

    def build_task(self, device):
        return Dice(self)


class Dice:
    """The mean of thrown dice."""

    columns = ("thrown", "mean")
    log_every = 1
    eval_every = 5

    def __init__(self, config):
        self.sides, self.total_steps = config.sides, config.max_steps or 20
        self.sum = self.count = 0.0

    def step(self):
        thrown = torch.randint(1, self.sides + 1, ()).double()
        self.sum, self.count = self.sum + float(thrown), self.count + 1
        return {"thrown": thrown}

    def evaluate(self):
        return {"mean": self.sum / self.count}

    def is_solved(self, metrics):
        return False

    def state_dict(self):
        return {"sum": self.sum, "count": self.count}

    def load_state_dict(self, state):
        self.sum, self.count = state["sum"], state["count"]

    def conclude(self, folder, tracker):
        return self.evaluate()
'''
YAML = """# @package _global_
task: dice
_target_: my_study.MyConfig
sides: 6
"""


def test_a_third_study_is_one_module_and_one_yaml_file(tmp_path):
    (tmp_path / "my_study.py").write_text(STUDY)
    (tmp_path / "conf/task").mkdir(parents=True)
    (tmp_path / "conf/task/dice.yaml").write_text(YAML)
    environ = {**environment()}
    environ["PYTHONPATH"] += f":{tmp_path}"

    def lab(*words):
        line = command("--config-dir", str(tmp_path / "conf"), *words)
        return subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, text=True)

    done = lab("-m", "task=dice", "sides=6,20", "seed=0,1")
    assert done.returncode == 0, done.stderr
    assert "sweep: 4 finished" in done.stdout
    run = only(tmp_path / "outputs/runs", "dice-20-s1-*")
    result = json.loads((run / "result.json").read_text())
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result["steps"] == 20
    assert float(rows[-1]["mean"]) == result["mean"]
    assert len(only(tmp_path / "outputs/sweeps", "*/summary.csv").read_text().splitlines()) == 5

    again = lab("-m", "task=dice", "sides=6,20", "seed=0,1")
    assert "sweep: 4 skipped" in again.stdout
    wrong = lab("task=dice", "sides=six")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "lab: sides=six is not allowed: expected an integer\n",
    )
    of_another = lab("task=dice", "seq_len=3")
    assert of_another.returncode == 1
    assert "seq_len means nothing for task=dice: it is a key of task=lstm" in of_another.stderr
