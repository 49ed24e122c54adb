"""`lab play`: which file it writes, and what it answers where it cannot."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from lab.cli import compose_config
from lab.engine.run_folder import RunFolder
from lab.figures.sheets import FRAMES, save_frames
from lab.play.recorded import MOST_FRAMES, of_training, some
from lab.play.tensors import UnknownLayer, chain, packed, rounded
from lab.play.tool import _title, write_page
from tests.command_line import Tool


@pytest.fixture
def refused(tool: Tool) -> Callable[..., str]:
    """The one line that `lab play` says when it refuses."""

    def line(*words: object) -> str:
        code, out, err = tool("play", *map(str, words))
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("lab: ")
        return err

    return line


def test_the_page_lies_beside_the_run_and_needs_nothing_else(untrained, tool):
    run = untrained("cell=lstm").path
    page = run / "play.html"
    assert tool("play", str(run)) == (
        0,
        f"{page}\n",
        "lab: open this file in a browser; --open does it\n",
    )
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    for word in ("http:", "https:", "src=", "@import", "fetch("):
        assert word not in text, word


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        (["seq_len=8"], "An LSTM, trained to remember the first digit of 8"),
        (
            ["cell=gru seq_len=8", "cell=rnn seq_len=8"],
            "A GRU beside an RNN, trained to remember the first digit of 8",
        ),
        (
            ["cell=gru seq_len=8", "cell=rnn seq_len=1000"],
            "A GRU (T=8) beside an RNN (T=1,000), trained to remember the first digit",
        ),
        (["sequence=parity seq_len=8"], "An LSTM, trained on parity at T=8"),
        (["task=gan"], "A GAN, trained on mnist"),
        (["task=one_layer_gan"], "GANs without autograd, trained on mnist"),
    ],
)
def test_a_title_says_in_words_what_the_page_shows(runs, title):
    assert _title([compose_config(*run.split()) for run in runs]) == title


def test_two_runs_and_a_file_of_ones_own(untrained, tmp_path, tool):
    first, second = untrained("cell=lstm").path, untrained("cell=rnn").path
    tool("play", str(first), str(second))
    assert (first / f"play-{second.name}.html").exists()
    tool("play", str(first), str(second), "--out", str(tmp_path / "lecture.html"))
    assert (tmp_path / "lecture.html").stat().st_size < 1_500_000


def test_what_is_no_run_gets_one_clear_line(untrained, tmp_path, refused):
    assert "not a run's folder" in refused(tmp_path)
    assert "no such folder" in refused(tmp_path / "nowhere")
    run = untrained("cell=rnn").path
    assert "given twice" in refused(run, run)
    others = [untrained(f"seed={seed}").path for seed in (1, 2)]
    assert "shows one or two" in refused(run, *others)
    assert "cannot be written" in refused(run, "--out", tmp_path / "no" / "page.html")
    weights = load_file(run / "model.safetensors")
    weights["b_p"][3] = float("nan")
    save_file(weights, run / "model.safetensors")
    assert "the weights b_p are not finite numbers" in refused(run)
    (run / "model.safetensors").unlink()
    assert "has no weights" in refused(run)
    (run / "result.json").unlink()
    assert "not finished" in refused(run)
    assert not (run / "play.html").exists()


def test_few_weights_keep_all_their_bits_and_many_keep_sixteen():
    few, many = torch.rand(10, 10), torch.rand(600, 600)
    assert rounded({"W": few})["W"].equal(few)
    assert rounded({"W": many})["W"].equal(many.half().float())
    assert [packed(few)["type"], packed(many.half())["type"]] == ["f4", "f2"]


def test_a_layer_that_the_page_cannot_compute_is_named():
    with pytest.raises(UnknownLayer, match="GELU"):
        chain(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.GELU()))


def test_words_of_a_run_cannot_end_the_script_that_holds_them(untrained):
    run = untrained().path
    page = write_page([RunFolder(run.rename(run.with_name("<!--<script>")))])
    text = page.read_text()
    data = text.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(data)["runs"][0]["name"] == "<!--<script>"


@pytest.mark.parametrize(
    ("shape", "channels", "most", "images"),
    [((7, 28, 28), 1, None, 7), ((7, 9, 8, 3), 3, None, 7), ((2, 5, 8, 9), 1, 4, 8)],
)
def test_every_level_of_every_image_comes_back(
    tmp_path: Path, shape: tuple[int, ...], channels: int, most: int | None, images: int
):
    pixels = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
    pixels[2] = pixels[1]
    folder = RunFolder(tmp_path)
    assert of_training(folder, channels, most) is None
    folder.save_file(FRAMES, lambda file: save_frames(pixels, [0, 5, 7], file))
    found = of_training(folder, channels, most)
    assert found is not None
    assert (found["steps"], found["images"]) == ([0, 5, 7], images)
    png = base64.b64decode(found["image"].partition(",")[2])
    drawn = np.asarray(Image.open(io.BytesIO(png)))
    height, width = shape[-3:-1] if channels == 3 else shape[-2:]
    rows = pixels[:, :, :most] if most else pixels
    rows = rows.reshape(3, images, height, width, channels).swapaxes(1, 2)
    assert (drawn.reshape(rows.shape) == rows).all()


def test_few_frames_are_all_shown_and_of_many_the_ends_too():
    assert some(3) == [0, 1, 2]
    chosen = some(1000)
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 999, MOST_FRAMES)
