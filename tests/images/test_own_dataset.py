"""A data set of images in colour is one class and one YAML file, those of examples/."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

import lab
from lab.config.trust import trusting
from lab.engine.run_folder import RunFolder
from lab.generation.sample import sample
from lab.images import classifier
from lab.images.classifier import load_classifier
from tests.command_line import ROOT, refusal
from tests.images.small_data import QUICK

EXAMPLES = ROOT / "examples"
CONF = str(EXAMPLES / "conf")
SMALL = (
    "data=discs", "data.size=12", "data.train_count=60", "data.test_count=30", "device=cpu",
)  # fmt: skip
GAN = (
    *SMALL, "task=gan", "batch_size=20", "max_steps=12", "sample_every=6", "eval_every=6",
    "log_every=3", "eval_samples=30", "final_samples=30",
)  # fmt: skip
CONVOLUTIONS = (
    "generator=conv", "discriminator=conv", "generator.width=4", "discriminator.width=4",
    "generator.hidden=[8]",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _own(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(classifier, "load_classifier", partial(load_classifier, recipe=QUICK))


def colours(path):
    """How far the three channels of a picture are apart at most."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    return (pixels.max(-1) - pixels.min(-1)).max()


def test_it_trains_is_measured_and_drawn_in_colour(tmp_path):
    words = [*GAN, *CONVOLUTIONS, f"out_dir={tmp_path}"]
    run = lab.run(*words, config_dir=CONF)
    result = run.result
    assert (result["data"], result["image_shape"]) == ("discs", [3, 12, 12])
    assert result["classifier"]["test_accuracy"] == 1
    assert result["quality"]["real_classes"] == 3
    assert result["quality"]["fid"] > 0
    for name in ("samples_end.png", "progress.png", "nearest.png", "training.gif"):
        assert colours(run.path / "figures" / name) > 10, name  # grey ones have 0
    folder = RunFolder(run.path)
    assert len(folder.provenance["data"]) == 64
    with trusting("my_dataset"), np.load(sample(folder, 9, 0)[0]) as arrays:
        assert arrays["images"].shape == (9, 12, 12, 3)


def test_the_one_layer_gans_take_it_too(tmp_path):
    words = ("digits=[0,2]", "epochs=4", "images_per_epoch=10", "frame_every=2", "eval_samples=10")
    run = lab.run(*SMALL, "task=one_layer_gan", *words, f"out_dir={tmp_path}", config_dir=CONF)
    assert colours(run.path / "figures" / "frames.png") > 30
    assert "red" in run.result["digits"]


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("data.size=4", "size=4 is not allowed: expected at least 12"),
        ("data.sise=32", "task=gan has no key data.sise"),
        ("data.root=/x", "data.root is for data=folder"),
        ("data.name=a/b", "data.name=a/b is not allowed: it is part of runs' names"),
    ],
)
def test_a_wrong_argument_is_one_line_and_leaves_nothing(tmp_path, word, complaint):
    assert complaint in refusal(*GAN, word, f"out_dir={tmp_path / 'out'}", config_dir=CONF)
    assert not (tmp_path / "out").exists()
