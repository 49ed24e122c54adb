"""Images from a trained generator: `lab sample RUN`.

It writes two files into the run's folder, named after the seed: figures/samples_seed0.npz (`images`
uint8 [n, H, W], or [n, H, W, 3] in colour, and `z` float32 [n, latent]) and
figures/samples_seed0.png, a grid of the first 100.

A conditional run is asked for one class, `--digit 7`, or for all classes in turn. Its npz file also
holds `labels` int64 [n]. Files of one class are named after it too, samples_7_seed0.npz.

`--png FOLDER` writes each image to a PNG file instead, for other tools; with `--real` real
images of the run's data set, for the same tools to compare with.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config.errors import UserError, say
from lab.engine.run_folder import RunFolder
from lab.generation.config import class_names
from lab.images.config import ImageConfig
from lab.runs.arguments import add_number, add_run, chosen_run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from torch import Tensor

ON_THE_GRID = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_number(parser, "--n", 64, 1, "how many images")
    parser.add_argument("--digit", metavar="CLASS",
                        help="the class to ask a conditional run for (default: all)")  # fmt: skip
    add_number(parser, "--seed", 0, 0, "the random seed of the latent vectors")
    parser.add_argument("--png", metavar="FOLDER", type=Path,
                        help="write each image to a PNG in this new folder")  # fmt: skip
    parser.add_argument("--real", choices=["test", "train"], nargs="?", const="test",
                        help="with --png: write real images of the run's data instead "
                        "(default: test images)")  # fmt: skip


def run(args: argparse.Namespace) -> None:
    folder = chosen_run(args, ImageConfig)
    if args.png or args.real:
        print(write_pngs(folder, args.png, args.n, args.seed, args.digit, args.real))
    else:
        print(*sample(folder, args.n, args.seed, args.digit), sep="\n")


def sample(folder: RunFolder, n: int, seed: int, name: str | None = None) -> list[Path]:
    """Draw `n` images, write them and return the paths of the files.

    Args:
        folder: the run's folder.
        n: the number of images.
        seed: the random seed of z.
        name: the class to ask a conditional run for; None: all classes in turn.
    """
    import numpy as np

    from lab.generation.pictures import at_step
    from lab.images.datasets import to_bytes

    images, z, labels = _draw(folder, n, seed, name)
    classes = class_names(folder.result)
    arrays: dict[str, Any] = {"images": to_bytes(images).numpy(), "z": z.numpy()}
    if labels is not None:
        arrays["labels"] = labels.numpy()
    stem = f"samples_{name}_seed{seed}" if name else f"samples_seed{seed}"
    npz = folder.save_file(f"{stem}.npz", lambda file: np.savez_compressed(file, **arrays))
    result = folder.result or {}
    step = result.get("weights", {}).get("step", result.get("steps", 0))
    quality = result.get("quality", {})
    if name is None:
        about = at_step(step, quality.get("fid"), quality.get("n", 0))
    else:  # the FID is that of all classes
        about = f"class {name}, {at_step(step, None, n)}"
    grid = _grid(images.numpy(), f"{about}, seed {seed}", classes if name is None else ())
    return [npz, folder.save_figure(stem, grid)]


def _draw(
    folder: RunFolder, n: int, seed: int, name: str | None
) -> "tuple[Tensor, Tensor, Tensor | None]":
    """Return n images [n, H, W] or [n, H, W, 3] in [-1, 1], their z, and their labels."""
    import torch

    from lab.engine.process import random_stream
    from lab.generation.latent import clamped_share, generate
    from lab.generation.players import label_of, latent_size, open_run
    from lab.generation.trouble import check_pixels
    from lab.images.datasets import as_drawn

    generator, _ = open_run(folder)
    classes = class_names(folder.result)
    label = None if name is None else label_of(name, classes)
    labels = None
    if classes:
        labels = torch.arange(n) % len(classes) if label is None else torch.full((n,), label)
    z = torch.randn(n, latent_size(generator), generator=random_stream(seed, "samples"))
    few = slice(ON_THE_GRID)
    clamped = clamped_share(generator, z[few], None if labels is None else labels[few])
    for sentence in check_pixels(clamped).values():
        say(sentence)
    return as_drawn(generate(generator, z, labels)), z, labels


def write_pngs(
    folder: RunFolder, into: Path | None, n: int, seed: int, name: str | None, real: str | None
) -> Path:
    """Write n images to PNG files 00000.png, 00001.png, … in a new folder, and return its path.

    Args:
        folder: the run's folder.
        into: the folder to make.
        n, seed, name: as for `sample`.
        real: the split of the run's data set, to write images of it instead.
    """
    from PIL import Image

    from lab.generation.players import open_run
    from lab.images.datasets import as_drawn, fixed_subset, load, to_bytes

    if into is None:
        raise UserError("--real writes PNG files: give their folder too, --png FOLDER")
    if into.exists():
        raise UserError(f"--png {into}: it exists; name a folder that does not")
    if real:
        if name is not None:
            raise UserError(f"--digit {name}: --real writes images of all classes")
        images = getattr(load(open_run(folder)[1].data), real)
        if n > len(images):
            raise UserError(f"--n {n}: there are only {len(images):,} {real} images")
        pixels = as_drawn(images.pixels[fixed_subset(len(images), n)])
    else:
        pixels = to_bytes(_draw(folder, n, seed, name)[0])
    unfinished = into.with_name(f"{into.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for index, image in enumerate(pixels.numpy()):
        Image.fromarray(image).save(unfinished / f"{index:05}.png")
    return unfinished.rename(into)


def _grid(images: "np.ndarray", title: str, classes: Sequence[str]) -> "Figure":
    """Draw the first images; if they are of classes in turn, there is a row for each class."""
    from lab.figures.sheets import image_grid

    columns = min(len(images), ON_THE_GRID) // len(classes) if classes else 0
    shown = columns * len(classes) or min(len(images), ON_THE_GRID)
    if shown < len(images):
        title += f", {shown} of {len(images):,} images"
    if not columns:
        return image_grid(images[:shown], title=title)
    grid = columns, len(classes), *images.shape[1:]
    by_class = images[:shown].reshape(grid).swapaxes(0, 1)
    return image_grid(by_class.reshape(-1, *images.shape[1:]), columns, title, classes)
