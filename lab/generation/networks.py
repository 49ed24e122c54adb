"""Generators and discriminators as data: a network is its widths and a few numbers.

A generator takes z, float [B, latent], and gives images [B, C, H, W] in [-1, 1]; it names its
`latent`. A discriminator takes such images and gives logits [B]: large means real. Each is built
with the keyword argument `image_shape`, the C, H, W of the data, beside those of its YAML file.

With `conditional=true` each is built with `classes` too, how many there are, and takes the classes
of its input as a second argument, int64 [B]. A generator also takes shares of all classes, float
[B, classes], for interpolations between classes.
"""

from collections.abc import Sequence
from math import ceil, prod
from typing import Annotated

import torch
from pydantic import Field, validate_call
from torch import Tensor, nn

from lab.config import Count
from lab.generation.class_layers import (
    EMBEDDED,
    beside,
    bounded,
    class_embedding,
    class_projection,
    logits_of,
)
from lab.images.base import Shape

# Of images for the convolutional pair, whose generator begins with at most FIRST_SIDE.
LARGEST_SIDE = 64
FIRST_SIDE = 8
# Channels beside each other in memory: on a CPU a step takes 0.9 of the time, in bf16 0.8.
CONVOLUTIONS_FORMAT = torch.channels_last

Classes = Annotated[int, Field(ge=0)]
Slope = Annotated[float, Field(ge=0)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class MLPGenerator(nn.Module):
    """Fully connected layers, each with BatchNorm and LeakyReLU; Tanh at the end.

    Args:
        latent: length of z.
        widths: of the hidden layers.
        batch_norm: in every hidden layer.
        slope: of LeakyReLU below 0.
        image_shape: C, H, W.
        classes: of a conditional run; 0 is not conditional.
    """

    @validate_call
    def __init__(
        self,
        latent: Count,
        widths: Sequence[Count],
        batch_norm: bool = True,
        slope: Slope = 0.2,
        *,
        image_shape: Shape,
        classes: Classes = 0,
    ) -> None:
        super().__init__()
        self.latent, self.image_shape = latent, tuple(image_shape)
        self.embedding = class_embedding(classes)
        size_in = latent + (EMBEDDED if classes else 0)
        layers, size = _hidden_layers(size_in, widths, batch_norm, slope)
        self.layers = nn.Sequential(*layers, nn.Linear(size, prod(image_shape)), nn.Tanh())

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.layers(beside(z, labels, self.embedding))  # [B, C * H * W]
        return images.view(-1, *self.image_shape)


class MLPDiscriminator(nn.Module):
    """Fully connected layers, each with LeakyReLU and dropout.

    Args:
        widths: of the hidden layers.
        slope: of LeakyReLU below 0.
        dropout: the share of hidden units set to zero in training.
        spectral_norm: divide each weight by its largest singular value (Miyato et al. 2018).
        image_shape: C, H, W.
        classes: of a conditional run; 0 is not conditional.
    """

    @validate_call
    def __init__(
        self,
        widths: Sequence[Count],
        slope: Slope = 0.2,
        dropout: Dropout = 0.0,
        spectral_norm: bool = False,
        *,
        image_shape: Shape,
        classes: Classes = 0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        size = prod(image_shape)
        for width in widths:
            layers += [
                bounded(nn.Linear(size, width), spectral_norm),
                nn.LeakyReLU(slope, inplace=True),
            ]
            layers += [nn.Dropout(dropout)] if dropout else []
            size = width
        self.layers = nn.Sequential(*layers, bounded(nn.Linear(size, 1), spectral_norm))
        self.projection = class_projection(size, classes, spectral_norm)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return logits_of(images.flatten(1), labels, self.layers, self.projection)


class ConvGenerator(nn.Module):
    """A DCGAN (Radford et al. 2016) behind a small MLP: each layer doubles height and width.

    Images of 28x28 come from 7x7 over 14x14. Where a side is no whole multiple, the images are cut
    off at the right and at the bottom. The MLP in front is what the mapping network of StyleGAN is
    (Karras et al. 2019, section 2).

    Args:
        latent: length of z.
        width: channels at half the images' size; twice as many at a quarter, and so on.
        hidden: widths of the fully connected layers before the first convolution.
        slope: of LeakyReLU below 0.
        image_shape: C, H, W.
        classes: of a conditional run; 0 is not conditional.

    Raises:
        ValueError: the images are too small or too large.
    """

    @validate_call
    def __init__(
        self,
        latent: Count,
        width: Count,
        hidden: Sequence[Count] = (),
        slope: Slope = 0.2,
        *,
        image_shape: Shape,
        classes: Classes = 0,
    ) -> None:
        super().__init__()
        self.latent, self.image_shape = latent, tuple(image_shape)
        channels, height, width_of_image = image_shape
        doublings = _doublings(image_shape)
        first = ceil(height / 2**doublings), ceil(width_of_image / 2**doublings)
        size_in = width * 2 ** (doublings - 1)
        self.embedding = class_embedding(classes)
        told = latent + (EMBEDDED if classes else 0)
        layers, size = _hidden_layers(told, hidden, batch_norm=True, slope=slope)
        layers += [
            nn.Linear(size, size_in * first[0] * first[1], bias=False),
            nn.Unflatten(1, (size_in, *first)),
        ]
        for _ in range(doublings - 1):
            layers += [
                nn.BatchNorm2d(size_in),
                nn.LeakyReLU(slope, inplace=True),
                nn.ConvTranspose2d(size_in, size_in // 2, 4, stride=2, padding=1, bias=False),
            ]
            size_in //= 2
        self.layers = nn.Sequential(
            *layers,
            nn.BatchNorm2d(size_in),
            nn.LeakyReLU(slope, inplace=True),
            nn.ConvTranspose2d(size_in, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        self.to(memory_format=CONVOLUTIONS_FORMAT)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.layers(beside(z, labels, self.embedding))
        _, height, width = self.image_shape
        return images[:, :, :height, :width]


class ConvDiscriminator(nn.Module):
    """Strided convolutions, of 28x28 to 14x14 to 7x7 to 3x3, and one linear layer.

    Without BatchNorm, which would tie the images of a batch together and so make a gradient
    penalty meaningless (Gulrajani et al. 2017, section 4).

    Args:
        width: channels at half the images' size; twice as many at a quarter, and so on.
        slope: of LeakyReLU below 0.
        dropout: the share of channels set to zero in training.
        spectral_norm: divide each weight by its largest singular value (Miyato et al. 2018).
        image_shape: C, H, W.
        classes: of a conditional run; 0 is not conditional.

    Raises:
        ValueError: the images are too small or too large.
    """

    @validate_call
    def __init__(
        self,
        width: Count,
        slope: Slope = 0.2,
        dropout: Dropout = 0.0,
        spectral_norm: bool = False,
        *,
        image_shape: Shape,
        classes: Classes = 0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, *sides = image_shape
        for index in range(_doublings(image_shape) + 1):
            size = width * 2**index
            convolution = nn.Conv2d(channels, size, 4, stride=2, padding=1)
            layers += [bounded(convolution, spectral_norm), nn.LeakyReLU(slope, inplace=True)]
            layers += [nn.Dropout2d(dropout)] if dropout else []
            channels, sides = size, [side // 2 for side in sides]
        features = channels * prod(sides)
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), bounded(nn.Linear(features, 1), spectral_norm)
        )
        self.projection = class_projection(features, classes, spectral_norm)
        self.to(memory_format=CONVOLUTIONS_FORMAT)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return logits_of(images, labels, self.layers, self.projection)


def _doublings(image_shape: Shape) -> int:
    """How often the first height and width are doubled to the images' own."""
    smallest, largest = min(image_shape[1:]), max(image_shape[1:])
    doublings = 2
    while largest > FIRST_SIDE * 2**doublings:
        doublings += 1
    # The discriminator halves once more often, and must be left with a pixel.
    if largest > LARGEST_SIDE or smallest < 2 ** (doublings + 1):
        raise ValueError(
            f"images of {image_shape[2]}x{image_shape[1]} are not for convolutions, which take "
            f"sides from 8 to {LARGEST_SIDE}, or from 16 where one is above 32; "
            "generator=mlp discriminator=mlp takes any size"
        )
    return doublings


def _hidden_layers(
    size: int, widths: Sequence[Count], batch_norm: bool, slope: float
) -> tuple[list[nn.Module], int]:
    """Of a generator, fully connected, and the size of the last."""
    layers: list[nn.Module] = []
    for width in widths:
        # BatchNorm has a shift of its own.
        layers.append(nn.Linear(size, width, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.LeakyReLU(slope, inplace=True))
        size = width
    return layers, size
