"""A user's own images: what is read, what is refused and how it is said."""

import gzip
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lab.config.errors import UserError
from tests.images.small_data import (
    MNIST_FILES,
    idx_bytes,
    load_folder,
    random_arrays,
    write_raw_files,
)


def write_classes(root, counts, mode="L", size=(28, 28)):
    """PNGs whose grey is 10 times their class plus their number."""
    for label, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            image = Image.new("L", size, 10 * label + index).convert(mode)
            image.save(root / name / f"{index:03}.png")


@pytest.mark.parametrize("packed", [False, True])
def test_four_idx_files(tmp_path, packed):
    arrays = random_arrays()
    write_raw_files(tmp_path, arrays)
    for name in MNIST_FILES if packed else ():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    data = load_folder(tmp_path)
    assert (data.train.pixels[:, 0].numpy() == arrays[0]).all()
    assert (data.test.labels.numpy() == arrays[3]).all()
    assert data.train.classes == data.test.classes == tuple("0123456789")
    assert data.train.checksum != data.test.checksum
    assert data.remark == ""


def test_labels_may_be_missing(tmp_path):
    write_raw_files(tmp_path, random_arrays())
    for name in MNIST_FILES[1::2]:
        (tmp_path / name).unlink()
    images = load_folder(tmp_path).train
    assert images.labels is None
    assert images.classes == ()


def test_the_classes_of_both_splits_are_those_with_training_images(tmp_path):
    arrays = random_arrays()
    arrays[3] = arrays[3] % 2
    write_raw_files(tmp_path, arrays)
    assert load_folder(tmp_path).test.classes == tuple("0123456789")
    arrays[1], arrays[3] = arrays[1] % 2 * 3 + 1, arrays[3] * 3 + 1  # 1 and 4
    write_raw_files(tmp_path, arrays)
    data = load_folder(tmp_path)
    assert data.train.classes == data.test.classes == ("1", "4")
    assert data.test.labels.tolist() == [0, 1] * 5
    arrays[3][0] = 2
    write_raw_files(tmp_path, arrays)
    with pytest.raises(UserError, match="the class 2 has test images but no training images"):
        load_folder(tmp_path)


def test_a_folder_for_each_class(tmp_path):
    write_classes(tmp_path, {"10": 7, "9": 14})
    data = load_folder(tmp_path)
    assert data.train.classes == ("9", "10")  # as numbers
    assert data.train.labels.tolist() == [0] * 12 + [1] * 6
    # The seventh and the fourteenth of the 9s, the seventh of the 10s, which were made first.
    assert data.test.pixels[:, 0, 0, 0].tolist() == [16, 23, 6]


def test_the_checksum_is_of_the_content(tmp_path):
    write_classes(tmp_path / "one", {"a": 7, "b": 7})
    write_classes(tmp_path / "two", {"a": 7, "b": 7})
    one = load_folder(tmp_path / "one")
    assert one.checksum == load_folder(tmp_path / "two").checksum
    (tmp_path / "two" / "b").rename(tmp_path / "two" / "c")
    assert one.checksum != load_folder(tmp_path / "two").checksum


@pytest.mark.parametrize(
    ("mode", "size", "shape", "words"),
    [("L", (32, 20), (1, 20, 32), "32x20 grey"), ("RGB", (28, 28), (3, 28, 28), "28x28 RGB")],
)
def test_other_sizes_and_colours_are_taken_and_said(tmp_path, mode, size, shape, words):
    write_classes(tmp_path, {"a": 7}, mode, size)
    data = load_folder(tmp_path)
    assert data.train.shape == data.test.shape == shape
    assert (data.train.pixels.flatten(1) == data.train.pixels[:, 0, :1, 0]).all()
    assert f"the images are {words}; data.convert=true makes all images grey, 28x28" in data.remark


