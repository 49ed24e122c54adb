"""The images of the study: in memory as bytes, batches by indexing."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lab.config.errors import UserError
from lab.images.cache import default_cache
from lab.images.download import PUBLISHED, Split, published_arrays
from lab.images.folder import folder_arrays

FASHION = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
)  # fmt: skip
KUZUSHIJI = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
DIGITS = tuple("0123456789")
CLASS_NAMES = {"fashion_mnist": FASHION, "kmnist": KUZUSHIJI}


@dataclass(frozen=True, eq=False)
class Images:
    """One split of a data set.

    Args:
        name: of the data set.
        pixels: uint8 [N, 28, 28]; 0 is the background, 255 the pen.
        labels: int64 [N], the index in `classes`; None where the data has none.
        classes: their names; empty where there are no labels.
        checksum: sha256 of pixels, labels and classes.
    """

    name: str
    pixels: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    checksum: str

    def __len__(self) -> int:
        return len(self.pixels)


def load(
    name: str, split: Split, cache: Path | None = None, root: str | Path | None = None
) -> Images:
    """One split of a data set, from the cache, the network or the user's folder.

    Args:
        name: mnist, fashion_mnist, kmnist, emnist_digits or folder.
        split: train or test.
        cache: where published data sets are kept; `default_cache()` if None.
        root: the user's folder, for `folder` alone; `folder_arrays` says what it may hold.

    Raises:
        UserError: the data cannot be had or is not of grey images 28x28.
    """
    pixels: np.ndarray
    labels: np.ndarray | None
    if name == "folder":
        if root is None:
            raise UserError("data=folder needs data.root=PATH, the folder of the images")
        pixels, labels, classes = folder_arrays(Path(root).expanduser(), split)
    elif name in PUBLISHED:
        pixels, labels = published_arrays(PUBLISHED[name], split, cache or default_cache())
        classes = CLASS_NAMES.get(name, DIGITS)
    else:
        raise ValueError(f"data={name}: expected folder or one of {', '.join(PUBLISHED)}")
    if name == "emnist_digits":
        # Its files hold every image with rows and columns exchanged.
        pixels = pixels.transpose(0, 2, 1)
    return Images(
        name=name,
        pixels=torch.tensor(pixels),
        labels=None if labels is None else torch.tensor(labels, dtype=torch.int64),
        classes=classes,
        checksum=_checksum(pixels, labels, classes),
    )


def _checksum(pixels: np.ndarray, labels: np.ndarray | None, classes: tuple[str, ...]) -> str:
    digest = hashlib.sha256(repr((pixels.shape, classes)).encode())
    digest.update(pixels.tobytes())
    if labels is not None:
        digest.update(labels.astype(np.int64).tobytes())
    return digest.hexdigest()


def to_float(pixels: Tensor) -> Tensor:
    """Bytes uint8 [..., 28, 28] as float32 [..., 1, 28, 28] in [-1, 1], on the same device."""
    return pixels.unsqueeze(-3).float().div_(127.5).sub_(1)


class Batches:
    """Endless batches, each epoch in a new random order; the odd images at its end are left out.

    Args:
        pixels: uint8 [N, 28, 28], on the device that the batches are to be on.
        batch_size: of each batch.
        generator: of the order, on the CPU, so that the order is the same on every device.

    Raises:
        UserError: a batch would be larger than the data, or empty.
    """

    def __init__(self, pixels: Tensor, batch_size: int, generator: torch.Generator) -> None:
        if not 1 <= batch_size <= len(pixels):
            raise UserError(
                f"batch_size={batch_size}: expected 1 to {len(pixels)}, the number of images"
            )
        self._pixels, self._batch_size, self._generator = pixels, batch_size, generator
        self.steps_per_epoch = len(pixels) // batch_size
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self._generator.get_state()
        order = torch.randperm(len(self._pixels), generator=self._generator)
        self._order = order.to(self._pixels.device)
        self._step = 0

    def next(self) -> Tensor:
        """The next batch, float32 [B, 1, 28, 28] in [-1, 1]."""
        if self._step == self.steps_per_epoch:
            self._shuffle()
        begin = self._step * self._batch_size
        self._step += 1
        return to_float(self._pixels[self._order[begin : begin + self._batch_size]])

    def state_dict(self) -> dict[str, Tensor | int]:
        # The order follows from the generator as it was before: 5 kB instead of 8 bytes an image.
        return {"generator": self._before, "step": self._step, "images": len(self._pixels)}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Go on from what `state_dict` gave, bit for bit.

        Raises:
            UserError: the state is of another number of images.
        """
        generator, step, images = state["generator"], state["step"], state["images"]
        assert isinstance(generator, Tensor)
        assert isinstance(step, int)
        if images != len(self._pixels):
            raise UserError(
                f"the run began with {images} images, now there are {len(self._pixels)}: "
                "put the data back, or start over with fresh=true"
            )
        self._generator.set_state(generator)
        self._shuffle()
        self._step = step
