"""The loop and the smallest task: evaluators when they are due, the history handed to the end."""

import random
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from lab.cli import compose_config
from lab.engine.checkpoints import load
from lab.engine.loop import check, train
from lab.engine.process import seed_everything
from lab.engine.run_folder import RunFolder
from lab.engine.task import Evaluator, Recorder, Task


class Counting(Task):
    """Counts its steps and notes what the loop calls."""

    columns = ("loss", "half", "third")
    state = ("steps",)
    log_every = 2
    total_steps = 7

    def __init__(self):
        self.steps, self.called = 0, []
        self.evaluators = [
            Evaluator("samples", 3, self.take_samples, at_start=True),
            Evaluator("halves", 3, lambda: {"half": self.note("half") / 2}),
            Evaluator("thirds", 5, lambda: {"third": self.note("third") / 3}),
        ]

    def note(self, name):
        self.called.append((name, self.steps))
        return self.steps

    def take_samples(self):
        self.note("samples")
        return {}

    def step(self):
        self.steps += 1
        return {"loss": torch.tensor(1.0 / self.steps)}

    def conclude(self, history, recorder):
        self.history = history
        figure = Figure()
        figure.text(0.5, 0.5, "an end")
        self.png = recorder.figure("end", figure, tag="ends", step=self.steps)
        return {"sum": sum(history["loss"])}


@pytest.fixture
def trained(tmp_path) -> tuple[Counting, RunFolder]:
    task, folder = Counting(), RunFolder(tmp_path)
    config = compose_config(f"out_dir={tmp_path}")
    result = train(task, config, folder, None)
    assert result["steps"] == 7
    assert result["sum"] == sum(task.history["loss"])
    return task, folder


def test_evaluators_run_in_order_when_due_and_all_of_them_at_the_end(trained):
    task, _ = trained
    assert task.called == [
        ("samples", 0),
        ("samples", 3), ("half", 3),
        ("third", 5),
        ("samples", 6), ("half", 6),
        ("samples", 7), ("half", 7), ("third", 7),
    ]  # fmt: skip


def test_the_end_is_handed_what_metrics_csv_holds(trained):
    task, folder = trained
    assert task.history["step"] == [2, 3, 4, 5, 6, 7]
    assert str(dict(task.history)) == str(folder.read_metrics())


def test_a_figure_is_drawn_once_and_tensorboard_gets_the_bytes_of_the_file(trained):
    task, folder = trained
    events = EventAccumulator(str(folder.path), size_guidance={"images": 0})
    events.Reload()
    (shown,) = events.Images("ends")
    assert shown.step == 7
    assert shown.encoded_image_string == task.png.read_bytes()
    assert task.png == folder.path / "figures" / "end.png"


def test_without_a_tracker_a_figure_is_only_written(tmp_path):
    path = Recorder(RunFolder(tmp_path)).figure("alone", Figure())
    assert path.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"figures", ".made"}


class Least(Task):
    """Only what must be there."""

    columns = ("loss",)
    total_steps = 3
    state = ()

    def step(self):
        return {"loss": torch.tensor(1.0)}


def test_the_smallest_task_has_four_members(tmp_path):
    result = train(Least(), compose_config(f"out_dir={tmp_path}"), RunFolder(tmp_path), None)
    assert (result["steps"], result["stopped"]) == (3, "budget")
    assert RunFolder(tmp_path).read_metrics()["loss"] == [1.0, 1.0, 1.0]


class Noisy(Task):
    """Draws from every global stream in steps and evaluations, with networks of two modes."""

    columns = ("loss", "seen")
    state = ("network",)
    total_steps = 6

    def __init__(self, every):
        seed_everything(0)
        self.network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3), nn.BatchNorm1d(3).eval())
        self.held, self.listed = SimpleNamespace(network=nn.Dropout()), [nn.Dropout()]
        self.evaluators = [Evaluator("all", every, self.see, at_start=True)]

    def draw(self, modes):
        networks = (*self.network, self.held.network, *self.listed)
        assert [network.training for network in networks] == modes
        x = torch.rand(4, 3) + random.random() + np.random.rand()
        return self.network(x)[0].sum().detach()

    def step(self):
        return {"loss": self.draw([True, True, False, True, True])}

    def see(self):
        return {"seen": float(self.draw([False] * 5))}

    def check(self):
        self.see()

    def conclude(self, history, recorder):
        return {"losses": history["loss"], **self.see()}


