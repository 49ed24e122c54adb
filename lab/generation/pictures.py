"""A run's pictures: images of the same z during training, interpolations and sums of z."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.config.wording import listed, percent
from lab.engine.task import History, Recorder
from lab.figures import sheets as sheet_figures
from lab.generation import figures, latent
from lab.generation.conditional import COLUMNS, Inputs
from lab.generation.losses import Loss, undecided
from lab.images.classifier import Classifier
from lab.images.datasets import Data, Images, as_drawn, to_float
from lab.images.quality import distance_to_real, read_some

DRAWS = 5000
WALKS = 200
ROWS_OF_PROGRESS = 10
NEAREST = 12
READ_AS = "below each image: the class that the classifier reads in it"
# The ends of the interpolation in the picture have this probability, if there are such images.
SURE = 0.99
REAL_IMAGES = 2000
# Claim B8 multiplies z2 by this.
FARTHER = 2.0


def of_training(
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
    recorder.file(sheet_figures.FRAMES, lambda file: sheet_figures.save_frames(pixels, steps, file))
    sheets = pixels.astype(np.float32) / 127.5 - 1
    half = min(range(len(steps)), key=lambda index: abs(steps[index] - steps[-1] / 2))
    measured = zip(history["step"], history["fid"], strict=True)
    fids = {int(step): fid for step, fid in measured if not math.isnan(fid)}
    for name, index in (("start", 0), ("half", half), ("end", len(steps) - 1)):
        title_of = at_step(steps[index], fids.get(steps[index]), n)
        grid = _sheet(sheets[index], title_of, classes)
        recorder.figure(f"samples_{name}", grid, tag="samples", step=steps[index])
    chosen = np.linspace(0, len(steps) - 1, min(ROWS_OF_PROGRESS, len(steps))).round().astype(int)
    shown = [steps[index] for index in chosen]
    notes = [f"FID {fids[step]:.1f}" if step in fids else "" for step in shown]
    columns = _columns(sheets[0], classes)
    # If there are rows of classes, the progress sheet shows one image of each.
    images = sheets[chosen, :: columns if classes else 1][:, :10]
    sheet = sheet_figures.progress_sheet(images, shown, notes)
    recorder.figure("progress", sheet)
    recorder.file("training.gif", lambda file: sheet_figures.animation(sheets, columns, file))

    is_cross_entropy = getattr(loss, "is_cross_entropy", False)
    drawn = figures.loss_dynamics(history, title, is_cross_entropy, undecided(loss))
    recorder.figure("losses", drawn)


def of_best(
    recorder: Recorder,
    network: nn.Module,
    inputs: Inputs,
    chosen: Mapping[str, Any],
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
    title = at_step(chosen["step"], None, n)
    title = f"{title}, training FID {chosen['training_fid']:.1f} at n={n:,}"
    recorder.figure("samples_best", _sheet(images, title, classes))


def _sheet(images: np.ndarray, title: str, classes: Sequence[str]) -> Figure:
    columns = _columns(images, classes)
    return sheet_figures.image_grid(images, columns, title, classes[: len(images) // columns])


def _columns(images: np.ndarray, classes: Sequence[str]) -> int:
    """The number of columns of a run's grid of images."""
    return COLUMNS if classes else math.isqrt(len(images))


def at_step(step: int, fid: float | None, n: int) -> str:
    """The title of a grid: its step, and the FID of n samples if it was measured there."""
    return f"step {step:,}" + ("" if fid is None else f", FID {fid:.1f} at n={n:,}")


def of_latent_space(
    recorder: Recorder,
    generator: nn.Module,
    classifier: Classifier,
    data: Data,
    random: torch.Generator,
    words: Sequence[str] = ("7", "1", "6"),
) -> dict[str, Any]:
    """Draw interpolations, sums and nearest neighbours; return `latent` of the result.

    If the generator makes too few classes for a part, that part has the reason in `not_measured`.

    Args:
        generator: in evaluation mode.
        classifier: of the same data set.
        data: what it was trained on, and the test images.
        random: of all that is drawn, on the CPU.
        words: names of the classes of the arithmetic: plus, minus, base.
    """
    draws = latent.draw(generator, classifier, DRAWS, random)
    drawn = {
        "nearest": nearest(latent.generate(generator, draws.z[:NEAREST]), classifier, data.train)
    }
    real = read_some(classifier, data.test, REAL_IMAGES).features
    result: dict[str, Any] = {}
    parts = {
        "interpolation": lambda: interpolation(draws, generator, classifier, real, random),
        "arithmetic": lambda: arithmetic(draws, generator, classifier, real, random, words),
    }
    for name, draw in parts.items():
        try:
            drawn[name], result[name] = draw()
        except UserError as error:
            result[name] = {"not_measured": str(error)}
    for name, figure in drawn.items():
        recorder.figure(name, figure)
    return result


