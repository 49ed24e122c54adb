"""The generation study at the command line, on a user's own small images."""

import csv
import json
import re
import signal
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import yaml
from PIL import Image, ImageSequence

from lab.cli import compose_config
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.jobs import perform
from lab.engine.process import has_bf16
from lab.engine.run_folder import RunFolder
from lab.figures.sheets import FILM_MS
from lab.generation.interpolate import film, interpolate
from lab.generation.sample import sample, write_pngs
from lab.images.datasets import load
from lab.play.generation import generation_run
from tests.command_line import quick_lab, refusal, start_lab, wait_until
from tests.images.small_data import MNIST_FILES
from tests.run_files import copy_into, only

FIGURES = {
    "samples_start.png", "samples_half.png", "samples_end.png", "progress.png", "training.gif",
    "losses.png", "interpolation.png", "nearest.png",
}  # fmt: skip


TINY = (
    "task=gan", "data=folder", "data.root=images", "batch_size=6", "max_steps=60",
    "sample_every=20", "eval_every=30", "log_every=10", "eval_samples=30", "final_samples=30",
    "generator=mlp", "discriminator=mlp", "generator.widths=[64]", "discriminator.widths=[64]",
    "checkpoint_seconds=0", "device=cpu",
)  # fmt: skip


@pytest.fixture(scope="session")
def run(studio) -> Path:
    """A finished run."""
    done = quick_lab(*TINY, cwd=studio)
    assert done.returncode == 0, done.stderr
    assert "in the classifier's features at n=30" in done.stdout
    return only(studio / "outputs/runs", "gan-folder-*s0-*")


def test_a_run_leaves_its_pictures_and_an_animation(run):
    names = {path.name for path in (run / "figures").iterdir()}
    assert names >= FIGURES - {"interpolation.png"}
    with Image.open(run / "figures/training.gif") as animation:
        assert animation.n_frames == 5  # steps 0, 20, 30, which is half, 40 and 60


def test_the_result_holds_figures_beside_what_real_images_get(run):
    result = json.loads((run / "result.json").read_text())
    quality = result["quality"]
    for name in ("fid", "real_fid", "fid_bias", "precision", "recall", "density", "coverage"):
        assert quality[name] >= 0
    assert quality["n"] == 30
    assert quality["real_precision"] > 0.5
    assert quality["real_coverage"] > 0.5
    assert 0 < quality["real_recall"] <= 1
    assert 0 <= quality["class_tv"] <= 1
    assert quality["classes"] <= 3
    assert result["epochs"] == 10
    assert {"data", "parameters"} <= result.keys()
    assert result["players"].keys() == {"d_loss", "g_loss", "d_auc"}
    assert result["classifier"].keys() == {"test_accuracy", "checksum"}
    assert result["latent"].keys() == {"interpolation", "arithmetic"}
    assert result["latent"]["arithmetic"] == {"not_measured": "there is no class 7 among 0, 1, 2"}


def test_quality_is_logged_during_training(run):
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["10", "20", "30", "40", "50", "60"]
    assert [bool(row["fid"]) for row in rows] == [False, False, True, False, False, True]
    assert all(row["d_loss"] and row["d_accuracy"] for row in rows)


def test_a_killed_run_goes_on_and_ends_the_same(run, studio, tmp_path):
    """SIGTERM in the middle, then the same command: bitwise the weights of the whole run."""
    words = [*TINY, f"data.root={studio / 'images'}", f"out_dir={tmp_path}"]
    whole = quick_lab(*words, "out_dir=" + str(tmp_path / "whole"), cwd=studio, timeout=300)
    assert whole.returncode == 0, whole.stderr
    started = start_lab(*words, cwd=studio)
    wait_until(lambda: list(tmp_path.glob("runs/*/checkpoint.prev.pt")))
    started.send(signal.SIGTERM)
    assert started.wait().returncode == 143
    assert quick_lab(*words, cwd=studio, timeout=300).returncode == 0
    for name in ("model.safetensors", "metrics.csv"):
        one, other = only(tmp_path, f"runs/*/{name}"), only(tmp_path, f"whole/runs/*/{name}")
        assert one.read_bytes() == other.read_bytes()


def test_a_saved_generator_is_sampled_from(run, studio):
    done = quick_lab("sample", str(run), "--n", "70", "--seed", "3", cwd=studio)
    assert done.returncode == 0, done.stderr
    npz, png = done.stdout.split()
    with np.load(npz) as arrays:
        assert arrays["images"].shape == (70, 28, 28)
        assert arrays["images"].dtype == np.uint8
        assert arrays["z"].shape == (70, 100)
        first = arrays["images"].copy()
    assert Path(png).stat().st_size > 1000
    quick_lab("sample", str(run), "--n", "70", "--seed", "3", cwd=studio)
    with np.load(npz) as arrays:
        assert np.array_equal(arrays["images"], first)


