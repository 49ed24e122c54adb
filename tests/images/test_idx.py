"""The idx reader against bytes written by hand, whole and damaged."""

import gzip

import numpy as np
import pytest

from lab.images.base import read_idx
from tests.images.small_data import idx_bytes


def test_reads_what_the_format_says(tmp_path):
    # Two images of 2x3, as the specification lays them out.
    (tmp_path / "file").write_bytes(
        b"\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03" + bytes(range(12))
    )
    assert read_idx(tmp_path / "file").tolist() == [
        [[0, 1, 2], [3, 4, 5]],
        [[6, 7, 8], [9, 10, 11]],
    ]


@pytest.mark.parametrize("length", [0, 3, 4, 9, 16, 100, 16 + 2 * 784 - 1])
def test_every_truncation_is_named(tmp_path, length):
    whole = idx_bytes(np.zeros((2, 28, 28)))
    (tmp_path / "images").write_bytes(whole[:length])
    with pytest.raises(ValueError, match="images"):
        read_idx(tmp_path / "images")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (idx_bytes(np.zeros(5)) + b"x", "14 bytes, not the 13"),
        (b"<html>not found</html>", "not an idx file: it begins with 3c 68 74 6d"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "idx type 13"),
        # A header that promises 2^96 bytes is refused, not allocated.
        (b"\0\0\x08\x03" + b"\xff" * 12, "16 bytes, not the"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path, content, complaint):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_idx(tmp_path / "file")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "not gzip"])
def test_damaged_gzip_is_named(tmp_path, damage):
    packed = bytearray(gzip.compress(idx_bytes(np.arange(200))))
    if damage == "truncated":
        packed = packed[:-20]
    elif damage == "flipped":
        packed[40] ^= 0xFF
    else:
        packed = bytearray(b"<html>")
    (tmp_path / "labels.gz").write_bytes(packed)
    with pytest.raises(ValueError, match=r"labels\.gz cannot be unpacked"):
        read_idx(tmp_path / "labels.gz")
