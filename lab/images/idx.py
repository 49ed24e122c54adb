"""Images and labels in the idx format, in which MNIST and its relatives are published."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 8


def read_idx(path: Path) -> np.ndarray:
    """Read the array of unsigned bytes in an idx file.

    The format (LeCun, http://yann.lecun.com/exdb/mnist) has two zero bytes, the type, the number of
    dimensions, each dimension as a big-endian 32-bit integer, then the bytes, last index fastest.

    Args:
        path: the file; it is unpacked with gzip if its name ends in .gz.

    Returns:
        uint8 with the shape that the header gives, such as [N, 28, 28] or [N]; read-only.

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
