"""A user's own images: what is read, what is refused and how it is said."""

import gzip
import os

import numpy as np
import pytest
from PIL import Image

from lab.config.errors import UserError
from lab.images.datasets import load
from tests.images.small_data import MNIST_FILES, idx_bytes, random_arrays, write_raw_files


def write_classes(root, counts, mode="L", size=(28, 28)):
    """PNGs whose grey is 10 times their class plus their number."""
    for label, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            image = Image.new("L", size, 10 * label + index).convert(mode)
            image.save(root / name / f"{index:03}.png")


def test_four_idx_files(tmp_path):
    arrays = random_arrays()
    write_raw_files(tmp_path, arrays)
    train, test = (load("folder", split, root=tmp_path) for split in ("train", "test"))
    assert (train.pixels.numpy() == arrays[0]).all()
    assert (test.labels.numpy() == arrays[3]).all()
    assert train.classes == test.classes == tuple("0123456789")
    assert train.checksum != test.checksum


def test_idx_files_packed(tmp_path):
    for name, array in zip(MNIST_FILES, random_arrays(), strict=True):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
    assert len(load("folder", "test", root=tmp_path)) == 10


def test_labels_may_be_missing(tmp_path):
    write_raw_files(tmp_path, random_arrays())
    for name in MNIST_FILES[1::2]:
        (tmp_path / name).unlink()
    images = load("folder", "train", root=tmp_path)
    assert images.labels is None
    assert images.classes == ()


def test_both_splits_know_of_the_same_classes(tmp_path):
    arrays = random_arrays()
    arrays[3] = arrays[3] % 2
    write_raw_files(tmp_path, arrays)
    assert load("folder", "test", root=tmp_path).classes == tuple("0123456789")


def test_a_folder_for_each_class(tmp_path):
    write_classes(tmp_path, {"10": 7, "9": 14})
    train, test = (load("folder", split, root=tmp_path) for split in ("train", "test"))
    assert train.classes == ("9", "10")  # as numbers
    assert train.labels.tolist() == [0] * 12 + [1] * 6
    # The seventh and the fourteenth of the 9s, the seventh of the 10s, which were made first.
    assert test.pixels[:, 0, 0].tolist() == [16, 23, 6]


def test_the_checksum_is_of_the_content(tmp_path):
    write_classes(tmp_path / "one", {"a": 7, "b": 7})
    write_classes(tmp_path / "two", {"a": 7, "b": 7})
    one = load("folder", "train", root=tmp_path / "one")
    assert one.checksum == load("folder", "train", root=tmp_path / "two").checksum
    (tmp_path / "two" / "b").rename(tmp_path / "two" / "c")
    assert one.checksum != load("folder", "train", root=tmp_path / "two").checksum


@pytest.mark.parametrize(
    ("mode", "size", "found"),
    [
        ("L", (32, 32), "32x32 pixels, mode L"),
        ("RGB", (28, 28), "28x28 pixels, mode RGB"),
        ("LA", (28, 28), "28x28 pixels, mode LA"),
        ("1", (28, 28), "28x28 pixels, mode 1"),
    ],
)
def test_images_of_another_form_are_refused(tmp_path, mode, size, found):
    write_classes(tmp_path, {"a": 1}, mode, size)
    with pytest.raises(UserError, match=rf"a/000\.png has {found}; expected 28x28 pixels, 8-bit"):
        load("folder", "train", root=tmp_path)


@pytest.mark.parametrize("shape", [(30, 32, 32), (30, 784), (30, 28, 28, 3)])
def test_idx_images_of_another_form_are_refused(tmp_path, shape):
    write_raw_files(tmp_path, [np.zeros(shape), *random_arrays()[1:]])
    with pytest.raises(UserError, match=r"train-images.* holds an array .*expected \(N, 28, 28\)"):
        load("folder", "train", root=tmp_path)


def test_a_label_for_each_image(tmp_path):
    arrays = random_arrays()
    write_raw_files(tmp_path, [arrays[0], arrays[1][:-1], *arrays[2:]])
    with pytest.raises(UserError, match=r"train-labels.*a label for each of the 30 images"):
        load("folder", "train", root=tmp_path)


def test_what_is_damaged_or_missing_is_named(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load("folder", "train", root=tmp_path / "nowhere")
    with pytest.raises(UserError, match="no train images; expected train-images-idx3-ubyte"):
        load("folder", "train", root=tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="a holds no PNG files"):
        load("folder", "train", root=tmp_path)
    (tmp_path / "a" / "0.png").write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"0\.png is not a PNG that can be read"):
        load("folder", "train", root=tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((3, 28, 28)))[:-1])
    with pytest.raises(UserError, match="train-images-idx3-ubyte is missing"):
        load("folder", "train", root=tmp_path)
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte has 2,367 bytes, not the 2,368"):
        load("folder", "test", root=tmp_path)
    with pytest.raises(UserError, match=r"data\.root=PATH"):
        load("folder", "train")


@pytest.mark.parametrize("forbidden", [".", "a", "a/000.png"])
def test_what_may_not_be_read_is_named(tmp_path, forbidden):
    write_classes(tmp_path / "images", {"a": 7})
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)  # pytest's folders are closed to the user we become
    path = tmp_path / "images" / forbidden
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(UserError, match=r"images.*Permission denied"):
            load("folder", "train", root=tmp_path / "images")
    finally:
        os.seteuid(user)
        path.chmod(0o755)
