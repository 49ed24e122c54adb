"""A user's own images: four idx files, a folder of images for each class, or images alone."""

from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lab.config.errors import UserError
from lab.images.base import Arrays, DataSet, Split, form
from lab.images.idx import read_idx

if TYPE_CHECKING:
    from PIL import Image

# The side of images that data.convert=true makes.
CONVERTED_SIDE = 28
CONVERT = f"data.convert=true makes all images grey, {CONVERTED_SIDE}x{CONVERTED_SIDE}"
# MNIST also has six training images for each test image.
TEST_EVERY = 7
IDX_PREFIX: dict[Split, str] = {"train": "train", "test": "t10k"}
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


class Folder(DataSet):
    """The user's own images: `data=folder data.root=PATH`.

    The folder has one of:

    - the idx files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and two with `t10k` for
      the test images, each plain or as .gz; the labels are optional;
    - `<class>/*.png` or `*.jpg`; in each class every seventh file, by name, is a test image;
    - `*.png` or `*.jpg` without classes; every seventh is a test image.

    All images must have one size and be grey or RGB with 8 bits a channel, unless they are
    converted. Hidden files and `__MACOSX` are ignored.

    Args:
        root: the folder.
        convert: whether to make every image grey and resize it.
    """

    def __init__(self, root: str, convert: bool = False) -> None:
        self.root, self.convert = Path(root).expanduser(), convert

    def arrays(self, split: Split) -> Arrays:
        try:
            if any(_idx_file(self.root, prefix, "images") for prefix in IDX_PREFIX.values()):
                return self._from_idx(split)
            return self._from_files(split)
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}" if error.filename else error
            raise UserError(f"data.root={self.root}: {reason}") from error
        except ValueError as error:
            raise UserError(f"data.root={self.root}: {error}") from error

    def _from_idx(self, split: Split) -> Arrays:
        path = _idx_file(self.root, IDX_PREFIX[split], "images")
        if path is None:
            raise ValueError(f"{IDX_PREFIX[split]}-images-idx3-ubyte is missing")
        images = read_idx(path)
        if images.ndim != 3 and images.shape[3:] != (3,):
            raise ValueError(
                f"{path} holds an array {images.shape}, expected (N, H, W) or (N, H, W, 3)"
            )
        if not images.size:
            raise ValueError(f"{path} holds no images")
        if self.convert:
            from PIL import Image

            images = np.stack([_converted(Image.fromarray(image)) for image in images])
        self._say(images)
        labels_path = _idx_file(self.root, IDX_PREFIX[split], "labels")
        if labels_path is None:
            return Arrays(images)
        labels = read_idx(labels_path)
        if labels.shape != images.shape[:1]:
            raise ValueError(
                f"{labels_path} holds an array {labels.shape}, expected a label for each "
                f"of the {len(images):,} images"
            )
        return Arrays(images, labels, self._numbers())

    def _numbers(self) -> tuple[str, ...]:
        """The class names from the labels of both splits, so that both splits have the same."""
        files = [_idx_file(self.root, prefix, "labels") for prefix in IDX_PREFIX.values()]
        largest = max(int(read_idx(path).max(initial=0)) for path in files if path)
        return tuple(str(label) for label in range(largest + 1))

    def _from_files(self, split: Split) -> Arrays:
        inside = _visible(self.root)
        classes = sorted(
            (path for path in inside if path.is_dir()),
            key=lambda path: (int(path.name), "") if path.name.isdecimal() else (-1, path.name),
        )
        left_out = [path for path in inside if not path.is_dir()] if classes else []
        chosen, labels, kinds = [], [], Counter[str]()
        for label, folder in enumerate(classes or [self.root]):
            files = _visible(folder)
            images = [path for path in files if path.suffix.lower() in KINDS]
            if classes and not images:
                raise ValueError(f"{folder} holds no PNG or JPEG files")
            left_out += [path for path in files if path.suffix.lower() not in KINDS]
            kinds.update(KINDS[path.suffix.lower()] for path in images)
            of_split = [
                path
                for index, path in enumerate(images)
                if (index % TEST_EVERY == TEST_EVERY - 1) == (split == "test")
            ]
            chosen += of_split
            labels += [label] * len(of_split)
        if not chosen:
            raise ValueError(
                f"no {split} images; expected train-images-idx3-ubyte and the three other idx "
                f"files, or a folder for each class with at least {TEST_EVERY} PNG or JPEG files, "
                f"or at least {TEST_EVERY} such files without folders"
            )
        pixels = self._read(chosen)
        said = []
        if kinds["JPEG"]:
            said.append(
                " and ".join(f"{count:,} {kind}" for kind, count in kinds.items()) + " files"
            )
        if left_out:
            first = left_out[0].relative_to(self.root)
            said.append(f"{len(left_out):,} other files are ignored ({first} is the first)")
        if not classes:
            said.append("there are no class folders, so the images have no labels")
        self._say(pixels, said)
        if not classes:
            return Arrays(pixels)
        return Arrays(pixels, np.array(labels), tuple(folder.name for folder in classes))

    def _read(self, paths: Sequence[Path]) -> np.ndarray:
        images = []
        for path in paths:
            images.append(_read_image(path, self.convert))
            if images[-1].shape != images[0].shape:
                raise ValueError(
                    f"{path} is {form(images[-1].shape)}, but {paths[0]} is "
                    f"{form(images[0].shape)}; {CONVERT}"
                )
        return np.stack(images)

    def _say(self, pixels: np.ndarray, said: Sequence[str] = ()) -> None:
        found = form(pixels.shape[1:])
        size = []
        if self.convert:
            size = [f"data.convert=true made all images {found}"]
        elif pixels.shape[1:] != (CONVERTED_SIDE, CONVERTED_SIDE):
            size = [f"the images are {found}; {CONVERT}"]
        phrases = [*size, *said]
        self.remark = f"data.root={self.root}: {'; '.join(phrases)}" if phrases else ""


def _idx_file(root: Path, prefix: str, kind: str) -> Path | None:
    name = f"{prefix}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    return next((path for path in (root / name, root / f"{name}.gz") if path.exists()), None)


def _visible(folder: Path) -> list[Path]:
    """The files and folders in a folder, by name, without hidden ones."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _read_image(path: Path, convert: bool) -> np.ndarray:
    """Read an image as uint8 [H, W] or [H, W, 3]."""
    from PIL import Image

    content = path.read_bytes()
    try:
        # Pillow checks the checksums of a PNG only in verify().
        Image.open(BytesIO(content), formats=("PNG", "JPEG")).verify()
        image = Image.open(BytesIO(content), formats=("PNG", "JPEG"))
        image.load()
    except Exception as error:  # Pillow raises SyntaxError, zlib.error and more
        raise ValueError(f"{path} is damaged, or not a PNG or JPEG file ({error})") from error
    if convert:
        return _converted(image)
    if image.mode not in ("L", "RGB"):
        raise ValueError(
            f"{path} is {image.width}x{image.height}, mode {image.mode}; expected 8-bit grey "
            f"(mode L) or RGB; {CONVERT}"
        )
    return np.asarray(image)


def _converted(image: "Image.Image") -> np.ndarray:
    """Return the image as grey uint8 of CONVERTED_SIDE; transparent parts are put on black."""
    from PIL import Image

    if image.mode.startswith("I"):  # for 16 bits Pillow would clip values above 255
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    side = (CONVERTED_SIDE, CONVERTED_SIDE)
    return np.asarray(image.convert("L").resize(side, Image.Resampling.BILINEAR))
