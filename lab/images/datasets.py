"""The images of a run. They are in memory as bytes, and batches are taken by indexing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lab.config.errors import UserError
from lab.images.base import (
    Arrays,
    Shape,
    joint_checksum,
    open_data_set,
    read_splits,
    split_checksum,
)


@dataclass(frozen=True, eq=False)
class Images:
    """One split of a data set.

    Args:
        name: the name of the data set.
        pixels: uint8 [N, C, H, W]; C is 1 (grey) or 3 (RGB); 0 is dark.
        labels: the index in `classes`, int64 [N]; None if the data have no labels.
        classes: the names of the classes; empty if there are no labels.
        checksum: the sha256 of pixels, labels and classes.
    """

    name: str
    pixels: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    checksum: str

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> Shape:
        """The shape of one image: C, H, W."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width


@dataclass(frozen=True, eq=False)
class Data:
    """Both splits of a data set.

    Args:
        train: the images that a run trains on.
        test: images that are never trained on.
        remark: what a user should know about the images, in one line; may be empty.
        channels_of: the data set whose images are the channels, if there is one.
    """

    train: Images
    test: Images
    remark: str
    channels_of: Mapping[str, Any] | None = None

    @property
    def checksum(self) -> str:
        """The sha256 of both splits."""
        return joint_checksum(self.train.checksum, self.test.checksum)


def load(component: Mapping[str, Any]) -> Data:
    """Load the images of a config's `data` group, from the cache, the network or a user's folder.

    Args:
        component: `_target_`, `name` and the data set's arguments.
    """
    source = open_data_set(component)
    train, test = read_splits(component, source)
    name = component["name"]
    return Data(_images(name, train), _images(name, test), source.remark, source.channels_of)


def _images(name: str, arrays: Arrays) -> Images:
    pixels = torch.tensor(arrays.pixels)
    grey = pixels.dim() == 3
    return Images(
        name=name,
        pixels=pixels.unsqueeze(1) if grey else pixels.movedim(-1, 1).contiguous(),
        labels=None if arrays.labels is None else torch.tensor(arrays.labels),
        classes=tuple(arrays.classes),
        checksum=split_checksum(arrays),
    )


def to_float(pixels: Tensor) -> Tensor:
    """Turn uint8 of any shape into float32 in [-1, 1], on the same device."""
    return pixels.float().div_(127.5).sub_(1)


def to_bytes(images: Tensor) -> Tensor:
    """Turn floats of any shape into uint8, clamped to [-1, 1]; the reverse of `to_float`."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def as_drawn(images: Tensor) -> Tensor:
    """Turn images [..., C, H, W] into [..., H, W], or [..., H, W, 3] if RGB, to draw or save."""
    return images.squeeze(-3) if images.shape[-3] == 1 else images.movedim(-3, -1)


def fixed_subset(count: int, n: int) -> Tensor:
    """Return random indices [n] below `count`, always the same: a split may be sorted by class."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:n]


def first_or_fixed(images: Images, n: int) -> Tensor:
    """Return indices [n]: the first images if their classes are mixed, else a `fixed_subset`.

    The first images give the numbers of all earlier runs on MNIST and its relatives. A split counts
    as mixed if neighbours have the same label hardly more often than in a random order.
    """
    if images.labels is not None and n < len(images):
        shares = images.labels.bincount().double() / len(images)
        equal = (images.labels[1:] == images.labels[:-1]).double().mean()
        if equal <= (1 + shares.square().sum()) / 2 and len(images.classes) > 1:
            return torch.arange(n)
    return fixed_subset(len(images), n)


class Batches:
    """Endless batches of one size; each epoch has a new random order and may leave out some images.

    Args:
        pixels: uint8 [N, C, H, W], on the device of the batches.
        batch_size: the number of images in a batch.
        generator: the random stream of the order, on the CPU, so that the order does not depend on
            the device.
    """

    def __init__(self, pixels: Tensor, batch_size: int, generator: torch.Generator) -> None:
        if not 1 <= batch_size <= len(pixels):
            raise UserError(
                f"batch_size={batch_size}: expected 1 to {len(pixels)}, the number of images"
            )
        self._pixels, self._batch_size, self._generator = pixels, batch_size, generator
        self.steps_per_epoch = len(pixels) // batch_size
        self.chosen: Tensor
        """The indices of the latest batch, int64 [B]."""
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self._generator.get_state()
        order = torch.randperm(len(self._pixels), generator=self._generator)
        self._order = order.to(self._pixels.device)
        self._step = 0

    def next(self) -> Tensor:
        """Return the next batch, float32 [B, C, H, W] in [-1, 1]."""
        if self._step == self.steps_per_epoch:
            self._shuffle()
        begin = self._step * self._batch_size
        self._step += 1
        self.chosen = self._order[begin : begin + self._batch_size]
        return to_float(self._pixels[self.chosen])

    def state_dict(self) -> dict[str, Any]:
        # The random stream before the shuffle gives the order: 5 kB instead of 8 bytes an image.
        return {"generator": self._before, "step": self._step, "images": len(self._pixels)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue, bit for bit, from a state that `state_dict` returned."""
        if state["images"] != len(self._pixels):
            raise UserError(
                f"the run began with {state['images']} images, but now there are "
                f"{len(self._pixels)}: restore the data, or start over with fresh=true"
            )
        self._generator.set_state(state["generator"])
        self._shuffle()
        self._step = state["step"]
