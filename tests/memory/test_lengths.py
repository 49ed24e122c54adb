"""The bench: its preset, how far a network is correct, and the figure of a sweep."""

import math
from pathlib import Path

import pytest

from lab.cli import compose_config, compose_jobs
from lab.engine.run_folder import RunFolder
from lab.memory.lengths import accuracy_beyond_training, correct_lengths
from lab.memory.network import build_sequence
from lab.memory.study import sweep_figures
from lab.memory.task import MemoryTask
from tests.command_line import ROOT


def test_between_the_first_and_the_last_correct_length_there_is_no_gap():
    assert correct_lengths({20: 1.0, 40: 0.99, 100: 0.9, 500: 1.0}) == (20, 40)
    assert correct_lengths({3: 0.5, 20: 0.98, 40: 1.0, 60: 1.0}) == (40, 60)
    assert correct_lengths({500: 1.0, 20: 1.0}) == (20, 500)
    assert correct_lengths({20: 0.98}) == (0, 0)


def test_the_bench_asks_every_sequence_with_one_budget():
    configs = list(compose_jobs("-m +experiment=bench cell=torch_lstm_bias_1 seed=0"))
    names = {path.stem for path in (ROOT / "conf/sequence").glob("*.yaml")}
    assert {config.sequence_name for config in configs} == names - {"cycle", "group"}
    assert {config.max_steps for config in configs} == {4000}
    for config in configs:
        assert build_sequence(config).shortest <= 20


def test_the_figure_of_a_bench_has_a_panel_for_each_sequence(tmp_path):
    rows = []
    for name, chance in (("parity", 0.5), ("recall", 0.125)):
        for seed in (0, 1):
            folder = RunFolder(tmp_path / f"{name}{seed}")
            folder.path.mkdir()
            folder.save_result({"accuracy_by_length": {40: 1.0, 500: chance + seed / 10}})
            rows.append({
                "run": str(folder.path), "sequence": name, "chance": chance, "label": "lstm",
                "seq_len": 40, "seed": seed, "series": name, "val_accuracy": 1.0,
                "test_accuracy": 1.0,
            })  # fmt: skip
    figure = accuracy_beyond_training(
        [{**row, "accuracy_by_length": RunFolder(Path(row["run"])).result["accuracy_by_length"]}
         for row in rows]
    )  # fmt: skip
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in shown] == ["parity", "recall"]
    curve = next(line for line in shown[0].lines if line.get_label() == "lstm")
    assert curve.get_xydata().tolist() == [[40.0, 1.0], [500.0, 0.55]]
    other = {"sequence": "recall", "label": "gru", "accuracy_by_length": {"40": 1, "500": 1}}
    both = [{**row, "accuracy_by_length": {"40": 1, "500": 1}} for row in rows]
    (legend,) = accuracy_beyond_training([*both, {**rows[0], **other}]).legends
    assert [line.get_linestyle() != "None" for line in legend.get_lines()] == [True, True]
    assert sweep_figures(rows).keys() == {
        "beyond_training", "accuracy_vs_length_parity", "accuracy_vs_length_recall",
    }  # fmt: skip
    assert sweep_figures(rows[:2]).keys() == {"accuracy_vs_length_parity"}


def test_accuracy_against_the_size_of_the_state_marks_the_one_that_grows():
    rows = [
        {"label": label, "state_size": size, "state_grows": grows, "test_accuracy": accuracy,
         "sequence": "recall", "seq_len": 64, "chance": 1 / 32, "val_accuracy": accuracy,
         "series": label, "seed": 0, "run": ""}
        for label, size, grows, accuracy in (
            ("gru", 64, False, 0.3), ("gru", 128, False, 0.4), ("transformer", 8192, True, 1.0)
        )
    ]  # fmt: skip
    figure = sweep_figures(rows)["accuracy_vs_state_size"]
    points = {line.get_label(): line for line in figure.axes[0].lines}
    assert points["gru"].get_xydata().tolist() == [[64, 0.3], [128, 0.4]]
    styles = [points[name].get_fillstyle() for name in ("gru", "transformer")]
    assert styles == ["full", "none"]


@pytest.mark.parametrize(
    ("row", "shaded"),
    [
        ({"trained_lengths": "40"}, [(40, 40)]),
        ({"trained_lengths": "9, 17, 40"}, [(9, 9), (17, 17), (40, 40)]),
        ({"trained_lengths": "2 to 25", "curriculum": "upper_half"}, [(2, 25)]),
        ({}, [(40, 40)]),  # of earlier versions
        ({"config.curriculum": "upper_half", "trained_lengths": math.nan}, [(2, 40)]),
    ],
)
def test_only_lengths_that_were_trained_on_are_shaded(row, shaded):
    row = {"seq_len": 40, "label": "lstm", "accuracy_by_length": {"20": 1.0, "80": 0.9}, **row}
    figure = accuracy_beyond_training([row])
    (axis,) = figure.axes
    figure.draw_without_rendering()
    title = figure._suptitle.get_window_extent()
    assert figure.bbox.x0 <= title.x0 < title.x1 <= figure.bbox.x1
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in axis.patches]
    lines = [(x, x) for line in axis.lines if line.get_linewidth() == 3 for x in line.get_xdata()]
    assert sorted({*spans, *lines}) == shaded


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("seq_len=40", ["40", "40"]),
        ("seq_len=40 curriculum=doubling", ["9", "9, 17, 33, 40"]),
        ("seq_len=40 curriculum=upper_half stream=true", ["3 to 4", "3 to 40"]),
    ],
)
def test_a_run_knows_the_lengths_that_it_was_trained_on(words, found):
    config = compose_config(*words.split(), "size=small", "data_size=100")
    task = MemoryTask(config, "cpu")
    assert task.trained_lengths == found[0]
    task.seq_len = 40
    assert task.trained_lengths == found[1]
