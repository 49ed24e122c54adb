"""The classifier whose logits and features give all quality metrics.

FIDs in its feature space are comparable only for the same weights. So it is trained once for each
data set, with fixed settings on a fixed number of CPU threads, and kept in the cache with its
checksum.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of
from torch import Tensor, nn

from lab.config.errors import UserError, say
from lab.engine import interrupts
from lab.engine.files import write_atomically, write_text
from lab.engine.optimizers import unwrap_compile_hooks
from lab.images.base import Shape
from lab.images.cache import default_cache, locked
from lab.images.datasets import Data, Images, load, to_float

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """The settings on which the classifier's weights depend, beside the images.

    Args:
        channels: the channels of the three 3x3 convolutions; the first and the second end with a
            pool of 2.
        features: D, the width of the layer before the logits.
        steps: the number of Adam steps, for every size of the data.
        batch_size: the largest number of images in a step.
        peak_lr: the peak learning rate of the one-cycle schedule (Smith & Topin 2017).
        design: the version of the layers and the training below; raise it if their code changes.
        threads: the number of CPU threads. Another number would change the last bits. On a busy
            machine two threads took five times as long as one.
        seed: the random seed of weights and batches.
    """

    channels: tuple[int, int, int] = (16, 32, 64)
    features: int = 128
    steps: int = 1000
    batch_size: int = 128
    peak_lr: float = 3e-3
    design: int = 1
    threads: int = 1
    seed: int = 0


RECIPE = Recipe()
# The folder keeps its old name, so that the classifiers in it stay usable.
FOLDER = "judges"
SMALLEST_SIDE = 4  # two pools of 2 leave one pixel


@dataclass(frozen=True, eq=False)
class Readings:
    """The classifier's outputs for images.

    Args:
        logits: float [..., K], one for each class.
        features: float [..., D].
    """

    logits: Tensor
    features: Tensor

    @property
    def labels(self) -> Tensor:
        """The most probable class, int64 [...]."""
        return self.logits.argmax(-1)

    @property
    def confidence(self) -> Tensor:
        """The probability of the most probable class, float [...]."""
        return self.logits.softmax(-1).amax(-1)


class Classifier(nn.Module):
    """Three convolutions and a layer of features, all with BatchNorm.

    BatchNorm of the features keeps their scale near 1, and so the scale of every FID.

    Args:
        classes: the names of the classes.
        shape: C, H, W of the images.
        recipe: the sizes of the layers.
    """

    def __init__(self, classes: tuple[str, ...], shape: Shape, recipe: Recipe = RECIPE) -> None:
        super().__init__()
        self.classes = classes
        self.feature_count = recipe.features
        self.checksum = ""  # the sha256 of its file
        self.test_accuracy: Tensor
        self.register_buffer("test_accuracy", torch.tensor(torch.nan, dtype=torch.float64))
        first, second, third = recipe.channels
        channels, height, width = shape
        self.body = nn.Sequential(
            *_convolution(channels, first, pool=2),
            *_convolution(first, second, pool=2),
            *_convolution(second, third, pool=1),
            nn.Flatten(),
            nn.Linear(third * (height // 4) * (width // 4), recipe.features, bias=False),
            nn.BatchNorm1d(recipe.features),
            nn.ReLU(),
        )
        self.head = nn.Linear(recipe.features, len(classes))
        # This is 1.5 times as fast on CPUs.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [B, K] and features [B, D] of images [B, C, H, W] in [-1, 1]."""
        features: Tensor = self.body(images)
        return self.head(features), features

    @torch.inference_mode()
    def read(self, images: Tensor, batch_size: int = 500) -> Readings:
        """Return the outputs for any number of images [N, C, H, W] in [-1, 1], in batches."""
        parts = [self(batch) for batch in images.split(batch_size)]
        return Readings(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _convolution(channels: int, out: int, pool: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, out, 3, padding=1, bias=False),
        nn.MaxPool2d(pool),  # pooling first leaves the next two a quarter of the work
        nn.BatchNorm2d(out),
        nn.ReLU(),
    ]


