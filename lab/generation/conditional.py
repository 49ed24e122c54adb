"""The inputs of generator and discriminator, with classes in a conditional run."""

import inspect
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lab.config import trust
from lab.config.components import build
from lab.config.errors import UserError
from lab.config.wording import listed
from lab.images.base import Shape
from lab.images.datasets import Data

# The number of images on the sheet of a run that is not conditional.
GRID = 25
# The sheet of a conditional run has a row for each of the first ROWS classes.
ROWS, COLUMNS = 30, 10


def given(x: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
    """Return the arguments of a player: x alone, or x and the classes.

    Args:
        x: z or images, [k B, ...], k times a batch.
        labels: the classes of a batch, int64 [B] or float [B, K]; None if not conditional.
    """
    if labels is None:
        return (x,)
    return x, torch.cat([labels] * (len(x) // len(labels)))


def latent_size(generator: nn.Module) -> int:
    """The length of a generator's z."""
    size = getattr(generator, "latent", None)
    if not isinstance(size, int):
        raise UserError(
            f"generator {type(generator).__name__} has no attribute `latent`, the length of its z"
        )
    return size


class Inputs(NamedTuple):
    """The inputs of a generator.

    Args:
        z: [N, latent].
        labels: the class of each, int64 [N], or shares of the classes, float [N, K]; None in a run
            that is not conditional.
    """

    z: Tensor
    labels: Tensor | None


@dataclass(frozen=True, eq=False)
class Asked:
    """The classes that a generator is asked for.

    Args:
        labels: the labels of the training images, int64 [N], on the device of the players.
        names: the names of the classes.
    """

    labels: Tensor
    names: tuple[str, ...]


@dataclass(frozen=True)
class Prior:
    """The distribution of a generator's inputs.

    Args:
        latent: the length of z, which is standard normal.
        asked: the classes; None in a run that is not conditional.
        device: the device of the tensors that are drawn.
    """

    latent: int
    asked: Asked | None
    device: str

    def z(self, count: int, random: torch.Generator) -> Tensor:
        """Draw z [count, latent]; `random` is on the CPU."""
        return torch.randn(count, self.latent, generator=random).to(self.device)

    def labels_of(self, chosen: Tensor) -> Tensor | None:
        """The classes int64 [B] of training images with these indices; None if not conditional."""
        return self.asked.labels[chosen] if self.asked else None

    def draw(self, count: int, random: torch.Generator) -> Inputs:
        """Draw z, and classes as frequently as they occur in the training images."""
        z = self.z(count, random)
        if not self.asked:
            return Inputs(z, None)
        chosen = torch.randint(len(self.asked.labels), (count,), generator=random)
        return Inputs(z, self.asked.labels[chosen.to(self.device)])

    def of_sheet(self, random: torch.Generator) -> Inputs:
        """Draw the inputs of a run's pictures: GRID, or a row of the same z for each class."""
        if not self.asked:
            return Inputs(self.z(GRID, random), None)
        rows = min(len(self.asked.names), ROWS)
        labels = torch.arange(rows, device=self.device).repeat_interleave(COLUMNS)
        return Inputs(self.z(COLUMNS, random).repeat(rows, 1), labels)


def classes_to_ask_for(conditional: bool, data: Data, device: str) -> Asked | None:
    """Return the classes that a run asks for; None in a run that is not conditional."""
    if not conditional:
        return None
    train = data.train
    if train.labels is None or len(train.classes) < 2:
        raise UserError(
            f"conditional=true needs labels of several classes, which data={train.name} has not"
        )
    if data.test.labels is None:
        raise UserError(
            "conditional=true needs labels of the test images too, because the evaluations show D "
            f"each image with its class; data={train.name} has none"
        )
    return Asked(train.labels.to(device), train.classes)


def label_of(name: str, classes: tuple[str, ...]) -> int:
    """Return the label of a class's name.

    Raises:
        UserError: there are no classes, because the run is not conditional, or not this one.
    """
    if not classes:
        raise UserError(
            "this run cannot be asked for a class, because it was not trained with conditional=true"
        )
    if name not in classes:
        raise UserError(f"there is no class {name} among {listed(classes)}")
    return classes.index(name)


def build_player(
    player: str, component: dict[str, Any], image_shape: Shape, classes: int
) -> nn.Module:
    """Build a generator or a discriminator.

    Args:
        player: `generator` or `discriminator`.
        component: its Python class and arguments.
        image_shape: C, H, W.
        classes: the number of classes of a conditional run, else 0.

    Raises:
        UserError: the Python class does not exist or refuses an argument, or the run is conditional
            and it takes no classes.
    """
    arguments: dict[str, Any] = {"image_shape": image_shape}
    if classes:
        parameters = inspect.signature(trust.load(component["_target_"], None, player)).parameters
        if "classes" not in parameters:
            raise UserError(
                f"conditional=true: {player} {component['_target_']} cannot be asked for a class: "
                "its constructor has no argument `classes`"
            )
        arguments["classes"] = classes
    network: nn.Module = build(player, component, **arguments)
    return network
