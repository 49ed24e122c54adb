"""A data set of your own: a class and conf/data/discs.yaml, with colours and a size of its own.

    cd examples && python -m lab --config-dir conf task=gan data=discs max_steps=300

Both networks, the classifier, the metrics and the pictures take size and colours from the images.
"""

import numpy as np

from lab.images.base import Arrays, DataSet, Split

CLASSES = ("red", "green", "blue")


class Discs(DataSet):
    """A disc in one of three colours somewhere on a dark ground.

    Args:
        size: height and width of the images in pixels.
        train_count, test_count: images in the two splits.

    Raises:
        ValueError: the images are too small for a disc.
    """

    def __init__(self, size: int = 32, train_count: int = 600, test_count: int = 120) -> None:
        if size < 12:
            raise ValueError(f"size={size} is not allowed: expected at least 12")
        self.size, self.counts = size, {"train": train_count, "test": test_count}

    def arrays(self, split: Split) -> Arrays:
        """Draw one split: pixels uint8 [N, H, W, 3], labels [N] and the names of the classes."""
        random = np.random.default_rng(0 if split == "train" else 1)
        count = self.counts[split]
        labels = np.arange(count) % len(CLASSES)
        centres = random.uniform(5, self.size - 5, (2, count, 1, 1))
        rows, columns = np.mgrid[: self.size, : self.size]
        inside = np.hypot(rows - centres[0], columns - centres[1]) < 4  # [N, H, W]
        pixels = random.integers(0, 30, (count, self.size, self.size, 3))
        pixels[inside, labels.repeat(inside.sum((1, 2)))] += 200
        return Arrays(pixels.astype(np.uint8), labels, CLASSES)
