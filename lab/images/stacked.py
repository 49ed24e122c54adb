"""Stacked MNIST: three digits as the channels of an image, which gives 1,000 known modes.

Metz et al. 2017, "Unrolled Generative Adversarial Networks", use it to count lost modes.
"""

from itertools import product
from typing import ClassVar

import numpy as np

from lab.images.base import SPLITS, Arrays, DataSet, Split
from lab.images.published import DIGITS, MNIST, SIDE

# There are as many images as digits in each split of MNIST.
COUNTS = {"train": 60_000, "test": 10_000}
CLASSES = tuple("".join(digits) for digits in product(DIGITS, repeat=3))


class StackedMNIST(DataSet):
    """Three random digits of one split as red, green and blue, labelled 000 to 999.

    The choice of digits is always the same. The class takes no arguments.
    """

    can_change = False
    image_shape = (3, SIDE, SIDE)
    channels_of: ClassVar = {"_target_": "lab.images.published.MNIST", "name": "mnist"}

    def arrays(self, split: Split) -> Arrays:
        pixels, labels, _ = MNIST().arrays(split)
        assert labels is not None
        random = np.random.default_rng(SPLITS.index(split))
        chosen = random.integers(len(pixels), size=(COUNTS[split], 3))
        stacked = np.stack([pixels[channel] for channel in chosen.T], axis=-1)
        return Arrays(stacked, labels[chosen].astype(np.int64) @ [100, 10, 1], CLASSES)
