"""Interpolations and sums in the latent space of a trained generator: `lab interpolate RUN`.

Each picture is named after its classes and its seed, so that none overwrites another. For a
conditional run z is interpolated within a class, and z and the class between two classes.

With `--film` it writes a film of a closed path instead: figures/film_seed0.gif, and film_seed0.mp4
if ffmpeg is installed.
"""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config.errors import UserError
from lab.config.wording import listed, percent
from lab.engine.run_folder import RunFolder
from lab.generation.config import class_names
from lab.images.config import ImageConfig
from lab.runs.arguments import add_number, add_run, chosen_run

if TYPE_CHECKING:
    import torch

    from lab.generation.pictures import Space

BETWEEN = 23  # images of a film between two of its points
SUMS = {
    "source_row": "0.2 z{b} + 0.8 (z{b} + 1.2 (z{p} - z{m}))",
    "difference": "z{p} - z{m}",
    "random_single": "z{b} + a random vector as long as z{p} - z{m}",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--from", dest="start", metavar="CLASS",
                        help="the class of the first image (default: any)")  # fmt: skip
    parser.add_argument("--to", dest="end", metavar="CLASS",
                        help="the class of the last image (default: another)")  # fmt: skip
    parser.add_argument("--sum", nargs=3, metavar=("PLUS", "MINUS", "BASE"),
                        help="draw the latent arithmetic BASE + PLUS - MINUS of these classes "
                        "too")  # fmt: skip
    add_number(parser, "--seed", 0, 0, "the random seed of the latent vectors")
    parser.add_argument("--film", metavar="CLASS", nargs="*",
                        help="write a film of a closed path instead, through these classes or "
                        "random points")  # fmt: skip
    add_number(parser, "--points", 6, 2, "how many random points the film passes through")


def run(args: argparse.Namespace) -> None:
    folder = chosen_run(args, ImageConfig)
    if args.film is not None:
        print(*film(folder, args.film, args.points, args.seed), sep="\n")
    else:
        print(*interpolate(folder, (args.start, args.end), args.sum, args.seed), sep="\n")


def interpolate(
    folder: RunFolder,
    ends: tuple[str | None, str | None],
    plus_minus_base: Sequence[str] | None,
    seed: int,
) -> list[str]:
    """Draw the interpolations and the sums of a finished run; return the lines to print.

    Args:
        folder: the run's folder.
        ends: the names of the first and the last class; None: any other class.
        plus_minus_base: the names of the classes of the sum; None: no sum.
        seed: the random seed.
    """
    from lab.engine.process import random_stream

    if ends[0] is not None and ends[0] == ends[1] and not class_names(folder.result):
        raise UserError(f"--from {ends[0]} --to {ends[1]}: expected two different classes")
    if plus_minus_base and class_names(folder.result):
        raise UserError(
            "--sum: in a conditional run z does not decide the class, so it has no sums"
        )
    space = _space(folder, (*ends, *(plus_minus_base or ())))
    names = space.classifier.classes
    labels = [None if name is None else names.index(name) for name in ends]
    random = random_stream(seed, "walks")
    if space.prior.asked:
        figure, result = space.class_interpolation(random, _two_of(len(names), labels, random))
        lines = _of_classes(result)
    else:
        draws = space.draws(random)
        figure, result = space.interpolation(draws, random, (labels[0], labels[1]))
        lines = _interpolations(result)
    first, last = result["ends"]
    picture = folder.save_figure(f"interpolation_{first}_to_{last}_seed{seed}", figure)
    lines.insert(0, f"from {first} to {last} → {picture}")
    if plus_minus_base:
        plus, minus, base = plus_minus_base
        figure, result = space.arithmetic(draws, random, plus_minus_base)
        picture = folder.save_figure(f"arithmetic_{base}+{plus}-{minus}_seed{seed}", figure)
        (counts,) = result.values()
        lines += ["", f"{base} + {plus} - {minus} → {picture}", *_sums(counts, plus_minus_base)]
    return lines


