"""Pictures of a conditional generator: interpolations of z and of the class.

The class is a vector beside z. The shares of two classes give a point between their vectors.
"""

from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import one_hot

from lab.engine.task import Recorder
from lab.figures import sheets
from lab.generation import latent
from lab.generation.conditional import Inputs, latent_size
from lab.generation.pictures import NEAREST, READ_AS, WALKS, nearest
from lab.images.classifier import Classifier, Readings
from lab.images.datasets import Data, as_drawn


def of_latent_space(
    recorder: Recorder,
    generator: nn.Module,
    classifier: Classifier,
    data: Data,
    random: torch.Generator,
) -> dict[str, Any]:
    """Draw interpolations between two random classes, and nearest neighbours.

    Args:
        recorder: writes the figures.
        generator: a conditional generator, in evaluation mode.
        classifier: the classifier of the same data set.
        data: the data set that the generator was trained on.
        random: the random stream of all that is drawn, on the CPU.

    Returns:
        `latent` of the result.
    """
    device = next(classifier.parameters()).device
    z = torch.randn(NEAREST, latent_size(generator), generator=random).to(device)
    labels = torch.arange(NEAREST, device=device) % len(classifier.classes)
    recorder.figure(
        "nearest", nearest(latent.generate(generator, z, labels), classifier, data.train)
    )
    start, end = torch.randperm(len(classifier.classes), generator=random)[:2].tolist()
    figure, result = interpolation(generator, classifier, random, (start, end))
    recorder.figure("interpolation", figure)
    return {"interpolation": result}


def interpolation(
    generator: nn.Module,
    classifier: Classifier,
    random: torch.Generator,
    ends: tuple[int, int],
) -> tuple[Figure, dict[str, Any]]:
    """Draw interpolations of z within the first class, of the class alone, and of both.

    Args:
        generator: a conditional generator, in evaluation mode.
        classifier: the classifier that reads the images.
        random: the random stream of z, on the CPU.
        ends: the labels of the first and the last class. If they are equal, only z changes.

    Returns:
        the picture, and the metrics of 200 pairs of z: the ends; `stays`, the share of
        interpolations within the first class whose images are all read as that class;
        `third_class_class_alone` and `third_class_both`, the shares with an image that is read as
        neither of the two classes.
    """
    paths = _paths(generator, classifier, random, ends)
    images = {name: latent.images_along(generator, *path) for name, path in paths.items()}
    readings = {name: latent.read_along(classifier, made) for name, made in images.items()}
    first, last = (classifier.classes[label] for label in ends)
    result: dict[str, Any] = {
        "ends": [first, last],
        "stays": float((readings["within"].labels == ends[0]).all(1).float().mean()),
    }
    for name in paths.keys() - {"within"}:
        third = latent.third_classes(
            readings[name].labels, len(classifier.classes), torch.tensor(ends)
        )
        result[f"third_class_{name}"] = float(third.any(1).float().mean())
    titles = {
        "within": f"class {first}, from z1 to z2",
        "class_alone": f"z1, from class {first} to class {last}",
        "both": f"from z1 and class {first} to z2 and class {last}",
    }
    shown = _surest(readings, ends)
    figure = sheets.labelled_rows(
        as_drawn(torch.stack([made[shown] for made in images.values()])).cpu().numpy(),
        [[classifier.classes[i] for i in r.labels[shown].tolist()] for r in readings.values()],
        [titles[name] for name in paths],
        bold_ends=True,
        caption=READ_AS,
    )
    return figure, result


def _paths(
    generator: nn.Module, classifier: Classifier, random: torch.Generator, ends: tuple[int, int]
) -> dict[str, Inputs]:
    """Return z [W, S, latent] and class shares [W, S, K] along each kind of path, by its name."""
    device = next(classifier.parameters()).device
    start, stop = torch.randn(2, WALKS, latent_size(generator), generator=random).to(device)
    z = latent.interpolate(start, stop, spherical=True)
    shares = one_hot(torch.tensor(ends), len(classifier.classes)).float().to(device)  # [2, K]
    moving = latent.interpolate(*shares).expand(WALKS, -1, -1)
    still = shares[0].expand_as(moving)
    paths = {"within": Inputs(z, still)}
    if ends[0] != ends[1]:
        paths["class_alone"] = Inputs(start[:, None].expand_as(z), moving)
        paths["both"] = Inputs(z, moving)
    return paths


def _surest(readings: Mapping[str, Readings], ends: tuple[int, int]) -> int:
    """The index, among W pairs, of the one whose ends are most surely of the asked classes."""
    sure = []
    for name, path in readings.items():
        last = ends[0] if name == "within" else ends[1]
        sure += [
            path.logits[:, side].softmax(-1)[:, label] for side, label in ((0, ends[0]), (-1, last))
        ]
    return int(torch.stack(sure).amin(0).argmax())
