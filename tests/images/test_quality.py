"""The figures against formulas and brute force in float64, and on clouds whose answer is known."""

import pytest
import torch

from lab.images.classifier import Readings, load_classifier
from lab.images.datasets import Images, to_float
from lab.images.evaluation import area_under_roc, held_out_auc
from lab.images.quality import (
    class_accuracy,
    class_shares,
    classes_present,
    fid,
    fid_bias,
    measure,
    prdc,
    radii,
    read_some,
    reference_values,
    total_variation,
    within_classes,
)
from tests.images.small_data import QUICK, bars


def cloud(n, d=6, seed=0, scale=1.0, shift=0.0):
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    points = torch.randn(n, d, generator=random, dtype=torch.float64) @ mixing
    return (scale * points + shift).float()


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T


def reference_fid(real, fake):
    """tr((A^1/2 B A^1/2)^1/2), whose matrices are symmetric, for tr((AB)^1/2)."""
    real, fake = real.double(), fake.double()
    a, b = torch.cov(real.T), torch.cov(fake.T)
    middle = root(root(a) @ b @ root(a)).trace()
    return (
        (real.mean(0) - fake.mean(0)).square().sum() + a.trace() + b.trace() - 2 * middle
    ).item()


def reference_prdc(real, fake, k):
    """Loops over points and sorted distances, as the definitions read."""
    real, fake = real.double(), fake.double()

    def radii(points):
        return [sorted((p - q).norm().item() for q in points)[k] for p in points]  # [0] is itself

    real_radii, fake_radii = radii(real), radii(fake)
    apart = [[(x - y).norm().item() for y in fake] for x in real]
    n, m = len(real), len(fake)
    in_real = [sum(apart[i][j] < real_radii[i] for i in range(n)) for j in range(m)]
    return {
        "precision": sum(count > 0 for count in in_real) / m,
        "recall": sum(any(apart[i][j] < fake_radii[j] for j in range(m)) for i in range(n)) / n,
        "density": sum(in_real) / (k * m),
        "coverage": sum(any(apart[i][j] < real_radii[i] for j in range(m)) for i in range(n)) / n,
    }


@pytest.mark.parametrize(
    "fake", [cloud(300, seed=1), cloud(200, seed=1, scale=1.5), cloud(250, seed=1, shift=2.0)]
)
def test_fid_against_the_formula(fake):
    real = cloud(400)
    assert fid(real, fake) == pytest.approx(reference_fid(real, fake), rel=1e-8)


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
    assert fid(real, fake) == pytest.approx(reference_fid(real, fake), rel=1e-4)


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
def test_prdc_against_brute_force(fake, k):
    real = cloud(50)
    assert prdc(real, fake, k) == pytest.approx(reference_prdc(real, fake, k))


def test_prdc_in_parts_is_prdc_at_once(monkeypatch):
    real, fake = cloud(120), cloud(90, seed=1)
    whole = prdc(real, fake)
    monkeypatch.setattr("lab.images.quality.ROWS", 7)
    assert prdc(real, fake) == whole


def test_prdc_tells_a_lost_mode_from_bad_samples():
    two_modes = torch.cat([cloud(200), cloud(200, seed=1, shift=100.0)])
    lost = prdc(two_modes, cloud(400, seed=2))
    assert lost["precision"] > 0.9
    assert lost["recall"] < 0.55
    assert lost["coverage"] < 0.55
    bad = prdc(two_modes, cloud(400, seed=3, shift=1000.0))
    assert (bad["precision"], bad["density"], bad["coverage"]) == (0, 0, 0)


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


@pytest.fixture(scope="module")
def measured_by(tmp_path_factory):
    train, test = bars(300, seed=0), bars(200, seed=1)
    classifier = load_classifier(train, test, tmp_path_factory.mktemp("cache"), QUICK)
    return classifier, train, test, reference_values(classifier, train, test, n=150)


def test_new_real_images_score_like_the_reference_values(measured_by):
    classifier, train, _, real = measured_by
    figures = measure(classifier, to_float(bars(150, seed=2).pixels), real)
    assert figures["n"] == real.n == 150
    samples = classifier.read(to_float(bars(150, seed=2).pixels)).features
    known = read_some(classifier, train, 150).features
    assert figures["training_fid"] == fid(known, samples) != figures["fid"]
    assert real.floor / 3 < figures["fid"] < 3 * real.floor
    assert figures["real_fid"] == real.floor
    assert figures["fid_bias"] == real.bias
    for name in ("precision", "recall", "density", "coverage"):
        assert figures[name] == pytest.approx(figures[f"real_{name}"], abs=0.15)
    assert figures["class_tv"] == 0
    assert figures["classes"] == figures["real_classes"] == 3
    assert figures["clear"] > 0.9


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


def test_a_lost_class_and_noise_are_seen(measured_by):
    classifier, _, _, real = measured_by
    two_of_three = measure(classifier, to_float(bars(150, seed=2, classes=2).pixels), real)
    assert two_of_three["classes"] == 2
    assert two_of_three["class_tv"] == pytest.approx(1 / 3)
    assert two_of_three["recall"] < 0.75
    noise = torch.rand(150, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noisy = measure(classifier, noise, real)
    assert min(noisy["fid"], two_of_three["fid"]) > 10 * real.floor
    assert noisy["precision"] < 0.1


def test_the_neighbours_of_the_real_images_are_found_once(measured_by, monkeypatch):
    classifier, _, _, real = measured_by
    samples = to_float(bars(150, seed=2).pixels)
    wanted = prdc(real.features, classifier.read(samples).features)
    sought = []
    monkeypatch.setattr(
        "lab.images.quality.radii", lambda points, k: sought.append(points) or radii(points, k)
    )
    found = measure(classifier, samples, real)
    assert len(sought) == 1
    assert not torch.equal(sought[0].float(), real.features)
    assert {name: found[name] for name in wanted} == wanted


def test_the_reference_has_no_more_images_than_there_are(measured_by):
    classifier, train, test, real = measured_by
    assert reference_values(classifier, train, test, n=10_000).n == 200
    with pytest.raises(ValueError, match="149 samples cannot be measured against 150 images"):
        measure(classifier, to_float(bars(149, seed=2).pixels), real)


def readings(labels: torch.Tensor, features: torch.Tensor) -> Readings:
    return Readings(torch.nn.functional.one_hot(labels, 3).float(), features)


def test_the_share_class_accuracy_is_a_count():
    read, asked = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2])
    assert class_accuracy(read, asked) == 0.75


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
    assert of_a["class_accuracy"] == pytest.approx(0.9, abs=0.002)
    assert of_b["class_accuracy"] == 1
    zeros = labels == 0
    assert of_a["fid"] == pytest.approx(fid(test[zeros], made[zeros]))
    assert of_a["real_fid"] == pytest.approx(fid(test[zeros], train[zeros]))
    assert of_b["fid"] == pytest.approx(4 * 9, rel=0.1)
    assert of_b["real_fid"] < 0.1
