"""Generators and discriminators, described by widths and a few numbers.

A generator takes z, float [B, latent], and returns images [B, C, H, W] in [-1, 1]. It has the
attribute `latent`. A discriminator takes such images and returns logits [B]; a large logit means
real. Each is built with the arguments of its YAML file and with `image_shape`, the C, H, W of the
data.

With `conditional=true` each is also built with `classes`, the number of classes, and takes the
classes of its input as a second argument, int64 [B]. A generator also takes shares of all classes,
float [B, classes], for interpolations between classes. A class is an embedding beside G's z, and a
projection of D's features.
"""

from collections.abc import Sequence
from math import ceil, prod
from typing import Annotated

import torch
from pydantic import Field, validate_call
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lab.config import Count
from lab.images.base import Shape

# The convolutional generator begins with sides of at most FIRST_SIDE pixels.
LARGEST_SIDE = 64
FIRST_SIDE = 8
# With channels_last a step on a CPU takes 0.9 of the time, in bf16 0.8.
CONVOLUTIONS_FORMAT = torch.channels_last
# The length of a class's embedding, and the standard deviation of its initialisation. With torch's
# 1 the convolutional generator ignores z: after 1,500 steps the recall is 0; with 0.1 it is 0.67
# (seed 100).
EMBEDDED = 32
EMBEDDED_DEVIATION = 0.1

Classes = Annotated[int, Field(ge=0)]
Slope = Annotated[float, Field(ge=0)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class MLPGenerator(nn.Module):
    """Fully connected layers, each with BatchNorm and LeakyReLU; Tanh at the end.

    Args:
        latent: the length of z.
        widths: the widths of the hidden layers.
        batch_norm: whether every hidden layer has BatchNorm.
        slope: the slope of LeakyReLU below 0.
        image_shape: C, H, W.
        classes: the number of classes; 0: not conditional.
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
        images: Tensor = self.layers(
            concat_class_embedding(z, labels, self.embedding)
        )  # [B, C * H * W]
        return images.view(-1, *self.image_shape)


class MLPDiscriminator(nn.Module):
    """Fully connected layers, each with LeakyReLU and dropout.

    Args:
        widths: the widths of the hidden layers.
        slope: the slope of LeakyReLU below 0.
        dropout: the share of hidden units set to zero in training.
        spectral_norm: divide each weight by its largest singular value (Miyato et al. 2018).
        image_shape: C, H, W.
        classes: the number of classes; 0: not conditional.
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
    """A small MLP, then a DCGAN (Radford et al. 2016), whose layers double height and width.

    Images of 28x28 are made from 7x7 and 14x14. If doubling does not give the exact size, the
    images are cut at the right and at the bottom. The MLP is like the mapping network of StyleGAN
    (Karras et al. 2019, section 2).

    Args:
        latent: the length of z.
        width: the channels at half the images' size; there are twice as many at a quarter.
        hidden: the widths of the MLP's layers.
        slope: the slope of LeakyReLU below 0.
        image_shape: C, H, W.
        classes: the number of classes; 0: not conditional.

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
        size_z = latent + (EMBEDDED if classes else 0)
        layers, size = _hidden_layers(size_z, hidden, batch_norm=True, slope=slope)
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
        images: Tensor = self.layers(concat_class_embedding(z, labels, self.embedding))
        _, height, width = self.image_shape
        return images[:, :, :height, :width]


class ConvDiscriminator(nn.Module):
    """Strided convolutions, from 28x28 to 14x14, 7x7 and 3x3, and one linear layer.

    There is no BatchNorm. With it the logit of an image would depend on the whole batch, and a
    gradient penalty would have no meaning (Gulrajani et al. 2017, section 4).

    Args:
        width: the channels at half the images' size; there are twice as many at a quarter.
        slope: the slope of LeakyReLU below 0.
        dropout: the share of channels set to zero in training.
        spectral_norm: divide each weight by its largest singular value (Miyato et al. 2018).
        image_shape: C, H, W.
        classes: the number of classes; 0: not conditional.

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
    """How many times the generator doubles height and width."""
    smallest, largest = min(image_shape[1:]), max(image_shape[1:])
    doublings = 2
    while largest > FIRST_SIDE * 2**doublings:
        doublings += 1
    # The discriminator halves the sides once more, and at least one pixel must be left.
    if largest > LARGEST_SIDE or smallest < 2 ** (doublings + 1):
        raise ValueError(
            f"images of {image_shape[2]}x{image_shape[1]} do not fit the convolutional pair, which "
            f"takes sides from 8 to {LARGEST_SIDE}, and from 16 if one side is above 32; "
            "generator=mlp discriminator=mlp takes any size"
        )
    return doublings


def _hidden_layers(
    size: int, widths: Sequence[Count], batch_norm: bool, slope: float
) -> tuple[list[nn.Module], int]:
    """Return a generator's fully connected layers, and the width of the last."""
    layers: list[nn.Module] = []
    for width in widths:
        # BatchNorm has a bias of its own.
        layers.append(nn.Linear(size, width, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.LeakyReLU(slope, inplace=True))
        size = width
    return layers, size


def bounded(layer: nn.Module, spectral_norm: bool) -> nn.Module:
    """Return the layer; if `spectral_norm`, its weight is divided by its largest singular value."""
    return parametrizations.spectral_norm(layer) if spectral_norm else layer


def class_embedding(classes: int) -> nn.Embedding | None:
    """Return an embedding with a vector [EMBEDDED] for each class; None if classes is 0."""
    if not classes:
        return None
    embedding = nn.Embedding(classes, EMBEDDED)
    nn.init.normal_(embedding.weight, std=EMBEDDED_DEVIATION)
    return embedding


def concat_class_embedding(
    z: Tensor, labels: Tensor | None, embedding: nn.Embedding | None
) -> Tensor:
    """Return z beside the embedding of its class, [B, latent + EMBEDDED]; z if there is none."""
    if embedding is None:
        return z
    assert labels is not None
    embedded = labels @ embedding.weight if labels.is_floating_point() else embedding(labels)
    return torch.cat([z, embedded], dim=1)


def class_projection(features: int, classes: int, spectral_norm: bool) -> nn.Module | None:
    """Return a layer from features [B, F] to their product with each class vector, [B, classes]."""
    return bounded(nn.Linear(features, classes, bias=False), spectral_norm) if classes else None


def logits_of(
    x: Tensor, labels: Tensor | None, layers: nn.Sequential, projection: nn.Module | None
) -> Tensor:
    """Return a discriminator's logits [B] for its input x.

    With a projection, the product of the features and the vector of the class is added (Miyato &
    Koyama 2018, "cGANs with Projection Discriminator", equation 3).
    """
    if projection is None:
        logits: Tensor = layers(x)  # [B, 1]
        return logits.squeeze(1)
    assert labels is not None
    features = layers[:-1](x)
    of_class = projection(features).gather(1, labels[:, None])  # [B, 1]
    logits = layers[-1](features) + of_class
    return logits.squeeze(1)
