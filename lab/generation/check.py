"""Check a generator, a discriminator or a loss of the GAN: shapes, range, gradients."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lab.engine.checks import Check, Unexpected, expect, reaches_all, same

B = 4
Image = tuple[int, int, int]


def generator(network: nn.Module, image_shape: Image) -> Sequence[Check]:
    """The checks of a generator: z [B, latent] to images [B, C, H, W]."""
    torch.manual_seed(0)
    latent: Any = getattr(network, "latent", None)
    if not isinstance(latent, int):
        raise Unexpected("the generator has no `latent`, the length of z")
    z = torch.randn(B, latent)
    return [
        Check("shapes", partial(_shape, network, z, (B, *image_shape))),
        Check("range", lambda: _range(network(z))),
        Check("gradient reaches all", lambda: reaches_all(network, _weighted(network(z)))),
        Check("evaluation mode", partial(_repeats, network, z)),
    ]


def discriminator(network: nn.Module, image_shape: Image) -> Sequence[Check]:
    """The checks of a discriminator: images [B, C, H, W] in [-1, 1] to logits [B]."""
    torch.manual_seed(0)
    images = torch.rand(B, *image_shape) * 2 - 1
    return [
        Check("shapes", partial(_shape, network, images, (B,))),
        Check("gradient reaches all", lambda: reaches_all(network, _weighted(network(images)))),
        Check("evaluation mode", partial(_repeats, network, images)),
    ]


def loss(game: Any) -> Sequence[Check]:
    """The checks of a loss: two scalars of logits [B], which the players make smaller."""
    paired = bool(getattr(game, "is_paired", False))

    def of_generator(fake: Tensor, real: Tensor) -> Tensor:
        value: Tensor = game.generator(fake, real) if paired else game.generator(fake)
        return value

    return [
        Check("scalars", lambda: _scalars(game.discriminator, of_generator)),
        Check("finite", lambda: _finite(game.discriminator, of_generator)),
        Check(
            "the discriminator wants real above generated",
            lambda: _falls(lambda real, fake: game.discriminator(real, fake), real=-1, fake=1),
        ),
        Check(
            "the generator wants its images called real",
            lambda: _falls(lambda real, fake: of_generator(fake, real), real=0, fake=-1),
        ),
    ]


def _shape(network: nn.Module, given: Tensor, expected: tuple[int, ...]) -> str:
    shape = tuple(network(given).shape)
    expect(shape == expected, f"{list(expected)} from {list(given.shape)}", list(shape))
    return f"{list(given.shape)} to {list(shape)}"


def _range(images: Tensor) -> str:
    low, high = float(images.min()), float(images.max())
    expect(low >= -1 and high <= 1, "images in [-1, 1]", f"{low:.3g} to {high:.3g}")
    return f"{low:.2f} to {high:.2f}, within [-1, 1]"


def _weighted(output: Tensor) -> Tensor:
    total: Tensor = (output * torch.linspace(0.5, 1.5, output.numel()).view_as(output)).sum()
    return total


@torch.no_grad()
def _repeats(network: nn.Module, given: Tensor) -> str:
    """In evaluation mode an output depends on its own input alone, and on nothing drawn."""
    network.eval()
    try:
        together = network(given)
        alone = torch.cat([network(one) for one in given.split(1)])
        return same(alone, together, "each output as if its input were alone", tolerance=1e-4)
    finally:
        network.train()


Losses = Callable[..., Tensor]


def _logits(scale: float = 1.0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    real, fake = torch.randn(2, B) * scale
    return real.requires_grad_(), fake.requires_grad_()


def _scalars(of_d: Losses, of_g: Losses) -> str:
    real, fake = _logits()
    for name, value in (("discriminator", of_d(real, fake)), ("generator", of_g(fake, real))):
        expect(value.dim() == 0, f"a scalar from {name}", f"shape {list(value.shape)}")
    return "both losses are"


def _finite(of_d: Losses, of_g: Losses) -> str:
    real, fake = _logits(scale=1000.0)
    values = float(of_d(real, fake)), float(of_g(fake, real))
    good = all(torch.isfinite(torch.tensor(value)) for value in values)
    expect(good, "finite losses for logits of 1,000", f"{values[0]:g} and {values[1]:g}")
    return "for logits of 1,000 too"


def _falls(value: Losses, real: int, fake: int) -> str:
    logits = _logits(scale=0.1)
    gradients = torch.autograd.grad(value(*logits), logits, allow_unused=True)
    for name, gradient, sign in zip(("real", "generated"), gradients, (real, fake), strict=True):
        slope = 0.0 if gradient is None else float(gradient.sum())
        expect(
            slope * sign > 0 or sign == 0,
            f"a loss that {'falls' if sign < 0 else 'rises'} with the logits of {name} images",
            f"a slope of {slope:.3g}",
        )
    return "the loss has the right slopes"
