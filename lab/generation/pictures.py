"""A run's pictures: of training, and of the generator's latent space.

In a conditional run z does not decide the class, so z is interpolated within a class, and the class
with and without z. A class is a vector beside z; the shares of two classes give a point between
their vectors.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.functional import one_hot

from lab.config.errors import UserError
from lab.config.wording import listed, percent
from lab.engine.task import History, Recorder
from lab.figures import sheets
from lab.generation import figures, latent
from lab.generation.losses import Loss, undecided
from lab.generation.players import COLUMNS, Inputs, Prior
from lab.images.classifier import Classifier, Readings
from lab.images.datasets import Data, as_drawn, to_float
from lab.images.quality import distance_to_real, read_some

ROWS_OF_PROGRESS = 10
DRAWS = 5000
WALKS = 200
NEAREST = 12
READ_AS = "below each image: the class that the classifier reads in it"
# The ends of the interpolation in the picture have this probability, if there are such images.
SURE = 0.99
REAL_IMAGES = 2000
# Claim B8 multiplies z2 by this.
FARTHER = 2.0


def draw_training(
    recorder: Recorder,
    frames: Mapping[int, Tensor],
    history: History,
    title: str,
    loss: Loss,
    n: int,
    classes: Sequence[str] = (),
) -> None:
    """Draw grids at the start, halfway and at the end, a progress sheet, an animation, the losses.

    Args:
        recorder: writes the figures.
        frames: images of the same z, uint8 [G, H, W] or [G, H, W, 3], by step.
        history: every logged metric.
        title: the name of the run.
        loss: the loss of the run.
        n: the number of samples of each FID in the history.
        classes: the classes of a conditional run, whose grids have a row for each of the first.
    """
    steps = sorted(frames)
    pixels = np.stack([frames[step].numpy() for step in steps])
    recorder.file(sheets.FRAMES, lambda file: sheets.save_frames(pixels, steps, file))
    images = pixels.astype(np.float32) / 127.5 - 1
    half = min(range(len(steps)), key=lambda index: abs(steps[index] - steps[-1] / 2))
    measured = zip(history["step"], history["fid"], strict=True)
    fids = {int(step): fid for step, fid in measured if not math.isnan(fid)}
    for name, index in (("start", 0), ("half", half), ("end", len(steps) - 1)):
        title_of = at_step(steps[index], fids.get(steps[index]), n)
        grid = _sheet(images[index], title_of, classes)
        recorder.figure(f"samples_{name}", grid, tag="samples", step=steps[index])
    rows = np.linspace(0, len(steps) - 1, min(ROWS_OF_PROGRESS, len(steps))).round().astype(int)
    shown = [steps[index] for index in rows]
    notes = [f"FID {fids[step]:.1f}" if step in fids else "" for step in shown]
    columns = _columns(images[0], classes)
    # If there are rows of classes, the progress sheet shows one image of each.
    some = images[rows, :: columns if classes else 1][:, :10]
    recorder.figure("progress", sheets.progress_sheet(some, shown, notes))
    recorder.file("training.gif", lambda file: sheets.animation(images, columns, file))

    is_cross_entropy = getattr(loss, "is_cross_entropy", False)
    drawn = figures.loss_dynamics(history, title, is_cross_entropy, undecided(loss))
    recorder.figure("losses", drawn)


def draw_best(
    recorder: Recorder,
    network: nn.Module,
    inputs: Inputs,
    weights: Mapping[str, Any],
    n: int,
    classes: Sequence[str] = (),
) -> None:
    """Draw the grid of images of the weights with the lowest training FID.

    Args:
        recorder: writes the figure.
        network: the generator with these weights, in evaluation mode.
        inputs: the inputs of the images.
        chosen: the weights' `step` and `training_fid`.
        n: the number of samples of that FID.
        classes: the classes of a conditional run.
    """
    images = as_drawn(latent.generate(network, *inputs)).cpu().numpy()
    title = at_step(weights["step"], None, n)
    title = f"{title}, training FID {weights['training_fid']:.1f} at n={n:,}"
    recorder.figure("samples_best", _sheet(images, title, classes))


def _sheet(images: np.ndarray, title: str, classes: Sequence[str]) -> Figure:
    columns = _columns(images, classes)
    return sheets.image_grid(images, columns, title, classes[: len(images) // columns])


def _columns(images: np.ndarray, classes: Sequence[str]) -> int:
    """The number of columns of a run's grid of images."""
    return COLUMNS if classes else math.isqrt(len(images))