def test_colours_keep_their_places(tmp_path):
    for index in range(7):
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (index, 100, 200)).save(tmp_path / "a" / f"{index}.png")
    pixels = load_folder(tmp_path).train.pixels
    assert pixels[3, :, 5, 5].tolist() == [3, 100, 200]


@pytest.mark.parametrize("mode", ["LA", "RGBA", "1", "P", "I;16"])
def test_other_modes_are_refused_with_the_way_out(tmp_path, mode):
    write_classes(tmp_path, {"a": 7})
    path = tmp_path / "a" / "000.png"
    grey = Image.new("L", (28, 28), 180)
    if mode == "P":  # the colours stand in a table, the pixels are 0 and 1
        image = Image.new("P", (28, 28), 1)
        image.putpalette([255, 0, 0, 180, 180, 180])
    elif mode == "I;16":
        image = Image.fromarray(np.full((28, 28), 180 * 257, np.uint16))
    else:
        image = grey.convert(mode)
    image.save(path)
    expected = rf"a/000\.png is 28x28, mode {mode.replace(';', '.')}.*; data\.convert=true makes"
    with pytest.raises(UserError, match=expected):
        load_folder(tmp_path)
    converted = load_folder(tmp_path, convert=True).train.pixels[0]
    assert converted.unique().tolist() == ([0, 255] if mode == "1" else [180])


def test_images_that_differ_in_form_are_refused_or_converted(tmp_path):
    write_classes(tmp_path, {"a": 7})
    Image.new("RGB", (40, 40), (0, 255, 0)).save(tmp_path / "a" / "003.png")
    with pytest.raises(UserError, match=r"003\.png is 40x40 RGB, but .*000\.png is 28x28 grey; da"):
        load_folder(tmp_path)
    data = load_folder(tmp_path, convert=True)
    assert data.train.shape == (1, 28, 28)
    assert data.train.pixels[3].unique().tolist() == [150]  # the luminance of green
    assert "data.convert=true made all images 28x28 grey" in data.remark


@pytest.mark.parametrize(
    ("ink", "ground", "found"),
    [(255, None, (255, 0)), (0, None, (0, 255)), (0, "black", (0, 0)), (255, "white", (255, 255))],
)
def test_what_is_drawn_on_transparency_stays_visible(tmp_path, ink, ground, found):
    (tmp_path / "a").mkdir()
    for index in range(7):  # the first is empty and says nothing
        image = Image.new("LA", (28, 28), (255 - ink, 0))
        if index:
            image.paste((ink, 255), (0, 0, 28, 14))
        image.save(tmp_path / "a" / f"{index}.png")
    data = load_folder(tmp_path, convert=True, ground=ground)
    assert data.train.pixels[1, 0, [0, 27], 5].tolist() == list(found)
    assert ("transparent parts are made white" in data.remark) is (ink == 0 and ground is None)


