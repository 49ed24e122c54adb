"""What a data set is: a class anywhere on the Python path that returns arrays, and a YAML file.

Also the idx format, in which MNIST and its relatives are published.

This module imports no torch, so that tools can read the images of a finished run without it.
"""

import gzip
import hashlib
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from lab.config.components import build, refuse_other_kind
from lab.config.errors import UserError

Split = Literal["train", "test"]
Shape = tuple[int, int, int]
SPLITS: tuple[Split, Split] = ("train", "test")
UNSIGNED_BYTE = 8  # the type in an idx file


class Arrays(NamedTuple):
    """One split of a data set.

    Args:
        pixels: uint8 [N, H, W] if grey, [N, H, W, 3] if RGB; 0 is dark.
        labels: the index in `classes`, integers [N]; None if the data have no labels.
        classes: the names of the classes, the same in both splits; empty if there are no labels.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    classes: Sequence[str] = ()


class DataSet(ABC):
    """Base class of all data sets.

    The constructor takes the arguments of the YAML file and refuses wrong ones with a ValueError.
    It reads and fetches nothing; `arrays` does that.
    """

    can_change: ClassVar[bool] = True
    """Whether the same arguments may give other images later; false if checksums are known."""

    image_shape: ClassVar[Shape | None] = None
    """C, H, W, if they are known before the images are read."""

    channels_of: ClassVar[Mapping[str, Any] | None] = None
    """The data set whose images are the channels, written as in its YAML file. Its classifier then
    reads each channel, and the class of an image is the classes of its channels."""

    remark = ""
    """What a user should know about the images that were read, in one line without a full stop."""

    @abstractmethod
    def arrays(self, split: Split) -> Arrays:
        """Read one split; `train` and `test` have no image in common.

        Images that cannot be read or fetched are a UserError with one line for the user.
        """


def open_data_set(component: Mapping[str, Any]) -> DataSet:
    """Build the data set of a `data` group; `name` is for the run and not an argument."""
    arguments = {key: value for key, value in component.items() if key != "name"}
    built = build("data", arguments, base=DataSet)
    refuse_other_kind("data", component, built, DataSet)
    return built


def read_splits(component: Mapping[str, Any], source: DataSet) -> tuple[Arrays, Arrays]:
    """Return the training and the test images, with labels as int64 and classes as a tuple.

    Classes without training images are left out, so that none is shown or sampled.
    """
    train, test = (_checked(source.arrays(split), split, component) for split in SPLITS)
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        raise UserError(
            f"data={component['name']}: the training images are {form(train.pixels.shape[1:])}, "
            f"the test images are {form(test.pixels.shape[1:])}"
        )
    if train.labels is None or test.labels is None:
        return train, test
    if train.classes != test.classes:
        raise UserError(f"data={component['name']}: the two splits name different classes")
    test_alone = np.setdiff1d(test.labels, train.labels)
    if len(test_alone):
        raise UserError(
            f"data={component['name']}: the class {test.classes[test_alone[0]]} has test images "
            "but no training images"
        )
    used = np.unique(train.labels)
    return _with_classes(train, used), _with_classes(test, used)


def _with_classes(arrays: Arrays, used: np.ndarray) -> Arrays:
    """Keep only the classes with the labels `used`, sorted, and count them from 0."""
    if len(used) == len(arrays.classes):
        return arrays
    assert arrays.labels is not None
    labels = np.searchsorted(used, arrays.labels)
    return Arrays(arrays.pixels, labels, tuple(arrays.classes[label] for label in used))


def form(shape: Sequence[int]) -> str:
    """Describe images of shape [H, W] or [H, W, 3]: `28x28 grey`."""
    return f"{shape[1]}x{shape[0]} {'grey' if len(shape) == 2 else 'RGB'}"


def _checked(arrays: Arrays, split: Split, component: Mapping[str, Any]) -> Arrays:
    pixels, labels, classes = Arrays(*arrays)
    owner = f"data={component['name']}: the {split} split"
    if pixels.dtype != np.uint8 or not (pixels.ndim == 3 or pixels.shape[3:] == (3,)):
        found = f"{pixels.dtype} {list(pixels.shape)}"
        raise UserError(f"{owner} is {found}; expected uint8 [N, H, W] or [N, H, W, 3]")
    if not pixels.size:
        raise UserError(f"{owner} holds no images")
    if labels is None:
        return Arrays(pixels)
    labels, names = np.asarray(labels), tuple(str(name) for name in classes)
    if labels.shape != (len(pixels),) or not np.issubdtype(labels.dtype, np.integer):
        found = f"{labels.dtype} {list(labels.shape)}"
        raise UserError(f"{owner} has labels {found}; expected {len(pixels)} integers")
    if labels.min() < 0 or labels.max() >= len(names):
        raise UserError(
            f"{owner} has labels from {labels.min()} to {labels.max()}, "
            f"but there are {len(names)} classes"
        )
    return Arrays(pixels, labels.astype(np.int64), names)


def split_checksum(arrays: Arrays) -> str:
    """The sha256 of pixels, labels and classes, in hexadecimal."""
    digest = hashlib.sha256(repr((arrays.pixels.shape, arrays.classes)).encode())
    digest.update(arrays.pixels.tobytes())
    if arrays.labels is not None:
        digest.update(arrays.labels.tobytes())
    return digest.hexdigest()


def joint_checksum(train: str, test: str) -> str:
    """One checksum for the checksums of the two splits."""
    return hashlib.sha256(f"{train} {test}".encode()).hexdigest()


def read_idx(path: Path) -> np.ndarray:
    """Read the array of unsigned bytes in an idx file.

    The format (LeCun, http://yann.lecun.com/exdb/mnist) has two zero bytes, the type, the number of
    dimensions, each dimension as a big-endian 32-bit integer, then the bytes, last index fastest.

    Args:
        path: the file; it is unpacked with gzip if its name ends in .gz.

    Returns:
        uint8 with the shape that the header gives, such as [N, H, W] or [N]; read-only.

    Raises:
        OSError: the file does not exist or may not be read.
        ValueError: it is not an idx file, or longer or shorter than its header says.
    """
    content = _read_bytes(path)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"{path} is not an idx file: it begins with {content[:4].hex(' ')}")
    kind, dimensions = content[2], content[3]
    if kind != UNSIGNED_BYTE:
        raise ValueError(f"{path} holds idx type {kind}, not unsigned bytes (type 8)")
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise ValueError(f"{path} ends within its header")
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], dtype=">u4"))
    if len(content) != header + prod(shape):
        raise ValueError(
            f"{path} has {len(content):,} bytes, not the {header + prod(shape):,} its header says"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be unpacked ({error})") from error
