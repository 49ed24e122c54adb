"""Metrics of a conditional generator: are the images of the class that was asked for, and how good?

They are computed from the classifier's labels and features.
"""

from typing import Any

import torch
from torch import Tensor

from lab.images.classifier import Readings
from lab.images.quality import fid

# With fewer real or generated images of a class, its FID would be mostly bias.
ENOUGH = 100


def read_as_asked(read: Tensor, asked: Tensor) -> float:
    """The share of images that the classifier reads as the class that was asked for.

    Args:
        read, asked: labels int64 [N].
    """
    return float((read == asked).double().mean())


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
        for each class with at least ENOUGH images of each kind: its name `class`; `read_as_asked`;
        `fid`; `real_fid`, that of training images; and `n`, how many images each FID compares with
        as many.
    """
    figures = []
    for label, name in enumerate(classes):
        real, known, own = (
            features[labels.to(features.device) == label]
            for features, labels in (test, train, (made.features, asked))
        )
        n = min(map(len, (real, known, own)))
        if n < ENOUGH:
            continue
        figure = {
            "class": name,
            "read_as_asked": read_as_asked(
                made.labels[asked == label], torch.full((len(own),), label, device=asked.device)
            ),
            "fid": fid(real[:n], own[:n]),
            "real_fid": fid(real[:n], known[:n]),
            "n": n,
        }
        figures.append(figure)
    return figures
