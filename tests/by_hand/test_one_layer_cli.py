"""What a run of the by-hand study leaves, and what it refuses, on a user's own small images."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lab
from tests.command_line import Tool, refusal
from tests.images.small_data import MNIST_FILES, idx_bytes
from tests.run_files import only

TINY = (
    "task=one_layer_gan", "data=folder", "digits=[0,1,2]", "epochs=50", "images_per_epoch=10",
    "frame_every=20", "log_every=5", "noise_size=6", "eval_samples=10", "device=cpu",
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


@pytest.fixture
def words(studio: Path) -> tuple[str, ...]:
    return (*TINY, f"data.root={studio / 'images'}")


def test_a_run_leaves_its_animations_sheets_and_curves(
    words: tuple[str, ...], tmp_path: Path, tool: Tool
) -> None:
    run = lab.run(*words, f"out_dir={tmp_path}")
    assert {path.name for path in (run.path / "figures").iterdir()} == FIGURES
    for name in ("digit_1.gif", "all_digits.gif"):
        with Image.open(run.path / "figures" / name) as animation:
            assert getattr(animation, "n_frames", 1) == 4  # 50 epochs: 0, 20, 40 and the last
    for of_digit in run.result["digits"].values():
        assert all(list(of_digit[name]) == ["0", "20", "40", "50"] for name in MEASURES)
    assert list(run.metrics) == ["step", "d_loss", "g_loss", *MEASURES]
    assert run.metrics["step"] == list(range(5, 51, 5))
    measured = zip(run.metrics["step"], run.metrics["fid"], strict=True)
    assert [step for step, fid in measured if not math.isnan(fid)] == [20, 40, 50]
    code, _, err = tool("sample", str(run.path))
    assert code == 1
    assert err.endswith(
        "lab: no network can be loaded from a run of task=one_layer_gan; lab show lists its "
        "results and figures\n"
    )


def test_a_sweep_draws_the_best_and_the_last(words: tuple[str, ...], tmp_path: Path) -> None:
    lab.sweep(*words, "reduction=sum,mean", "max_steps=20", f"out_dir={tmp_path}")
    for name in ("quality", "through_training"):
        assert only(tmp_path / "sweeps", f"*/{name}.png").stat().st_size > 10_000


BAD = {
    "digits=[]": "digits=[] is not allowed: expected one class or more from 0 up, all different",
    "digits=[-1]": "digits=[-1] is not allowed",
    "digits=[1,1]": "digits=[1, 1] is not allowed",
    "digits=[0,3]": "digits: there is no class 3; data=folder has 0 to 2",
    "digits=three": "digits=three is not allowed: expected a list",
    "images_per_epoch=13": "images_per_epoch=13: class 0 has only 12 images",
    "optimizer=adam": "optimizer",
}


@pytest.mark.parametrize("word", BAD)
def test_a_mistake_is_one_clear_line_and_leaves_nothing(
    word: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    assert BAD[word] in refusal(*words, word, f"out_dir={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()


def test_images_that_lack_a_class_or_labels_are_refused(studio: Path, tmp_path: Path) -> None:
    for name in MNIST_FILES[::2]:
        (tmp_path / name).write_bytes((studio / "images" / name).read_bytes())
    words = [*TINY, f"data.root={tmp_path}", f"out_dir={tmp_path / 'out'}"]
    assert "data=folder has no labels" in refusal(*words)
    labels = [np.arange(count) % 3 for count in (36, 30)]
    labels[1][labels[1] == 1] = 0
    for name, of_split in zip(MNIST_FILES[1::2], labels, strict=True):
        (tmp_path / name).write_bytes(idx_bytes(of_split.astype(np.uint8)))
    assert "class 1 has 0 images in the test split" in refusal(*words)
    assert not (tmp_path / "out").exists()
