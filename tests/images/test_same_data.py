"""Data belong to a run: other images under the same command are told; and what a person is told."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.cli import compose_config
from lab.config.components import build
from lab.config.errors import UserError
from lab.engine.jobs import perform, preview
from lab.engine.run_folder import RunFolder
from lab.generation.interpolate import interpolate
from lab.images import classifier
from lab.images.classifier import load_classifier
from lab.play.tool import write_page
from tests.fake_runs import fake_run
from tests.images.small_data import QUICK, write_bars
from tests.run_files import only

TINY = (
    "task=gan", "data=folder", "data.root=images", "batch_size=20", "max_steps=4",
    "sample_every=4", "eval_every=2", "log_every=2", "eval_samples=40", "final_samples=40",
    "generator=mlp", "discriminator=mlp", "generator.widths=[16]", "discriminator.widths=[16]",
    "checkpoint_seconds=0", "device=cpu",
)  # fmt: skip


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def grey_pngs(folder, count, seed=0):
    """Images without classes, so that no classifier is trained."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    for index in range(count):
        pixels = random.integers(0, 256, (12, 12)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")


def test_other_images_or_none_are_told_and_trained_on_anew_only_when_asked(cwd, capsys):
    def train(*words):
        return perform(compose_config(*TINY, *words), [])

    grey_pngs(cwd / "images", 40)
    done = train()
    assert done.line.count("(no quality metrics: no labels)") == 1
    said = capsys.readouterr().err
    assert "no class folders, so the images have no labels" in said
    assert "the images are 12x12 grey; data.convert=true makes" in said
    run = RunFolder(only(cwd, "outputs/runs/*"))
    assert run.result["quality"] == {"not_measured": "no labels"}
    before = run.provenance["data"]
    assert train().kind == "finished before"

    grey_pngs(cwd / "images", 40, seed=1)
    other = train()
    assert other.line.endswith("(changed since: its data; fresh=true runs it again)")
    (cwd / "images").rename(cwd / "moved")
    gone = train()
    assert "(changed since: its data cannot be read: data.root=" in gone.line
    assert [(o.kind, o.exit_code) for o in (other, gone)] == [("finished before", 0)] * 2
    (cwd / "moved").rename(cwd / "images")
    (run.path / "result.json").unlink()  # a run that has begun does not go on with them either
    assert re.search("its data have changed since it began.*fresh=true", train().line)
    assert train("fresh=true").kind == "finished"
    assert run.provenance["data"] != before


def test_a_classifier_is_trained_with_a_word_on_the_terminal(cwd, monkeypatch, capsys):
    monkeypatch.setattr(classifier, "load_classifier", partial(load_classifier, recipe=QUICK))
    write_bars(cwd / "images", 40, 20, side=12)
    for seed, is_said in ((0, True), (1, False)):
        assert perform(compose_config(*TINY, f"seed={seed}"), []).kind == "finished"
        line = "training the classifier of folder, once for this data set"
        assert (line in capsys.readouterr().err) is is_said


def test_without_a_home_folder_the_line_says_where_to_put_the_cache(cwd, monkeypatch):
    from lab.images.cache import default_cache

    monkeypatch.delenv("LAB_DATA")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(UserError, match=r"no home directory .*: set LAB_DATA to a folder"):
        default_cache()


def test_a_dry_run_and_the_tools_tell_of_other_images(cwd):
    grey_pngs(Path("images"), 40)
    config = compose_config(*TINY)
    run = fake_run(Path("outputs"), *TINY)
    run.save_provenance({"data": config.data_checksum()})
    assert preview(config) == f"finished before  {run.path}"
    grey_pngs(Path("images"), 40, seed=1)
    assert preview(config) == f"finished before  {run.path}"
    (run.path / "result.json").rename(run.path / "kept.json")
    run.checkpoint_file.touch()
    assert preview(config) == f"other data       {run.path}"
    (run.path / "kept.json").rename(run.path / "result.json")

    network = build("generator", config.to_dict()["generator"], image_shape=(1, 12, 12))
    run.save_weights(network.state_dict())
    run.save_result({**(run.result or {}), "image_shape": [1, 12, 12]})
    with pytest.raises(UserError, match="its data have changed since it was trained"):
        interpolate(run, (None, None), None, seed=0)
    page = write_page([run]).read_text()
    assert "its data have changed since it was trained" in page


def test_a_wrong_class_is_told_before_a_classifier_is_trained(cwd, capsys):
    write_bars(cwd / "images", 40, 20)
    run = fake_run(cwd / "outputs", *TINY, f"data.root={cwd}/images")
    config = compose_config(*TINY)
    network = build("generator", config.to_dict()["generator"], image_shape=(1, 28, 28))
    run.save_weights(network.state_dict())
    with pytest.raises(UserError, match="there is no class 12 among 0, 1, 2"):
        interpolate(run, (None, "12"), None, seed=0)
    assert "training the classifier" not in capsys.readouterr().err
