"""The classes that a conditional run asks its generator for, and tells its discriminator."""

import inspect
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lab.config import trust
from lab.config.components import build
from lab.config.errors import UserError
from lab.config.wording import listed
from lab.generation.config import GanConfig
from lab.images.base import Shape
from lab.images.datasets import Images

# Images of the sheet of a run that is not conditional.
GRID = 25
# Of a conditional run: a row for each of the first so many classes.
ROWS, COLUMNS = 30, 10


def given(x: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
    """The arguments of a player: its input alone, or with the classes.

    Args:
        x: z or images, [k B, ...].
        labels: of each B of them, int64 [B] or float [B, K]; None in a run that is not conditional.
    """
    if labels is None:
        return (x,)
    return x, torch.cat([labels] * (len(x) // len(labels)))


def latent_size(generator: nn.Module) -> int:
    """The length of a generator's z."""
    size = generator.latent
    assert isinstance(size, int)
    return size


class Inputs(NamedTuple):
    """What a generator makes images of.

    Args:
        z: [N, latent].
        labels: the class of each, int64 [N], or shares of the classes, float [N, K]; None where a
            run asks for none.
    """

    z: Tensor
    labels: Tensor | None


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked for: the classes of the training images, as often as they are there.

    Args:
        labels: of the training images, int64 [N], on the device of the players.
        names: of the classes.
    """

    labels: Tensor
    names: tuple[str, ...]


@dataclass(frozen=True)
class Prior:
    """Where a generator's inputs are drawn from.

    Args:
        latent: length of z, which is standard normal.
        asked: the classes; None in a run that is not conditional.
        device: of what is drawn.
    """

    latent: int
    asked: Asked | None
    device: str

    def z(self, count: int, random: torch.Generator) -> Tensor:
        """[count, latent]; `random` is on the CPU."""
        return torch.randn(count, self.latent, generator=random).to(self.device)

    def labels_of(self, chosen: Tensor) -> Tensor | None:
        """The classes of these training images, int64 [B], where a run asks for classes."""
        return self.asked.labels[chosen] if self.asked else None

    def draw(self, count: int, random: torch.Generator) -> Inputs:
        """z, and classes with their shares in the training images."""
        z = self.z(count, random)
        if not self.asked:
            return Inputs(z, None)
        chosen = torch.randint(len(self.asked.labels), (count,), generator=random)
        return Inputs(z, self.asked.labels[chosen.to(self.device)])

    def of_sheet(self, random: torch.Generator) -> Inputs:
        """The inputs of a run's pictures: GRID of them, or the same z in a row for each class."""
        if not self.asked:
            return Inputs(self.z(GRID, random), None)
        rows = min(len(self.asked.names), ROWS)
        labels = torch.arange(rows, device=self.device).repeat_interleave(COLUMNS)
        return Inputs(self.z(COLUMNS, random).repeat(rows, 1), labels)


def classes_to_ask_for(config: GanConfig, train: Images, device: str) -> Asked | None:
    """None in a run that is not conditional.

    Raises:
        UserError: the run is conditional, and its images have no labels of several classes.
    """
    if not config.conditional:
        return None
    if train.labels is None or len(train.classes) < 2:
        raise UserError(
            f"conditional=true: data={train.name} has no labels of several classes to ask for"
        )
    return Asked(train.labels.to(device), train.classes)


def label_of(name: str, classes: tuple[str, ...]) -> int:
    """The label of a class that a finished run is asked for.

    Raises:
        UserError: the run is not conditional, or has no such class.
    """
    if not classes:
        raise UserError(
            "this run cannot be asked for a class: it was not trained with conditional=true"
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
        component: its class and arguments.
        image_shape: C, H, W.
        classes: of a conditional run, else 0.

    Raises:
        UserError: there is no such class, it refuses an argument, or it takes no classes in a
            conditional run.
    """
    arguments: dict[str, Any] = {"image_shape": image_shape}
    if classes:
        parameters = inspect.signature(trust.load(component["_target_"], None, player)).parameters
        if "classes" not in parameters:
            raise UserError(
                f"conditional=true: {player} {component['_target_']} cannot be told a class: "
                "its constructor has no argument `classes`"
            )
        arguments["classes"] = classes
    network: nn.Module = build(player, component, **arguments)
    return network