def _rows(
    generator: nn.Module, classifier: Classifier, paths: Tensor
) -> tuple[np.ndarray, list[list[str]]]:
    """Return images [R, S, H, W] or [R, S, H, W, 3] along R paths, and the classes read in them."""
    images = latent.images_along(generator, paths)
    read = latent.read_along(classifier, images).labels.tolist()
    labels = [[classifier.classes[label] for label in row] for row in read]
    return as_drawn(images).cpu().numpy(), labels


def interpolation(
    draws: latent.Draws,
    generator: nn.Module,
    classifier: Classifier,
    real: Tensor,
    random: torch.Generator,
    ends: tuple[int | None, int | None] = (None, None),
) -> tuple[Figure, dict[str, Any]]:
    """Draw interpolations between classes for claims B7 and B8: linear, spherical, and to 2 z2.

    Args:
        draws: the samples to choose the ends from.
        generator: the generator, in evaluation mode.
        classifier: the classifier that reads the images.
        real: the classifier's features of real images [N, D]; the picture shows the pair of ends
            that is nearest to them.
        random: the random stream, on the CPU.
        ends: the labels of the first and the last class; None: any class.

    Returns:
        the picture, and `interpolation` of the result.
    """
    starts, stops = latent.different_pairs(draws, WALKS, random, ends)
    kinds = {
        "linear": latent.interpolate(starts, stops),
        "spherical": latent.interpolate(starts, stops, spherical=True),
        "farther": latent.interpolate(starts, FARTHER * stops),
    }
    titles = [
        "linear: (1-a) z1 + a z2",
        "spherical (slerp)",
        f"linear to {FARTHER:g} z2",
    ]
    shown, least = _to_be_shown(generator, classifier, real, starts, stops)
    images, labels = _rows(
        generator, classifier, torch.stack([path[shown] for path in kinds.values()])
    )
    result: dict[str, Any] = {"pairs": WALKS, "ends": [labels[0][0], labels[0][-1]]}
    for name, paths in kinds.items():
        readings = latent.read_along(classifier, latent.images_along(generator, paths))
        third = latent.third_classes(readings.labels, len(classifier.classes))
        lengths = latent.path_length(readings.features)
        result[f"third_class_{name}"] = float(third.any(1).float().mean())
        result[f"path_length_{name}"] = float(lengths.mean())
        result[f"largest_step_{name}"] = float(latent.largest_step(readings.features).mean())
    caption = f"{READ_AS}; at z1 and z2 its probability is at least {percent(least)}"
    figure = sheet_figures.labelled_rows(images, labels, titles, bold_ends=True, caption=caption)
    return figure, result


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


def arithmetic(
    draws: latent.Draws,
    generator: nn.Module,
    classifier: Classifier,
    real: Tensor,
    random: torch.Generator,
    words: Sequence[str],
) -> tuple[Figure, dict[str, Any]]:
    """Draw claim B9, plus - minus + base, and count classes over 200 sums and a null hypothesis."""
    missing = [word for word in words if word not in classifier.classes]
    if missing:
        raise UserError(f"there is no class {missing[0]} among {listed(classifier.classes)}")
    plus, minus, base = (classifier.classes.index(word) for word in words)
    totals = latent.sums(draws, plus, minus, base, WALKS, random)
    sources = [draws.most_real(label, real) for label in (plus, minus, base)]
    images, labels = _rows(generator, classifier, latent.roof_rows(*sources))
    p, m, b = words
    titles = [
        f"from z{p} - z{m} to z{b}",
        f"from z{b} + {latent.ROOF_WEIGHT:g} (z{p} - z{m}) to z{b}",
    ]
    counts = {
        name: dict(zip(classifier.classes, count.tolist(), strict=True))
        for name, count in totals.counts(generator, classifier).items()
    }
    result = {f"{p}-{m}+{b}": counts}
    figure = sheet_figures.labelled_rows(images, labels, titles, bold_ends=True, caption=READ_AS)
    return figure, result


def nearest(samples: Tensor, classifier: Classifier, train: Images) -> Figure:
    """Draw samples above their nearest training images, to show whether G copies them.

    Args:
        samples: float [NEAREST, C, H, W] in [-1, 1].
        classifier: the classifier that reads the samples.
        train: the training images.
    """
    found, distances = latent.nearest(samples, train.pixels)
    neighbours = to_float(train.pixels[found.cpu()]).to(samples.device)
    rows = as_drawn(torch.stack([samples, neighbours])).cpu().numpy()
    rms = [f"{float(distance) / math.sqrt(math.prod(train.shape)):.2f}" for distance in distances]
    titles = [
        "samples; below: the class that the classifier reads",
        "nearest training images; below: RMS difference of pixels in [-1, 1]",
    ]
    read = [classifier.classes[label] for label in classifier.read(samples).labels.tolist()]
    return sheet_figures.labelled_rows(rows, [read, rms], titles)
