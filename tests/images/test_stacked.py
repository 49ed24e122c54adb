"""Stacked MNIST: what is stacked, how each channel is read, and modes against a hand count."""

from math import log

import numpy as np
import pytest
import torch

from lab.images.base import Arrays
from lab.images.classifier import ChannelClassifier, Classifier, classifier_of
from lab.images.datasets import Data, Images, to_float
from lab.images.evaluation import QualityEvaluator
from lab.images.published import MNIST, StackedMNIST
from lab.images.quality import count_modes
from tests.images.small_data import bars


@pytest.fixture
def digits(monkeypatch):
    """In place of MNIST: images all of whose pixels are 10 times their class plus the split."""

    def arrays(self, split):
        labels = np.arange(50) % 10
        pixels = 10 * labels[:, None, None] + (split == "test") + np.zeros((1, 28, 28))
        return Arrays(pixels.astype(np.uint8), labels, tuple("0123456789"))

    monkeypatch.setattr(MNIST, "arrays", arrays)
    monkeypatch.setattr(MNIST, "counts", {"train": 300, "test": 100})


def test_the_label_is_the_three_digits_and_the_splits_share_none(digits):
    for split, count in (("train", 300), ("test", 100)):
        pixels, labels, classes = StackedMNIST().arrays(split)
        assert pixels.shape == (count, 28, 28, 3)
        assert (len(classes), classes[0], classes[42], classes[999]) == (1000, "000", "042", "999")
        of_split = np.full((count, 3), split == "test")
        assert np.array_equal(pixels[:, 0, 0] % 10, of_split)
        read = ["".join(map(str, colours // 10)) for colours in pixels[:, 5, 7]]
        assert [classes[label] for label in labels] == read
        assert len(set(read)) > 0.8 * count
    assert np.array_equal(pixels, StackedMNIST().arrays("test").pixels)


class Brightness(Classifier):
    """Reads a grey image of level k / 10 as k; its feature is the level."""

    def __init__(self):
        super().__init__(tuple("0123456789"), (1, 28, 28))

    def forward(self, images):
        levels = images.mean((1, 2, 3))
        return -40 * (10 * levels[:, None] - torch.arange(10)).abs(), levels[:, None]


def test_each_channel_is_read_by_itself():
    classes = tuple(f"{k:03}" for k in range(1000))
    reader = ChannelClassifier(Brightness(), 3, classes).eval()
    levels = torch.tensor([[0, 4, 2], [9, 9, 9], [1, 0, 0]]) / 10
    images = levels[:, :, None, None].expand(3, 3, 28, 28)
    readings = reader.read(images)
    assert [classes[label] for label in readings.labels] == ["042", "999", "100"]
    torch.testing.assert_close(readings.features, levels)
    # The probabilities of a class are those of its digits, multiplied.
    one = reader.one.read(images[:1].transpose(0, 1)).logits.softmax(-1)  # [3, 10]
    wanted = torch.einsum("a,b,c->abc", *one).flatten()
    torch.testing.assert_close(readings.logits[0].softmax(-1), wanted)


def test_modes_and_kl_against_a_hand_count():
    # Of 8 samples 4 are of mode 0, 3 of mode 2, 1 of mode 3; there are 5 modes.
    modes, kl = count_modes(torch.tensor([0, 0, 2, 0, 2, 3, 0, 2]), 5)
    assert modes == 3
    wanted = 4 / 8 * log(4 / 8 / 0.2) + 3 / 8 * log(3 / 8 / 0.2) + 1 / 8 * log(1 / 8 / 0.2)
    assert kl == pytest.approx(wanted, rel=1e-12)
    assert count_modes(torch.arange(2000) % 1000, 1000) == (1000, pytest.approx(0, abs=1e-12))
    assert count_modes(torch.zeros(9, dtype=torch.int64), 1000)[1] == pytest.approx(log(1000))


def test_modes_of_samples_stand_beside_those_of_real_images(monkeypatch):
    """Grey bars in each of three channels: 27 modes."""
    one = bars(60, 0)
    chosen = torch.randint(60, (500, 3), generator=torch.Generator().manual_seed(0))
    pixels = one.pixels[chosen, 0]  # [500, 3, 28, 28]
    names = tuple(f"{a}{b}{c}" for a in "abc" for b in "abc" for c in "abc")
    images = Images("stacked", pixels, one.labels[chosen] @ torch.tensor([9, 3, 1]),
                                  names, "0")  # fmt: skip
    data = Data(images, images, "", {"_target_": "nowhere.At", "name": "bars"})

    class Reads(Classifier):
        def __init__(self):
            super().__init__(("a", "b", "c"), (1, 28, 28))

        def forward(self, images):
            columns = images.mean((1, 2))
            parts = [columns[:, 4 + 8 * k : 8 + 8 * k].mean(1) for k in range(3)]
            return 40 * torch.stack(parts, 1), columns

    monkeypatch.setattr("lab.images.evaluation.SAMPLES", 400)
    monkeypatch.setattr("lab.images.evaluation.PART", 100)
    monkeypatch.setattr(
        "lab.images.evaluation.classifier_of", lambda data: ChannelClassifier(Reads(), 3, names)
    )
    measures = QualityEvaluator(data, "cpu")
    # Two of the three channels alike: 9 modes, evenly.
    alike = to_float(torch.stack([one.pixels[k, 0] for k in range(9)]))

    def make(count):
        first = torch.arange(count) % 9
        return torch.stack([alike[first], alike[first // 3], alike[first // 3]], 1)

    figures = measures.modes(make)
    assert figures["modes"] == 9
    assert figures["mode_kl"] == pytest.approx(log(3), abs=0.01)
    assert figures["modes_n"] == 400
    assert figures["real_modes"] == 27
    assert figures["real_mode_kl"] < 0.1


def test_other_data_keep_their_own_classifier(monkeypatch):
    monkeypatch.setattr("lab.images.classifier.load_classifier", lambda train, test: (train, test))
    data = Data(bars(3, 0), bars(3, 1), "")
    assert classifier_of(data) == (data.train, data.test)
