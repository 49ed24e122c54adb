"""Walks through the latent space of a finished run; see `lab.generation.latent` for the command."""

import json
import sys
from pathlib import Path
from typing import Any

from lab.config.errors import UserError
from lab.engine.recorder import Recorder
from lab.engine.seeding import generator as random_generator
from lab.generation import pictures
from lab.generation.finished import open_run, whole_number, words_and_numbers
from lab.images.classifier import load_judge
from lab.images.datasets import load

DEFAULTS = {"plus": "7", "minus": "1", "base": "6", "seed": "0"}


def main() -> None:
    """`python -m lab.generation.latent RUN [plus=7] [minus=1] [base=6] [seed=0]`."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m lab.generation.latent outputs/runs/NAME plus=7 minus=1 base=6")
    try:
        given = words_and_numbers(sys.argv[2:], DEFAULTS)
        seed = whole_number("seed", given["seed"], 0)
        words = (given["plus"], given["minus"], given["base"])
        print(json.dumps(walk(Path(sys.argv[1]), words, seed), indent=2))
    except UserError as error:
        sys.exit(f"lab: {error}")


def walk(run: Path, words: tuple[str, str, str], seed: int) -> dict[str, Any]:
    """Draw the walks of a finished run anew; gives the counts.

    Raises:
        UserError: the folder is no finished run of the generation study, or its data has no labels.
    """
    folder, config, generator = open_run(run)
    train, test = (
        load(config.data.name, split, root=config.data.root) for split in ("train", "test")
    )
    judge = load_judge(train, test)
    return pictures.of_latent_space(
        Recorder(folder), generator, judge, train, random_generator(seed, "walks"), words=words
    )
