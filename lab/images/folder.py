"""A user's own images: four idx files, a folder of images for each class, or images alone."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lab.config.errors import UserError
from lab.images.base import SPLITS, Arrays, DataSet, Split, form, read_idx

if TYPE_CHECKING:
    from PIL.Image import Image

# The side of images that data.convert=true makes.
CONVERTED_SIDE = 28
CONVERT = f"data.convert=true makes all images grey, {CONVERTED_SIDE}x{CONVERTED_SIDE}"
# MNIST also has six training images for each test image.
TEST_EVERY = 7
IDX_PREFIX: dict[Split, str] = {"train": "train", "test": "t10k"}
# Folders with these names are splits if there is one of each kind; of several the first counts.
SPLIT_FOLDERS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "test": ("test", "testing", "val", "valid", "validation"),
}
# On black ground, ink of a lower mean grey level than this can hardly be seen.
DARK = 64
BIT_DEPTHS = (8, 10, 12, 14, 16)
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

Ground = Literal["black", "white"]


class _Listing(NamedTuple):
    """The files of a folder.

    Args:
        images: the paths of the images by class; the class is "" if there are no class folders.
        left_out: other files, and folders without images.
    """

    images: Mapping[str, list[Path]]
    left_out: list[Path]


class Folder(DataSet):
    """The user's own images: `data=folder data.root=PATH`.

    The folder has one of:

    - the idx files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and two with `t10k` for
      the test images, each plain or as .gz; the labels are optional;
    - `<class>/*.png` or `*.jpg`; in each class every seventh file, by name, is a test image;
    - `*.png` or `*.jpg` without classes; every seventh is a test image;
    - `train` and `test`, each with one of the last two, which then are the splits.

    All images must have one size and be grey or RGB with 8 bits a channel, unless they are
    converted. Hidden files and `__MACOSX` are ignored. An image is turned upright as its EXIF
    orientation says.

    Args:
        root: the folder.
        convert: whether to make every image grey and resize it.
        ground: what transparent parts become when images are converted. None: black, or white if
            what is drawn in the first image with transparent parts is dark.
    """

    def __init__(self, root: str, convert: bool = False, ground: Ground | None = None) -> None:
        self.root, self.convert, self.ground = Path(root).expanduser(), convert, ground
        self._said: dict[str, None] = {}

    @property
    def remark(self) -> str:  # type: ignore[override]
        """See `DataSet`."""
        return f"data.root={self.root}: {'; '.join(self._said)}" if self._said else ""

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

            images = np.stack([self._converted(Image.fromarray(image)) for image in images])
        self._say_form(images)
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
        listing = self._listings[split]
        chosen = [path for paths in listing.images.values() for path in paths]
        if not chosen:
            raise ValueError(
                f"no {split} images; expected train-images-idx3-ubyte and the three other idx "
                f"files, or a folder for each class with at least {TEST_EVERY} PNG or JPEG files, "
                f"or at least {TEST_EVERY} such files without folders, or folders train and test"
            )
        pixels = self._read(chosen)
        self._say_form(pixels)
        kinds = Counter(KINDS[path.suffix.lower()] for path in self._every_image())
        if kinds["JPEG"]:
            self._say(" and ".join(f"{count:,} {kind}" for kind, count in kinds.items()) + " files")
        every = [path for listing in self._listings.values() for path in listing.left_out]
        for what, are_folders in (("other files", False), ("folders without images", True)):
            left_out = [path for path in dict.fromkeys(every) if path.is_dir() == are_folders]
            if left_out:
                first = left_out[0].relative_to(self.root)
                self._say(f"{what} are ignored ({len(left_out):,}; {first} is the first)")
        if "" in listing.images:
            self._say("there are no class folders, so the images have no labels")
            return Arrays(pixels)
        every_name = {name for listing in self._listings.values() for name in listing.images} - {""}
        names = sorted(every_name, key=_as_number)
        labels = [names.index(name) for name, paths in listing.images.items() for _ in paths]
        return Arrays(pixels, np.array(labels), names)

    @cached_property
    def _listings(self) -> dict[Split, _Listing]:
        """The files of each split."""
        inside = {path.name.lower(): path for path in _visible(self.root) if path.is_dir()}
        train, test = (
            next((inside[name] for name in SPLIT_FOLDERS[split] if name in inside), None)
            for split in SPLITS
        )
        if train and test:
            self._say(f"the folders {train.name} and {test.name} are the splits")
            listings = {"train": _listing(train), "test": _listing(test)}
            listings["train"].left_out.extend(
                path for path in _visible(self.root) if path not in (train, test)
            )
            return listings  # type: ignore[return-value]
        images, left_out = _listing(self.root)
        to_test = {name: paths[TEST_EVERY - 1 :: TEST_EVERY] for name, paths in images.items()}
        to_train = {name: [path for count, path in enumerate(paths, 1) if count % TEST_EVERY]
                    for name, paths in images.items()}  # fmt: skip
        return {"train": _Listing(to_train, left_out), "test": _Listing(to_test, left_out)}

    def _every_image(self) -> Iterator[Path]:
        by_class = (paths for listing in self._listings.values()
                    for paths in listing.images.values())  # fmt: skip
        return chain.from_iterable(by_class)

    def _read(self, paths: Sequence[Path]) -> np.ndarray:
        images = []
        for path in paths:
            image = _read_picture(path)
            if not self.convert and image.mode not in ("L", "RGB"):
                raise ValueError(
                    f"{path} is {image.width}x{image.height}, mode {image.mode}; expected 8-bit "
                    f"grey (mode L) or RGB; {CONVERT}"
                )
            images.append(self._converted(image) if self.convert else np.asarray(image))
            if images[-1].shape != images[0].shape:
                raise ValueError(
                    f"{path} is {form(images[-1].shape)}, but {paths[0]} is "
                    f"{form(images[0].shape)}; {CONVERT}"
                )
        return np.stack(images)

    def _converted(self, image: "Image") -> np.ndarray:
        """Return the image as grey uint8 of CONVERTED_SIDE."""
        from PIL import Image

        if image.mode.startswith("I"):  # Pillow would clip values above 255
            scale = 255 / (2**self._bits - 1)
            image = Image.fromarray((np.asarray(image) * scale).round().astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            ground = self.ground or self._chosen_ground
            image = Image.alpha_composite(Image.new("RGBA", image.size, ground), image)
        if image.width != image.height:
            self._say("images that were not square are stretched")
        side = (CONVERTED_SIDE, CONVERTED_SIDE)
        return np.asarray(image.convert("L").resize(side, Image.Resampling.BILINEAR))

    @cached_property
    def _bits(self) -> int:
        """The bits of the 16-bit images, the same for all: a file may hold 12 bits in 16."""
        largest = 0
        for path in self._every_image():
            image = _open(path)
            if image.mode.startswith("I"):
                largest = max(largest, int(np.asarray(image).max()))
        bits = next(bits for bits in BIT_DEPTHS if largest < 2**bits)
        if bits < BIT_DEPTHS[-1]:
            self._say(f"the 16-bit images hold values up to {largest:,}, read as {bits} bits")
        return bits

    @cached_property
    def _chosen_ground(self) -> Ground:
        """The ground on which what is drawn can be seen, the same for all images."""
        for path in self._every_image():
            image = _open(path)
            drawn = _ink(image) if image.has_transparency_data else None
            if drawn is None:
                continue
            if drawn >= DARK:
                break
            self._say(
                "transparent parts are made white, because what is drawn is dark "
                "(data.ground=black makes them black)"
            )
            return "white"
        return "black"

    def _say_form(self, pixels: np.ndarray) -> None:
        found = form(pixels.shape[1:])
        if self.convert:
            self._say(f"data.convert=true made all images {found}")
        elif pixels.shape[1:] != (CONVERTED_SIDE, CONVERTED_SIDE):
            self._say(f"the images are {found}; {CONVERT}")

    def _say(self, phrase: str) -> None:
        self._said[phrase] = None


def _idx_file(root: Path, prefix: str, kind: str) -> Path | None:
    name = f"{prefix}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    return next((path for path in (root / name, root / f"{name}.gz") if path.exists()), None)


def _visible(folder: Path) -> list[Path]:
    """The files and folders in a folder, by name, without hidden ones."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _as_number(name: str) -> tuple[int, str]:
    """The order of classes: by name, then those that are numbers, as numbers."""
    return (int(name), "") if name.isdecimal() else (-1, name)