def at_step(step: int, fid: float | None, n: int) -> str:
    """The title of a grid: its step, and the FID of n samples if it was measured there."""
    return f"step {step:,}" + ("" if fid is None else f", FID {fid:.1f} at n={n:,}")


@dataclass(frozen=True, eq=False)
class Space:
    """A trained generator and what is needed to look at its latent space.

    Args:
        generator: in evaluation mode.
        prior: the distribution of its inputs.
        classifier: reads its images.
        data: what it was trained on, and the test images.
    """

    generator: nn.Module
    prior: Prior
    classifier: Classifier
    data: Data

    @cached_property
    def real(self) -> Tensor:
        """The classifier's features of real images, [N, D]."""
        return read_some(self.classifier, self.data.test, REAL_IMAGES).features

    def draws(self, random: torch.Generator) -> latent.Draws:
        """Samples to choose the ends of interpolations and the parts of sums from."""
        return latent.draw(self.generator, self.classifier, DRAWS, random)

    def draw(
        self,
        recorder: Recorder,
        random: torch.Generator,
        words: Sequence[str] = ("7", "1", "6"),
    ) -> dict[str, Any]:
        """Draw all pictures at the end of a run; return `latent` of the result.

        If the generator makes too few classes for a part, it has the reason in `not_measured`.

        Args:
            recorder: writes the figures.
            random: of all that is drawn, on the CPU.
            words: names of the classes of the arithmetic: plus, minus, base.
        """
        if self.prior.asked:
            labels = torch.arange(NEAREST, device=self.prior.device) % len(self.classifier.classes)
            recorder.figure("nearest", self.nearest(self.prior.z(NEAREST, random), labels))
            start, end = torch.randperm(len(self.classifier.classes), generator=random)[:2].tolist()
            figure, metrics = self.class_interpolation(random, (start, end))
            recorder.figure("interpolation", figure)
            return {"interpolation": metrics}
        draws = self.draws(random)
        recorder.figure("nearest", self.nearest(draws.z[:NEAREST]))
        parts = {
            "interpolation": lambda: self.interpolation(draws, random),
            "arithmetic": lambda: self.arithmetic(draws, random, words),
        }
        result: dict[str, Any] = {}
        for name, draw in parts.items():
            try:
                figure, result[name] = draw()
                recorder.figure(name, figure)
            except UserError as error:
                result[name] = {"not_measured": str(error)}
        return result

    def _rows(self, paths: Tensor) -> tuple[np.ndarray, list[list[str]]]:
        """Return images [R, S, H, W] or [R, S, H, W, 3] along R paths, and the classes read."""
        images = latent.images_along(self.generator, paths)
        read = latent.read_along(self.classifier, images).labels.tolist()
        labels = [[self.classifier.classes[label] for label in row] for row in read]
        return as_drawn(images).cpu().numpy(), labels

    def interpolation(
        self,
        draws: latent.Draws,
        random: torch.Generator,
        ends: tuple[int | None, int | None] = (None, None),
    ) -> tuple[Figure, dict[str, Any]]:
        """Draw interpolations between classes for claims B7 and B8: linear, spherical, to 2 z2.

        Args:
            draws: the samples to choose the ends from.
            random: the random stream, on the CPU.
            ends: the labels of the first and the last class; None: any class.

        Returns:
            the picture, with the pair of ends that is nearest to real images, and `interpolation`
            of the result, which measures the straight lines.
        """
        starts, stops = latent.different_pairs(draws, WALKS, random, ends)
        shown, least = _to_be_shown(self.generator, self.classifier, self.real, starts, stops)
        paths = {
            "linear": latent.interpolate(starts, stops),
            "farther": latent.interpolate(starts, FARTHER * stops),
        }
        arc = latent.interpolate(starts[shown], stops[shown], spherical=True)
        rows = [paths["linear"][shown], arc, paths["farther"][shown]]
        images, labels = self._rows(torch.stack(rows))
        result: dict[str, Any] = {"pairs": WALKS, "ends": [labels[0][0], labels[0][-1]]}
        for name, points in paths.items():
            along = latent.images_along(self.generator, points)
            readings = latent.read_along(self.classifier, along)
            third = latent.third_classes(readings.labels, len(self.classifier.classes))
            lengths = latent.path_length(readings.features)
            result[f"third_class_{name}"] = float(third.any(1).float().mean())
            result[f"path_length_{name}"] = float(lengths.mean())
            result[f"largest_step_{name}"] = float(latent.largest_step(readings.features).mean())
        titles = ["linear: (1-a) z1 + a z2", "spherical (slerp)", f"linear to {FARTHER:g} z2"]
        caption = f"{READ_AS}; at z1 and z2 its probability is at least {percent(least)}"
        figure = sheets.labelled_rows(images, labels, titles, bold_ends=True, caption=caption)
        return figure, result

    def arithmetic(
        self, draws: latent.Draws, random: torch.Generator, words: Sequence[str]
    ) -> tuple[Figure, dict[str, Any]]:
        """Draw claim B9, plus - minus + base, and count the classes that 200 sums are read as."""
        classes = self.classifier.classes
        missing = [word for word in words if word not in classes]
        if missing:
            raise UserError(f"there is no class {missing[0]} among {listed(classes)}")
        plus, minus, base = (classes.index(word) for word in words)
        counts = {}
        for name, z in latent.sums(draws, plus, minus, base, WALKS, random).items():
            read = self.classifier.read(latent.generate(self.generator, z)).labels
            count = torch.bincount(read, minlength=len(classes)).tolist()
            counts[name] = dict(zip(classes, count, strict=True))
        sources = [draws.most_real(label, self.real) for label in (plus, minus, base)]
        images, labels = self._rows(latent.roof_rows(*sources))
        p, m, b = words
        titles = [
            f"from z{p} - z{m} to z{b}",
            f"from z{b} + {latent.ROOF_WEIGHT:g} (z{p} - z{m}) to z{b}",
        ]
        figure = sheets.labelled_rows(images, labels, titles, bold_ends=True, caption=READ_AS)
        return figure, {f"{p}-{m}+{b}": counts}

    def nearest(self, z: Tensor, labels: Tensor | None = None) -> Figure:
        """Draw samples above their nearest training images, to show whether G copies them.

        Args:
            z: [NEAREST, latent].
            labels: the classes to ask for; None if not conditional.
        """
        samples = latent.generate(self.generator, z, labels)
        train = self.data.train
        indices, distances = latent.nearest(samples, train.pixels)
        neighbours = to_float(train.pixels[indices.cpu()]).to(samples.device)
        rows = as_drawn(torch.stack([samples, neighbours])).cpu().numpy()
        size = math.sqrt(math.prod(train.shape))
        rms = [f"{float(distance) / size:.2f}" for distance in distances]
        titles = [
            "samples; below: the class that the classifier reads",
            "nearest training images; below: RMS difference of pixels in [-1, 1]",
        ]
        read = self.classifier.read(samples).labels.tolist()
        names = [self.classifier.classes[label] for label in read]
        return sheets.labelled_rows(rows, [names, rms], titles)

    def class_interpolation(
        self, random: torch.Generator, ends: tuple[int, int]
    ) -> tuple[Figure, dict[str, Any]]:
        """Draw interpolations of z within the first class, of the class alone, and of both.

        Args:
            random: the random stream of z, on the CPU.
            ends: the labels of the first and the last class. If they are equal, only z changes.

        Returns:
            the picture, and the metrics of 200 pairs of z: the ends; `stays`, the share of
            interpolations within the first class whose images are all read as that class;
            `third_class_class_alone` and `third_class_both`, the shares with an image that is read
            as neither of the two classes.
        """
        classes = self.classifier.classes
        paths = self._class_paths(random, ends)
        images = {name: latent.images_along(self.generator, *p) for name, p in paths.items()}
        readings = {name: latent.read_along(self.classifier, made) for name, made in images.items()}
        first, last = (classes[label] for label in ends)
        stays = (readings["within"].labels == ends[0]).all(1)
        result: dict[str, Any] = {"ends": [first, last], "stays": float(stays.float().mean())}
        for name in paths.keys() - {"within"}:
            labels = readings[name].labels
            third = latent.third_classes(labels, len(classes), torch.tensor(ends))
            result[f"third_class_{name}"] = float(third.any(1).float().mean())
        titles = {
            "within": f"class {first}, from z1 to z2",
            "class_alone": f"z1, from class {first} to class {last}",
            "both": f"from z1 and class {first} to z2 and class {last}",
        }
        shown = _surest(readings, ends)
        figure = sheets.labelled_rows(
            as_drawn(torch.stack([made[shown] for made in images.values()])).cpu().numpy(),
            [[classes[i] for i in r.labels[shown].tolist()] for r in readings.values()],
            [titles[name] for name in paths],
            bold_ends=True,
            caption=READ_AS,
        )
        return figure, result

    def _class_paths(self, random: torch.Generator, ends: tuple[int, int]) -> dict[str, Inputs]:
        """Return z [W, S, latent] and class shares [W, S, K] along each kind of path, by name."""
        device = self.prior.device
        start, stop = torch.randn(2, WALKS, self.prior.latent, generator=random).to(device)
        z = latent.interpolate(start, stop, spherical=True)
        shares = one_hot(torch.tensor(ends), len(self.classifier.classes)).float().to(device)
        moving = latent.interpolate(*shares).expand(WALKS, -1, -1)
        still = shares[0].expand_as(moving)
        paths = {"within": Inputs(z, still)}
        if ends[0] != ends[1]:
            paths["class_alone"] = Inputs(start[:, None].expand_as(z), moving)
            paths["both"] = Inputs(z, moving)
        return paths


def _to_be_shown(
    generator: nn.Module, classifier: Classifier, real: Tensor, starts: Tensor, ends: Tensor
) -> tuple[int, float]:
    """Choose, among W sure pairs of ends [W, latent], the one that is nearest to real images.

    Returns:
        its index, and the lower of the two probabilities that the classifier gives.
    """
    both = [classifier.read(latent.generate(generator, z)) for z in (starts, ends)]
    least = torch.minimum(*(readings.confidence for readings in both)).cpu()
    distance = torch.maximum(*(distance_to_real(real, readings.features) for readings in both))
    distance[least < min(SURE, float(least.max()))] = math.inf
    shown = int(distance.argmin())
    return shown, float(least[shown])


def _surest(readings: Mapping[str, Readings], ends: tuple[int, int]) -> int:
    """The index, among W pairs, of the one whose ends are most surely of the asked classes."""
    sure = []
    for name, path in readings.items():
        last = ends[0] if name == "within" else ends[1]
        sure += [
            path.logits[:, side].softmax(-1)[:, label] for side, label in ((0, ends[0]), (-1, last))
        ]
    return int(torch.stack(sure).amin(0).argmax())
