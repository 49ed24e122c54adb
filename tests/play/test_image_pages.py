"""The pages of generation and by-hand runs, opened in a browser and used."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from PIL import Image

from lab.images import classifier
from lab.images.classifier import load_classifier
from lab.play.tool import write_page
from tests.images.small_data import QUICK

OUTCOME = "document.documentElement.dataset.selftest"
GAN = (
    "task=gan", "batch_size=12", "max_steps=30", "sample_every=10", "eval_every=30",
    "log_every=10", "eval_samples=40", "final_samples=40", "discriminator=mlp",
    "discriminator.widths=[32]",
)  # fmt: skip
CONVOLUTIONAL = ("generator=conv", "generator.width=8", "generator.hidden=[16]")
BY_HAND = (
    "task=one_layer_gan", "digits=[0,1,2]", "epochs=30", "images_per_epoch=10", "frame_every=10",
    "log_every=10", "noise_size=6", "eval_samples=10", "init_scale=0.3",
)  # fmt: skip


def pixels_of(selector: str) -> str:
    """What is on a canvas, as text."""
    return f"document.querySelector({selector!r}).toDataURL()"


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "load_classifier", partial(load_classifier, recipe=QUICK))
        yield


@pytest.fixture(scope="module")
def generation_page(trained):
    return write_page(
        [trained(*GAN, "generator=mlp", "generator.widths=[64,32]", "generator.latent=20")]
    )


@pytest.fixture
def tab(browser, generation_page):
    tab = browser.open(generation_page)
    assert tab.value(OUTCOME) == "ok", tab.text("#banner")
    yield tab
    assert tab.complaints == []
    assert tab.requests == []
    tab.close()


def test_the_pixels_and_the_classifiers_logits_are_those_of_pytorch(tab):
    assert tab.value("tested.values") == 3 * (144 + 3)
    # Every sample is read as one of the three classes.
    words = "[...document.querySelectorAll('.samples .reading')].map((r) => r.textContent)"
    tab.wait_for(f"{words}.every((word) => /^[012] [0-9]+ %$/.test(word))")


def test_images_that_are_not_square_keep_their_proportions(browser, trained, tmp_path):
    random = np.random.default_rng(0)
    for index in range(21):
        pixels = random.integers(0, 256, (16, 40), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    run = trained(*GAN, "generator=mlp", "generator.widths=[16]", f"data.root={tmp_path}")
    tab = browser.open(write_page([run]))
    tab.wait_for("document.querySelector('.frames canvas').width === 40")
    for where in (".samples", ".nine", ".sum", ".even", ".frames"):
        box = f"document.querySelector('{where} canvas').getBoundingClientRect()"
        ratio = tab.value(f"{box}.width / {box}.height")
        assert ratio == pytest.approx(40 / 16, rel=0.05), where
    tab.close()


def test_a_drag_in_the_triangle_makes_another_image(tab):
    before = tab.value(pixels_of(".even canvas"))
    tab.drag(".triangle", start=(0.5, 0.6), end=(0.2, 0.8))
    a, b, c = map(float, tab.value("document.querySelector('.triangle').dataset.weights").split())
    assert b > 0.7
    assert a + b + c == pytest.approx(1, abs=0.002)
    assert tab.value(pixels_of(".even canvas")) != before
    tab.value("document.querySelector('.triangle').focus()")
    tab.key("ArrowUp")
    assert float(tab.value("document.querySelector('.triangle').dataset.weights").split()[0]) > a
    # Outside, the point stays at the edge: on a corner the image is that sample itself.
    tab.drag(".triangle", start=(0.5, 0.6), end=(0.5, 0.0))
    assert tab.value(pixels_of(".even canvas")) == tab.value(pixels_of(".chosen-three canvas"))


def test_a_click_chooses_a_sample_and_all_tools_follow(tab):
    drawn = [tab.value(pixels_of(selector)) for selector in (".nine canvas", ".sum canvas")]
    tab.click(".samples button:nth-child(20)")
    chosen = tab.value(pixels_of(".samples button:nth-child(20) canvas"))
    assert chosen not in drawn
    for selector in (".chosen-three canvas", ".nine canvas", ".sum canvas"):
        assert tab.value(pixels_of(selector)) == chosen
    assert tab.text(".samples button:nth-child(20) .slot") == "A"


def test_samples_are_drawn_anew_and_paths_turn(tab):
    before = tab.value(pixels_of(".samples canvas"))
    tab.click("button[title^='Draw 24']")
    assert tab.value(pixels_of(".samples canvas")) != before
    spread = "(limit) => Math.max(...truncated(randomZ(5000), limit).map(Math.abs))"
    assert tab.value(f"({spread})(0.5)") <= 0.5 + 1e-6
    assert tab.value(f"({spread})(NO_TRUNCATION)") > 3
    lengths = "((s) => norm(interpolate([1, 0, 0], [0, 3, 0], 0.5, s)))"
    assert tab.value(f"{lengths}(true)") == pytest.approx(2, abs=1e-6)
    assert tab.value(f"{lengths}(false)") == pytest.approx(1.5811, abs=1e-4)


def test_the_frames_of_training_are_those_that_the_run_drew(tab):
    tab.wait_for("document.querySelector('.frames canvas').width === 12")
    last = tab.value(pixels_of(".frames canvas"))
    tab.value("document.querySelector('.scrubber').focus()")
    tab.key("Home")
    assert tab.value("document.querySelector('.scrubber').nextSibling.textContent") == "step 0"
    assert tab.value(pixels_of(".frames canvas")) != last


def test_without_the_data_the_page_says_that_there_is_no_classifier(browser, trained, studio):
    run = trained(*GAN, "generator=mlp", "generator.widths=[16]", "generator.latent=5")
    (studio / "images").rename(studio / "elsewhere")
    try:
        page = write_page([run], run.path / "without.html")
    finally:
        (studio / "elsewhere").rename(studio / "images")
    tab = browser.open(page, width=390)
    assert tab.value(OUTCOME) == "ok"
    assert "There is no classifier to read the images" in tab.text(".card .hint")
    assert tab.value("document.documentElement.scrollWidth") == 390
    tab.close()


def test_the_page_of_a_by_hand_run_shows_each_digit_through_training(browser, trained):
    run = trained(*BY_HAND, "generator_hidden=8", "discriminator_hidden=8")
    tab = browser.open(write_page([run]))
    assert tab.value(OUTCOME) == "ok", tab.text("#banner")
    assert tab.value("tested.values") == 3 * (144 + 1)
    tab.wait_for("document.querySelector('.digits canvas').width === 12")
    last = tab.value(pixels_of(".digits canvas"))
    tab.value("document.querySelector('.scrubber').focus()")
    tab.key("Home")
    assert tab.value(pixels_of(".digits canvas")) != last
    assert "epoch 0" in tab.text(".digits ~ .hint")
    weights = tab.value(pixels_of(".weights canvas"))
    tab.click(".digits button:nth-child(2)")
    assert tab.value(pixels_of(".weights canvas")) != weights
    assert tab.complaints == []
    assert tab.requests == []
    tab.close()


@pytest.fixture(scope="module")
def coloured(tmp_path_factory):
    """A folder of RGB images of two classes, 30 high and 22 wide."""
    folder = tmp_path_factory.mktemp("coloured")
    random = np.random.default_rng(0)
    for number in range(28):  # of which every seventh is a test image
        pixels = random.integers(0, 80, (30, 22, 3), np.uint8)
        pixels[:, 11 * (number % 2) :][:, :11, number % 2] += 150
        path = folder / "ab"[number % 2] / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return f"data.root={folder}"


@pytest.mark.parametrize("overrides", [(*GAN, *CONVOLUTIONAL), BY_HAND], ids=["gan", "by hand"])
def test_images_in_colour_and_of_any_size_are_computed_and_drawn(
    browser, trained, coloured, overrides
):
    words = (word.replace("digits=[0,1,2]", "digits=[0,1]") for word in overrides)
    tab = browser.open(write_page([trained(*words, coloured)]))
    assert tab.value(OUTCOME) == "ok", tab.text("#banner")
    canvas = ".digits canvas" if overrides is BY_HAND else ".frames canvas"
    tab.wait_for(f"document.querySelector('{canvas}').width === 22")
    assert tab.value(f"document.querySelector('{canvas}').height") == 30
    assert tab.complaints == []
    tab.close()
