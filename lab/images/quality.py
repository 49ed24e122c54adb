"""The quality of generated images: metrics from the classifier's features and labels.

The FID here uses the classifier's features, not Inception's. Compare it only with an FID of the
same classifier and the same number of images; the FID of real images is its reference value.
Everything is computed in float64 on the CPU, whatever the device of the images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lab.images.classifier import Classifier, Readings
from lab.images.datasets import Images, fixed_subset, to_float

NEIGHBOURS = 5
# A class counts as made if its share of the samples exceeds this part of its share of the
# training images.
PRESENT = 0.2
# A sample is clear if the classifier gives one class a probability above this.
CLEAR = 0.95
# With fewer real or generated images of a class, its FID would be mostly bias.
ENOUGH = 100
# The number of samples behind published results on stacked MNIST.
SAMPLES = 25_600
ROWS = 250  # of distances at a time; more are slower, as malloc then asks the system each time


def prdc(
    real: Tensor, fake: Tensor, k: int = NEIGHBOURS, real_radii: Tensor | None = None
) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage.

    All four as in Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
    Models". A point lies within another's ball if it is nearer than that one's k-th neighbour.
    `precision` and `recall` are the shares of generated points that lie among the real ones, and of
    real points among the generated ones. `density` says how dense the real points are around
    generated ones: 1 if as around each other. `coverage` is the share of real points with a
    generated one among their neighbours.

    Args:
        real: features [N, D].
        fake: features [M, D].
        k: neighbours, the point itself not counted.
        real_radii: what `radii(real, k)` gives, if it is known already.

    Raises:
        ValueError: there are not more than k points.
    """
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"{k} neighbours need more than {len(real)} and {len(fake)} points")
    real, fake = real.cpu().double(), fake.cpu().double()
    real_radii = radii(real, k) if real_radii is None else real_radii
    fake_radii = radii(fake, k)
    in_real = torch.zeros(len(fake))  # the number of real balls that hold each generated point
    recalled, covered = [], []
    for rows, balls in zip(real.split(ROWS), real_radii.split(ROWS), strict=True):
        distances = torch.cdist(rows, fake)  # [R, M]
        inside = distances < balls[:, None]
        in_real += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distances < fake_radii).any(1))
    return {
        "precision": (in_real > 0).double().mean().item(),
        "recall": torch.cat(recalled).double().mean().item(),
        "density": (in_real.double().mean() / k).item(),
        "coverage": torch.cat(covered).double().mean().item(),
    }


def distance_to_real(real: Tensor, fake: Tensor, k: int = NEIGHBOURS) -> Tensor:
    """The mean distance [M] of each generated point to its k nearest real points.

    Args:
        real: features [N, D].
        fake: features [M, D].
        k: the number of neighbours.
    """
    distances = torch.cdist(fake.cpu().double(), real.cpu().double())  # [M, N]
    return distances.topk(min(k, len(real)), largest=False).values.mean(1)


def radii(points: Tensor, k: int = NEIGHBOURS) -> Tensor:
    """The distance [N] of each point [N, D] to its k-th neighbour."""
    points = points.cpu().double()
    parts = []
    for begin in range(0, len(points), ROWS):
        distances = torch.cdist(points[begin : begin + ROWS], points)  # [R, N]
        distances.diagonal(begin).fill_(torch.inf)  # a point is not its own neighbour
        parts.append(distances.topk(k, largest=False).values[:, -1])
    return torch.cat(parts)


