"""Images from a saved generator: `lab sample RUN`.

Writes two files into the run's folder, named after the seed: figures/samples_seed0.npz (`images`
uint8 [n, H, W], or [n, H, W, 3] in colour, and `z` float32 [n, latent]) and
figures/samples_seed0.png, a grid of the first 64.
"""

import argparse
from pathlib import Path

from lab.engine.arguments import add_number, add_run, chosen_run
from lab.engine.run_folder import RunFolder

ON_THE_GRID = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_number(parser, "--n", 64, 1, "how many images")
    add_number(parser, "--seed", 0, 0, "the random seed of the latent vectors")


def run(args: argparse.Namespace) -> None:
    for path in sample(chosen_run(args), args.n, args.seed):
        print(path)


def sample(folder: RunFolder, n: int, seed: int) -> list[Path]:
    """Draw `n` images and write them; gives the paths.

    Raises:
        UserError: the folder is no finished run of the generation study.
    """
    import numpy as np
    import torch

    from lab.engine.seeding import generator as random_generator
    from lab.generation.finished import open_run
    from lab.generation.latent import generate
    from lab.generation.pictures import at_step
    from lab.images import sheets
    from lab.images.datasets import as_drawn, to_bytes

    generator, config = open_run(folder)
    z = torch.randn(n, config.generator["latent"], generator=random_generator(seed, "samples"))
    images = as_drawn(generate(generator, z))
    pixels = to_bytes(images).numpy()
    name = f"samples_seed{seed}"
    npz = folder.save_file(
        f"{name}.npz", lambda file: np.savez_compressed(file, images=pixels, z=z.numpy())
    )
    result = folder.result or {}
    step = result.get("weights", {}).get("step", result.get("steps", 0))
    quality = result.get("quality", {})
    title = f"{at_step(step, quality.get('fid'), quality.get('n', 0))}, seed {seed}"
    grid = sheets.image_grid(images[:ON_THE_GRID].numpy(), title=title)
    return [npz, folder.save_figure(name, grid)]
