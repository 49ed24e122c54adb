"""What a run of the generation study leaves, and its tools, on a user's own small images."""

import re
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
from tests.command_line import refusal
from tests.fake_runs import fake_run

FIGURES = {
    "samples_start.png", "samples_half.png", "samples_end.png", "progress.png", "training.gif",
    "losses.png", "interpolation.png", "nearest.png",
}  # fmt: skip
TINY = (
    "task=gan", "data=folder", "batch_size=6", "max_steps=60", "sample_every=20", "eval_every=30",
    "log_every=10", "eval_samples=30", "final_samples=30", "device=cpu",
)  # fmt: skip
MLP = ("generator=mlp", "discriminator=mlp", "generator.widths=[64]", "discriminator.widths=[64]")


def train(studio: Path, *words: str) -> tuple[RunFolder, str]:
    """A finished run's folder, and the line with which it ended."""
    words = (*TINY, f"data.root={studio / 'images'}", f"out_dir={studio}", *words)
    config = compose_config(*words)
    outcome = perform(config, words)
    assert outcome.kind == "finished", outcome
    return RunFolder(config.run_dir), outcome.line


@pytest.fixture(scope="session")
def run(studio) -> RunFolder:
    """A finished run."""
    folder, line = train(studio, *MLP)
    assert "in the classifier's features at n=30" in line
    return folder


def test_a_run_leaves_its_pictures_an_animation_and_measured_rows(run):
    names = {path.name for path in (run.path / "figures").iterdir()}
    assert names >= FIGURES - {"interpolation.png"}
    with Image.open(run.path / "figures/training.gif") as animation:
        assert animation.n_frames == 5  # steps 0, 20, 30, which is half, 40 and 60
    quality = run.result["quality"]
    assert min(quality["real_precision"], quality["real_coverage"]) > 0.5
    assert run.result["latent"]["arithmetic"] == {
        "not_measured": "there is no class 7 among 0, 1, 2"
    }
    metrics = run.read_metrics()
    assert metrics["step"] == [10, 20, 30, 40, 50, 60]
    measured = [fid == fid for fid in metrics["fid"]]
    assert measured == [False, False, True, False, False, True]


def test_a_saved_generator_is_sampled_from(run, tool):
    found = []
    for _ in range(2):  # the second time again the same images
        code, out, _ = tool("sample", str(run.path), "--n", "70", "--seed", "3")
        assert code == 0
        npz, png = out.split()
        with np.load(npz) as arrays:
            assert (arrays["images"].shape, arrays["z"].shape) == ((70, 12, 12), (70, 100))
            assert arrays["images"].dtype == np.uint8
            found.append(arrays["images"].copy())
    assert np.array_equal(*found)
    assert Path(png).stat().st_size > 1000


def test_a_convolutional_pair_is_trained_in_the_devices_precision(studio):
    sizes = ("generator.width=4", "generator.hidden=[8]", "discriminator.width=4", "max_steps=10")
    finished, _ = train(studio, "+experiment=b13_convolutional", *sizes)
    assert yaml.safe_load(finished.config_file.read_text())["precision"] == "auto"
    used = "bf16" if has_bf16("cpu") else "fp32"
    assert finished.result["precision_used"] == used
    assert finished.provenance["precision"] == used
    assert all(path.exists() for path in sample(finished, 9, 0))


def test_interpolations_between_chosen_classes(run, tool):
    words = ("--from", "2", "--to", "0", "--sum", "0", "1", "2", "--seed", "4")
    code, out, err = tool("interpolate", str(run.path), *words)
    if code:  # so young a generator may make no clear image of a class: it says so
        assert re.search("the generator makes (no clear|clear samples of fewer)", err)
        assert err.count("\n") == 1
    else:
        picture = run.path / "figures/interpolation_2_to_0_seed4.png"
        assert out.startswith(f"from 2 to 0 → {picture}\n")
        assert (run.path / "figures/arithmetic_2+0-1_seed4.png").stat().st_size > 1000
        assert len(out.splitlines()) < 20


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
    code, out, err = tool(words[0], str(run.path), *words[1:])
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_sampling_from_what_is_no_gan_is_refused(tmp_path, tool):
    lstm = str(fake_run(tmp_path, "task=lstm").path)
    code, out, err = tool("sample", lstm)
    assert (code, out) == (1, "")
    assert "a run of task=lstm, not of the generation study" in err
    assert tool("interpolate", lstm, "--film") == (code, out, err)


@pytest.fixture(scope="session")
def conditional(studio) -> RunFolder:
    """A finished run that can be asked for a class."""
    return train(studio, *MLP, "conditional=true")[0]


def test_a_conditional_run_says_how_often_it_made_what_was_asked_for(conditional):
    result = conditional.result
    assert result["class_names"] == ["0", "1", "2"]
    assert result["latent"]["interpolation"]["ends"][0] in result["class_names"]
    assert result["quality"]["by_class"] == []  # 10 images of a class are too few
    accuracies = conditional.read_metrics()["class_accuracy"]
    assert [0 <= accuracies[row] <= 1 for row in (2, 5)] == [True, True]
    names = {path.name for path in (conditional.path / "figures").iterdir()}
    assert names >= FIGURES
    with Image.open(conditional.path / "figures/training.gif") as animation:
        height, width = 3 * 14 + 2, 10 * 14 + 2  # a row for each class
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
        assert gif.size[0] == gif.size[1] >= 96
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
        sample(run, 3, 0, "1")


BAD = {
    "seq_len=5": "seq_len means nothing for task=gan: it is a key of task=lstm",
    "cell=rnn": "cell means nothing for task=gan",
    "batch_size=37": "batch_size=37: expected 1 to 36, the number of images",
    "data.root=nowhere": "nowhere",
}


@pytest.mark.parametrize("word", BAD)
def test_a_mistake_is_one_clear_line_and_leaves_nothing(word, studio, tmp_path):
    words = (*TINY, *MLP, f"data.root={studio / 'images'}", word, f"out_dir={tmp_path / 'out'}")
    assert BAD[word] in refusal(*words)
    assert not (tmp_path / "out").exists()
