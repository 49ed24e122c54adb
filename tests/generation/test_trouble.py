"""What went wrong in a game is said, logged and kept; the weights with the lowest FID are kept."""

import copy
import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from lab.cli import compose_config
from lab.config.errors import UserError
from lab.engine.jobs import perform
from lab.engine.run_folder import RunFolder
from lab.engine.task import Recorder
from lab.generation import trouble
from lab.generation.config import GanConfig
from lab.generation.task import GanTask
from lab.generation.weights import Best
from lab.images import classifier
from lab.images.classifier import load_classifier
from lab.images.datasets import Images, load
from lab.report.evidence import Evidence
from lab.report.page import warnings_of
from lab.runs.show import show
from tests.command_line import ROOT
from tests.images.small_data import MNIST_FILES, QUICK, write_bars

GOOD = {"n": 1000, "fid": 5.0, "fid_bias": 1.0, "recall": 0.5, "real_recall": 0.9, "classes": 10,
        "real_classes": 10}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"classes": 3}, "classes", "in 1,000 samples G makes only 3 of 10 classes"),
        ({"recall": 0.004}, "recall", "recall is 0.004 (real images 0.90)"),
        ({"n": 900}, "images", "900 samples are measured instead of 1,000"),
        ({"n": 128}, "samples", "128 samples are too few for the classifier's 128 features"),
    ],
)
def test_each_trouble_of_the_samples_has_a_sentence(change, kind, words):
    asked = 128 if kind == "samples" else 1000
    found = trouble.check_quality({**GOOD, **change}, asked, 128)
    assert list(found) == [kind]
    assert found[kind].startswith(words)


def test_too_many_samples_are_told_before_the_first_step(tmp_path):
    write_bars(tmp_path, 30, 20, side=12)
    data = load({"_target_": "lab.images.folder.Folder", "name": "bars", "root": str(tmp_path)})
    (line,) = [x for x in trouble.known_at_start(data, 5000) if x != data.remark]
    assert line.startswith("final_samples=5000: 20 samples are measured instead of 5,000, because")
    assert trouble.known_at_start(data, 20) == [x for x in [data.remark] if x]


def test_a_training_fid_that_has_doubled_is_a_divergence():
    found = trouble.check_divergence(5.0, (2.4, 100))
    assert list(found) == ["divergence"]
    words = "training FID 5.0 is more than twice the lowest, 2.4 at step 100"
    assert found["divergence"].startswith(words)


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        (lambda image, pixel: 7, "all 20 training images are equal"),
        (lambda image, pixel: 9 * image, "20 of 20 training images are empty"),
        (lambda image, pixel: (image + pixel) % 16, "lie between 0 and 15 of 255"),
        (lambda image, pixel: 16 * (image + pixel) % 256, None),
    ],
)
def test_training_images_that_teach_nothing_are_told(level, sentence):
    pixels = torch.tensor([[level(image, pixel) for pixel in range(16)] for image in range(20)])
    images = Images("mine", pixels.view(20, 1, 4, 4).byte(), None, (), "")
    found = trouble.check_images(images)
    assert list(found) == (["data"] if sentence else [])
    assert sentence is None or sentence in found["data"]


def test_pixels_outside_the_range_are_told():
    assert trouble.check_pixels(0.0) == {}
    assert (
        "25 % of the pixels that G makes lie outside [-1, 1]" in trouble.check_pixels(0.25)["range"]
    )


def test_good_samples_and_balanced_players_have_none():
    assert trouble.check_quality(GOOD, 1000, 128) == {}
    assert trouble.check_divergence(5.0, None) == trouble.check_divergence(5.0, (2.6, 100)) == {}
    # Where real images have no recall either, it says nothing.
    assert trouble.check_quality({**GOOD, "recall": 0.0, "real_recall": 0.1}, 1000, 128) == {}
    assert trouble.check_balance(0.99) == {}
    assert trouble.check_balance(0.995) == {
        "overpowering": "D is correct 99.5 % of the time, so G learns little from it"
    }


def test_a_trouble_is_said_once_logged_each_time_and_kept_with_its_steps(capsys, caplog):
    warnings = trouble.Warnings(trouble.REMEDIES)
    with caplog.at_level(logging.WARNING):
        warnings.note(1000, {"a": "one"})
        warnings.note(2000, {"a": "two", "b": "three"})
        resumed = trouble.Warnings(trouble.REMEDIES)
        resumed.load_state_dict(copy.deepcopy(warnings.state_dict()))
        resumed.note(3000, {"a": "four"})
    assert capsys.readouterr().err == "lab: step 1,000: one\nlab: step 2,000: three\n"
    assert [r.message for r in caplog.records] == [
        "step 1,000: one", "step 2,000: two", "step 2,000: three", "step 3,000: four",
    ]  # fmt: skip
    assert resumed.lines() == [
        "steps 1,000 to 3,000 (3 evaluations), the last: four",
        "step 2,000: three",
    ]


