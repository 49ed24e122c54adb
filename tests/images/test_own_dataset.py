"""A data set of images in colour is one class and one YAML file, those of examples/."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.command_line import ROOT, quick_lab, refusal
from tests.run_files import only

EXAMPLES = ROOT / "examples"
SMALL = (
    "--config-dir", "conf", "data=discs", "data.size=12", "data.train_count=60",
    "data.test_count=30", "checkpoint_seconds=0", "device=cpu",
)  # fmt: skip
GAN = (
    *SMALL, "task=gan", "batch_size=20", "max_steps=12", "sample_every=6", "eval_every=6",
    "log_every=3", "eval_samples=30", "final_samples=30",
)  # fmt: skip
MLP = ("generator=mlp", "discriminator=mlp", "generator.widths=[32]", "discriminator.widths=[32]")
CONVOLUTIONS = (
    "generator=conv", "discriminator=conv", "generator.width=4", "discriminator.width=4",
    "generator.hidden=[8]",
)  # fmt: skip


@pytest.fixture(scope="module")
def cwd(tmp_path_factory):
    """A folder with the class and the YAML file."""
    cwd = tmp_path_factory.mktemp("own")
    shutil.copytree(EXAMPLES / "conf", cwd / "conf")
    shutil.copy(EXAMPLES / "my_dataset.py", cwd)
    return cwd


def colours(path):
    """How far the three channels of a picture are apart at most."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    return (pixels.max(-1) - pixels.min(-1)).max()


@pytest.mark.parametrize("networks", [MLP, CONVOLUTIONS], ids=["mlp", "conv"])
def test_it_trains_is_measured_and_drawn_in_colour(cwd, networks):
    out = cwd / networks[0].partition("=")[2]
    done = quick_lab(*GAN, *networks, f"out_dir={out}", cwd=cwd)
    assert done.returncode == 0, done.stderr
    run = only(out, "runs/gan-discs-*s0-*")
    result = json.loads((run / "result.json").read_text())
    assert (result["data"], result["image_shape"]) == ("discs", [3, 12, 12])
    assert result["classifier"]["test_accuracy"] == 1
    assert result["quality"]["real_classes"] == 3
    assert result["quality"]["fid"] > 0
    for name in ("samples_end.png", "progress.png", "nearest.png", "training.gif"):
        assert colours(run / "figures" / name) > 10, name  # grey ones have 0
    assert len(json.loads((run / "provenance.json").read_text())["data"]) == 64
    done = quick_lab("sample", str(run), "--n", "9", cwd=cwd)
    assert done.returncode == 0, done.stderr
    with np.load(run / "figures" / "samples_seed0.npz") as arrays:
        assert arrays["images"].shape == (9, 12, 12, 3)
    done = quick_lab(*GAN, *networks, f"out_dir={out}", cwd=cwd)
    assert "finished before" in done.stdout


def test_the_one_layer_gans_take_it_too(cwd):
    words = ("digits=[0,2]", "epochs=4", "images_per_epoch=10", "frame_every=2", "eval_samples=10")
    done = quick_lab(*SMALL, "task=one_layer_gan", *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    run = only(cwd, "outputs/runs/one-layer-discs-*s0-*")
    assert colours(run / "figures" / "frames.png") > 30
    assert "red" in json.loads((run / "result.json").read_text())["digits"]


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("data.size=4", "size=4 is not allowed: expected at least 12"),
        ("data.size=big", "data.size=big is not allowed: expected an integer"),
        ("data.sise=32", "task=gan has no key data.sise"),
        ("data.root=/x", "data.root is for data=folder"),
        ("data.name=a/b", "data.name=a/b is not allowed: it is part of runs' names"),
    ],
)
def test_a_wrong_argument_is_one_line_and_leaves_nothing(
    cwd, tmp_path, monkeypatch, word, complaint
):
    monkeypatch.chdir(cwd)
    words = [*GAN[2:], *MLP, word, f"out_dir={tmp_path / 'out'}"]
    assert complaint in refusal(*words, config_dir="conf")
    assert not (tmp_path / "out").exists()