@pytest.mark.parametrize(("largest", "bits"), [(65535, 16), (40_000, 16), (4095, 12), (900, 10)])
def test_the_range_of_16_bit_images_is_that_of_all_of_them(tmp_path, largest, bits):
    (tmp_path / "a").mkdir()
    for index in range(7):  # the last, a test image, has the largest value
        level = np.uint16(largest * (index + 1) // 7)
        Image.fromarray(np.full((28, 28), level)).save(tmp_path / "a" / f"{index}.png")
    data = load_folder(tmp_path, convert=True)
    found = [*data.train.pixels[:, 0, 3, 3].tolist(), int(data.test.pixels.max())]
    wanted = [255 * (largest * (index + 1) // 7) / (2**bits - 1) for index in range(7)]
    assert found == pytest.approx(wanted, abs=0.51)
    assert (f"read as {bits} bits" in data.remark) is (bits < 16)


@pytest.mark.parametrize("convert", [False, True])
def test_a_photo_is_turned_upright(tmp_path, convert):
    (tmp_path / "a").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn to the right
    lying = np.zeros((16, 24), np.uint8)
    lying[:, :8] = 255  # its left is above
    for index in range(7):
        Image.fromarray(lying).save(tmp_path / "a" / f"{index}.jpg", exif=exif, quality=100)
    data = load_folder(tmp_path, convert=convert)
    image = data.train.pixels[0, 0]
    assert image.shape == ((28, 28) if convert else (24, 16))
    assert (image[0] > 250).all()
    assert (image[-1] < 5).all()
    assert ("images that were not square are stretched" in data.remark) is convert


def test_idx_images_in_colour_and_converted(tmp_path):
    arrays = random_arrays()
    colours = [np.stack([images] * 3, axis=-1) for images in arrays[::2]]
    write_raw_files(tmp_path, [colours[0], arrays[1], colours[1], arrays[3]])
    assert load_folder(tmp_path).test.shape == (3, 28, 28)
    grey = load_folder(tmp_path, convert=True).train.pixels[:, 0].numpy()
    assert (grey == arrays[0]).all()


def test_jpegs_count_as_images_and_what_is_no_image_is_said(tmp_path):
    write_classes(tmp_path, {"a": 7})
    for index in range(7):
        Image.new("L", (28, 28), 99).save(tmp_path / "a" / f"x{index}.JPG")
    (tmp_path / "a" / "notes.txt").touch()
    (tmp_path / "readme.md").touch()
    data = load_folder(tmp_path)
    assert len(data.train) + len(data.test) == 14
    assert "7 PNG and 7 JPEG files" in data.remark
    assert "other files are ignored (2; readme.md is the first)" in data.remark
    assert "\n" not in data.remark


def test_what_systems_hide_and_folders_without_images_are_passed_over(tmp_path):
    write_classes(tmp_path, {"a": 7, "b": 7})
    write_classes(tmp_path / "__MACOSX", {"a": 1})
    for name in ("._0000.png", ".DS_Store", "a/._000.png"):
        (tmp_path / name).write_bytes(b"\0")
    data = load_folder(tmp_path)
    assert (data.train.classes, data.remark) == (("a", "b"), "")
    (tmp_path / "aa").mkdir()
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "@eaDir" / "000.png@SynoEAStream").touch()
    data = load_folder(tmp_path)
    assert data.train.classes == ("a", "b")
    assert "folders without images are ignored (2; @eaDir is the first)" in data.remark


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "valid")])
def test_folders_with_the_names_of_splits_are_the_splits(tmp_path, names):
    write_classes(tmp_path / names[0], {"2": 3, "10": 4})
    write_classes(tmp_path / names[1], {"10": 2})
    (tmp_path / "unlabelled").mkdir()
    data = load_folder(tmp_path)
    assert data.train.classes == data.test.classes == ("2", "10")
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0] * 3 + [1] * 4, [1] * 2)
    assert f"the folders {names[0]} and {names[1]} are the splits" in data.remark
    assert "folders without images are ignored (1; unlabelled is the first)" in data.remark
    for name in names:  # images without classes
        (tmp_path / name).rename(tmp_path / "classes")
        (tmp_path / "classes" / "10").rename(tmp_path / name)
        (tmp_path / "classes").rename(tmp_path / f".{name}")
    data = load_folder(tmp_path)
    assert (len(data.train), len(data.test), data.train.labels) == (4, 2, None)


def test_a_class_may_be_called_train(tmp_path):
    write_classes(tmp_path, {"bus": 7, "train": 7})
    assert load_folder(tmp_path).train.classes == ("bus", "train")


def test_images_without_folders_have_no_labels(tmp_path):
    write_classes(tmp_path, {"flat": 14})
    data = load_folder(tmp_path / "flat")
    assert (len(data.train), len(data.test)) == (12, 2)
    assert data.train.labels is None
    assert "there are no class folders, so the images have no labels" in data.remark


