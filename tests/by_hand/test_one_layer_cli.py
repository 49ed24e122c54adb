"""The by-hand study at the command line, on a user's own small images."""

import csv
import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from tests.command_line import quick_lab, refusal, start_lab, wait_until
from tests.images.small_data import MNIST_FILES, idx_bytes
from tests.run_files import assert_same_run, only, recap

TINY = (
    "task=one_layer_gan", "data=folder", "data.root=images", "digits=[0,1,2]", "epochs=50",
    "images_per_epoch=10", "frame_every=20", "log_every=5", "noise_size=6", "eval_samples=10",
    "device=cpu", "checkpoint_seconds=0",
)  # fmt: skip
FIGURES = {
    "digit_0.gif", "digit_1.gif", "digit_2.gif", "all_digits.gif", "all_digits_last.png",
    "all_digits_best.png", "frames.png", "frames.npz", "quality.png", "losses.png",
}  # fmt: skip
MEASURES = (
    "classifier_accuracy",
    "fid",
    "correlation",
    "d_accuracy",
    "d_train_accuracy",
    "clipped_share",
)


@pytest.fixture(scope="module")
def run(studio) -> Path:
    """A finished run."""
    done = quick_lab(*TINY, cwd=studio)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("read as their digit: ")
    return only(studio / "outputs/runs", "one-layer-folder-*s0-*")


def test_a_run_leaves_its_animations_sheets_and_curves(run):
    assert {path.name for path in (run / "figures").iterdir()} == FIGURES
    for name in ("digit_1.gif", "all_digits.gif"):
        with Image.open(run / "figures" / name) as animation:
            assert animation.n_frames == 4  # 50 epochs: 0, 20, 40 and the last
    weights = load_file(run / "model.safetensors")
    assert weights["W_G"].shape == (3, 6, 784)


def test_a_tool_that_needs_a_network_names_the_one_that_shows_the_run(run, tool):
    code, out, err = tool("sample", str(run))
    assert (code, out) == (1, "")
    assert err == (
        "lab: no network can be loaded from a run of task=one_layer_gan; lab show lists its "
        "results and figures\n"
    )


def test_the_result_holds_the_measures_of_each_digit_at_each_frame(run):
    result = json.loads((run / "result.json").read_text())
    assert (result["task"], result["steps"], result["n"]) == ("one_layer_gan", 50, 10)
    assert list(result["digits"]) == ["0", "1", "2"]
    for of_digit in result["digits"].values():
        assert str(of_digit["best_epoch"]) in of_digit["fid"]
        for name in MEASURES:
            assert list(of_digit[name]) == ["0", "20", "40", "50"]
    shares = [of_digit["classifier_accuracy"]["50"] for of_digit in result["digits"].values()]
    assert result["classifier_accuracy"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert result["best_classifier_accuracy"] >= result["worst_best_classifier_accuracy"]
    assert result["parameters"] == 6 * 784 + 784


def test_measures_are_logged_at_the_frames(run):
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "d_loss", "g_loss", *MEASURES]
    assert [int(row["step"]) for row in rows] == list(range(5, 51, 5))
    measured = [int(row["step"]) for row in rows if row["fid"]]
    assert measured == [20, 40, 50]
    assert all(row["d_loss"] and row["g_loss"] for row in rows)


def test_a_killed_run_goes_on_and_ends_the_same(run, studio, tmp_path):
    words = [*TINY, f"out_dir={tmp_path}"]
    started = start_lab(*words, cwd=studio)
    wait_until(lambda: list(tmp_path.glob("runs/*/checkpoint.prev.pt")))
    started.send(signal.SIGTERM)
    assert started.wait().returncode == 143
    assert quick_lab(*words, cwd=studio).returncode == 0
    assert_same_run(only(tmp_path, "runs/*"), run)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_sweep_draws_the_best_and_the_last(studio):
    words = ("reduction=sum,mean", "max_steps=20", "out_dir=swept")
    done = quick_lab("-m", *TINY, *words, cwd=studio)
    assert done.returncode == 0, done.stderr
    assert recap(done.stdout) == "2 finished"
    for name in ("quality", "through_training"):
        assert only(studio / "swept/sweeps", f"*/{name}.png").stat().st_size > 10_000


BAD = {
    "digits=[]": "digits=[] is not allowed: expected one class or more from 0 up, all different",
    "digits=[-1]": "digits=[-1] is not allowed",
    "digits=[1,1]": "digits=[1, 1] is not allowed",
    "digits=[0,3]": "digits: there is no class 3; data=folder has 0 to 2",
    "digits=three": "digits=three is not allowed: expected a list",
    "images_per_epoch=13": "images_per_epoch=13: class 0 has only 12 images",
    "batch_size=5": "batch_size means nothing for task=one_layer_gan: it is a key of task=",
    "optimizer=adam": "optimizer",
    "data.root=nowhere": "nowhere",
}


@pytest.mark.parametrize("word", BAD)
def test_a_mistake_is_one_clear_line_and_leaves_nothing(word, studio, tmp_path, monkeypatch):
    monkeypatch.chdir(studio)
    assert BAD[word] in refusal(*TINY, word, f"out_dir={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()


def test_images_that_lack_a_class_or_labels_are_refused(studio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in MNIST_FILES[::2]:
        (tmp_path / name).write_bytes((studio / "images" / name).read_bytes())
    words = [*TINY, f"data.root={tmp_path}"]
    assert "data=folder has no labels" in refusal(*words)
    labels = [np.arange(count) % 3 for count in (36, 30)]
    labels[1][labels[1] == 1] = 0
    for name, of_split in zip(MNIST_FILES[1::2], labels, strict=True):
        (tmp_path / name).write_bytes(idx_bytes(of_split.astype(np.uint8)))
    assert "class 1 has 0 images in the test split" in refusal(*words)
    assert not (tmp_path / "outputs").exists()
