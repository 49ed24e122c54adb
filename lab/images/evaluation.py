"""A run's classifier and reference values, and the quality of its generator."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from lab.images.classifier import Classifier, classifier_of
from lab.images.datasets import Data, Images, first_or_fixed, fixed_subset, to_float
from lab.images.quality import (
    NEIGHBOURS,
    SAMPLES,
    ReferenceValues,
    class_accuracy,
    count_modes,
    measure,
    read_some,
    reference_values,
    within_classes,
)

PART = 2560  # the number of images that are in memory at a time


def why_not_measured(data: Data) -> str:
    """Why the quality of generators cannot be measured with these images; empty if it can."""
    if data.train.labels is None or data.test.labels is None:
        return "no labels"
    if len(data.train.classes) < 2:
        return "only one class"
    fewest = min(len(data.train), len(data.test))
    return f"only {fewest} images in a split" if fewest <= NEIGHBOURS else ""


class QualityEvaluator:
    """Measures the quality of generators for one data set.

    Args:
        data: the data set; `why_not_measured` must be empty for it.
        device: the device of the generators.
    """

    def __init__(self, data: Data, device: str) -> None:
        self._data = data
        self.classifier: Classifier = classifier_of(data).to(device)
        self.reference_values: Callable[[int], ReferenceValues] = cache(
            partial(reference_values, self.classifier, data.train, data.test)
        )

    @property
    def features(self) -> int:
        """D, the number of the classifier's features."""
        return self.classifier.feature_count

    def measure(self, samples: Tensor) -> Mapping[str, float]:
        """Return the metrics of generated images, float [N, C, H, W] in [-1, 1].

        If there are fewer than N training or test images, as many generated images are measured.
        """
        real = self.reference_values(len(samples))
        return measure(self.classifier, samples[: real.n], real)

    def modes(self, make: Callable[[int], Tensor]) -> Mapping[str, float]:
        """Return the modes found in SAMPLES generated images and their KL, and those of real
        images.

        Args:
            make: returns so many generated images, float [n, C, H, W] in [-1, 1].
        """
        of_samples = [self.classifier.read(make(PART)).labels for _ in range(SAMPLES // PART)]
        device = next(self.classifier.parameters()).device
        indices = first_or_fixed(self._data.train, SAMPLES)
        of_real = [
            self.classifier.read(to_float(self._data.train.pixels[part].to(device))).labels
            for part in indices.split(PART)
        ]
        count = len(self.classifier.classes)
        modes, kl = count_modes(torch.cat(of_samples), count)
        real_modes, real_kl = count_modes(torch.cat(of_real), count)
        return {"modes": modes, "mode_kl": kl, "modes_n": SAMPLES,
                "real_modes": real_modes, "real_mode_kl": real_kl}  # fmt: skip

    def class_accuracy(self, samples: Tensor, asked: Tensor) -> float:
        """The share of images [N, C, H, W] that are read as the asked classes, int64 [N]."""
        return class_accuracy(self.classifier.read(samples).labels, asked)

    def within_classes(self, samples: Tensor, asked: Tensor) -> list[dict[str, Any]]:
        """The metrics within each class: see `quality.within_classes`."""
        readings = self.classifier.read(samples)
        test, train = (
            self._read(images, len(samples)) for images in (self._data.test, self._data.train)
        )
        return within_classes(readings, asked, test, train, self.classifier.classes)

    def _read(self, images: Images, n: int) -> tuple[Tensor, Tensor]:
        """Features and labels of n real images drawn always alike."""
        assert images.labels is not None
        readings = read_some(self.classifier, images, n)
        return readings.features, images.labels[fixed_subset(len(images), n)]


@torch.no_grad()
def held_out_auc(
    discriminator: nn.Module, images: Images, generated: Tensor, asked: Tensor | None = None
) -> float:
    """The area under the ROC curve of a discriminator on test images and generated images.

    It is the share of pairs of a real and a generated image in which the real one has the larger
    logit: 0.5 if the discriminator cannot tell them apart, 1 if it always can. It needs no
    threshold, so it is defined for every loss.

    Args:
        discriminator: the discriminator, in evaluation mode.
        images: real images that were never trained on; N are used, see `first_or_fixed`.
        generated: generated images, float [N, C, H, W] in [-1, 1].
        asked: the classes that were asked for, int64 [N]; None if not conditional.
    """
    indices = first_or_fixed(images, len(generated))
    real = to_float(images.pixels[indices].to(generated.device))
    if asked is None:
        logits = torch.cat([discriminator(real), discriminator(generated)])
    else:
        assert images.labels is not None
        labels = images.labels[indices].to(asked.device)
        logits = torch.cat([discriminator(real, labels), discriminator(generated, asked)])
    is_real = torch.cat([torch.ones(len(real)), torch.zeros(len(generated))])
    return area_under_roc(logits.float().cpu(), is_real.bool())


def area_under_roc(logits: Tensor, is_real: Tensor) -> float:
    """The area under the ROC curve, by the trapezoidal rule.

    Args:
        logits: float [N]; ranked as they are, since a sigmoid would make all above 17 or so equal.
        is_real: bool [N], with some of either kind.
    """
    scores, order = logits.sort(descending=True)
    # The curve has a point for each score that occurs, however often it does.
    last_of_each = torch.cat([scores[1:] != scores[:-1], torch.ones(1, dtype=torch.bool)])
    hits = is_real[order].cumsum(0)[last_of_each]
    alarms = (~is_real[order]).cumsum(0)[last_of_each]
    hits, alarms = (torch.cat([torch.zeros_like(part[:1]), part]) for part in (hits, alarms))
    return float(torch.trapezoid(hits / hits[-1], alarms / alarms[-1]))
