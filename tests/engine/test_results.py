"""A result's entries in tables, and those of earlier versions under today's names."""

from lab.cli import compose_config
from lab.config.history import result_now
from lab.engine import study
from lab.engine.run_folder import RunFolder, columns_of
from lab.engine.study import flatten_result, lookup, unique_suffixes
from lab.engine.tracking import Tracker
from lab.report.evidence import SAVED, Evidence

RESULT = {
    "steps": 10,
    "image_shape": [1, 28, 28],
    "quality": {"fid": 2.5, "recall": 0.8},
    "latent": {
        "interpolation": {"third_class_linear": 0.5, "ends": ["7", "6"]},
        "arithmetic": {"7-1+6": {"single": {"9": 4, "7": 1}}},
    },
    "accuracy_by_length": {5: 1.0, 10: 0.5},
}
CELLS = {
    "steps": 10, "quality.fid": 2.5, "quality.recall": 0.8,
    "latent.interpolation.third_class_linear": 0.5,
}  # fmt: skip


def test_a_tables_cells_are_the_entries_with_names():
    assert flatten_result(RESULT) == CELLS
    some = flatten_result(RESULT, most=2)
    assert some == {**CELLS, "accuracy_by_length.5": 1.0, "accuracy_by_length.10": 0.5}
    assert flatten_result(RESULT, most=4)["latent.arithmetic.7-1+6.single.9"] == 4


def test_the_last_part_of_a_name_is_enough_where_only_one_ends_in_it():
    cells = {"a.fid": 1.0, "b.recall": 2.0, "c.recall": 3.0, "recall": 4.0, "n": 5, "l.10": 6}
    assert [lookup(cells, name) for name in ("fid", "a.fid", "recall", "b.recall", "n")] == [
        1.0, 1.0, 4.0, 2.0, 5,
    ]  # fmt: skip
    assert lookup({"b.recall": 2.0, "c.recall": 3.0}, "recall") is None
    assert lookup(cells, "id") is None
    assert unique_suffixes(cells) == {"fid": "a.fid"}


def test_a_search_takes_short_and_full_names_and_those_of_earlier_versions():
    result = {"quality": {"fid": 2.5, "class_tv": 0.25}}
    for name, expected in (("fid", 2.5), ("class_tv", 0.25), ("class_balance", 0.25)):
        assert study.objective(compose_config("task=gan", f"objective={name}"), result) == expected


OLD = {
    "task": "gan", "steps": 6, "fid": 28.4, "fid_floor": 0.1, "class_balance": 0.2, "judge": "7b",
    "judge_accuracy": 0.99, "d_loss": 1.7, "third_class_linear": 0.5, "interpolation_ends": ["6"],
    "sum_7-1+6": {"roof": {"7": 96}, "on_row": {"9": 41}},
}  # fmt: skip
NEW = {
    "task": "gan", "steps": 6,
    "quality": {"fid": 28.4, "real_fid": 0.1, "class_tv": 0.2},
    "classifier": {"checksum": "7b", "test_accuracy": 0.99},
    "players": {"d_loss": 1.7},
    "latent": {"interpolation": {"third_class_linear": 0.5, "ends": ["6"]},
               "arithmetic": {"7-1+6": {"difference": {"7": 96}, "source_row": {"9": 41}}}},
}  # fmt: skip


def test_an_earlier_result_has_todays_names():
    assert result_now(OLD) == NEW
    assert result_now(NEW) == NEW
    too_few = result_now({"task": "gan", "interpolation": "no clear samples", "arithmetic": "no 7"})
    assert too_few["latent"] == {
        "interpolation": {"not_measured": "no clear samples"},
        "arithmetic": {"not_measured": "no 7"},
    }
    assert result_now({"task": "one_layer_gan", "fid": 1.0}) == {
        "task": "one_layer_gan",
        "fid": 1.0,
    }


def test_earlier_metrics_have_todays_names():
    assert columns_of("step,class_balance\n1,0.5\n") == {"step": [1.0], "class_tv": [0.5]}


def test_a_table_of_all_studies_has_each_ones_fid_in_one_column(tmp_path):
    table = Evidence(tmp_path, SAVED).table
    for task in ("gan", "one_layer_gan"):
        assert table.loc[table["task"] == task, "fid"].notna().all()
    assert not [name for name in table if "class_balance" in name or "judge_acc" in name]


def test_metrics_that_an_earlier_version_began_go_on_under_todays_header(tmp_path):
    folder = RunFolder(tmp_path)
    began = "step,loss,class_balance\n1,0.5,0.25\n"
    tracker = Tracker(folder, ("loss", "class_tv", "score"), 2, began, {})
    tracker.log(2, {"loss": 0.4, "class_tv": 0.2, "score": 3.0})
    tracker.close()
    assert folder.metrics_file.read_text() == (
        "step,loss,class_tv,score\n1,0.5,0.25\n2,0.4,0.2,3.0\n"
    )
    assert folder.read_metrics()["class_tv"] == [0.25, 0.2]
    assert folder.read_metrics()["score"][1] == 3.0
