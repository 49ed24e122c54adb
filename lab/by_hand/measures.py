"""The quality of the GANs of single classes, each compared with the images of its own class.

Generated pixels are at least 0 and may exceed 1. They are clipped to 1 to be read as images. The
share of pixels above 1 is a metric of its own.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lab.by_hand.batches import class_images
from lab.by_hand.gans import StackedGans
from lab.by_hand.study import COLUMNS
from lab.config.columns import logged
from lab.images.base import Shape
from lab.images.classifier import Classifier, classifier_of
from lab.images.datasets import Data, fixed_subset, to_float
from lab.images.quality import fid

METRICS = logged(COLUMNS)[2:]  # without the losses


def as_images(made: Tensor, shape: Shape) -> Tensor:
    """Turn generated pixels [..., C * H * W] into images [..., C, H, W] in [-1, 1]."""
    return made.clamp(max=1).mul(2).sub(1).unflatten(-1, shape)


class Measures:
    """Measures GANs of single classes, with the classifier of the whole data set.

    Args:
        data: the whole data set.
        digits: G classes.
        count: the number of samples of each digit; fewer if a class has fewer images.
        device: the device of the GANs.
    """

    def __init__(self, data: Data, digits: Sequence[int], count: int, device: str) -> None:
        known, unseen = (
            class_images(images, split, digits)
            for images, split in ((data.train, "train"), (data.test, "test"))
        )
        self.shape = data.train.shape
        self.classifier: Classifier = classifier_of(data).to(device)
        self.digits = torch.tensor(digits, device=device)
        self.count = min(count, *(len(images) for images in (*known, *unseen)))
        self._known, self._unseen = (
            torch.stack([images[fixed_subset(len(images), self.count)] for images in split])
            .to(device)
            .float()
            / 255
            for split in (known, unseen)
        )  # [G, count, D] each
        self.class_means = torch.stack([i.float().mean(0) for i in known]).to(device)  # [G, D]
        self._features = [self._features_of(images, device) for images in unseen]
        self.floors = [
            fid(real, self._features_of(images[fixed_subset(len(images), self.count)], device))
            for real, images in zip(self._features, known, strict=True)
        ]
        """The reference value of each digit: the FID of as many real training images."""

    def _features_of(self, images: Tensor, device: str) -> Tensor:
        return self.classifier.read(to_float(images.unflatten(1, self.shape).to(device))).features

    def measure(self, gans: StackedGans, z: Tensor) -> Mapping[str, list[float]]:
        """Return the metrics of each GAN, [G] each.

        Args:
            gans: G GANs, in the order of the digits.
            z: noise [G, count, L].

        Returns:
            classifier_accuracy: the share of the samples that the classifier reads as their digit.
            fid: the FID to all test images of the class.
            correlation: Pearson's r of the mean sample and the mean training image of the class.
            d_accuracy: D's accuracy on test images and as many samples.
            d_train_accuracy: D's accuracy on training images and as many samples.
            clipped_share: the share of the samples' pixels that are above 1.
        """
        pixels = gans.generate(z)  # [G, N, D]
        images = as_images(pixels, self.shape)
        readings = self.classifier.read(images.flatten(0, 1))
        labels, features = (
            part.unflatten(0, images.shape[:2]) for part in (readings.labels, readings.features)
        )
        refused = (gans.logits(pixels) < 0).double().mean((1, 2))
        accepted, train_accepted = (
            (gans.logits(real) > 0).double().mean((1, 2)) for real in (self._unseen, self._known)
        )
        mean_samples = pixels.clamp(max=1).mean(1)
        return {
            "classifier_accuracy": (labels == self.digits[:, None]).double().mean(1).tolist(),
            "fid": [fid(real, fake) for real, fake in zip(self._features, features, strict=True)],
            "correlation": _correlation(mean_samples, self.class_means).tolist(),
            "d_accuracy": ((refused + accepted) / 2).tolist(),
            "d_train_accuracy": ((refused + train_accepted) / 2).tolist(),
            "clipped_share": (pixels > 1).double().mean((1, 2)).tolist(),
        }


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's r of the rows of [G, D] and [G, D]; 0 if a row is constant."""
    a, b = (x.double() - x.double().mean(1, keepdim=True) for x in (a, b))
    return ((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-12)).clamp(-1, 1)
