"""Images from a trained generator: `lab sample RUN`.

It writes two files into the run's folder, named after the seed: figures/samples_seed0.npz (`images`
uint8 [n, H, W], or [n, H, W, 3] in colour, and `z` float32 [n, latent]) and
figures/samples_seed0.png, a grid of the first 64.

A conditional run is asked for one class, `--digit 7`, or for all classes in turn. Its npz file also
holds `labels` int64 [n]. Files of one class are named after it too, samples_7_seed0.npz.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.engine.arguments import add_number, add_run, chosen_run
from lab.engine.run_folder import RunFolder

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

ON_THE_GRID = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_number(parser, "--n", 64, 1, "how many images")
    parser.add_argument(
        "--digit", metavar="CLASS", help="the class to ask a conditional run for (default: all)"
    )
    add_number(parser, "--seed", 0, 0, "the random seed of the latent vectors")


def run(args: argparse.Namespace) -> None:
    for path in sample(chosen_run(args), args.n, args.seed, args.digit):
        print(path)


def sample(folder: RunFolder, n: int, seed: int, name: str | None = None) -> list[Path]:
    """Draw `n` images, write them and return the paths of the files.

    Args:
        folder: the run's folder.
        n: the number of images.
        seed: the random seed of z.
        name: the class to ask a conditional run for; None: all classes in turn.

    Raises:
        UserError: the folder is not a finished run of the generation study, or it cannot be asked
            for this class.
    """
    import numpy as np
    import torch

    from lab.engine.seeding import random_stream
    from lab.generation.conditional import label_of
    from lab.generation.finished import class_names, open_run
    from lab.generation.latent import generate
    from lab.generation.pictures import at_step
    from lab.images.datasets import as_drawn, to_bytes

    generator, config = open_run(folder)
    classes = class_names(folder)
    label = None if name is None else label_of(name, classes)
    labels = None
    if classes:
        labels = torch.arange(n) % len(classes) if label is None else torch.full((n,), label)
    z = torch.randn(n, config.generator["latent"], generator=random_stream(seed, "samples"))
    images = as_drawn(generate(generator, z, labels))
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


def _grid(images: "np.ndarray", title: str, classes: Sequence[str]) -> "Figure":
    """Draw the first images; if they are of classes in turn, there is a row for each class."""
    from lab.images.sheets import image_grid

    columns = min(len(images), ON_THE_GRID) // len(classes) if classes else 0
    shown = columns * len(classes) or min(len(images), ON_THE_GRID)
    if shown < len(images):
        title += f", {shown} of {len(images):,} images"
    if not columns:
        return image_grid(images[:shown], title=title)
    grid = columns, len(classes), *images.shape[1:]
    by_class = images[:shown].reshape(grid).swapaxes(0, 1)
    return image_grid(by_class.reshape(-1, *images.shape[1:]), columns, title, classes)
