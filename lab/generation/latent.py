"""Interpolations and sums of z, and what the classifier reads in their images.

The functions are pure. A generator must be in evaluation mode.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.config.wording import listed
from lab.generation.players import latent_size
from lab.images.classifier import Classifier, Readings
from lab.images.datasets import to_float
from lab.images.quality import CLEAR, distance_to_real

STEPS_BETWEEN = 7
ROWS = 1000
ROOF_WEIGHT = 1.2  # S1 writes z_hybrid = z6 + 1.2 z_roof, where z_roof = z7 - z1


@torch.inference_mode()
def generate(
    generator: nn.Module, z: Tensor, labels: Tensor | None = None, batch_size: int = 500
) -> Tensor:
    """Return images [N, C, H, W] in [-1, 1] of any number of z [N, latent].

    A generator without Tanh may leave [-1, 1]. Its pixels are clamped here, once for metrics,
    pictures and files.

    Args:
        labels: of a conditional generator: classes, int64 [N], or shares of the classes [N, K].
    """
    if labels is None:
        return torch.cat([generator(part) for part in z.split(batch_size)]).clamp_(-1, 1)
    parts = zip(z.split(batch_size), labels.split(batch_size), strict=True)
    return torch.cat([generator(*part) for part in parts]).clamp_(-1, 1)


@torch.inference_mode()
def clamped_share(generator: nn.Module, z: Tensor, labels: Tensor | None = None) -> float:
    """The share of the pixels of a few images that `generate` clamps."""
    inputs = (z,) if labels is None else (z, labels)
    return float((generator(*inputs).abs() > 1).double().mean())


@dataclass(frozen=True, eq=False)
class Draws:
    """Samples of a generator and what the classifier reads in them.

    Args:
        z: [N, latent].
        readings: the classifier's outputs for their images.
        classes: the names of the classifier's classes.
    """

    z: Tensor
    readings: Readings
    classes: tuple[str, ...]

    def sure_of(self, label: int) -> Tensor:
        """Return the z [M, latent] whose images the classifier surely reads as this class."""
        return self.z[self._sure_of(label)]

    def most_real(self, label: int, real: Tensor) -> Tensor:
        """Return the z [latent] of a class's clear sample that is nearest to real images.

        Args:
            label: the label of the class.
            real: the classifier's features of real images [N, D].
        """
        mask = self._sure_of(label)
        return self.z[mask][distance_to_real(real, self.readings.features[mask]).argmin()]

    def _sure_of(self, label: int) -> Tensor:
        sure = self.readings.confidence > CLEAR
        mask = sure & (self.readings.labels == label)
        if not mask.any():
            counts = torch.bincount(self.readings.labels[sure], minlength=len(self.classes))
            classes = listed(
                f"{name} ({count})"
                for name, count in zip(self.classes, counts.tolist(), strict=True)
                if count
            )
            raise UserError(
                f"the generator makes no clear {self.classes[label]} in {len(self.z):,} samples; "
                f"it makes {classes or 'nothing that the classifier is sure of'}"
            )
        return mask


def draw(
    generator: nn.Module, classifier: Classifier, count: int, random: torch.Generator
) -> Draws:
    """Draw `count` samples from the standard normal prior; `random` is on the CPU."""
    device = next(classifier.parameters()).device
    z = torch.randn(count, latent_size(generator), generator=random).to(device)
    return Draws(z, classifier.read(generate(generator, z)), classifier.classes)


def interpolate(
    start: Tensor, end: Tensor, between: int = STEPS_BETWEEN, spherical: bool = False
) -> Tensor:
    """Interpolate from one z to another in equal steps, both ends included.

    Args:
        start, end: [..., latent].
        between: the number of points between the ends.
        spherical: rotate at constant speed (slerp: Shoemake 1985; White 2016, "Sampling Generative
            Networks"), since a straight line passes near the origin, where hardly any samples are.

    Returns:
        [..., between + 2, latent]; linear: (1 - a) start + a end.
    """
    a = torch.linspace(0, 1, between + 2, dtype=start.dtype, device=start.device)[:, None]
    start, end = start.unsqueeze(-2), end.unsqueeze(-2)  # [..., 1, latent]
    if not spherical:
        return (1 - a) * start + a * end
    lengths = start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True)
    first, last = start / lengths[0], end / lengths[1]
    angle = (first * last).sum(-1, keepdim=True).clamp(-1, 1).acos()
    turned = (((1 - a) * angle).sin() * first + (a * angle).sin() * last) / angle.sin()
    # If both ends have the same direction, the formula above gives 0/0.
    turned = torch.where(angle.sin() > 1e-6, turned, first)
    return torch.lerp(lengths[0], lengths[1], a) * turned


def closed_path(points: Tensor, between: int, spherical: bool = True) -> Tensor:
    """Return a path [M * (between + 1), latent] through M points [M, latent] and back to the first.

    The last step leads to the first point, which is not repeated.
    """
    legs = interpolate(points, points.roll(-1, 0), between, spherical)  # [M, between + 2, latent]
    return legs[:, :-1].flatten(0, 1)


def different_pairs(
    draws: Draws,
    count: int,
    random: torch.Generator,
    ends: tuple[int | None, int | None] = (None, None),
) -> tuple[Tensor, Tensor]:
    """Draw the first and the last z of W interpolations, [W, latent] each.

    They are sure samples of different classes.

    Args:
        draws: the samples to choose from.
        count: W.
        random: the random stream, on the CPU.
        ends: the labels of the first and the last class; None: any class.
    """
    for label in ends:
        if label is not None:
            draws.sure_of(label)
    sure = (draws.readings.confidence > CLEAR).nonzero().squeeze(1)
    labels = draws.readings.labels[sure].cpu()
    pools = [None if label is None else (labels == label).nonzero().squeeze(1) for label in ends]
    if len(labels.unique()) < 2:
        raise UserError("the generator makes clear samples of fewer than two classes")
    pairs = torch.empty(0, 2, dtype=torch.int64)
    while len(pairs) < count:
        more = torch.randint(len(sure), (count, 2), generator=random)
        for side, pool in enumerate(pools):
            if pool is not None:  # a class may be one of a thousand
                more[:, side] = pool[more[:, side] % len(pool)]
        pairs = torch.cat([pairs, more[labels[more[:, 0]] != labels[more[:, 1]]]])
    starts, ends = sure[pairs[:count].to(sure.device)].T
    return draws.z[starts], draws.z[ends]


def images_along(generator: nn.Module, paths: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return images [W, S, C, H, W] along paths [W, S, latent], with labels [W, S, K] or none."""
    shares = None if labels is None else labels.flatten(0, 1)
    return generate(generator, paths.flatten(0, 1), shares).unflatten(0, paths.shape[:2])


def read_along(classifier: Classifier, images: Tensor) -> Readings:
    """The classifier's logits [W, S, K] and features [W, S, D] of images [W, S, C, H, W]."""
    readings, shape = classifier.read(images.flatten(0, 1)), images.shape[:2]
    return Readings(readings.logits.unflatten(0, shape), readings.features.unflatten(0, shape))


def third_classes(labels: Tensor, classes: int, ends: Tensor | None = None) -> Tensor:
    """Which classes are read along paths and are neither of the two at the ends.

    Args:
        labels: int64 [W, S] along the paths, both ends included.
        classes: K.
        ends: int64 [2], the classes that the ends were asked to be; None: the classes read there.

    Returns:
        bool [W, K].
    """
    met = torch.zeros(len(labels), classes, dtype=torch.bool, device=labels.device)
    met.scatter_(1, labels, True)
    outer = labels[:, [0, -1]] if ends is None else ends.to(labels.device).expand(len(labels), 2)
    met.scatter_(1, outer, False)
    return met


def path_length(features: Tensor) -> Tensor:
    """The length [...] of paths [..., S, D] in the classifier's features."""
    return features.diff(dim=-2).norm(dim=-1).sum(-1)


def largest_step(features: Tensor) -> Tensor:
    """The share [...] of the length of paths [..., S, D] that the largest step has.

    It is 1 / (S - 1) if all steps are equal, and 1 if all of the change is in one step.
    """
    steps = features.diff(dim=-2).norm(dim=-1)
    return steps.amax(-1) / steps.sum(-1).clamp(min=torch.finfo(steps.dtype).tiny)


def sums(
    draws: Draws, plus: int, minus: int, base: int, count: int, random: torch.Generator
) -> Mapping[str, Tensor]:
    """Compute the sums of claim B9, 7 - 1 + 6, for N random triples of samples, z [N, latent].

    Args:
        draws: the samples to choose from.
        plus, minus, base: the labels, 7, 1 and 6 in S1.
        count: N; a sample may be in several triples.
        random: on the CPU.

    Returns:
        source_row: 0.2 z_base + 0.8 z_hybrid, with z_hybrid = z_base + 1.2 (z_plus - z_minus); the
        9 in the picture of S1 is there. difference: z_plus - z_minus, which S1 still reads as a 7.
        random_single, the null hypothesis: z_base + a random vector as long as the difference.
    """
    z_plus, z_minus, z_base = (
        z[torch.randint(len(z), (count,), generator=random).to(z.device)]
        for z in map(draws.sure_of, (plus, minus, base))
    )
    roof = z_plus - z_minus  # [N, latent]
    direction = torch.randn(roof.shape, generator=random).to(roof.device)
    direction = direction / direction.norm(dim=1, keepdim=True)
    return {
        "source_row": 0.2 * z_base + 0.8 * (z_base + ROOF_WEIGHT * roof),
        "difference": roof,
        "random_single": z_base + direction * roof.norm(dim=1, keepdim=True),
    }


def roof_rows(z_plus: Tensor, z_minus: Tensor, z_base: Tensor) -> Tensor:
    """The two rows of S1, [2, 9, latent]: from z_roof to z_base and from z_hybrid to z_base.

    Args:
        z_plus, z_minus, z_base: [latent], of a 7, a 1 and a 6 in S1.
    """
    roof = z_plus - z_minus
    starts = torch.stack([roof, z_base + ROOF_WEIGHT * roof])
    return interpolate(starts, z_base.expand_as(starts))


def nearest(images: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the indices of the nearest real images, int64 [M], and the distances, float [M].

    Args:
        images: a few generated images, float [M, C, H, W] in [-1, 1].
        pixels: the real images, uint8 [N, C, H, W]. Distances are Euclidean, in [-1, 1].
    """
    points = images.flatten(1)
    parts = [
        torch.cdist(points, to_float(part.to(points.device)).flatten(1))
        for part in pixels.split(ROWS)
    ]
    distances, indices = torch.cat(parts, dim=1).min(1)
    return indices, distances