def _listing(folder: Path) -> _Listing:
    """List the images of a folder: those of its class folders if there are any, else its own."""
    inside = _visible(folder)
    images: dict[str, list[Path]] = {}
    left_out: list[Path] = []
    for owner in sorted(filter(Path.is_dir, inside), key=lambda path: _as_number(path.name)):
        pictures, others = _images_first(_visible(owner))
        if pictures:
            images[owner.name] = pictures
        left_out += others if pictures else [owner]
    beside = [path for path in inside if not path.is_dir()]
    if images:
        return _Listing(images, [*beside, *left_out])
    pictures, others = _images_first(beside)
    return _Listing({"": pictures}, [*others, *left_out])


def _images_first(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the paths of images, and the other paths."""
    pictures = [path for path in paths if path.suffix.lower() in KINDS]
    return pictures, [path for path in paths if path.suffix.lower() not in KINDS]


def _open(source: Path | BytesIO) -> "Image":
    from PIL import Image

    return Image.open(source, formats=("PNG", "JPEG"))


def _read_picture(path: Path) -> "Image":
    """Read an image and turn it upright.

    Raises:
        ValueError: the file is damaged. Pillow alone would fill what is missing in a JPEG.
    """
    from PIL import ImageOps

    content = path.read_bytes()
    try:
        # Pillow checks the checksums of a PNG only in verify().
        _open(BytesIO(content)).verify()
        image = _open(BytesIO(content))
        image.load()
        if image.format == "JPEG":
            _check_jpeg(content, image)
        return ImageOps.exif_transpose(image)
    except Exception as error:  # Pillow raises SyntaxError, zlib.error and more
        raise ValueError(f"{path} is damaged, or not a PNG or JPEG file ({error})") from error


def _check_jpeg(content: bytes, image: "Image") -> None:
    """Refuse a JPEG whose compressed data are shorter or longer than the image.

    The decoder's warnings of that are not to be had from Pillow. But if data are missing, more
    bytes change the image; and if there are too many, a change of the last bytes does not.

    Raises:
        ValueError: the data are damaged.
    """
    end, scan, scans = _end_of_jpeg(content)
    if end is None:
        raise ValueError("it has no end marker")
    before = np.asarray(image)
    if not _decodes_to(content[:end] + b"\x55" * 8 + content[end:], before):
        raise ValueError("its data end before the image does")
    # An image of one colour may have a code for nothing else, and later scans only refine.
    if scans > 1 or before.min() == before.max():
        return
    last = max(scan, end - 8)
    for pattern in (0x55, 0xAA, 0x0F, 0xF0):  # some tables hardly have codes for one of them
        changed = bytes(byte ^ pattern for byte in content[last:end]).replace(b"\xff", b"\0")
        if not _decodes_to(content[:last] + changed + content[end:], before):
            return
    raise ValueError("its data go on after the image has ended")


def _decodes_to(content: bytes, pixels: np.ndarray) -> bool:
    try:
        return np.array_equal(np.asarray(_open(BytesIO(content))), pixels)
    except Exception:
        return False


def _end_of_jpeg(content: bytes) -> tuple[int | None, int, int]:
    """Return where the end marker stands, where the last scan's data begin, and how many scans."""
    marker = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
    at, scan, scans = 2, 0, 0
    while found := marker.search(content, at):
        at, kind = found.start(), found[0][1]
        if kind == 0xD9:
            return at, scan, scans
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
        if kind == 0xDA:
            scan, scans = at, scans + 1
    return None, scan, scans


def _ink(image: "Image") -> float | None:
    """The mean grey level of what is drawn on transparency; None if all or nothing is."""
    pixels = np.asarray(image.convert("RGBA"))
    alpha = pixels[..., 3].astype(float)
    if alpha.min() == 255 or alpha.max() == 0:
        return None
    grey = np.asarray(image.convert("RGBA").convert("RGB").convert("L"))
    return float((grey * alpha).sum() / alpha.sum())
