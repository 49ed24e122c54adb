"""The metrics within each class, on clouds whose answer is known."""

import pytest
import torch

from lab.images.by_class import read_as_asked, within_classes
from lab.images.classifier import Readings
from lab.images.quality import fid


def readings(labels: torch.Tensor, features: torch.Tensor) -> Readings:
    return Readings(torch.nn.functional.one_hot(labels, 3).float(), features)


def test_the_share_read_as_asked_is_a_count():
    read, asked = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2])
    assert read_as_asked(read, asked) == 0.75


def test_each_class_is_compared_with_its_own_images():
    random = torch.Generator().manual_seed(0)
    test, train, made = torch.randn(3, 700, 4, generator=random, dtype=torch.float64)
    labels = torch.arange(700) % 2
    labels[-50:] = 2  # too few of them
    # Images of class 1 lie farther off. One in ten of class 0 is read as class 2.
    made[labels == 1] += 3
    read = labels.clone()
    read[(labels == 0).nonzero()[::10]] = 2
    figures = within_classes(
        readings(read, made), labels, (test, labels), (train, labels), ("a", "b", "c")
    )
    assert [figure["class"] for figure in figures] == ["a", "b"]
    of_a, of_b = figures
    assert of_a["n"] == of_b["n"] == 325
    assert of_a["read_as_asked"] == pytest.approx(0.9, abs=0.002)
    assert of_b["read_as_asked"] == 1
    zeros = labels == 0
    assert of_a["fid"] == pytest.approx(fid(test[zeros], made[zeros]))
    assert of_a["real_fid"] == pytest.approx(fid(test[zeros], train[zeros]))
    assert of_b["fid"] == pytest.approx(4 * 9, rel=0.1)
    assert of_b["real_fid"] < 0.1