def test_a_convolutional_pair_in_the_devices_precision_is_trained_and_sampled_from(
    studio, tmp_path
):
    words = [word for word in TINY if not re.search("mlp|widths|steps", word)]
    sizes = ("generator.width=4", "generator.hidden=[8]", "discriminator.width=4", "max_steps=10")
    images = f"data.root={studio / 'images'}"
    done = quick_lab(*words, "+experiment=b13_convolutional", *sizes, images, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    finished = only(tmp_path / "outputs/runs", "gan-folder-*s0-*")
    assert yaml.safe_load((finished / "config.yaml").read_text())["precision"] == "auto"
    used = "bf16" if has_bf16("cpu") else "fp32"
    assert json.loads((finished / "result.json").read_text())["precision_used"] == used
    assert json.loads((finished / "provenance.json").read_text())["precision"] == used
    done = quick_lab("sample", str(finished), "--n", "9", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_interpolations_between_chosen_classes(run, studio):
    words = ("--from", "2", "--to", "0", "--sum", "0", "1", "2", "--seed", "4")
    done = quick_lab("interpolate", str(run), *words, cwd=studio)
    if done.returncode:  # so young a generator may make no clear image of a class: it says so
        assert re.search("the generator makes (no clear|clear samples of fewer)", done.stderr)
        assert done.stderr.count("\n") == 1
    else:
        picture = run / "figures/interpolation_2_to_0_seed4.png"
        assert done.stdout.startswith(f"from 2 to 0 → {picture}\n")
        assert (run / "figures/arithmetic_2+0-1_seed4.png").stat().st_size > 1000
        assert len(done.stdout.splitlines()) < 20


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sample", "--n", "0"], "argument --n: expected a whole number of at least 1"),
        (["sample", "--m", "3"], "unrecognized arguments: --m 3"),
        (["interpolate", "--from", "7"], "there is no class 7 among 0, 1, 2"),
        (["interpolate", "--from", "1", "--to", "1"], "expected two different classes"),
        (["interpolate", "--film", "1"], "--film 1: expected two classes or more, or none"),
        (["interpolate", "--film", "1", "7"], "there is no class 7 among 0, 1, 2"),
        (["sample", "--real"], "give their folder too, --png FOLDER"),
        (["sample", "--png", "images"], "--png images: it exists"),
        (
            ["sample", "--png", "new", "--real", "--n", "31"],
            "--n 31: there are only 30 test images",
        ),
    ],
)
def test_bad_words_for_sample_and_interpolate(run, studio, words, message, tool, monkeypatch):
    monkeypatch.chdir(studio)
    code, out, err = tool(words[0], str(run), *words[1:])
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_sampling_from_what_is_no_finished_gan_is_refused(reference, tmp_path, tool):
    lstm = copy_into(tmp_path, reference)
    code, out, err = tool("sample", str(lstm))
    assert (code, out) == (1, "")
    assert "a run of task=lstm, not of the generation study" in err
    assert tool("interpolate", str(lstm), "--film") == (code, out, err)
    (lstm / "result.json").unlink()
    assert "not finished" in tool("predict", str(lstm), "121")[2]


