"""Every number of a tiny run's result, computed a second time by code that shares none of lab's.

From the command the tests know the settings, from the run's folder the weights, from `marks` the
images. The rest is here: random streams, the classifier's layers, FID, neighbours, ROC.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F

from lab.images.base import Arrays, DataSet

MARKS = ("data=mnist", "data._target_=tests.numbers.Marks", "data.name=marks")
"""A data set of 8x8 images, whose classifier is trained in three seconds."""
CLASSES = ("7", "1", "6")
SHARES = {"train": (0.5, 0.35, 0.15), "test": (0.4, 0.4, 0.2)}
SIZES = {"train": 400, "test": 360}


def marks(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 [N, 8, 8] and labels [N], sorted by class; one test label in ten is wrong."""
    random = np.random.default_rng(len(split))
    counts = [round(share * SIZES[split]) for share in SHARES[split]]
    labels = np.repeat(np.arange(3), counts)
    pixels = random.integers(0, 120, (len(labels), 8, 8))
    for image, label in zip(pixels, labels, strict=True):
        image[:, 3 * label : 3 * label + 2] += 100
    if split == "test":
        labels[::10] = (labels[::10] + 1) % 3
    return pixels.astype(np.uint8), labels


class Marks(DataSet):
    """`marks` for a command line."""

    image_shape = (1, 8, 8)

    def arrays(self, split: str) -> Arrays:
        return Arrays(*marks(split), CLASSES)


def stream(purpose: str, seed: int = 0) -> torch.Generator:
    """The random stream of a purpose."""
    digest = hashlib.sha256(f"{purpose} {seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)


def some(count: int, n: int) -> Tensor:
    """The indices of n of `count` real images."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:n]


def scaled(pixels: np.ndarray) -> Tensor:
    """Images [N, 1, 8, 8] in [-1, 1] of bytes."""
    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).unsqueeze(1)


class Classifier:
    """The classifier of `marks`, found in a data cache by its checksum."""

    def __init__(self, cache: Path, checksum: str) -> None:
        files = {hashlib.sha256(f.read_bytes()).hexdigest()[:8]: f for f in cache.rglob("marks-*")}
        state = load(files[checksum].read_bytes())
        self.accuracy = float(state.pop("test_accuracy"))
        self.w = {name: tensor.double() for name, tensor in state.items()}

    def _norm(self, x: Tensor, layer: str) -> Tensor:
        mean, var, weight, bias = (
            self.w[f"{layer}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        shape = (1, -1) + (1,) * (x.dim() - 2)
        mean, var, weight, bias = (part.view(shape) for part in (mean, var, weight, bias))
        return ((x - mean) / (var + 1e-5).sqrt() * weight + bias).clamp(min=0)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Labels [N], probabilities of the most probable class [N] and features [N, D]."""
        x = images.double()
        for layer, norm, pool in ((0, 2, 2), (4, 6, 2), (8, 10, 1)):
            x = F.conv2d(x, self.w[f"body.{layer}.weight"], padding=1)
            x = self._norm(F.max_pool2d(x, pool), f"body.{norm}")
        features = self._norm(x.flatten(1) @ self.w["body.13.weight"].T, "body.14")
        logits = features @ self.w["head.weight"].T + self.w["head.bias"]
        return logits.argmax(1), logits.softmax(1).amax(1), features


def fid(a: Tensor, b: Tensor) -> float:
    """tr((AB)^1/2) is the sum of the singular values of the product of the centred features."""
    means = a.mean(0) - b.mean(0)
    a, b = a - a.mean(0), b - b.mean(0)
    scale = ((len(a) - 1) * (len(b) - 1)) ** 0.5
    traces = a.square().sum() / (len(a) - 1) + b.square().sum() / (len(b) - 1)
    cross = torch.linalg.svdvals(a @ b.T).sum() / scale
    return float(means.square().sum() + traces - 2 * cross)


def fid_bias(features: Tensor, n: int) -> float:
    """The first order of the FID of two sets of n from the Gaussian of these features."""
    values = torch.linalg.eigvalsh(torch.cov(features.T)).clamp(min=0).tolist()
    pairs = sum(p * q / (p + q) for i, p in enumerate(values) for q in values[:i] if p + q)
    return 2 / n * sum(values) + 1 / n * (2 * pairs + sum(values))


def overlap(real: Tensor, fake: Tensor, k: int = 5) -> dict[str, float]:
    """Precision, recall, density and coverage from the whole matrix of distances."""

    def radii(x: Tensor) -> Tensor:
        return torch.stack([(x - point).norm(dim=1).sort().values[k] for point in x])

    apart = torch.stack([(fake - point).norm(dim=1) for point in real])  # [N, M]
    inside = apart < radii(real)[:, None]
    return {
        "precision": float(inside.any(0).double().mean()),
        "recall": float((apart < radii(fake)).any(1).double().mean()),
        "density": float(inside.double().sum(0).mean() / k),
        "coverage": float(inside.any(1).double().mean()),
    }


def roc_area(real: Tensor, fake: Tensor) -> float:
    """The share of pairs in which the real one has the larger score; a tie counts half."""
    pairs = (real[:, None] > fake).double() + (real[:, None] == fake).double() / 2
    return float(pairs.mean())


def last_row(run: Any) -> dict[str, float]:
    """The last row of metrics.csv."""
    return {name: values[-1] for name, values in run.metrics.items()}
