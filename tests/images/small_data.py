"""Small files in the published formats, and a data set that a classifier learns in a second."""

import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import torch

from lab.images.classifier import Recipe
from lab.images.datasets import Data, Images, load

QUICK = Recipe(channels=(4, 4, 8), features=16, steps=40, batch_size=32, peak_lr=0.02)
"""Of a classifier that is trained in a second."""
FOLDER = {"_target_": "lab.images.folder.Folder", "name": "folder"}

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def load_folder(root: object, **arguments: object) -> Data:
    """The images of `data=folder data.root=root`."""
    return load({**FOLDER, "root": str(root) if isinstance(root, Path) else root, **arguments})


def idx_bytes(array: np.ndarray) -> bytes:
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def random_arrays(train: int = 30, test: int = 10) -> list[np.ndarray]:
    """Images and labels of both splits, in the order of MNIST_FILES."""
    random = np.random.default_rng(0)
    arrays = []
    for count in (train, test):
        arrays.append(random.integers(0, 256, (count, 28, 28)).astype(np.uint8))
        arrays.append((np.arange(count) % 10).astype(np.uint8))
    return arrays


def write_raw_files(folder: Path, arrays: list[np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(MNIST_FILES, arrays, strict=True):
        (folder / name).write_bytes(idx_bytes(array))


def emnist_zip(arrays: list[np.ndarray]) -> bytes:
    """EMNIST's archive: images [N, 28, 28] are written with rows and columns exchanged."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for split, (images, labels) in zip(
            ("train", "test"), (arrays[:2], arrays[2:]), strict=True
        ):
            stem = f"gzip/emnist-digits-{split}"
            exchanged = idx_bytes(images.transpose(0, 2, 1))
            archive.writestr(f"{stem}-images-idx3-ubyte.gz", gzip.compress(exchanged))
            archive.writestr(f"{stem}-labels-idx1-ubyte.gz", gzip.compress(idx_bytes(labels)))
    return content.getvalue()


def bars(count: int, seed: int, classes: int = 3, side: int = 28) -> Images:
    """Noisy images whose class is where a bright bar stands."""
    bar = side // 6
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    pixels = torch.randint(0, 60, (count, side, side), generator=random, dtype=torch.uint8)
    for image, label in zip(pixels, labels.tolist(), strict=True):
        image[:, bar + 2 * bar * label :][:, :bar] += 180
    checksum = hashlib.sha256(pixels.numpy().tobytes()).hexdigest()
    return Images("bars", pixels.unsqueeze(1), labels, tuple("abc"[:classes]), checksum)


def write_bars(folder: Path, train: int, test: int, side: int = 28) -> None:
    """Write `bars` as the four raw files: so many images to train on and so many to test on."""
    arrays = []
    for split, count in enumerate((train, test)):
        images = bars(count, split, side=side)
        assert images.labels is not None
        arrays += [images.pixels[:, 0].numpy(), images.labels.numpy().astype(np.uint8)]
    write_raw_files(folder, arrays)