def fid(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance of two sets of features [N, D] and [M, D], taken as Gaussians.

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6.

    Raises:
        ValueError: either set has fewer than two points.
    """
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"an FID needs two points or more, not {len(real)} and {len(fake)}")
    real_mean, real_cov = _gaussian(real)
    fake_mean, fake_cov = _gaussian(fake)
    between = (real_mean - fake_mean).square().sum()
    roots = torch.linalg.eigvals(real_cov @ fake_cov).sqrt().real.sum()
    return float(between + (real_cov.trace() + fake_cov.trace()) - 2 * roots)


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean [D] and the covariance [D, D] of features [N, D]."""
    features = features.cpu().double()
    n = len(features)
    mean = features.sum(0) / n
    products = features.T @ features - n * (mean[:, None] @ mean[None])
    return mean, products / (n - 1)


def fid_bias(features: Tensor, n: int, m: int) -> float:
    """The expected FID of n and m points that come from the same Gaussian.

    With the eigenvalues l of the covariance and to first order in s = 1/n + 1/m, the means give
    s sum_i l_i, and the covariances give s/2 (sum_{i != j} l_i l_j / (l_i + l_j) + sum_i l_i).

    Args:
        features: features of real images [N, D], as many as there are.
        n, m: the number of points in each set.
    """
    l = torch.linalg.eigvalsh(torch.cov(features.cpu().double().T)).clamp(min=0)  # noqa: E741
    s = 1 / n + 1 / m
    sums = l[:, None] + l[None, :]
    pairs = torch.where(sums > 0, l[:, None] * l[None, :] / sums, 0)  # [D, D]
    between_axes = pairs.sum() - pairs.trace()
    return float(s * l.sum() + s / 2 * (between_axes + l.sum()))


def class_shares(labels: Tensor, classes: int) -> Tensor:
    """The share of each class [K] among labels int64 [N]."""
    return torch.bincount(labels.cpu(), minlength=classes).double() / len(labels)


def total_variation(shares: Tensor, wanted: Tensor) -> float:
    """The total variation distance of two distributions [K]: 0 if equal, 1 if disjoint."""
    return float((shares - wanted).abs().sum() / 2)


def classes_present(shares: Tensor, wanted: Tensor) -> int:
    """The number of classes that are made: each has more than PRESENT of its wanted share.

    Args:
        shares: the classes' shares of the samples [K].
        wanted: the classes' shares of the training images [K]; a class at 0 is not counted.
    """
    return int(((wanted > 0) & (shares > PRESENT * wanted)).sum())


@dataclass(frozen=True, eq=False)
class ReferenceValues:
    """Real images as the classifier reads them, and what real images score.

    Args:
        features: of n test images [n, D].
        radii: of the same, [n].
        trained_on: features of n training images [n, D].
        shares: of the classes among the training images [K].
        floor: the FID of n training images.
        bias: of the FID at n.
        ceilings: precision and its fellows of n training images.
        classes: how many classes n training images show.
    """

    features: Tensor
    trained_on: Tensor
    radii: Tensor
    shares: Tensor
    floor: float
    bias: float
    ceilings: Mapping[str, float]
    classes: int

    @property
    def n(self) -> int:
        """The number of real images that are compared with as many generated ones."""
        return len(self.features)


def reference_values(
    classifier: Classifier, train: Images, test: Images, n: int
) -> ReferenceValues:
    """Compute the reference values for generated images.

    Args:
        classifier: the classifier of this data set.
        train: the training images, with labels.
        test: the test images, which neither generator nor classifier has seen.
        n: the number of images to compare; fewer if a split has fewer.

    Raises:
        ValueError: a split has NEIGHBOURS images or fewer.
    """
    n = min(n, len(train), len(test))
    real, train_readings = (read_some(classifier, images, n) for images in (test, train))
    assert train.labels is not None
    shares = class_shares(train.labels, len(train.classes))
    real_radii = radii(real.features)
    return ReferenceValues(
        features=real.features,
        trained_on=train_readings.features,
        radii=real_radii,
        shares=shares,
        floor=fid(real.features, train_readings.features),
        bias=fid_bias(real.features, n, n),
        ceilings=prdc(real.features, train_readings.features, real_radii=real_radii),
        classes=classes_present(class_shares(train_readings.labels, len(train.classes)), shares),
    )


def read_some(classifier: Classifier, images: Images, n: int) -> Readings:
    """Read n images: see `fixed_subset`."""
    device = next(classifier.parameters()).device
    return classifier.read(to_float(images.pixels[fixed_subset(len(images), n)].to(device)))


def measure(classifier: Classifier, samples: Tensor, real: ReferenceValues) -> Mapping[str, float]:
    """Compute all quality metrics of generated images.

    Args:
        classifier: the classifier of the reference values.
        samples: generated images [real.n, C, H, W] in [-1, 1], on the classifier's device.
        real: the reference values.

    Returns:
        n; fid, fid_bias, training_fid (against training images), precision, recall, density,
        coverage; classes (see `classes_present`); class_tv (the total variation distance between
        the classes of the samples and of the training images); clear (the share of clear samples);
        and real_fid, real_precision etc., the metrics of real images.

    Raises:
        ValueError: another number of samples than of real images.
    """
    if len(samples) != real.n:
        raise ValueError(f"{len(samples)} samples cannot be measured against {real.n} images")
    readings = classifier.read(samples)
    shares = class_shares(readings.labels, len(classifier.classes))
    return {
        "n": real.n,
        "fid": fid(real.features, readings.features),
        "fid_bias": real.bias,
        "training_fid": fid(real.trained_on, readings.features),
        **prdc(real.features, readings.features, real_radii=real.radii),
        "classes": classes_present(shares, real.shares),
        "class_tv": total_variation(shares, real.shares),
        "clear": float((readings.confidence > CLEAR).float().mean()),
        "real_fid": real.floor,
        **{f"real_{name}": value for name, value in real.ceilings.items()},
        "real_classes": real.classes,
    }


def class_accuracy(read: Tensor, asked: Tensor, of: Tensor | slice = slice(None)) -> float:
    """The share of images that the classifier reads as the class that was asked for.

    Args:
        read, asked: labels int64 [N].
        of: which of the images count.
    """
    return float((read == asked)[of].double().mean())


def within_classes(
    made: Readings,
    asked: Tensor,
    test: tuple[Tensor, Tensor],
    train: tuple[Tensor, Tensor],
    classes: tuple[str, ...],
) -> list[dict[str, Any]]:
    """The metrics within each class.

    Args:
        made: the classifier's outputs for N generated images.
        asked: the classes that were asked for, int64 [N].
        test: features [M, D] and labels [M] of the real images to compare with.
        train: features and labels of the real images that give the reference value.
        classes: the names of the classes.

    Returns:
        for each class with at least ENOUGH images of each kind: its name `class`; `class_accuracy`;
        `fid`; `real_fid`, that of training images; and `n`, how many images each FID compares with
        as many.
    """
    metrics = []
    for label, name in enumerate(classes):
        real, known, own = (
            features[labels.to(features.device) == label]
            for features, labels in (test, train, (made.features, asked))
        )
        n = min(map(len, (real, known, own)))
        if n < ENOUGH:
            continue
        metrics.append({
            "class": name,
            "class_accuracy": class_accuracy(made.labels, asked, asked == label),
            "fid": fid(real[:n], own[:n]),
            "real_fid": fid(real[:n], known[:n]),
            "n": n,
        })  # fmt: skip
    return metrics


def count_modes(labels: Tensor, modes: int) -> tuple[int, float]:
    """The number of modes with at least one sample, and the KL divergence of their distribution
    from the uniform one, in nats.

    Args:
        labels: the classes that are read in the samples, int64 [N].
        modes: the number of modes that exist.
    """
    counts = torch.bincount(labels.cpu(), minlength=modes).double()
    shares = counts[counts > 0] / len(labels)
    return len(shares), float((shares * (shares * modes).log()).sum())
