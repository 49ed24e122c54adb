"""The metrics on clouds whose answer is known; on a run's own images see tests.numbers."""

import pytest
import torch

from lab.images.classifier import load_classifier
from lab.images.datasets import Images, to_float
from lab.images.evaluation import area_under_roc, held_out_auc
from lab.images.quality import (
    class_shares,
    classes_present,
    fid,
    fid_bias,
    measure,
    prdc,
    reference_values,
    total_variation,
)
from tests import numbers
from tests.images.small_data import QUICK, bars


def cloud(n, d=6, seed=0, scale=1.0, shift=0.0):
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    points = torch.randn(n, d, generator=random, dtype=torch.float64) @ mixing
    return (scale * points + shift).float()


def test_fid_of_known_clouds():
    real = cloud(400)
    assert fid(real, real) == pytest.approx(0, abs=1e-6)
    assert fid(real, real + 3) == pytest.approx(6 * 9, rel=1e-5)
    # Scaled by 2: the distance of the means, and tr(A + 4A - 4A).
    wanted = real.double().mean(0).square().sum() + torch.cov(real.double().T).trace()
    assert fid(real, 2 * real) == pytest.approx(wanted.item(), rel=1e-5)


def test_fid_with_a_feature_that_never_fires():
    real, fake = cloud(400), cloud(400, seed=1)
    real[:, 2] = fake[:, 2] = 0
    assert fid(real, fake) == pytest.approx(numbers.fid(real.double(), fake.double()), rel=1e-4)


@pytest.mark.parametrize("count", [30, 300])
def test_fid_and_auc_are_those_of_torchmetrics_to_the_last_bit(count):
    from torchmetrics.functional.classification import binary_auroc
    from torchmetrics.image.fid import FrechetInceptionDistance

    class AsTheyAre(torch.nn.Identity):
        num_features = 6

    real, fake = cloud(400), cloud(count, seed=1)
    metric = FrechetInceptionDistance(feature=AsTheyAre(), normalize=True)
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    assert fid(real, fake) == float(metric.compute())

    random = torch.Generator().manual_seed(count)
    is_real = torch.rand(count, generator=random) < 0.5
    for logits in (fake[:, 0], 100 * fake[:, 0], fake[:, 0].round(), fake[:, 0].sigmoid()):
        # It would take the sigmoid of logits, of which many are equal in float32.
        ranks = logits.unique(return_inverse=True)[1] / count
        wanted = float(binary_auroc(ranks, is_real.long()))
        assert area_under_roc(logits, is_real) == wanted


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    real, fake = torch.tensor([3.0, 1.0, 0.5, -2.0]), torch.tensor([1.0, 0.0, -3.0])
    pairs = [(r > f) + (r == f) / 2 for r in real.tolist() for f in fake.tolist()]
    is_real = torch.tensor([True] * 4 + [False] * 3)
    found = area_under_roc(torch.cat([real, fake]), is_real)
    assert found == pytest.approx(sum(pairs) / len(pairs))
    assert area_under_roc(torch.zeros(7), is_real) == 0.5
    large = torch.tensor([30.0, 31.0, 20.0, 21.0])
    assert area_under_roc(large, torch.tensor([True, True, False, False])) == 1


def test_the_auc_is_that_of_all_classes_of_a_split_that_is_sorted():
    pixels = torch.arange(200, dtype=torch.uint8).view(200, 1, 1, 1)  # brighter from class to class
    labels = torch.arange(200) // 20
    images = Images("sorted", pixels, labels, tuple("0123456789"), "")
    made = torch.full((100, 1, 1, 1), 100 / 127.5 - 1)

    def brightness(images, asked=None):
        return images.flatten()

    assert held_out_auc(brightness, images, made) == pytest.approx(0.5, abs=0.15)
    asked = torch.zeros(100, dtype=torch.int64)
    assert held_out_auc(brightness, images, made, asked) == pytest.approx(0.5, abs=0.15)


def test_the_bias_is_what_equal_clouds_get():
    n, m = 500, 800
    measured = [fid(cloud(n, seed=2 * i), cloud(m, seed=2 * i + 1)) for i in range(40)]
    predicted = fid_bias(cloud(20_000, seed=1000), n, m)
    assert sum(measured) / 40 == pytest.approx(predicted, rel=0.1)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(
    "fake", [cloud(40, seed=1), cloud(60, seed=1, scale=0.5), cloud(50, seed=1, shift=1.5)]
)
def test_prdc_against_the_whole_matrix_of_distances(fake, k):
    real = cloud(50)
    expected = numbers.overlap(real.double(), fake.double(), k)
    assert prdc(real, fake, k) == pytest.approx(expected)


def test_prdc_in_parts_is_prdc_at_once(monkeypatch):
    real, fake = cloud(120), cloud(90, seed=1)
    whole = prdc(real, fake)
    monkeypatch.setattr("lab.images.quality.ROWS", 7)
    assert prdc(real, fake) == whole


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="5 neighbours"):
        prdc(cloud(5), cloud(50))
    with pytest.raises(ValueError, match="needs two points or more"):
        fid(cloud(50), cloud(1))


def test_class_figures():
    even = torch.full((4,), 0.25, dtype=torch.float64)
    shares = class_shares(torch.tensor([0, 0, 0, 1]), 4)
    assert shares.tolist() == [0.75, 0.25, 0, 0]
    assert total_variation(even, even) == 0
    assert total_variation(shares, even) == 0.5
    assert total_variation(torch.tensor([1.0, 0]), torch.tensor([0, 1.0])) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        torch.full((100,), 0.01, dtype=torch.float64),
        torch.tensor([0] + [1 / 26] * 26, dtype=torch.float64),
        torch.tensor([0.497, 0.496, 0.007], dtype=torch.float64),
    ],
    ids=["100 even classes", "26 classes with labels from 1", "14 of 2,000"],
)
def test_a_class_counts_by_a_part_of_its_own_share(wanted):
    there = int((wanted > 0).sum())
    assert classes_present(wanted, wanted) == there
    for share, lost in ((0.19, 1), (0.21, 0)):
        shares = wanted.clone()
        shares[-1] *= share
        assert classes_present(shares, wanted) == there - lost


def test_the_reference_has_no_more_images_than_there_are(tmp_path):
    train, test = bars(300, seed=0, side=12), bars(200, seed=1, side=12)
    classifier = load_classifier(train, test, tmp_path, QUICK)
    assert reference_values(classifier, train, test, n=10_000).n == 200
    real = reference_values(classifier, train, test, n=150)
    with pytest.raises(ValueError, match="149 samples cannot be measured against 150 images"):
        measure(classifier, to_float(test.pixels[:149]), real)
