"""A user's own images: four idx files, or a folder of PNGs for each class."""

from pathlib import Path

import numpy as np

from lab.config.errors import UserError
from lab.images.download import Split
from lab.images.idx import read_idx

SIDE = 28
# MNIST's own proportion of training to test images is 6 to 1.
TEST_EVERY = 7
IDX_PREFIX: dict[Split, str] = {"train": "train", "test": "t10k"}


def folder_arrays(
    root: Path, split: Split
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """The images of one split in the user's folder.

    Either the idx files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with
    `t10k` for the test images, each plain or as .gz, the labels optional; or `<class>/*.png`, of
    which in each class every seventh in the order of names is a test image.

    Returns:
        images uint8 [N, 28, 28]; labels int64 [N], or None where there are none; the classes'
        names (the numbers of the labels, or the folders' names, in the order of the labels).

    Raises:
        UserError: names what cannot be read, or is not a grey image of 28x28, or is missing.
    """
    try:
        if any(_idx_file(root, prefix, "images") for prefix in IDX_PREFIX.values()):
            return _from_idx(root, split)
        return _from_class_folders(root, split)
    except OSError as error:
        raise UserError(f"data.root={root}: {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"data.root={root}: {error}") from error


def _idx_file(root: Path, prefix: str, kind: str) -> Path | None:
    name = f"{prefix}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    return next((path for path in (root / name, root / f"{name}.gz") if path.exists()), None)


def _from_idx(root: Path, split: Split) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    path = _idx_file(root, IDX_PREFIX[split], "images")
    if path is None:
        raise ValueError(f"{IDX_PREFIX[split]}-images-idx3-ubyte is missing")
    images = read_idx(path)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"{path} holds an array {images.shape}, expected (N, {SIDE}, {SIDE})")
    labels_path = _idx_file(root, IDX_PREFIX[split], "labels")
    if labels_path is None:
        return images, None, ()
    labels = read_idx(labels_path)
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"{labels_path} holds an array {labels.shape}, expected a label for each "
            f"of the {len(images):,} images"
        )
    return images, labels.astype(np.int64), _numbers(root)


def _numbers(root: Path) -> tuple[str, ...]:
    """Of the labels in both splits, so that both know of the same classes."""
    files = [_idx_file(root, prefix, "labels") for prefix in IDX_PREFIX.values()]
    largest = max(int(read_idx(path).max(initial=0)) for path in files if path)
    return tuple(str(label) for label in range(largest + 1))


def _from_class_folders(root: Path, split: Split) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    classes = sorted(
        (path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: (int(path.name), "") if path.name.isdecimal() else (-1, path.name),
    )
    images, labels = [], []
    for label, folder in enumerate(classes):
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")
        if not files:
            raise ValueError(f"{folder} holds no PNG files")
        for index, path in enumerate(files):
            if (index % TEST_EVERY == TEST_EVERY - 1) == (split == "test"):
                images.append(_read_png(path))
                labels.append(label)
    if not images:
        raise ValueError(
            f"no {split} images; expected train-images-idx3-ubyte and its fellows, or a folder "
            f"for each class with at least {TEST_EVERY} PNG files"
        )
    return np.stack(images), np.array(labels), tuple(folder.name for folder in classes)


def _read_png(path: Path) -> np.ndarray:
    """uint8 [28, 28]."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
            found = f"{image.width}x{image.height} pixels, mode {image.mode}"
    except PermissionError:
        raise
    except OSError as error:
        raise ValueError(f"{path} is not a PNG that can be read") from error
    if pixels.shape != (SIDE, SIDE) or pixels.dtype != np.uint8:
        raise ValueError(f"{path} has {found}; expected {SIDE}x{SIDE} pixels, 8-bit grey (mode L)")
    return pixels
