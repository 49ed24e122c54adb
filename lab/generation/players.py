"""Generator and discriminator: their inputs, how they are built, tried and opened again."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lab.config import trust
from lab.config.components import build
from lab.config.errors import UserError
from lab.config.wording import listed
from lab.engine import study
from lab.engine.optimizers import build_optimizer
from lab.engine.run_folder import RunFolder, weight_bytes
from lab.generation.config import GanConfig
from lab.generation.losses import Loss
from lab.generation.weights import EMA
from lab.images.base import Shape
from lab.images.config import ImageConfig
from lab.images.datasets import Data
from lab.images.published import SIDE
from lab.runs.finding import finished_config

# The number of images on the sheet of a run that is not conditional.
GRID = 25
# The sheet of a conditional run has a row for each of the first ROWS classes.
ROWS, COLUMNS = 30, 10
# The number of images on which the components are tried.
IMAGES = 2


def network_args(x: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
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
        indices = torch.randint(len(self.asked.labels), (count,), generator=random)
        return Inputs(z, self.asked.labels[indices.to(self.device)])

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
    """Return the label of a class's name."""
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


@torch.no_grad()
def rehearse(config: GanConfig, image_shape: Shape) -> None:
    """Build each component and try it on two images.

    Without this, errors would show after a classifier was trained, or at the end of the run. The
    random streams are as before afterwards.

    Args:
        config: the run's config.
        image_shape: C, H, W.
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
        fake = sampled.eval()(*network_args(torch.randn(IMAGES, latent_size(generator)), labels))
        _expect(config, "generator", fake, real.shape, "images")
        logits = [discriminator.eval()(*network_args(images, labels)) for images in (real, fake)]
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


def open_run(folder: RunFolder) -> tuple[nn.Module, ImageConfig]:
    """Return the trained generator, on the CPU, and the config of a finished run.

    The run may be of another study, whose `load_network` returns a generator as
    `lab.generation.networks` describes it.
    """
    config = finished_config(folder, ImageConfig, "generation")
    generator = study.load_network(config, folder.load_weights(), folder.result or {})
    if not isinstance(getattr(generator, "latent", None), int):
        raise UserError(f"{folder.path}: the networks of task={config.task} take no z")
    return generator, config


def load_generator(
    component: dict[str, Any], weights: dict[str, Tensor], result: Mapping[str, Any]
) -> nn.Module:
    """Build the generator of a finished run, in evaluation mode on the CPU.

    Args:
        component: the config's `generator`.
        weights: the tensors of the run's model.safetensors, by name.
        result: the run's result, which gives the shape of the images and the classes. Early
            versions wrote no shape; their images were MNIST's.
    """
    channels, height, width = result.get("image_shape", (1, SIDE, SIDE))
    shape = channels, height, width
    classes = len(result.get("class_names", ()))
    generator = build_player("generator", component, shape, classes)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:  # names or shapes differ
        raise UserError(f"the weights do not fit {component['_target_']}") from error
    return generator.eval()
