"""The generation study's components, built once before its data are had."""

import torch
from torch import nn
from torch.optim import Optimizer

from lab.config.components import build
from lab.generation.config import GanConfig
from lab.generation.losses import Loss


def rehearse(config: GanConfig) -> None:
    """Build each component and throw it away, so that a wrong argument is told at once.

    Otherwise it would be told after data were fetched and a classifier was trained. The random
    numbers that this draws are drawn again.

    Raises:
        UserError: a component refuses its arguments.
    """
    with torch.random.fork_rng(devices=[]):
        build("generator", config.generator)
        build("discriminator", config.discriminator)
        build("loss", config.loss, base=Loss)
        build("optimizer", config.optimizer, [nn.Parameter(torch.zeros(1))], base=Optimizer)
