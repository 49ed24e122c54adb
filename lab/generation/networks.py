"""Generators and discriminators as data: a network is its widths and a few numbers.

A generator takes z, float [B, latent], and gives images [B, C, H, W] in [-1, 1]; it names its
`latent`. A discriminator takes such images and gives logits [B]: large means real. Each is built
with the keyword argument `image_shape`, the C, H, W of the data, beside those of its YAML file.
"""

import copy
from collections.abc import Iterator, Sequence
from math import ceil, prod
from typing import Annotated

import torch
from pydantic import Field, validate_call
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lab.config import Count
from lab.images.base import Shape

# Of images for the convolutional pair, whose generator begins with at most FIRST_SIDE.
LARGEST_SIDE = 64
FIRST_SIDE = 8
# Channels beside each other in memory: on a CPU a step takes 0.9 of the time, in bf16 0.8.
CONVOLUTIONS_FORMAT = torch.channels_last

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
    ) -> None:
        super().__init__()
        self.latent, self.image_shape = latent, tuple(image_shape)
        layers, size = _hidden_layers(latent, widths, batch_norm, slope)
        self.layers = nn.Sequential(*layers, nn.Linear(size, prod(image_shape)), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.layers(z)  # [B, C * H * W]
        return images.view(-1, *self.image_shape)


class MLPDiscriminator(nn.Module):
    """Fully connected layers, each with LeakyReLU and dropout.

    Args:
        widths: of the hidden layers.
        slope: of LeakyReLU below 0.
        dropout: the share of hidden units set to zero in training.
        spectral_norm: divide each weight by its largest singular value (Miyato et al. 2018).
        image_shape: C, H, W.
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
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        size = prod(image_shape)
        for width in widths:
            layers += [
                _bounded(nn.Linear(size, width), spectral_norm),
                nn.LeakyReLU(slope, inplace=True),
            ]
            if dropout:
                layers.append(nn.Dropout(dropout))
            size = width
        self.layers = nn.Sequential(*layers, _bounded(nn.Linear(size, 1), spectral_norm))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images.flatten(1))  # [B, 1]
        return logits.squeeze(1)


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
    ) -> None:
        super().__init__()
        self.latent, self.image_shape = latent, tuple(image_shape)
        channels, height, width_of_image = image_shape
        doublings = _doublings(image_shape)
        first = ceil(height / 2**doublings), ceil(width_of_image / 2**doublings)
        size_in = width * 2 ** (doublings - 1)
        layers, size = _hidden_layers(latent, hidden, batch_norm=True, slope=slope)
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

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.layers(z)
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
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, *sides = image_shape
        for index in range(_doublings(image_shape) + 1):
            size = width * 2**index
            layers += [
                _bounded(nn.Conv2d(channels, size, 4, stride=2, padding=1), spectral_norm),
                nn.LeakyReLU(slope, inplace=True),
            ]
            if dropout:
                layers.append(nn.Dropout2d(dropout))
            channels, sides = size, [side // 2 for side in sides]
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), _bounded(nn.Linear(channels * prod(sides), 1), spectral_norm)
        )
        self.to(memory_format=CONVOLUTIONS_FORMAT)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)  # [B, 1]
        return logits.squeeze(1)


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
            f"sides from 8 to {LARGEST_SIDE}, or from 16 where one is above 32; MLPs take any"
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


def _bounded(layer: nn.Module, spectral_norm: bool) -> nn.Module:
    return parametrizations.spectral_norm(layer) if spectral_norm else layer


class EMA:
    """The exponential moving average of a generator, BatchNorm's running statistics included.

    Averaged weights with the latest statistics would be a network that never was. (torch's
    AveragedModel would average the counters among the buffers too, and begins with a copy.)

    Args:
        network: to follow; a copy is kept, in evaluation mode.
        decay: of the average per step. The first steps use less, (1 + t) / (10 + t), so that the
            random weights of the beginning are soon forgotten.

    Raises:
        ValueError: the decay is not in [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay={decay} must be at least 0 and below 1")
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self._steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the weights and statistics that `network` has now."""
        self._steps += 1
        decay = min(self.decay, (1 + self._steps) / (10 + self._steps))
        for mean, now in zip(_tensors(self.network), _tensors(network), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def state_dict(self) -> dict[str, object]:
        return {"steps": self._steps, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        steps, network = state["steps"], state["network"]
        assert isinstance(steps, int)
        assert isinstance(network, dict)
        self._steps = steps
        self.network.load_state_dict(network)


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()