def test_a_collapse_names_the_setting_to_change_and_a_page_that_has_it():
    warnings = trouble.Warnings(trouble.REMEDIES)
    warnings.note(10, trouble.check_quality({**GOOD, "classes": 3}, 1000, 128))
    (line,) = warnings.lines()
    words = re.findall(r"[\w.]+=[\w.]+", line)
    assert compose_config("task=gan", *words).loss["penalty_every"] == 4
    page, heading = trouble.PAGE.split(", ")
    assert line.endswith(f"({trouble.PAGE})")
    section = (ROOT / page).read_text().partition(f"### {heading}\n")[2].partition("\n#")[0]
    assert all(word in section for word in words)


def test_the_weights_of_the_lowest_fid_become_the_runs_and_the_last_stand_beside(tmp_path):
    network, best = nn.Linear(2, 2), Best(keeps_weights=True)
    for step, fid in ((1, 5.0), (2, 3.0), (3, 3.0), (4, 9.0)):
        nn.init.constant_(network.weight, step)
        best.offer(fid, step, network)
    resumed = Best(keeps_weights=True)
    resumed.load_state_dict(copy.deepcopy(best.state_dict()))
    folder = RunFolder(tmp_path)
    assert resumed.choose(network, 4, Recorder(folder)) == {
        "step": 2, "chosen_by": "lowest training FID", "training_fid": 3.0,
    }  # fmt: skip
    assert float(folder.load_weights()["weight"][0, 0]) == network.weight[0, 0].item() == 2
    assert float(load_file(folder.last_model_file)["weight"][0, 0]) == 4
    folder.clear()
    assert not folder.last_model_file.exists()


def test_without_keep_best_the_fid_alone_is_remembered(tmp_path):
    network, best = nn.Linear(2, 2), Best(keeps_weights=False)
    best.offer(5.0, 1, network)
    assert (best.lowest, best.weights) == ((5.0, 1), {})
    folder = RunFolder(tmp_path)
    assert best.choose(network, 4, Recorder(folder)) == {"step": 4, "chosen_by": "last step"}
    assert not folder.last_model_file.exists()


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bars")
    write_bars(folder / "images", 36, 30, side=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA", str(folder / "cache"))
        patch.setattr(classifier, "load_classifier", partial(load_classifier, recipe=QUICK))
        yield folder


TINY = (
    "task=gan", "data=folder", "size=small", "batch_size=8", "max_steps=12", "sample_every=4",
    "eval_every=4", "log_every=2", "eval_samples=12", "final_samples=14", "device=cpu",
    "generator=mlp", "discriminator=mlp", "keep_best=true",
)  # fmt: skip


def config_of(folder: Path, *words: str) -> GanConfig:
    config = compose_config(*TINY, f"data.root={folder / 'images'}", *words)
    assert isinstance(config, GanConfig)
    return config


def test_keep_best_needs_labels(bars, tmp_path):
    (tmp_path / "images").mkdir()
    for name in MNIST_FILES[::2]:
        (tmp_path / "images" / name).write_bytes((bars / "images" / name).read_bytes())
    with pytest.raises(UserError, match=r"keep_best=true needs the FID, .*: no labels"):
        GanTask(config_of(tmp_path), "cpu")


def test_a_run_keeps_its_warnings_and_says_which_weights_were_measured(bars, tmp_path, capsys):
    config = config_of(bars, f"out_dir={tmp_path}")
    outcome = perform(config, [])
    assert outcome.kind == "finished", outcome.line
    run = RunFolder(config.run_dir)
    result = json.loads((run.path / "result.json").read_text())
    warned = result["warnings"]
    assert any("too few for the classifier's" in line for line in warned)
    assert f", {len(warned)} warnings; training " in outcome.line
    assert run.log_file.read_text().count("WARNING step ") >= len(warned)
    assert len(capsys.readouterr().err.splitlines()) >= len(warned)
    assert result["weights"]["chosen_by"] == "lowest training FID"
    metrics = run.read_metrics()
    fids = [fid for fid in metrics["training_fid"] if fid == fid]
    assert fids != [fid for fid in metrics["fid"] if fid == fid]
    assert result["weights"]["training_fid"] == min(fids)
    assert (run.path / "figures" / "samples_best.png").exists()
    assert run.last_model_file.exists()

    lines = show(run)
    assert lines[lines.index("warnings") + 1] == f"  {warned[0]}"
    evidence = Evidence(tmp_path)
    evidence.save(list(evidence.rows), tmp_path / "saved")
    saved = Evidence(tmp_path / "nowhere", tmp_path / "saved")
    for table in (evidence.table, saved.table):
        assert warnings_of([table]) == {line: [run.path.name] for line in warned}