@pytest.mark.parametrize(
    ("file", "shape", "complaint"),
    [
        (0, (30, 784), r"train-images.* holds an array .*expected \(N, H, W\) or"),
        (0, (30, 28, 28, 4), r"train-images.* holds an array .*expected \(N, H, W\) or"),
        (2, (10, 32, 32), "training images are 28x28 grey, the test images are 32x"),
        (1, (29,), r"train-labels.*a label for each of the 30 images"),
    ],
)
def test_idx_files_that_do_not_fit_are_refused(tmp_path, file, shape, complaint):
    arrays = random_arrays()
    arrays[file] = np.zeros(shape)
    write_raw_files(tmp_path, arrays)
    with pytest.raises(UserError, match=complaint):
        load_folder(tmp_path)


def test_what_is_damaged_or_missing_is_named(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no train images; expected train-images-idx3-ubyte"):
        load_folder(tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="no train images; expected train-images-idx3-ubyte"):
        load_folder(tmp_path)
    (tmp_path / "a" / "0.png").write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"0\.png is damaged, or not a PNG or JPEG file"):
        load_folder(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((3, 28, 28)))[:-1])
    with pytest.raises(UserError, match="train-images-idx3-ubyte is missing"):
        load_folder(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((3, 28, 28))))
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte has 2,367 bytes, not the 2,368"):
        load_folder(tmp_path)


def chunk(kind, content):
    head = kind + content
    return struct.pack(">I", len(content)) + head + struct.pack(">I", zlib.crc32(head))


@pytest.mark.parametrize(
    "damage",
    ["half zeros", "zeros within", "one bit", "chunk length", "truncated", "no pixels", "empty"],
)
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_damaged_image_is_refused_by_name(tmp_path, damage, kind):
    write_classes(tmp_path, {"a": 7})
    path = tmp_path / "a" / f"002.{kind}"
    noise = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    half = len(whole) // 2
    if kind == "jpg" and damage in ("one bit", "chunk length", "no pixels"):
        pytest.skip("a JPEG has neither checksums nor chunks")
    changed = {
        "half zeros": whole[:half] + bytes(len(whole) - half),
        "zeros within": whole[:half] + bytes(len(whole) - half - 2) + whole[-2:],
        "one bit": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "chunk length": whole[:33] + b"\xff\xff" + whole[35:],
        "truncated": whole[:half],
        "no pixels": whole[:33] + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""),
        "empty": b"",
    }
    path.write_bytes(changed[damage])
    with pytest.raises(
        UserError, match=rf"a/002\.{kind} is damaged, or not a PNG or JPEG file"
    ) as refused:
        load_folder(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 5, "optimize": True},
        {"quality": 100, "subsampling": 0},
        {"progressive": True},
        {"restart_marker_blocks": 2},
    ],
)
@pytest.mark.parametrize("kind", ["noise", "flat", "nearly flat"])
def test_no_whole_jpeg_is_taken_for_a_damaged_one(tmp_path, options, kind):
    (tmp_path / "a").mkdir()
    random = np.random.default_rng(0)
    for index in range(7):
        pixels = np.full((21, 30, 3), 20 * index, np.uint8)
        if kind == "noise":
            pixels = random.integers(0, 256, pixels.shape).astype(np.uint8)
        elif kind == "nearly flat":
            pixels[0, 0] += 1
        Image.fromarray(pixels).save(tmp_path / "a" / f"{index}.jpg", **options)
    assert len(load_folder(tmp_path).train) == 6


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"convert": "yes"}, r"data\.convert=.*yes.* is not allowed: expected true or false"),
        ({"root": None}, r"data\.root=null is not allowed"),
        ({"size": 28}, "size"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_read(tmp_path, arguments, complaint):
    with pytest.raises(UserError, match=complaint):
        load_folder(**{"root": tmp_path / "nowhere", **arguments})


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
            load_folder(tmp_path / "images")
    finally:
        os.seteuid(user)
        path.chmod(0o755)
