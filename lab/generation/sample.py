"""Images from a saved generator.

    python -m lab.generation.sample outputs/runs/gan-mnist-s0-… n=10000 seed=0

Writes samples.npz (`images` uint8 [n, 28, 28], `z` float32 [n, latent]) and samples.png, a grid of
the first 64, into the run's folder.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from lab.config.errors import UserError
from lab.engine.seeding import generator as random_generator
from lab.generation.finished import open_run, whole_number, words_and_numbers
from lab.generation.latent import generate
from lab.images import sheets

DEFAULTS = {"n": "64", "seed": "0"}
ON_THE_GRID = 64


def main() -> None:
    """`python -m lab.generation.sample RUN [n=64] [seed=0]`."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m lab.generation.sample outputs/runs/NAME n=10000 seed=0")
    try:
        given = words_and_numbers(sys.argv[2:], DEFAULTS)
        n, seed = whole_number("n", given["n"], 1), whole_number("seed", given["seed"], 0)
        for path in sample(Path(sys.argv[1]), n, seed):
            print(path)
    except UserError as error:
        sys.exit(f"lab: {error}")


def sample(run: Path, n: int, seed: int) -> list[Path]:
    """Draw `n` images and write them; gives the paths.

    Raises:
        UserError: the folder is no finished run of the generation study.
    """
    folder, config, generator = open_run(run)
    z = torch.randn(n, config.generator["latent"], generator=random_generator(seed, "samples"))
    images = generate(generator, z)[:, 0]  # [n, 28, 28]
    pixels = ((images + 1) * 127.5).round().to(torch.uint8).numpy()
    npz = folder.save_file(
        "samples.npz", lambda file: np.savez_compressed(file, images=pixels, z=z.numpy())
    )
    grid = sheets.image_grid(images[:ON_THE_GRID].numpy())
    return [npz, folder.save_figure("samples", grid)]


if __name__ == "__main__":
    main()