def test_images_without_labels_train_without_figures_of_quality(studio, tmp_path):
    for name in MNIST_FILES[::2]:
        (tmp_path / name).write_bytes((studio / "images" / name).read_bytes())
    done = quick_lab(*TINY, f"data.root={tmp_path}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no labels" in done.stdout
    result = json.loads(only(tmp_path, "outputs/runs/*/result.json").read_text())
    assert result["quality"] == {"not_measured": "no labels"}
    assert result["steps"] == 60


@pytest.fixture(scope="session")
def conditional(studio) -> RunFolder:
    """A finished run that can be asked for a class."""
    words = [*TINY, f"data.root={studio / 'images'}", "conditional=true"]
    config = compose_config(*words, f"out_dir={studio / 'conditional'}")
    outcome = perform(config, words)
    assert outcome.kind == "finished", outcome
    return RunFolder(config.run_dir)


def test_a_conditional_run_says_how_often_it_made_what_was_asked_for(conditional):
    result = conditional.result
    assert result["class_names"] == ["0", "1", "2"]
    assert result["latent"]["interpolation"]["ends"][0] in result["class_names"]
    quality = result["quality"]
    assert 0 <= quality["class_accuracy"] <= 1
    assert {"fid", "recall"} <= quality.keys()
    assert quality["by_class"] == []  # 10 images of a class are too few
    with open(conditional.path / "metrics.csv") as file:
        assert [bool(row["class_accuracy"]) for row in csv.DictReader(file)][2::3] == [True, True]
    names = {path.name for path in (conditional.path / "figures").iterdir()}
    assert names >= FIGURES
    with Image.open(conditional.path / "figures/training.gif") as animation:
        height, width = 3 * 30 + 2, 10 * 30 + 2  # a row for each class
        assert animation.size == (3 * width, 3 * height)


def test_a_conditional_run_is_asked_for_a_class(conditional):
    npz, png = sample(conditional, 30, 3, "2")
    assert npz.name == "samples_2_seed3.npz"
    with np.load(npz) as arrays:
        assert arrays["labels"].tolist() == [2] * 30
        of_two, z = arrays["images"].copy(), arrays["z"].copy()
    npz, png = sample(conditional, 30, 3)
    assert png.stat().st_size > 1000
    with np.load(npz) as arrays:
        assert arrays["labels"].tolist() == [0, 1, 2] * 10
        assert np.array_equal(arrays["z"], z)
        # The third image of these is of class 2 too.
        assert np.abs(arrays["images"][2].astype(int) - of_two[2]).max() <= 1
        assert np.abs(arrays["images"][0].astype(int) - of_two[0]).max() > 1
    with pytest.raises(UserError, match="there is no class 7 among 0, 1, 2"):
        sample(conditional, 30, 3, "7")


def test_a_conditional_run_is_interpolated_within_a_class_and_between_two(conditional):
    lines = interpolate(conditional, ("1", "1"), None, 0)
    assert lines[0].startswith("from 1 to 1 → ")
    assert len(lines) == 2
    lines = interpolate(conditional, ("2", "0"), None, 0)
    assert "from 2 to 0, changing the class alone: " in lines[2]
    assert (conditional.path / "figures/interpolation_2_to_0_seed0.png").stat().st_size > 1000
    first, last = interpolate(conditional, (None, "1"), None, 4)[0].split(" → ")[0].split()[1::2]
    assert first in ("0", "2")
    assert last == "1"
    with pytest.raises(UserError, match="--sum: in a conditional run z does not decide"):
        interpolate(conditional, (None, None), ("0", "1", "2"), 0)


@pytest.mark.parametrize("names", [[], ["2", "0"]])
def test_a_film_goes_through_its_points_and_back(conditional, names):
    written = film(conditional, names, 2, 0)
    with Image.open(written[0]) as gif:
        assert gif.size == (224, 224)
        assert gif.info["loop"] == 0
        shown = sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif))
    assert shown == 2 * 24 * FILM_MS  # 23 images between the two points on either way
    assert [path.suffix for path in written] == [".gif", ".mp4"][: 2 if which("ffmpeg") else 1]


def test_images_are_written_for_other_tools(conditional, tmp_path):
    made = write_pngs(conditional, tmp_path / "made", 7, 3, None, None)
    real = write_pngs(conditional, tmp_path / "real", 30, 3, None, "test")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "real"]
    with np.load(sample(conditional, 7, 3)[0]) as arrays:
        pixels = [np.asarray(Image.open(path)) for path in sorted(made.iterdir())]
        assert np.array_equal(pixels, arrays["images"])
    test = load(from_file(conditional.config_file).data).test.pixels[:, 0].numpy()
    found = {Image.open(path).tobytes() for path in real.iterdir()}
    assert found == {image.tobytes() for image in test}


def test_the_page_of_a_conditional_run_shows_its_pictures(conditional):
    config = from_file(conditional.config_file)
    about = generation_run(conditional, config)
    assert "cannot ask a conditional generator for a class" in about["recorded"]["reason"]
    assert about["recorded"]["pictures"]


def test_a_run_that_is_not_conditional_cannot_be_asked(run):
    with pytest.raises(UserError, match="it was not trained with conditional=true"):
        sample(RunFolder(run), 3, 0, "1")


BAD = {
    "seq_len=5": "seq_len means nothing for task=gan: it is a key of task=lstm",
    "cell=rnn": "cell means nothing for task=gan",
    "generator.latent=0": "generator.latent=0 is not allowed: expected at least 1",
    "batch_size=37": "batch_size=37: expected 1 to 36, the number of images",
    "data.root=nowhere": "nowhere",
    "data=mnists": "data=mnists is not an option",
    "loss=hing": "did you mean hinge?",
    "discriminator.dropout=1": "discriminator.dropout=1 is not allowed: expected less than 1",
}


@pytest.mark.parametrize("word", BAD)
def test_a_mistake_is_one_clear_line_and_leaves_nothing(word, studio, tmp_path, monkeypatch):
    monkeypatch.chdir(studio)
    words = [w for w in TINY if w != "data=folder"] if word == "data=mnists" else list(TINY)
    assert BAD[word] in refusal(*words, word, f"out_dir={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()