def film(folder: RunFolder, names: Sequence[str], points: int, seed: int) -> list[Path]:
    """Write a film of a closed path in the latent space; return the paths of its files.

    Args:
        folder: the run's folder.
        names: the classes that the path passes through; none: it passes through random points.
        points: the number of random points.
        seed: the random seed.
    """
    import torch
    from torch.nn.functional import one_hot

    from lab.engine.process import random_stream
    from lab.figures import sheets
    from lab.generation import latent
    from lab.generation.players import label_of, latent_size, open_run
    from lab.images.datasets import as_drawn

    if len(names) == 1:
        raise UserError(f"--film {names[0]}: expected two classes or more, or none")
    generator, _ = open_run(folder)
    random, classes = random_stream(seed, "film"), class_names(folder.result)
    if names and not classes:
        space = _space(folder, names)
        draws = space.draws(random)
        sure = [draws.sure_of(space.classifier.classes.index(name)) for name in names]
        z = torch.stack([some[torch.randint(len(some), (), generator=random)] for some in sure])
    else:
        z = torch.randn(len(names) or points, latent_size(generator), generator=random)
    shares = None
    if classes:
        any_order = torch.randperm(len(classes), generator=random).repeat(len(z))[: len(z)]
        labels = torch.tensor([label_of(name, classes) for name in names]) if names else any_order
        shares = latent.closed_path(one_hot(labels, len(classes)).float(), BETWEEN, spherical=False)
    images = as_drawn(latent.generate(generator, latent.closed_path(z, BETWEEN), shares)).numpy()
    stem = "_".join(["film", *names, f"seed{seed}"])
    written = [folder.save_file(f"{stem}.gif", lambda file: sheets.film(images, file))]
    if shutil.which("ffmpeg"):
        written.append(folder.save_file(f"{stem}.mp4", lambda file: sheets.film_mp4(images, file)))
    return written


def _space(folder: RunFolder, names: Sequence[str | None]) -> "Space":
    """The latent space of a run; the names are checked before a classifier has to be trained."""
    from lab.engine.provenance import check_classifier
    from lab.generation.pictures import Space
    from lab.generation.players import Prior, classes_to_ask_for, latent_size, open_run
    from lab.images.classifier import classifier_of
    from lab.images.datasets import load

    generator, config = open_run(folder)
    data = load(config.data)
    check_classifier(folder, data.checksum)
    classes = data.train.classes
    for name in names:
        if name is not None and classes and name not in classes:
            raise UserError(f"there is no class {name} among {listed(classes)}")
    asked = classes_to_ask_for(bool(class_names(folder.result)), data, "cpu")
    return Space(generator, Prior(latent_size(generator), asked, "cpu"), classifier_of(data), data)


def _two_of(count: int, labels: Sequence[int | None], random: "torch.Generator") -> tuple[int, int]:
    """Return the labels of both ends; a missing one is drawn, different from the other."""
    import torch

    order = torch.randperm(count, generator=random).tolist()
    start, end = labels
    start = start if start is not None else next(i for i in order if i != end)
    return start, end if end is not None else next(i for i in order if i != start)


def _of_classes(result: Mapping[str, Any]) -> list[str]:
    first, last = result["ends"]
    lines = [
        f"  within {first}: {percent(result['stays'])} of the paths are read as {first} throughout"
    ]
    changed = {"class_alone": "the class alone", "both": "z and class"}
    return lines + [
        f"  from {first} to {last}, changing {changed[name]}: "
        f"{percent(result[f'third_class_{name}'])} of the paths pass through a third class"
        for name in changed
        if f"third_class_{name}" in result
    ]


def _interpolations(result: Mapping[str, Any]) -> list[str]:
    lines = ["             pass through    path length in the    largest step,",
             "             a third class   classifier's features  share of the path"]  # fmt: skip
    for name in ("linear", "farther"):
        third, length, step = (
            result[f"{key}_{name}"] for key in ("third_class", "path_length", "largest_step")
        )
        lines.append(f"  {name:9}  {percent(third):>13}   {length:>19.1f}   {percent(step):>18}")
    return [*lines, "  (means over pairs; farther: a straight line to twice the last z)"]


def _sums(counts: Mapping[str, Mapping[str, int]], names: Sequence[str]) -> list[str]:
    """A line for each sum with the classes that its images are read as most often."""
    plus, minus, base = names
    lines = []
    for name, by_class in counts.items():
        most = sorted(by_class.items(), key=lambda item: -item[1])[:3]
        read = ", ".join(f"{label} {percent(count / sum(by_class.values()))}"
                         for label, count in most if count)  # fmt: skip
        lines.append(f"  {SUMS[name].format(p=plus, m=minus, b=base)}: {read}")
    return lines