def load_classifier(
    train: Images, test: Images, cache: Path | None = None, recipe: Recipe = RECIPE
) -> Classifier:
    """Read the classifier of a data set from the cache, or train it.

    If several processes need it at once, one trains and the others wait.

    Args:
        train: the images that it learns.
        test: the images for its `test_accuracy`.
        cache: the data cache, whose folder `judges` keeps the weights; None: `default_cache()`.
        recipe: the settings of the training.

    Returns:
        the classifier, in evaluation mode on the CPU.
    """
    if train.labels is None or test.labels is None or len(train.classes) < 2:
        raise UserError(f"data={train.name}: the classifier needs labels of several classes")
    if min(train.shape[1:]) < SMALLEST_SIDE:
        raise UserError(
            f"data={train.name}: the classifier needs images of at least "
            f"{SMALLEST_SIDE}x{SMALLEST_SIDE}"
        )
    made_of = f"{recipe} {train.checksum} {test.checksum}"
    identity = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    path = (cache or default_cache()) / FOLDER / f"{train.name}-{identity}.safetensors"
    try:
        return _read(path, train, recipe)
    except (OSError, ValueError):
        pass
    with locked(path.parent):
        try:
            # Another process may have trained it while this one waited.
            return _read(path, train, recipe)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.warning("%s; training the classifier again", error)
        line = f"training the classifier of {train.name}, once for this data set: about a minute"
        log.info(line)
        say(line)
        classifier = train_classifier(train, recipe)
        correct = classifier.read(to_float(test.pixels)).labels.eq(test.labels)
        classifier.test_accuracy = correct.double().mean()
        _write(path, classifier)
        log.info(
            "the classifier has a test accuracy of %.2f %% (n=%d); kept in %s",
            100 * classifier.test_accuracy, len(test), path,
        )  # fmt: skip
        return _read(path, train, recipe)


def train_classifier(train: Images, recipe: Recipe = RECIPE) -> Classifier:
    """Train with the recipe's seed: the same weights each time. The global stream is kept."""
    assert train.labels is not None
    with _threads(recipe.threads), torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the random streams of accelerators as well.
        torch.default_generator.manual_seed(recipe.seed)
        classifier = Classifier(train.classes, train.shape, recipe)
        optimizer = unwrap_compile_hooks(torch.optim.Adam)(
            classifier.parameters(), lr=recipe.peak_lr
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.peak_lr, total_steps=recipe.steps
        )
        for indices in _batches(len(train), recipe):
            interrupts.act("stopped before the first step")
            logits, _ = classifier(to_float(train.pixels[indices]))
            loss = nn.functional.cross_entropy(logits, train.labels[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return classifier.eval()


def _batches(count: int, recipe: Recipe) -> Iterator[Tensor]:
    """Yield the indices of each step's images, int64 [B]; each epoch has a new order."""
    size = min(recipe.batch_size, count)
    steps = 0
    while True:
        for batch in torch.randperm(count).split(size):
            if steps == recipe.steps:
                return
            steps += 1
            yield batch


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _write(path: Path, classifier: Classifier) -> None:
    state = classifier.state_dict()
    content = bytes_of({name: tensor.contiguous() for name, tensor in state.items()})
    write_atomically(path, lambda file: file.write(content))
    # This is the format of sha256sum, so that `sha256sum -c` can check the file too.
    checksum = hashlib.sha256(content).hexdigest()
    write_text(_checksum_file(path), f"{checksum}  {path.name}\n")


def _read(path: Path, train: Images, recipe: Recipe) -> Classifier:
    """Read a saved classifier. Raises OSError if there is none, ValueError if it is damaged."""
    content = path.read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    if _checksum_file(path).read_text(encoding="utf-8").split()[:1] != [checksum]:
        raise ValueError(f"{path} is damaged: its sha256 differs from the one in its .sha256 file")
    classifier = Classifier(train.classes, train.shape, recipe)
    classifier.load_state_dict(tensors_from(content))
    classifier.checksum = checksum
    return classifier.eval()


def _checksum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


class ChannelClassifier(Classifier):
    """Read each channel with one classifier and combine the results.

    The class of an image has one class for each channel. Its probability is the product of their
    probabilities. The features are those of all channels. `test_accuracy` and `checksum` are those
    of the one classifier.

    Args:
        one: the classifier of a channel, with K classes and D features.
        channels: C.
        classes: the names of the K ** C classes; the last channel changes fastest.
    """

    def __init__(self, one: Classifier, channels: int, classes: tuple[str, ...]) -> None:
        nn.Module.__init__(self)  # Classifier's constructor would build layers
        self.one, self.classes, self.checksum = one, classes, one.checksum
        self.feature_count = channels * one.feature_count
        self.register_buffer("test_accuracy", one.test_accuracy)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, K ** C] and features [B, C * D] of images [B, C, H, W] in [-1, 1]."""
        logits, features = self.one(images.flatten(0, 1).unsqueeze(1))
        joint = images.new_zeros(len(images), 1)
        for channel in logits.log_softmax(-1).unflatten(0, images.shape[:2]).unbind(1):
            joint = (joint[:, :, None] + channel[:, None, :]).flatten(1)
        return joint, features.unflatten(0, images.shape[:2]).flatten(1)


def classifier_of(data: Data) -> Classifier:
    """Return the classifier that reads these images, from the cache or trained, on the CPU."""
    if data.channels_of is None:
        return load_classifier(data.train, data.test)
    one = load(data.channels_of)
    reader = load_classifier(one.train, one.test)
    return ChannelClassifier(reader, data.train.shape[0], data.train.classes).eval()
