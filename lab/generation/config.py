"""The generation study's config. Imports no torch, so that a mistake is answered at once."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from lab.config import Component, Count, NotNegative, Optimizer, Positive, config
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
    NAME_PARTS: ClassVar = {
        "loss._target_": ("{}", "Hinge"),
        "generator._target_": ("{}", "ConvGenerator"),
        "generator.width": ("G{}", 32),
        "generator.widths": ("G{}", [128, 256, 512, 1024]),
        "discriminator.width": ("D{}", 32),
        "discriminator.widths": ("D{}", [512, 256]),
        "discriminator.dropout": ("dropout{}", 0.0),
        "optimizer.lr": ("lr{}", 4e-4),
        "discriminator._target_": ("D{}", "ConvDiscriminator"),
        "optimizer._target_": ("{}", "Adam"),
        "gradient_penalty": ("gp{}", 0.0),
        "discriminator_lr": ("Dlr{}", 8e-4),
        "ema": ("ema{}", 0.999),
        "lr_schedule": ("{}", "soft_cosine"),
        "max_steps": ("steps{}", 6000),
        "batch_size": ("b{}", 64),
        "conditional": ("conditional", False),
        "precision": ("{}", "fp32"),
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
