"""The generation study's config. Imports no torch, so that a mistake is answered at once."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from lab.config import Component, Count, NotNegative, Optimizer, Positive, config
from lab.config.naming import unless
from lab.images.config import ImageConfig

Decay = Annotated[float, Field(ge=0, lt=1)]
Samples = Annotated[int, Field(ge=10)]


@config
class MakerConfig(ImageConfig):
    """Keys of every study that trains a network to make images."""

    optimizer: Optimizer
    batch_size: Annotated[int, Field(ge=2)]
    lr_schedule: Literal["constant", "cosine", "soft_cosine"]
    precision: Literal["auto", "fp32", "bf16"]
    sample_every: Count
    log_every: Count
    eval_every: Count
    eval_samples: Samples
    final_samples: Samples
    conditional: bool = False


@config
class GanConfig(MakerConfig):
    """Keys of `task=gan`; conf/task/gan.yaml says what each means."""

    generator: Component
    discriminator: Component
    loss: Component
    discriminator_lr: Positive | None
    epochs: Count
    gradient_penalty: NotNegative
    ema: Decay | None
    keep_best: bool = False

    STUDY: ClassVar[str] = "lab.generation.study"
    IN_LABEL: ClassVar = ("loss", "generator")
    TELLING: ClassVar = {
        "loss._target_": unless("Hinge", "{}"),
        "generator._target_": unless("ConvGenerator", "{}"),
        "generator.width": unless(32, "G{}"),
        "generator.widths": unless([128, 256, 512, 1024], "G{}"),
        "discriminator.width": unless(32, "D{}"),
        "discriminator.widths": unless([512, 256], "D{}"),
        "discriminator.dropout": unless(0.0, "dropout{}"),
        "optimizer.lr": unless(4e-4, "lr{}"),
        "discriminator._target_": unless("ConvDiscriminator", "D{}"),
        "optimizer._target_": unless("Adam", "{}"),
        "gradient_penalty": unless(0.0, "gp{}"),
        "discriminator_lr": unless(8e-4, "Dlr{}"),
        "ema": unless(0.999, "ema{}"),
        "lr_schedule": unless("soft_cosine", "{}"),
        "max_steps": unless(6000, "steps{}"),
        "batch_size": unless(64, "b{}"),
        "conditional": unless(False, "conditional"),
        "precision": unless("fp32", "{}"),
    }

    @property
    def label(self) -> str:
        """The loss and the generator, as curves are named: `hinge, MLPGenerator`."""
        names = (self.loss["_target_"], self.generator["_target_"])
        return ", ".join(str(name).rpartition(".")[2] for name in names)

    @property
    def title(self) -> str:
        """The loss and the generator, as titles say it: `hinge loss, MLP generator`."""
        return in_words(self.label)

    @property
    def subject(self) -> str:
        return f"gan-{self.data['name']}"


def in_words(label: str) -> str:
    """A label as a reader would say it: `hinge loss, MLP generator`."""
    loss, generator = label.split(", ")
    return f"{'-'.join(_words(loss))} loss, {' '.join(_words(generator))}"


def _words(name: str) -> list[str]:
    """The words of a class's name: `MLPGenerator` becomes MLP and generator."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return [word if word.isupper() else word.lower() for word in words]


def class_names(result: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of the classes that a finished run can be asked for; none if not conditional."""
    return tuple((result or {}).get("class_names", ()))
