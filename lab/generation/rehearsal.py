"""The generation study's components, built once before a classifier is trained."""

import torch
from torch import nn

from lab.config.components import build
from lab.engine.optimizers import build_optimizer
from lab.generation.config import GanConfig
from lab.generation.losses import Loss
from lab.images.base import Shape


def rehearse(config: GanConfig, image_shape: Shape) -> None:
    """Build each component and throw it away, so that a wrong argument is told at once.

    Otherwise it would be told after a classifier was trained. The random numbers that this draws
    are drawn again.

    Args:
        config: of the run.
        image_shape: C, H, W.

    Raises:
        UserError: a component refuses its arguments.
    """
    with torch.random.fork_rng(devices=[]):
        build("generator", config.generator, image_shape=image_shape)
        build("discriminator", config.discriminator, image_shape=image_shape)
        build("loss", config.loss, base=Loss)
        build_optimizer(config.optimizer, [nn.Parameter(torch.zeros(1))])