def test_how_often_a_run_is_evaluated_changes_nothing(tmp_path):
    found = []
    for every in (1, 4, 6):
        task, folder = Noisy(every), RunFolder(tmp_path / str(every))
        folder.path.mkdir()
        check(task)
        found.append(train(task, compose_config(f"out_dir={tmp_path}"), folder, None))
    assert found[0]["losses"] == found[1]["losses"] == found[2]["losses"]
    assert len(set(found[0]["losses"])) == 6
    assert found[0]["seen"] == found[1]["seen"]


class Ending(Least):
    """Is solved or hopeless from its second evaluation on."""

    def __init__(self, solved, hopeless, total=9):
        self.solved, self.hopeless, self.seen, self.total_steps = solved, hopeless, 0, total
        self.evaluators = [Evaluator("sight", 2, self.see)]

    def see(self):
        self.seen += 1
        return {"loss": 1.0}

    def is_solved(self, metrics):
        return self.solved and self.seen >= 2

    def is_hopeless(self):
        return self.hopeless and self.seen >= 2


@pytest.mark.parametrize(
    ("solved", "hopeless", "total", "steps", "why"),
    [
        (True, False, 9, 4, "solved"),
        (False, True, 9, 4, "patience"),
        (True, True, 9, 4, "solved"),
        (False, False, 9, 9, "budget"),
        (True, False, 4, 4, "solved"),
        (False, True, 4, 4, "budget"),  # a larger max_steps may go on from here
    ],
)
def test_the_result_says_why_training_ended(tmp_path, solved, hopeless, total, steps, why):
    task, folder = Ending(solved, hopeless, total), RunFolder(tmp_path)
    config = compose_config(f"out_dir={tmp_path}")
    result = train(task, config, folder, None)
    assert (result["steps"], result["stopped"]) == (steps, why)
    checkpoint = load(folder, config.identity)
    again = train(Ending(False, False, total), config, folder, checkpoint)
    assert (again["steps"], again["stopped"]) == (steps, why)


def test_a_checkpoint_of_an_earlier_version_that_was_solved_trains_no_further(tmp_path):
    earlier = {"step": 4, "seconds": 1.0, "solved": True, "sums": {}, "task": {}}
    task, config = Ending(False, False), compose_config(f"out_dir={tmp_path}")
    result = train(task, config, RunFolder(tmp_path), earlier)
    assert (result["steps"], result["stopped"]) == (4, "solved")


class Renamed(Least):
    """A task with a column that an earlier version called d_right."""

    columns = ("d_accuracy",)
    log_every = 2
    total_steps = 2

    def step(self):
        return {"d_accuracy": torch.tensor(0.5)}


def test_a_checkpoint_with_the_old_name_of_a_column_goes_on(tmp_path):
    earlier = {
        "step": 1,
        "seconds": 1.0,
        "sums": {"d_right": [1.0, 1]},
        "csv": "step,d_right\n",
        "task": {},
    }
    folder = RunFolder(tmp_path)
    train(Renamed(), compose_config(f"out_dir={tmp_path}"), folder, earlier)
    assert folder.read_metrics() == {"step": [2], "d_accuracy": [0.75]}


@pytest.mark.parametrize(
    ("task", "left"),
    [
        (Ending(False, False, 6), {2: "", 3: ", at most 00:00 left", 5: ", at most 00:00 left"}),
        (Counting(), {1: ", 00:00 left", 6: ", 00:00 left"}),
    ],
)
def test_the_time_left_is_told_while_training_is_likely_to_take_it(
    task, left, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("lab.engine.tracking.SECONDS_BETWEEN_LINES", 0.0)
    train(task, compose_config(f"out_dir={tmp_path}"), RunFolder(tmp_path), None)
    lines = capsys.readouterr().err.splitlines()
    for step, words in left.items():
        head = f"{tmp_path.name}: step {step}/{task.total_steps}"
        assert lines[step - 1].partition("  ")[0] == f"{head}{words}"


@pytest.mark.parametrize("study", ["memory", "generation", "by_hand"])
def test_the_progress_line_has_at_most_four_metrics(study):
    columns = import_module(f"lab.{study}.study").COLUMNS
    shown = [column for column in columns if column.in_progress]
    assert 2 <= len(shown) <= 4
    assert all(column.is_logged for column in shown)
