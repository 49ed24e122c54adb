"""Try the generation study's components on tiny inputs before a classifier is trained."""

import torch
from torch import Tensor, nn

from lab.config.components import build
from lab.config.errors import UserError
from lab.engine.optimizers import build_optimizer
from lab.engine.run_folder import weight_bytes
from lab.generation.conditional import build_player, given, latent_size
from lab.generation.config import GanConfig
from lab.generation.ema import EMA
from lab.generation.losses import Loss
from lab.images.base import Shape

IMAGES = 2


@torch.no_grad()
def rehearse(config: GanConfig, image_shape: Shape) -> None:
    """Build each component and try it on two images.

    Without this, errors would show after a classifier was trained, or at the end of the run. The
    random streams are as before afterwards.

    Args:
        config: the run's config.
        image_shape: C, H, W.

    Raises:
        UserError: a component refuses its arguments, the generator's images have another shape than
            the real ones, the discriminator does not return one logit for each image, or the loss
            is not one number.
    """
    classes = IMAGES if config.conditional else 0  # the data, which are not loaded yet, have K
    with torch.random.fork_rng(devices=[]):
        generator, discriminator = (
            build_player(player, getattr(config, player), image_shape, classes)
            for player in ("generator", "discriminator")
        )
        loss = build("loss", config.loss, base=Loss)
        build_optimizer(config.optimizer, [nn.Parameter(torch.zeros(1))])
        sampled = generator if config.ema is None else EMA(generator, config.ema).network
        weight_bytes(sampled.state_dict())
        real = torch.zeros(IMAGES, *image_shape)
        labels = torch.arange(IMAGES) if classes else None
        fake = sampled.eval()(*given(torch.randn(IMAGES, latent_size(generator)), labels))
        _expect(config, "generator", fake, real.shape, "images")
        logits = [discriminator.eval()(*given(images, labels)) for images in (real, fake)]
        for of_images in logits:
            _expect(config, "discriminator", of_images, real.shape[:1], "a logit for each image")
        count = 2 if getattr(loss, "is_paired", False) else 1
        of_generator = logits[::-1][:count]  # `generator` takes those of generated images first
        for value in (loss.discriminator(*logits), loss.generator(*of_generator)):
            _expect(config, "loss", value.squeeze(), torch.Size(), "one number")


def _expect(config: GanConfig, group: str, got: Tensor, shape: torch.Size, what: str) -> None:
    if got.shape != shape:
        component = getattr(config, group)["_target_"]
        raise UserError(
            f"{group} {component} returns {list(got.shape)} for {IMAGES} images, "
            f"expected {list(shape)}: {what}"
        )
