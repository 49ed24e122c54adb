"""The images of single classes, and random batches with the same number of each."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lab.config.errors import UserError
from lab.images.datasets import Images

# An FID needs a covariance, and so at least two points.
FEWEST = 2


def class_images(images: Images, split: str, digits: Sequence[int]) -> list[Tensor]:
    """Return the images of each class, uint8 [n, D], in the order of `digits`."""
    if images.labels is None:
        raise UserError(f"data={images.name} has no labels: a GAN for each digit needs them")
    by_class = []
    for digit in digits:
        if digit >= len(images.classes):
            raise UserError(
                f"digits: there is no class {digit}; data={images.name} has 0 to "
                f"{len(images.classes) - 1}"
            )
        by_class.append(images.pixels[images.labels == digit].flatten(1))
        if len(by_class[-1]) < FEWEST:
            raise UserError(
                f"digits: class {digit} has {len(by_class[-1])} images in the {split} split of "
                f"data={images.name}, expected at least {FEWEST}"
            )
    return by_class


class ClassBatches:
    """Endless batches of random images of each class, without repetition within a batch.

    Args:
        images: the images of each of G classes, uint8 [n, D].
        digits: the classes, for messages.
        count: N, the number of images of each class in a batch.
        rngs: G random streams on the CPU.
        device: the device of the batches.
    """

    def __init__(
        self,
        images: Sequence[Tensor],
        digits: Sequence[int],
        count: int,
        rngs: Sequence[torch.Generator],
        device: str,
    ) -> None:
        for digit, of_class in zip(digits, images, strict=True):
            if len(of_class) < count:
                raise UserError(
                    f"images_per_epoch={count}: class {digit} has only {len(of_class)} images"
                )
        self._images = [of_class.to(device) for of_class in images]
        self._rngs = rngs
        self._bytes = torch.empty(
            (len(images), count, *images[0].shape[1:]), dtype=torch.uint8, device=device
        )
        # The buffer is reused, because new memory would cost more than the copying.
        self._batch = torch.empty_like(self._bytes, dtype=torch.float32)

    def next(self) -> Tensor:
        """Return the next batch, float32 [G, N, D] in [0, 1]; the following call overwrites it."""
        for images, rng, batch in zip(self._images, self._rngs, self._bytes, strict=True):
            order = torch.randperm(len(images), generator=rng)[: len(batch)]
            torch.index_select(images, 0, order.to(images.device), out=batch)
        return self._batch.copy_(self._bytes).mul_(1 / 255)

    def state_dict(self) -> dict[str, Any]:
        return {
            "rngs": [rng.get_state() for rng in self._rngs],
            "counts": [len(images) for images in self._images],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue, bit for bit, from a state that `state_dict` returned."""
        if state["counts"] != [len(images) for images in self._images]:
            raise UserError("the classes have other numbers of images than when the run began")
        for rng, saved in zip(self._rngs, state["rngs"], strict=True):
            rng.set_state(saved.cpu())
