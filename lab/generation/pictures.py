"""A run's pictures: training seen through a fixed latent batch, and walks through latent space."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.engine.recorder import History, Recorder
from lab.generation import figures, latent
from lab.images import sheets as sheet_figures
from lab.images.classifier import Classifier
from lab.images.datasets import Images, as_drawn, to_float

DRAWS = 5000
WALKS = 200
ROWS_OF_PROGRESS = 10
NEAREST = 12
READ_AS = "below each image: the class that it is read as"
# z2 of B8 is this much farther from the origin.
FARTHER = 2.0


def of_training(
    recorder: Recorder,
    frames: Mapping[int, Tensor],
    history: History,
    title: str,
    is_cross_entropy: bool,
) -> None:
    """25-image grids at start, half and end, the progress sheet, the animation, the losses.

    Args:
        frames: uint8 [25, H, W] or [25, H, W, 3] by step, of the same z.
        history: every logged metric.
        title: names the run.
        is_cross_entropy: of its loss, see `figures.loss_dynamics`.
    """
    steps = sorted(frames)
    sheets = np.stack([frames[step].numpy() for step in steps]).astype(np.float32) / 127.5 - 1
    half = min(range(len(steps)), key=lambda index: abs(steps[index] - steps[-1] / 2))
    for name, index in (("start", 0), ("half", half), ("end", len(steps) - 1)):
        grid = sheet_figures.image_grid(sheets[index], title=_at_step(history, steps[index]))
        recorder.figure(f"samples_{name}", grid, tag="samples", step=steps[index])
    chosen = np.linspace(0, len(steps) - 1, min(ROWS_OF_PROGRESS, len(steps))).round().astype(int)
    sheet = sheet_figures.progress_sheet(sheets[chosen, :10], [steps[index] for index in chosen])
    recorder.figure("progress", sheet)
    recorder.file("training.gif", lambda file: sheet_figures.animation(sheets, 5, file))

    recorder.figure("losses", figures.loss_dynamics(history, title, is_cross_entropy))


def of_best(recorder: Recorder, network: nn.Module, z: Tensor, chosen: Mapping[str, Any]) -> None:
    """The 25-image grid of the weights with the lowest validation FID.

    Args:
        network: with these weights, in evaluation mode.
        z: [25, latent].
        chosen: their `step` and `validation_fid`.
    """
    images = as_drawn(latent.generate(network, z)).cpu().numpy()
    title = f"step {chosen['step']:,}, FID {chosen['validation_fid']:.1f}, the lowest"
    recorder.figure("samples_best", sheet_figures.image_grid(images, title=title))


def _at_step(history: History, step: int) -> str:
    """The step, with the FID if it was measured there."""
    fids = dict(zip(history["step"], history["fid"], strict=True))
    fid = fids.get(float(step), math.nan)
    return f"step {step:,}" + ("" if math.isnan(fid) else f", FID {fid:.1f}")


def of_latent_space(
    recorder: Recorder,
    generator: nn.Module,
    classifier: Classifier,
    train: Images,
    random: torch.Generator,
    words: Sequence[str] = ("7", "1", "6"),
) -> dict[str, Any]:
    """Walks, sums and nearest neighbours; gives `interpolation` and `arithmetic` of the result.

    Where the generator makes too few classes for one of them, it says why in `not_measured`.

    Args:
        generator: in evaluation mode.
        classifier: of the same data set.
        train: what it was trained on.
        random: of all that is drawn, on the CPU.
        words: names of the classes of the arithmetic: plus, minus, base.
    """
    draws = latent.draw(generator, classifier, DRAWS, random)
    drawn = {"nearest": _nearest(draws, generator, train)}
    result: dict[str, Any] = {}
    parts = {
        "interpolation": lambda: interpolation(draws, generator, classifier, random),
        "arithmetic": lambda: arithmetic(draws, generator, classifier, random, words),
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
    generator: nn.Module, classifier: Classifier, walks: Tensor
) -> tuple[np.ndarray, list[list[str]]]:
    """Images [R, S, H, W] or [R, S, H, W, 3] along walks [R, S, latent], and their classes."""
    images = latent.generate(generator, walks.flatten(0, 1))
    names = [classifier.classes[label] for label in classifier.read(images).labels.tolist()]
    length = walks.shape[1]
    labels = [names[begin : begin + length] for begin in range(0, len(names), length)]
    return as_drawn(images).unflatten(0, walks.shape[:2]).cpu().numpy(), labels


def interpolation(
    draws: latent.Draws,
    generator: nn.Module,
    classifier: Classifier,
    random: torch.Generator,
    ends: tuple[int | None, int | None] = (None, None),
) -> tuple[Figure, dict[str, Any]]:
    """B7 and B8: from one class to another, straight, turning, and to a z twice as far out.

    Args:
        ends: the labels of the first and the last class; None is any.
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
    shown = _clearest(generator, classifier, starts, stops)
    images, labels = _rows(
        generator, classifier, torch.stack([walk[shown] for walk in kinds.values()])
    )
    result: dict[str, Any] = {"pairs": WALKS, "ends": [labels[0][0], labels[0][-1]]}
    for name, walks in kinds.items():
        readings = latent.readings_along(generator, classifier, walks)
        third = latent.third_classes(readings.labels, len(classifier.classes))
        lengths = latent.path_length(readings.features)
        result[f"third_class_{name}"] = float(third.any(1).float().mean())
        result[f"path_length_{name}"] = float(lengths.mean())
        result[f"largest_step_{name}"] = float(latent.largest_step(readings.features).mean())
    figure = sheet_figures.labelled_rows(images, labels, titles, bold_ends=True, caption=READ_AS)
    return figure, result


def _clearest(generator: nn.Module, classifier: Classifier, starts: Tensor, ends: Tensor) -> int:
    """The pair of ends [W, latent] of which the classifier is surest, to be shown."""
    sure = [classifier.read(latent.generate(generator, z)).confidence for z in (starts, ends)]
    return int(torch.minimum(*sure).argmax())


def arithmetic(
    draws: latent.Draws,
    generator: nn.Module,
    classifier: Classifier,
    random: torch.Generator,
    words: Sequence[str],
) -> tuple[Figure, dict[str, Any]]:
    """B9: plus - minus + base, as pictures and as counts over 200 draws, beside a null."""
    missing = [word for word in words if word not in classifier.classes]
    if missing:
        raise UserError(f"there is no class {missing[0]} among {', '.join(classifier.classes)}")
    plus, minus, base = (classifier.classes.index(word) for word in words)
    totals = latent.sums(draws, plus, minus, base, WALKS, random)
    sources = [draws.sure_of(label)[0] for label in (plus, minus, base)]
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


def _nearest(draws: latent.Draws, generator: nn.Module, train: Images) -> Figure:
    """Samples over the training images nearest to them, pixel by pixel: is it memorising?"""
    samples = latent.generate(generator, draws.z[:NEAREST])
    found, distances = latent.nearest(samples, train.pixels)
    neighbours = to_float(train.pixels[found.cpu()]).to(samples.device)
    rows = as_drawn(torch.stack([samples, neighbours])).cpu().numpy()
    rms = [f"{float(distance) / math.sqrt(math.prod(train.shape)):.2f}" for distance in distances]
    titles = ["samples", "nearest training images; below: RMS difference of pixels in [-1, 1]"]
    return sheet_figures.labelled_rows(rows, [[""] * NEAREST, rms], titles)
